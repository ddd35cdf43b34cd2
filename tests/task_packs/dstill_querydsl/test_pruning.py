"""Wide mappings in prompts: what is omitted, the notice about it, and that fields of golds are kept."""

import json
import logging
import random
from itertools import islice

import pytest
from support.sizes import first_quick

from dstill.api.checking import find_problems
from dstill.api.protocols import Synthesis
from dstill.api.records import Draft, Example
from dstill.api.values import Values
from dstill_querydsl.bundle.indices import bundled
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.mapping.uses import uses
from dstill_querydsl.language.strict import read
from dstill_querydsl.language.variants import rename, vary
from dstill_querydsl.pack import QueryDsl
from dstill_querydsl.prompting.pruning import Pruner
from dstill_querydsl.settings import Settings

# Distractors: names as real schemas have them, many of whose words occur in questions too.
_AREAS = (
    "process", "dns", "tls", "container", "cloud", "file", "registry", "threat", "agent", "network", "observer",
    "email", "faas", "device", "destination", "client", "server", "orchestrator", "package", "rule", "trace", "vlan",
)  # fmt: skip
_PARTS = ("response", "request", "hash", "parent", "code_signature", "geo", "os", "session", "question", "answers")
_NAMES = (
    ("name", "keyword"), ("status", "keyword"), ("bytes", "long"), ("duration", "long"), ("path", "keyword"),
    ("ip", "ip"), ("code", "keyword"), ("count", "long"), ("version", "version"), ("size", "long"),
)  # fmt: skip


def _widened(mapping, count: int):
    """`mapping` among `count` fields that it does not need, in an order that tells nothing."""
    combined = [(area, part, name) for area in _AREAS for part in _PARTS for name in _NAMES]
    properties: dict = {}
    for area, part, (name, type_) in random.Random(7).sample(combined, count):
        inner = properties.setdefault(area, {"properties": {}})["properties"]
        inner.setdefault(part, {"properties": {}})["properties"][name] = {"type": type_}
    return {**mapping, "properties": {**properties, **mapping["properties"]}}


WIDE = _widened(bundled("weblogs").mapping, 900)


def _values() -> Values:
    """What all fields hold: of distractors words of their own area, or a range."""
    held = {
        field.name: [f"{field.name.split('.')[0]}-{n}" for n in range(4)]
        if field.family == "keyword"
        else {"min": 0, "max": 900}
        for field in Fields.of(WIDE)
        if field.family in ("keyword", "number")
    }
    return Values.read(held | bundled("weblogs").values.to_json())


def _fields_of(answer: str) -> set[str]:
    return {use.name for use in uses(read(answer).value or {}) if not use.name.startswith("_")}


@pytest.fixture(scope="module")
def questions() -> list[Example]:
    made = Synthesis.of(QueryDsl(Settings(documents=1_000))).synthesize({"index": "weblogs"}, 150, seed=11)
    return [example for example in made if example.context.keys() == {"index"}]  # some are about a variant


def _recall(questions: list[Example], values: Values, limit: int) -> float:
    pruner, needed, there = Pruner(WIDE, values), 0, 0
    for example in questions:
        shown = Fields.of(pruner.prune(example.question, limit).mapping)
        wanted = _fields_of(example.answer or "")
        needed, there = needed + len(wanted), there + sum(shown.get(name) is not None for name in wanted)
    print(f"{limit} of {len(Fields.of(WIDE).names)} fields, values {bool(values)}: recall {there / needed:.3f}")
    return there / needed


@pytest.mark.slow
def test_keeps_fields_of_golds(questions: list[Example]) -> None:
    """Distractors that share the questions' words, the hard case; a figure may rise."""
    assert _recall(questions, _values(), 120) >= 0.91
    assert _recall(questions, Values(), 120) >= 0.83


@pytest.mark.slow
@pytest.mark.parametrize("name", first_quick(["weblogs", "quakes"]))
def test_keeps_fields_of_golds_in_schema_variants(name: str) -> None:
    """Renamed, moved, and among 200 to 900 further fields."""
    asked = [
        (example.question, read(example.answer or "").value or {})
        for example in Synthesis.of(QueryDsl(Settings(documents=1_000))).synthesize({"index": name}, 30, seed=5)
        if "variant" not in example.context
    ]
    variants = (vary(bundled(name, 300), seed=seed) for seed in range(20))
    wide = list(islice((one for one in variants if one.distractors), 4))
    needed = there = 0
    for variant in wide:
        pruner = Pruner(variant.index.mapping, variant.index.values)
        for question, gold in asked:
            wanted = _fields_of(json.dumps(rename(gold, variant.names)))
            shown = Fields.of(pruner.prune(question, 120).mapping)
            needed, there = needed + len(wanted), there + sum(shown.get(field) is not None for field in wanted)
    print(
        f"{name}: {len(wide)} variants of up to {max(one.distractors for one in wide)} distractors, {there} of {needed}"
    )
    assert needed > 100
    assert there / needed >= 0.94


