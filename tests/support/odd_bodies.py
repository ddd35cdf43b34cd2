r"""Search bodies as a careless or hostile writer might write them, and an index with odd names to run them on.

    body_text(7)     '{"query":{"\u0074erm":{"a b":{"value":1e0,"value":"x"}}},"size":10} // done'

A body starts from templates that engines accept, or from the guard's own tables. A few of its places are then changed:
a name, a value, a key more, a level more, or a part that no body may have. At last it is printed, with escapes, forms
of numbers, duplicate keys, comments and text around it, some of which no parser should accept.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Self

from support.guarded import GeneratedBody
from support.hostile import HOSTILE

__all__ = ["DENIED", "DOCUMENTS", "ELSEWHERE", "MAPPING", "body_text"]

DENIED = "qzsecret"  # a field that no body may read, and how its values begin
ELSEWHERE = "qzelsewhere"  # how the values in another index begin
ODD_NAMES = (
    "a b", "ünï", "script", "index", "field", "fields", "size", "query", "value", 'say "hi"', "tab\tx", "c^2", "😀",
    "back\\slash", "a/b~c", "lookup", "boost", "must", "path", "{now}", "x:y", "a,b", "-k", "%7B",
)  # fmt: skip
PLAIN = ("k", "t", "n", "d", "at", "ip", "ok", "geo", "in.k", "in.n", "o.k", "rank", "t.raw")
MAPPING: dict[str, Any] = {
    "dynamic": False,
    "properties": {
        "k": {"type": "keyword"},
        "t": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "n": {"type": "long"},
        "d": {"type": "double"},
        "at": {"type": "date"},
        "ip": {"type": "ip"},
        "ok": {"type": "boolean"},
        "geo": {"type": "geo_point"},
        "in": {"type": "nested", "properties": {"k": {"type": "keyword"}, "n": {"type": "integer"}}},
        "o": {"properties": {"k": {"type": "keyword"}}},
        **{name: {"type": "keyword"} for name in ODD_NAMES},
        DENIED: {"type": "keyword", "copy_to": "copied"},
        "copied": {"type": "keyword"},
        "other": {"type": "alias", "path": DENIED},
    },
}
WORDS = ("red", "green", "blue", "disk", "full", "node")


def _documents() -> Iterator[dict[str, Any]]:
    drawn = random.Random(5)
    for n in range(2_000):
        yield {
            "k": f"k{n % 500}",
            "t": " ".join(drawn.choices(WORDS, k=6)),
            "n": n if n else 10**15,  # an outlier
            "d": [drawn.uniform(0, 100), drawn.uniform(0, 1e6)],
            "at": f"2024-{n % 12 + 1:02}-{n % 28 + 1:02}T{n % 24:02}:00:00Z" if n else "0001-01-01",
            "ip": f"192.0.2.{n % 256}",
            "ok": n % 3 == 0,
            "geo": {"lat": drawn.uniform(-80, 80), "lon": drawn.uniform(-170, 170)},
            "in": [{"k": f"i{n % 7}", "n": n % 100}, {"k": "i1", "n": 5}],
            "o": {"k": f"o{n % 11}"},
            **dict.fromkeys(ODD_NAMES, f"v{n % 13}"),
            DENIED: f"{DENIED}{n}",
        }


DOCUMENTS: tuple[dict[str, Any], ...] = tuple(_documents())

# --- templates that engines accept ------------------------------------------------------------

_QUERIES: tuple[dict[str, Any], ...] = (
    {"match_all": {}}, {"match_none": {}}, {"match": {"t": "red disk"}},
    {"match": {"t": {"query": "rad", "fuzziness": "AUTO", "operator": "and"}}}, {"match_phrase": {"t": "disk full"}},
    {"match_phrase_prefix": {"t": {"query": "disk fu", "max_expansions": 20}}}, {"match_bool_prefix": {"t": "disk fu"}},
    {"multi_match": {"query": "red", "fields": ["t^2", "k"]}}, {"combined_fields": {"query": "red", "fields": ["t"]}},
    {"multi_match": {"query": "red", "fields": ["c^2", "-k"], "type": "phrase"}},
    {"simple_query_string": {"query": "red + -blue | disk*", "fields": ["t"], "flags": "ALL"}},
    {"simple_query_string": {"query": "other:* _id:1 /a+/", "fields": ["t", "c^2"], "default_operator": "and"}},
    {"term": {"k": "k1"}}, {"term": {"k": {"value": "K1", "case_insensitive": True}}}, {"terms": {"k": ["k1", "k2"]}},
    {"terms_set": {"k": {"terms": ["k1"], "minimum_should_match_field": "n"}}}, {"range": {"n": {"gte": 5, "lt": 9}}},
    {"range": {"at": {"gte": "2024-01-01||/M", "lte": "now", "format": "strict_date_optional_time"}}},
    {"exists": {"field": "k"}}, {"prefix": {"k": "k1"}}, {"prefix": {"k": {"value": "k", "rewrite": "constant_score"}}},
    {"wildcard": {"k": "k1*"}}, {"wildcard": {"k": {"value": "k?1*", "case_insensitive": True}}},
    {"regexp": {"k": "k[0-9]{1,3}"}}, {"regexp": {"k": {"value": "k.+", "flags": "ALL",
    "max_determinized_states": 99}}},
    {"fuzzy": {"k": "k12"}}, {"fuzzy": {"k": {"value": "k12", "fuzziness": 2, "max_expansions": 20}}},
    {"ids": {"values": ["1", "2"]}}, {"distance_feature": {"field": "at", "origin": "now", "pivot": "7d"}},
    {"geo_distance": {"geo": {"lat": 1, "lon": 2}, "distance": "500km"}},
    {"geo_bounding_box": {"geo": {"top_left": {"lat": 40, "lon": -70}, "bottom_right": [9, 1]}}},
    {"intervals": {"t": {"match": {"query": "red blue", "max_gaps": 2, "filter": {"not_containing": {
        "match": {"query": "disk"}}}}}}},
    {"intervals": {"t": {"all_of": {"intervals": [{"prefix": {"prefix": "re"}}, {"wildcard": {"pattern": "d*k"}}]}}}},
    {"intervals": {"t": {"any_of": {"intervals": [{"fuzzy": {"term": "rad"}}, {"regexp": {"pattern": "re.*"}}]}}}},
    {"span_near": {"clauses": [{"span_term": {"t": "red"}}, {"span_term": {"t": {"value": "blue"}}}], "slop": 3}},
    {"span_first": {"match": {"span_term": {"t": "red"}}, "end": 3}},
    {"span_multi": {"match": {"prefix": {"t": "re"}}}},
    {"span_not": {"include": {"span_term": {"t": "red"}}, "exclude": {"span_term": {"t": "blue"}}}},
)  # fmt: skip
_METRICS: tuple[dict[str, Any], ...] = (
    {"avg": {"field": "n"}}, {"stats": {"field": "d", "missing": 0}}, {"value_count": {"field": "k"}},
    {"extended_stats": {"field": "n", "sigma": 3}}, {"cardinality": {"field": "k", "precision_threshold": 100}},
    {"percentiles": {"field": "d", "percents": [50, 99], "keyed": False}},
    {"percentiles": {"field": "d", "hdr": {"number_of_significant_value_digits": 2}}},
    {"percentile_ranks": {"field": "n", "values": [5, 10]}}, {"median_absolute_deviation": {"field": "n"}},
    {"weighted_avg": {"value": {"field": "n"}, "weight": {"field": "d"}}}, {"geo_bounds": {"field": "geo"}},
    {"top_hits": {"size": 2, "sort": ["n"], "_source": False, "fields": ["k"]}}, {"geo_centroid": {"field": "geo"}},
)  # fmt: skip
_BUCKETS: tuple[dict[str, Any], ...] = (
    {"terms": {"field": "k", "size": 20, "order": {"_count": "asc"}}}, {"terms": {"field": "ok"}},
    {"terms": {"field": "k", "include": "k1.*", "exclude": ["k10"], "min_doc_count": 2}},
    {"terms": {"field": "k", "include": {"partition": 0, "num_partitions": 4}, "collect_mode": "breadth_first"}},
    {"terms": {"field": "n", "missing": -1, "size": 500, "shard_size": 600}}, {"rare_terms": {"field": "k"}},
    {"multi_terms": {"terms": [{"field": "k"}, {"field": "ok"}]}}, {"significant_terms": {"field": "k", "jlh": {}}},
    {"histogram": {"field": "n", "interval": 50, "min_doc_count": 1}}, {"histogram": {"field": "d", "interval": 1000}},
    {"histogram": {"field": "n", "interval": 5, "hard_bounds": {"min": 0, "max": 900}, "offset": 2}},
    {"histogram": {"field": "n", "interval": 50}},
    {"histogram": {"field": "d", "interval": 5, "extended_bounds": {"min": 0, "max": 99}, "min_doc_count": 0}},
    {"date_histogram": {"field": "at", "calendar_interval": "month", "time_zone": "Asia/Tokyo"}},
    {"date_histogram": {"field": "at", "fixed_interval": "1h", "hard_bounds": {"min": "2024-01-01",
                                                                              "max": "2024-02-01"}}},
    {"date_histogram": {"field": "at", "fixed_interval": "6h", "missing": "2024-01-01"}},
    {"range": {"field": "n", "ranges": [{"to": 5}, {"from": 5, "key": "x"}]}}, {"missing": {"field": "k"}},
    {"date_range": {"field": "at", "ranges": [{"from": "now-1y", "to": "now"}], "format": "yyyy"}},
    {"ip_range": {"field": "ip", "ranges": [{"mask": "192.0.2.0/25"}]}}, {"nested": {"path": "in"}}, {"global": {}},
    {"ip_prefix": {"field": "ip", "prefix_length": 28}}, {"geotile_grid": {"field": "geo", "precision": 5}},
    {"geohash_grid": {"field": "geo", "precision": 3, "size": 50}}, {"sampler": {"shard_size": 50}},
    {"geo_distance": {"field": "geo", "origin": [1, 2], "unit": "km", "ranges": [{"to": 500}]}},
    {"composite": {"size": 50, "sources": [{"x": {"terms": {"field": "k", "order": "desc"}}}, {"y": {
        "histogram": {"field": "n", "interval": 10}}}]}},
    {"variable_width_histogram": {"field": "d", "buckets": 5}}, {"diversified_sampler": {"field": "k"}},
)  # fmt: skip
_HITS: tuple[dict[str, Any], ...] = (
    {}, {"size": 0}, {"size": 5, "from": 10}, {"sort": ["n", {"k": "desc"}], "size": 3},
    {"sort": [{"in.n": {"order": "asc", "mode": "max", "nested": {"path": "in", "filter": {"term": {"in.k": "i1"}}}}}]},
    {"sort": [{"_geo_distance": {"geo": [1, 2], "order": "asc", "unit": "km"}}]}, {"_source": ["k", "o.*"]},
    {"_source": {"includes": ["n"], "excludes": ["o"]}}, {"fields": ["k", {"field": "at", "format": "yyyy"}]},
    {"docvalue_fields": ["n"], "track_total_hits": True}, {"collapse": {"field": "k"}, "track_scores": True},
    {"highlight": {"fields": {"t": {"number_of_fragments": 1}}, "pre_tags": ["<b>"], "post_tags": ["</b>"]}},
    {"min_score": 0.5, "timeout": "5s", "terminate_after": 100}, {"search_after": [5], "sort": [{"n": "asc"}]},
    {"post_filter": {"term": {"k": "k1"}}},
)  # fmt: skip


class _Writer:
    """Writes bodies from templates."""

    def __init__(self, drawn: random.Random) -> None:
        self._drawn = drawn

    def body(self) -> dict[str, Any]:
        if self._drawn.random() < 0.2:
            body = GeneratedBody(self._drawn).body
        else:
            body = dict(self._drawn.choice(_HITS))
            if self._drawn.random() < 0.6:
                body["query"] = self.query()
            if self._drawn.random() < 0.6:
                body[self._drawn.choice(("aggs", "aggregations"))] = self._level()
        if self._drawn.random() < 0.9:
            body["_source"] = False  # or the hits would have the denied field
        return body

    def query(self, depth: int = 0) -> dict[str, Any]:
        if depth == 3 or self._drawn.random() < 0.6:
            return dict(self._drawn.choice(_QUERIES))
        form = self._drawn.choice(("bool", "bool", "dis_max", "constant_score", "nested", "function_score", "boosting"))
        inner = [self.query(depth + 1) for _ in range(self._drawn.randint(1, 3))]
        if form == "bool":
            clauses = self._drawn.sample(("must", "filter", "should", "must_not"), self._drawn.randint(1, 3))
            return {"bool": {clause: inner if self._drawn.random() < 0.7 else inner[0] for clause in clauses}}
        made: dict[str, dict[str, Any]] = {
            "dis_max": {"dis_max": {"queries": inner, "tie_breaker": 0.3}},
            "constant_score": {"constant_score": {"filter": inner[0], "boost": 2}},
            "nested": {"nested": {"path": "in", "query": inner[0], "ignore_unmapped": True}},
            "function_score": {
                "function_score": {"query": inner[0], "functions": [{"filter": inner[-1], "weight": 2}]}
            },
            "boosting": {"boosting": {"positive": inner[0], "negative": inner[-1], "negative_boost": 0.2}},
        }
        return made[form]

    def _level(self, depth: int = 0) -> dict[str, Any]:
        names = self._drawn.sample(("a", "b", "a b", "b>c", "_key", "script", "ä", "aggs"), self._drawn.randint(1, 2))
        return {name: self._aggregation(depth) for name in names}

    def _aggregation(self, depth: int) -> dict[str, Any]:
        if self._drawn.random() < 0.3:
            return dict(self._drawn.choice(_METRICS))
        filters = {"x": self.query(), "script": self.query()}
        made = self._drawn.choice(
            (*_BUCKETS, {"filter": filters["x"]}, {"filters": {"filters": filters, "other_bucket": True}})
        )
        if depth == 2 or self._drawn.random() < 0.5:
            return dict(made)
        return {**made, self._drawn.choice(("aggs", "aggregations")): self._level(depth + 1)}


def _body(drawn: random.Random) -> dict[str, Any]:
    count = drawn.choice((0, 0, 1, 1, 1, 2, 3))
    return _changed(_Writer(drawn).body(), [_Change.drawn(drawn) for _ in range(count)])


# --- changes ----------------------------------------------------------------------------------

_ODD_STRINGS = (
    "", "*", "k*", "_all", "_index", "_id", "_source", "_doc", "_score", "script", "other", "copied", DENIED, "in", "o",
    "<a-{now/d}>", "${x}", "{{x}}", "../x", "qzsecret,k", "k^2", "t^1e9", "1e9d", "0x10", "NaN", "Infinity", "-0",
    "1.0",
    "٣", "5 ", " 5", "1_000", "2147483648", "9223372036854775808", "1d", "1M", "1micros", "now", "now/y",
    "2024||-1000y",
    "0001-01-01", "+9999-01-01", "a.*.*", "(a?){99}", "@", "~", "<1-9>", "\\*", "\x00", "\u2028", "k\u0000", "😀",
    "true",
    "AUTO:0,1", "100%", "-1", "breadth_first", "phrase_prefix", "cross_fields", "yyyy", "epoch_second",
)  # fmt: skip
_ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3, 10, 99, 1_000, 10_000, 65_535, 2**31 - 1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1,
    10**90, 0.0, -0.0, 1.5, 0.1, 1e-9, 1e-320, 1e16, 1e17, 1e308, [], {}, [[]], [None], [1, "x"], {"value": 1},
    {"field": "k"}, {"min": 0, "max": 9}, {"index": "other", "id": "1", "path": "k"}, {"source": "1"}, {"k": {}},
)  # fmt: skip
_ODD_KEYS = (*PLAIN, *ODD_NAMES, *_ODD_STRINGS, "boost", "_name", "missing", "format", "inner_hits", "ext", "params",
             "lang", "minimum_should_match", "keyed", "order", "time_zone", "doc_count", "runtime_mappings", "analyzer",
             "use_field", "source", "id", "rewrite", "unmapped_type", "numeric_type", "num_candidates")  # fmt: skip


_HOSTILE = sorted(set(HOSTILE) - {"many_digits"})  # Python prints no number that long


@dataclass(frozen=True)
class _Change:
    kind: str
    place: int
    more: Any

    @classmethod
    def drawn(cls, drawn: random.Random) -> Self:
        # a field of another name is the change that is accepted most often
        kind = drawn.choice(("field", "field", "value", "value", "name", "key", "list", "object", "query", "hostile"))
        value = drawn.choice(drawn.choice((_ODD_VALUES, _ODD_STRINGS, PLAIN, ODD_NAMES)))
        key = drawn.choice(_ODD_KEYS)
        more = {
            "field": drawn.choice(drawn.choice((PLAIN, ODD_NAMES, ODD_NAMES, ("other", "copied", DENIED)))),
            "value": value,
            "name": key,
            "key": (key, value),
            "list": None,
            "object": key,
            "query": drawn.choice(_QUERIES),
            "hostile": HOSTILE[drawn.choice(_HOSTILE)].part,
        }[kind]
        return cls(kind, drawn.randrange(1_000), more)


def _changed(body: dict[str, Any], changes: list[_Change]) -> dict[str, Any]:
    body = deepcopy(body)
    for change in changes:
        places = list(_places(body))
        if change.kind == "field":
            places = [(box, key) for box, key in places if key in PLAIN or box[key] in PLAIN]
        if places:
            _apply(*places[change.place % len(places)], change.kind, deepcopy(change.more))
    return body


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a tree: container and key."""
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(inner, (dict, list)):
            yield from _places(inner)


