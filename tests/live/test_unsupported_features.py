"""Whether the list of features that the embedded engine lacks is complete, as far as one tricky index shows.

Every body either uses a declared unsupported feature or gives the result that a real node gives. Words are
compared apart: each analyzer that is not declared gives the real one's tokens.
"""

from __future__ import annotations

import json
import random
import secrets
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from dstill.api.engine import Engine
from dstill.api.records import OutcomeKind
from dstill_querydsl.engines import EmbeddedEngine, HttpEngine
from dstill_querydsl.engines.parity_guard import search_if_supported
from dstill_querydsl.engines.result_extraction import observe
from dstill_querydsl.engines.unsupported_features import UnsupportedFeatures, note_large_numbers
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.mapping import check
from dstill_querydsl.language.results import compare

pytestmark = pytest.mark.live

INDEX = f"dstill-unsupported-{secrets.token_hex(4)}"
SETTINGS = {"analysis": {"normalizer": {"low": {"type": "custom", "filter": ["lowercase", "asciifolding"]}}}}
MAPPING: dict[str, Any] = {
    "properties": {
        "name": {"type": "keyword", "normalizer": "low"},
        "called": {"type": "alias", "path": "name"},
        "code": {"type": "keyword", "ignore_above": 6},
        "title": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "id": {"type": "long", "copy_to": "numbers", "fields": {"text": {"type": "keyword"}}},
        "numbers": {"type": "long"},
        "number": {"type": "alias", "path": "id"},
        "rank": {"type": "integer"},
        "ratio": {"type": "half_float"},
        "price": {"type": "scaled_float", "scaling_factor": 100},
        "at": {"type": "date", "format": "yyyy-MM-dd||epoch_millis"},
        "nano": {"type": "date_nanos"},
        "client": {"type": "ip"},
        "ok": {"type": "boolean"},
        "span": {"type": "integer_range"},
        "flat": {"type": "object"},
        "place": {"type": "geo_point"},
        "steps": {"type": "nested", "properties": {"name": {"type": "keyword"}, "ms": {"type": "integer"}}},
    }
}
NAMES = ("Ada", "ada", "ADA", "Böb", "bob", "Zoe")


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for n in range(24):
        yield (
            f"d{n:02}",
            {
                "name": NAMES[n % 6] if n % 5 else [NAMES[n % 6], "Eve"],
                "code": ("abc", "a long code", "Abd")[n % 3],
                "title": ("Red Fox runs", "the red foxes", "blue whale", "a Fox and a whale")[n % 4],
                "id": 2**53 + n if n % 2 else n,
                "rank": [n, n + 3] if n % 3 else n,
                "ratio": n / 7,
                "price": n * 1.005,
                **({"at": f"2025-02-{1 + n:02}"} if n % 4 else {"at": 1_738_368_000_000 + n}),
                "nano": f"2025-02-{1 + n:02}T10:00:00.00000000{n % 10}Z",
                "place": {"lat": n % 5, "lon": 10 + n},
                "client": (f"192.0.2.{n * 9}", f"2001:db8::{n:x}")[n % 2],
                **({"ok": n % 2 == 0} if n % 6 else {"ok": None}),
                "span": {"gte": n, "lt": n + 5},
                "flat": {"a": n % 3, "b": {"c": str(n % 2)}},
                "steps": [{"name": "read", "ms": n}, {"name": "write", "ms": 24 - n}][: n % 3],
            },
        )


def _aggregation(kind: str, **options: Any) -> dict[str, Any]:
    return {"size": 0, "aggs": {"a": {kind: options}}}


def _query(kind: str, **options: Any) -> dict[str, Any]:
    return {"query": {kind: options}, "size": 50, "sort": ["rank", "_doc"]}


def _box(top_left: str, bottom_right: str) -> dict[str, Any]:
    return {
        "query": {"geo_bounding_box": {"place": {"top_left": top_left, "bottom_right": bottom_right}}},
        "sort": ["rank"],
    }