def test_order_of_equally_relevant_fields() -> None:
    repeated = {
        f"{place}_{part}_created": {"type": "date"} for place in ("kiln", "loom", "silo") for part in "abcdefgh"
    }
    mapping = {"properties": {**repeated, "logged": {"type": "date"}}}
    assert "logged" in Pruner(mapping, Values()).prune("anything", 8).mapping["properties"]
    mapping = {"properties": {f"f{n}": {"type": "keyword"} for n in range(50)}}
    values = Values.read({f"f{n}": ["x"] for n in (49, 3, 30)})
    shown = Pruner(mapping, values, ranked=True).prune("anything", 2).mapping
    assert set(shown["properties"]) == {"f49", "f3"}
    mapping = {"properties": {f"d{n}": {"type": "date"} for n in range(40)}}
    values = Values.read({f"d{n}": {"min": f"{1980 + n}-01-01", "max": f"{1980 + n}-12-31"} for n in range(40)})
    assert "d37" in Pruner(mapping, values).prune("those of March 2017", 5).mapping["properties"]
    mapping = {"properties": {**{f"d{n}": {"type": "date"} for n in range(300)}, "took": {"type": "long"}}}
    assert "took" in Pruner(mapping, Values()).prune("which took long", 20).mapping["properties"]


def test_shows_narrow_mapping_unchanged() -> None:
    mapping = bundled("weblogs").mapping
    pruned = Pruner(mapping, Values()).prune("anything", 120)
    assert pruned.mapping is mapping
    assert pruned.notice == ""


def test_always_shows_dates_and_kept_fields() -> None:
    pruned = Pruner(WIDE, Values()).prune("zzz", 10, keep={"x-cache", "url.path.raw", "no.such"})
    shown = Fields.of(pruned.mapping)
    assert {"@timestamp", "x-cache", "url.path", "url.path.raw"} <= set(shown.names)
    assert (pruned.shown, pruned.total) == (10, 919)
    assert pruned.notice == "10 of 919 fields shown, those nearest to the question"


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("orders shipped to Ghent", "addr.town"),  # a value
        ("the deliveries", "misc.delivery"),  # a plural
        ("what did the costumers by?", "misc.customerId"),  # a typing error, in a name of two words
        ("everything opaque", "misc.q7"),  # its description
        ("slow ones", "misc.elapsedTime"),  # what schemas call it
        ("shops within 3 km", "misc.pos"),  # a kind of field
        ("those made at runtime", "atRuntime"),
        ("magnitude above 5", "misc.MAG"),  # a short form
    ],
)
def test_finds_field_named_in_question(question: str, name: str) -> None:
    own = {
        "delivery": {"type": "keyword"},
        "customerId": {"type": "keyword"},
        "q7": {"type": "keyword", "meta": {"description": "opacity of the glass, opaque or clear"}},
        "elapsedTime": {"type": "long"},
        "pos": {"type": "geo_point"},
        "MAG": {"type": "float"},
    }
    mapping = {
        "properties": {
            **{f"field{n}": {"type": "keyword"} for n in range(200)},
            "addr": {"type": "nested", "properties": {"town": {"type": "keyword"}}},
            "misc": {"properties": own},
        },
        "runtime": {"atRuntime": {"type": "long"}},
    }
    pruner = Pruner(mapping, Values.read({"addr.town": ["Ghent", "Mons"]}))
    assert Fields.of(pruner.prune(question, 5).mapping).get(name) is not None


def test_same_question_gives_same_fields() -> None:
    one, other = (Pruner(WIDE, _values()).prune("slow requests by host", 60).mapping for _ in range(2))
    assert one == other


# --- in prompts -----------------------------------------------------------------------------

OWN = Example(id="1", question="slow requests on web-03", context={"index": "wide", "mapping": WIDE})


def test_prompt_says_how_many_fields_are_shown_and_user_is_warned_once(caplog) -> None:
    task = QueryDsl(Settings(student_context="mapping"))
    shot = Example(id="2", question="by cache", answer='{"query":{"term":{"x-cache":"HIT"}}}')
    with caplog.at_level(logging.WARNING, logger="dstill"):
        for _ in range(2):
            asked = task.prompt(OWN, [shot]).messages[-1].content
            read_by_student = task.model_input(OWN)
    notice = "120 of 919 fields shown, those nearest to the question"
    assert f"Mapping. {notice}. The block holds data" in asked
    assert '"x-cache"' in asked  # the shot's
    assert f"\nfields ({notice}): " in read_by_student
    assert [record.getMessage() for record in caplog.records] == [
        f"the mapping of wide is wide: {notice}, in every prompt (task.querydsl.prompt_fields is the limit)"
    ]


def test_limit_comes_from_config() -> None:
    asked = QueryDsl(Settings(prompt_fields=10)).prompt(OWN, []).messages[-1].content
    assert "10 of 919 fields shown" in asked


def test_checks_use_whole_mapping() -> None:
    task = QueryDsl(Settings(prompt_fields=10))
    shown = Fields.of(Pruner(WIDE, Values()).prune(OWN.question, 10).mapping)
    name = next(field.name for field in Fields.of(WIDE) if field.type == "keyword" and shown.get(field.name) is None)
    assert not list(find_problems(task, OWN, Draft(answer=json.dumps({"query": {"term": {name: "x"}}}))))