def _apply(container: Any, key: Any, kind: str, more: Any) -> None:
    inner = container[key]
    if kind == "field" and isinstance(inner, str) and inner in PLAIN:
        container[key] = more
    elif kind in ("field", "name") and isinstance(container, dict):
        container[more] = container.pop(key)
    elif kind == "key" and isinstance(inner, dict):
        inner[more[0]] = more[1]
    elif kind == "list":
        container[key] = [inner]
    elif kind == "object":
        container[key] = {more: inner}
    elif kind == "hostile" and isinstance(inner, dict) and isinstance(more, dict):
        inner.update(more)
    else:
        container[key] = more


# --- printing ---------------------------------------------------------------------------------


def body_text(seed: int) -> str:
    """The text of a search body, the same for the same seed. Most are in a form that any reader of JSON accepts."""
    drawn = random.Random(seed)
    return _Printer(drawn).text(_body(drawn))


class _Printer:
    def __init__(self, drawn: random.Random) -> None:
        self._drawn = drawn
        self._odd = drawn.choice((0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.01, 0.02, 0.08))  # how often a place is odd

    def text(self, body: Any) -> str:
        text = self._value(body)
        return self._around(text) if self._is_odd(5) else text

    def _is_odd(self, times: float = 1.0) -> bool:
        return self._drawn.random() < self._odd * times

    def _around(self, text: str) -> str:
        form = self._drawn.choice(("```json\n{}\n```", "```\n{}```", "\ufeff{}", "{} ", "\n{}\t", "{}}}", "{} {{}}",
                                   "{}//",
                                   '{}\n{{"script_fields":{{}}}}', "{}\x00", "[{}]", "{};", "\xa0{}", "query={}", "{},",
                                   "/**/{}", "# {}", "{{}}{}", "{} # x", "'{}'"))  # fmt: skip
        return form.format(text)

    def _space(self) -> str:
        if not self._is_odd():
            return ""
        return self._drawn.choice((" ", "\n", "\t", "\r", "/* x */", "//x\n", "#x\n", "\xa0", "\x0b", "\u2028", ","))

    def _value(self, value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ",".join(self._pairs(value)) + "}"
        if isinstance(value, list):
            return "[" + ",".join(self._space() + self._value(item) + self._space() for item in value) + "]"
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, bool) or value is None:
            return str(value) if self._is_odd(0.3) else json.dumps(value)
        return self._number(value) if self._is_odd(2) else json.dumps(value)

    def _pairs(self, value: dict[str, Any]) -> Iterator[str]:
        for key, inner in value.items():
            yield f"{self._space()}{self._string(key)}{self._space()}:{self._space()}{self._value(inner)}"
            if self._is_odd(0.3):
                again = self._drawn.choice((key, key, "script", "_index"))
                other = self._drawn.choice(("{}", "1", '{"match_all":{}}', '{"source":"1"}'))
                yield f"{self._string(again)}:{other}"

    def _string(self, text: str) -> str:
        printed = json.dumps(text, ensure_ascii=self._drawn.random() < 0.5)
        if not self._is_odd():
            return printed
        letters = [f"\\u{ord(letter):04x}" if letter.isalpha() and ord(letter) < 0x1_0000 else letter
                   for letter in text]  # fmt: skip
        plain = text.replace("\\", "").replace('"', "")
        return self._drawn.choice((
            '"' + "".join(letters).replace('"', '\\"') + '"', f"'{plain}'", f'"{plain}\\/"', f'"\\ud800{plain}"',
            f'"{plain}\\x41"', f'"{plain}\n"', plain, f'"{plain}\\u0000"', f'"""{plain}"""', f'"{plain}\\ud83d\\ude00"',
        ))  # fmt: skip

    def _number(self, value: float) -> str:
        plain = json.dumps(value)
        return self._drawn.choice((
            f"{plain}.0", f"{plain}e0", f"{plain}E+0", f"{plain}0e-1", f"+{plain}", f"0{plain}", f"{plain}.",
            f".{plain}",
            f"{plain}d", f"{plain}L", "0x10", "1_0", "NaN", "-Infinity", "1e400", "-0", "0e0", f'"{plain}"',
            f"{plain}.5",
            f"{plain}.00000000000000000000001", "1e-400", "9" * 99, "9" * 101,
        ))  # fmt: skip