BODIES: dict[str, dict[str, Any]] = {
    **{f"{field} term": _query("term", **{field: value}) for field, value in {
        "name": "ADA", "called": "bob", "code": "a long code", "id": 2**53 + 3, "number": 4, "numbers": 4,
        "id.text": "4", "rank": 4, "price": 1.0, "ok": True, "client": "192.0.2.0/25", "span": 7, "flat.a": 1,
        "flat.b.c": "1", "title": "fox", "title.raw": "blue whale", "at": "2025-02-03",
        "nano": "2025-02-03T10:00:00.000000002Z"}.items()},
    **{f"{field} terms": _aggregation("terms", field=field, size=50) for field in (
        "name", "called", "code", "id", "numbers", "rank", "price", "ok", "client", "title.raw", "at", "flat.a")},
    **{f"{field} sort": {"query": {"match_all": {}}, "sort": [{field: "desc"}], "size": 7} for field in (
        "name", "called", "code", "id", "number", "rank", "ratio", "price", "at", "nano", "client", "ok", "title.raw")},
    **{f"{field} collapse": {"query": {"match_all": {}}, "collapse": {"field": field}, "sort": ["rank"]} for field in (
        "name", "code", "title.raw")},
    **{f"{field} distinct": _aggregation("cardinality", field=field) for field in ("name", "code", "client", "ok")},
    **{f"{kind} name": _query(kind, name=value) for kind, value in {
        "prefix": "AD", "wildcard": "B?B", "regexp": "[ab].*", "fuzzy": "ade", "match": "ZOE",
        "match_phrase": "Eve"}.items()},
    **{f"{mode} of rank": {"query": {"match_all": {}}, "sort": [{"rank": {"order": "asc", "mode": mode}}], "size": 9}
       for mode in ("min", "max", "sum", "avg", "median")},
    "range name": _query("range", name={"gte": "B", "lt": "F"}),
    "range address": _query("range", client={"gte": "192.0.2.0", "lt": "192.0.2.100"}),
    "range span": _query("range", span={"gte": 3, "lte": 4, "relation": "within"}),
    "range nano": _query("range", nano={"gt": "2025-02-03T10:00:00.000000002Z", "lte": "2025-02-20"}),
    "range ratio": _query("range", ratio={"gt": 1.0, "lte": 2.0}),
    "exists code": _query("exists", field="code"),
    "exists ok": _query("exists", field="ok"),
    "exists flat": _query("exists", field="flat.b"),
    "missing ok": _aggregation("missing", field="ok"),
    "in a box": _box("3.3,12.1", "1.1,20.7"),
    "in a box without height": _box("3,12", "3,20"),
    "sum of ids": _aggregation("sum", field="id"),
    "sum of ratios": _aggregation("sum", field="ratio"),
    "stats of rank": _aggregation("stats", field="rank"),
    "histogram": _aggregation("histogram", field="price", interval=2.5),
    "by day": _aggregation("date_histogram", field="at", fixed_interval="3d", offset="+6h"),
    "by month, another zone": _aggregation(
        "date_histogram", field="nano", calendar_interval="month", time_zone="Asia/Tokyo"),
    "addresses": _aggregation("ip_range", field="client", ranges=[{"mask": "192.0.2.0/25"}, {"to": "192.0.2.50"}]),
    **{f"significant, {name}": {"query": {"term": {"ok": True}}, **_aggregation(
        "significant_terms", **{"field": "code", "min_doc_count": 1, **more})}
       for name, more in {"usual": {}, "chi square": {"chi_square": {}}, "of ranks": {"field": "rank"},
                          "one": {"size": 1}, "percentage": {"percentage": {}}, "gnd": {"gnd": {}}}.items()},
    "nested": {"query": {"nested": {"path": "steps", "query": {"range": {"steps.ms": {"gt": 20}}}}}, "size": 50},
    "nested sort": {"query": {"match_all": {}}, "size": 5,
                    "sort": [{"steps.ms": {"order": "desc", "nested": {"path": "steps"}, "mode": "sum"}}, "rank"]},
    "another analyzer": {"query": {"match": {"title": {"query": "foxes", "analyzer": "english"}}}},
    "a large number": _query("terms", rank=[2**53 + 1, 3]),
}  # fmt: skip


@pytest.fixture(scope="module")
def embedded() -> Iterator[HttpEngine]:
    with EmbeddedEngine() as engine:
        yield engine


@pytest.fixture(scope="module")
def real(opensearch_url: str) -> Iterator[HttpEngine]:
    with HttpEngine(Engine(url=opensearch_url), writable=True) as engine:
        yield engine


@pytest.fixture(scope="module")
def unsupported(embedded: HttpEngine, real: HttpEngine) -> UnsupportedFeatures:
    large: set[str] = set()
    embedded.index(INDEX, MAPPING, note_large_numbers(documents(), large), SETTINGS)
    real.index(INDEX, MAPPING, documents(), SETTINGS)
    return UnsupportedFeatures.of(MAPPING, SETTINGS, large)


@pytest.mark.parametrize("name", BODIES)
def test_body_is_declared_unsupported_or_has_real_result(
    embedded: HttpEngine, real: HttpEngine, unsupported: UnsupportedFeatures, name: str
) -> None:
    ours = search_if_supported(unsupported, lambda one: embedded.search(INDEX, one), BODIES[name])
    theirs = observe(lambda one: real.search(INDEX, one), BODIES[name])
    if ours.kind is OutcomeKind.UNSUPPORTED:
        return
    assert ours.kind is theirs.kind, (ours.reason, theirs.reason)
    if theirs.kind is OutcomeKind.OK:
        assert compare.same(ours.value, theirs.value, relevance="set"), (ours.value, theirs.value)


def test_declares_few_bodies_unsupported(embedded: HttpEngine, unsupported: UnsupportedFeatures) -> None:
    """Most bodies run: the list of unsupported features is short."""
    kinds = Counter(
        search_if_supported(unsupported, lambda one: embedded.search(INDEX, one), body).kind.value
        for body in BODIES.values()
    )
    print(dict(kinds))
    assert kinds["ok"] >= 0.6 * kinds.total()


# --- types of fields --------------------------------------------------------------------

TYPES: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "integer_range": ({}, [{"gte": 1, "lte": 5}, {"gt": 5, "lt": 9}]),
    "date_range": ({}, [{"gte": "2025-01-01", "lte": "2025-01-05"}, {"gte": "2025-02-01"}]),
    "ip_range": ({}, ["192.0.2.0/24", {"gte": "198.51.100.1", "lte": "198.51.100.9"}]),
    "double_range": ({}, [{"gte": 1.5, "lte": 5}, {"gte": 3}]),
    "geo_shape": ({}, ["POINT (2 1)", {"type": "point", "coordinates": [4, 3]}]),
    "geo_point": ({}, [{"lat": 1, "lon": 2}, "3,4"]),
    "version": ({}, ["1.10.0", "1.9.0"]),
    "unsigned_long": ({}, [5, 2**63 + 5]),
    "constant_keyword": ({"value": "k"}, ["k", "k"]),
    "match_only_text": ({}, ["red fox", "blue fox"]),
    "search_as_you_type": ({}, ["red fox", "blue fox"]),
    "token_count": ({"analyzer": "standard"}, ["red fox", "blue"]),
    "scaled_float": ({"scaling_factor": 10}, [1.26, 2.04]),
    "half_float": ({}, [0.1, 0.7]),
    "float": ({}, [0.1, 16777217]),
    "short": ({}, [1, 2]),
    "integer": ({}, ["5", 7.9]),
    "date": ({}, ["2025-01-01", "2025-01-02T10:00:00Z"]),
    "date_nanos": ({}, ["2025-01-01T00:00:00.123456789Z", "2025-01-01"]),
    "boolean": ({}, ["true", False]),
    "ip": ({}, ["192.0.2.1", "::1"]),
    "keyword": ({"null_value": "none"}, [None, "b"]),
    "binary": ({}, ["aGk=", "aG8="]),
    "rank_feature": ({}, [1.5, 2.5]),
}


def queries_for(value: Any) -> Iterator[dict[str, Any]]:
    """Queries on a field `f` that holds `value`, whether they make sense or not."""
    yield {"query": {"exists": {"field": "f"}}}
    if not isinstance(value, (dict, list)) and value is not None:
        for query in ("term", "match", "prefix"):
            yield {"query": {query: {"f": value}}}
        yield {"query": {"range": {"f": {"gte": value}}}}
    yield {"query": {"term": {"f": 3}}}
    yield {"query": {"wildcard": {"f": "*o*"}}}
    yield {"query": {"match_all": {}}, "sort": [{"f": "desc"}]}
    for kind in ("terms", "cardinality", "value_count", "min", "avg"):
        yield _aggregation(kind, field="f")
    for key in ("docvalue_fields", "fields"):
        yield {"query": {"match_all": {}}, key: ["f"], "_source": False}


@pytest.mark.parametrize("type", TYPES)
def test_field_type_behaves_as_on_real_engine(embedded: HttpEngine, real: HttpEngine, type: str) -> None:
    """… or a body that shows a difference is declared, or the mapping check refuses it before it runs."""
    options, values = TYPES[type]
    mapping = {"properties": {"f": {"type": type, **options}}}
    index = f"{INDEX}-{type}"
    for engine in (embedded, real):
        engine.index(index, mapping, [(str(n), {"f": value}) for n, value in enumerate(values)])
    unsupported, fields, checked = UnsupportedFeatures.of(mapping, {}), Fields.of(mapping), Counter[str]()
    for body in queries_for(values[0]):
        if any(problem.is_error for problem in check.check(body, fields)):
            checked["refused by the mapping check"] += 1
            continue
        ours = search_if_supported(unsupported, lambda one: embedded.search(index, one), body)
        if ours.kind is OutcomeKind.UNSUPPORTED:
            checked["declared"] += 1
            continue
        theirs = observe(lambda one: real.search(index, one), body)
        assert ours.kind is theirs.kind, (body, ours.reason, theirs.reason)
        if theirs.kind is OutcomeKind.OK:
            assert compare.same(ours.value, theirs.value, relevance="set"), (body, ours.value, theirs.value)
        checked["the same"] += 1
    print(type, dict(checked))
    assert checked["the same"] or checked["declared"] == checked.total() - checked["refused by the mapping check"]


# --- words ------------------------------------------------------------------------------

LETTERS = "etaoinshrdlucmfwygpbvk"
ENDINGS = (
    "ing",
    "ed",
    "er",
    "est",
    "ly",
    "ness",
    "ational",
    "fulness",
    "able",
    "ous",
    "ize",
    "s",
    "es",
    "ies",
    "en",
    "em",
    "ung",
    "heit",
    "isch",
    "ment",
    "euse",
    "ando",
    "mente",
    "ação",
    "ig",
)
ANALYZERS = (
    "standard",
    "simple",
    "whitespace",
    "stop",
    "keyword",
    "pattern",
    "fingerprint",
    "cjk",
    "german",
    "spanish",
    "italian",
    "portuguese",
    "dutch",
    "swedish",
    "norwegian",
    "hungarian",
    "irish",
    "turkish",
)


@pytest.mark.parametrize("analyzer", ANALYZERS)
def test_supported_analyzer_gives_real_tokens(embedded: HttpEngine, real: HttpEngine, analyzer: str) -> None:
    drawn = random.Random(5)
    made = ("".join(drawn.choices(LETTERS, k=drawn.randint(2, 7))) + drawn.choice(["", *ENDINGS]) for _ in range(600))
    text = "The quick Brown-Foxes' PowerShot500 l'avion d'été Straße naïve foo_bar@example.com 12.5 東京 " + " ".join(
        made
    )
    assert not UnsupportedFeatures.of({"properties": {"a": {"type": "text", "analyzer": analyzer}}}, {}).analyzed
    ours, theirs = (tokens(engine.settings.url, analyzer, text) for engine in (embedded, real))
    assert ours == theirs


def tokens(url: str, analyzer: str, text: str) -> list[tuple[str, int]]:
    body = json.dumps({"analyzer": analyzer, "text": text}).encode()
    request = urllib.request.Request(f"{url}/_analyze", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as reply:
        return [(token["token"], token["position"]) for token in json.load(reply)["tokens"]]
