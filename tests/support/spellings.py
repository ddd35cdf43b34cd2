"""Bodies, generated, and other spellings of them: what `canonical` must bring together, and what it must not.

body(draw)                      a search body over `MAPPING`, from a random.Random
SPELLINGS["short_leaf"](b, draw)   the same body in other words; None where it has no such place
step(b, draw)                   a body one step away, which may mean the same or something else
documents(seed)                 documents for them
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Mapping
from typing import Any

from support.form_mutants import places

__all__ = ["MAPPING", "SPELLINGS", "body", "documents", "step"]

MAPPING: dict[str, Any] = {
    "properties": {
        "k": {"type": "keyword"},
        "n": {"type": "integer"},
        "m": {"type": "integer"},
        "t": {"type": "text"},
        "at": {"type": "date"},
        "p": {"type": "geo_point"},
        "s": {"type": "nested", "properties": {"a": {"type": "keyword"}, "b": {"type": "integer"}}},
    }
}
WORDS = ("red", "blue", "green", "grey")
CLAUSES = ("must", "filter", "should", "must_not")
Path = tuple[str | int, ...]
Draw = random.Random


def documents(seed: int) -> list[list[Any]]:
    """Documents that miss fields, and share values."""
    draw, made = random.Random(seed), []
    for number in range(draw.choice((8, 25, 60))):
        source: dict[str, Any] = {"k": draw.choice(WORDS), "n": draw.randrange(12)}
        source["t"] = " ".join(draw.choices(WORDS, k=3))
        source["at"] = f"2025-03-{draw.randrange(1, 29):02}T0{draw.randrange(10)}:00:00Z"
        source["p"] = {"lat": draw.randrange(-60, 60), "lon": draw.randrange(-170, 170)}
        source["s"] = [{"a": draw.choice(WORDS), "b": draw.randrange(5)} for _ in range(draw.randrange(3))]
        if draw.random() < 0.6:
            source["m"] = draw.randrange(5)
        made.append([f"d{number:02}", source])
    return made


# --- bodies -----------------------------------------------------------------------------


def body(draw: Draw) -> dict[str, Any]:
    made: dict[str, Any] = {"query": _query(draw, 2)} if draw.random() < 0.9 else {}
    shape = draw.randrange(4)
    if shape == 0:
        made |= {"size": 0, "track_total_hits": True}
    elif shape == 1:
        made |= {"size": 0, "aggs": {f"x{n}": _aggregation(draw, 2) for n in range(draw.randrange(1, 3))}}
    elif shape == 2:
        made |= {"size": draw.randrange(1, 9), "sort": draw.sample(_SORTS, draw.randrange(1, 3))}
        made |= {"from": draw.randrange(4)} if draw.random() < 0.4 else {}
    return made


_SORTS: list[Any] = [{"n": "desc"}, {"at": {"order": "asc"}}, {"m": {"order": "desc"}}, "k"]


def _leaf(draw: Draw) -> dict[str, Any]:
    number = draw.randrange(12)
    return draw.choice((
        {"term": {"k": draw.choice(WORDS)}},
        {"term": {"n": {"value": number}}},
        {"terms": {"k": draw.sample(WORDS, draw.randrange(1, 4))}},
        {"range": {draw.choice("nm"): {draw.choice(("gt", "gte", "lt", "lte")): number}}},
        {"range": {"n": {"gte": number // 2, "lt": number}}},
        {"range": {"at": {"gte": f"2025-03-{1 + number:02}"}}},
        {"exists": {"field": "m"}},
        {"match": {"t": " ".join(draw.sample(WORDS, 2))}},
        {"match_phrase": {"t": draw.choice(WORDS)}},
        {"prefix": {"k": draw.choice(("r", "g", "gre"))}},
        {"multi_match": {"query": draw.choice(WORDS), "fields": ["t", "k"]}},
        {"ids": {"values": [f"d{number:02}", "d01"]}},
        {"nested": {"path": "s", "query": {"bool": {"filter": [{"term": {"s.a": draw.choice(WORDS)}}, _inner(draw)]}}}},
        {"geo_distance": {"distance": "6000km", "p": {"lat": 10, "lon": 20}}},
        {"match_all": {}},
    ))  # fmt: skip


def _inner(draw: Draw) -> dict[str, Any]:
    return {"range": {"s.b": {"gte": draw.randrange(5)}}}


def _query(draw: Draw, depth: int) -> dict[str, Any]:
    kind = draw.randrange(6) if depth else 5
    if kind == 0:
        return {"constant_score": {"filter": _query(draw, depth - 1)}}
    if kind == 1:
        return {"dis_max": {"queries": [_query(draw, depth - 1) for _ in range(2)]}}
    if kind <= 3:
        clauses = draw.sample(CLAUSES, draw.randrange(1, 4))
        made: dict[str, Any] = {c: [_query(draw, depth - 1) for _ in range(draw.randrange(1, 3))] for c in clauses}
        if "should" in made and draw.random() < 0.4:
            made["minimum_should_match"] = draw.choice((0, 1, 2, "1"))
        return {"bool": made}
    return _leaf(draw)


def _aggregation(draw: Draw, depth: int) -> dict[str, Any]:
    made: dict[str, Any] = draw.choice((
        {"terms": {"field": "k"}},
        {"terms": {"field": "k", "size": 2, "order": {"_key": "asc"}}},
        {"date_histogram": {"field": "at", "calendar_interval": draw.choice(("day", "1d", "week"))}},
        {"histogram": {"field": "n", "interval": 3}},
        {"range": {"field": "n", "ranges": [{"to": 4, "key": "low"}, {"from": 4}]}},
        {"filter": _query(draw, 1)},
        {"filters": {"filters": {"one": _leaf(draw), "two": _leaf(draw)}}},
        {"missing": {"field": "m"}},
        {"avg": {"field": "n"}},
        {"stats": {"field": "m"}},
        {"cardinality": {"field": "k"}},
        {"percentiles": {"field": "n"}},
    ))  # fmt: skip
    bucket = next(iter(made)) in ("terms", "date_histogram", "histogram", "range", "filter", "filters", "missing")
    if bucket and depth and draw.random() < 0.6:
        made["aggs"] = {"sub": _aggregation(draw, depth - 1)}
    return made


# --- spellings --------------------------------------------------------------------------


def _change(given: Any, draw: Draw, wanted: Callable[[Path, Any], bool], made: Callable[[Any], Any]) -> Any:
    """`given` with one place changed."""
    new = copy.deepcopy(given)
    found = [(path, value) for path, value in places(new) if wanted(path, value)]
    if not found:
        return None
    path, value = draw.choice(found)
    parent = new
    for one in path[:-1]:
        parent = parent[one]
    parent[path[-1]] = made(value)
    return new


def _of(names: tuple[str, ...], kind: type = dict) -> Callable[[Path, Any], bool]:
    return lambda path, value: path[-1] in names and isinstance(value, kind)


def _is_query(path: Path, value: Any) -> bool:
    if not isinstance(value, dict) or len(value) != 1:
        return False
    return path[-1] in ("query", *CLAUSES) or (len(path) > 1 and isinstance(path[-1], int) and path[-2] in CLAUSES)


def _long(value: Mapping[str, Any]) -> Any:
    ((field, said),) = value.items()
    return {field: said if isinstance(said, dict) else {"query" if field == "t" else "value": said, "boost": 1.0}}


def _shuffled(draw: Draw) -> Callable[[Any], Any]:
    return lambda value: draw.sample(value, len(value))


Spelling = Callable[[dict[str, Any], Draw], Any]
SPELLINGS: Mapping[str, Spelling] = {
    "long form of a leaf": lambda b, d: _change(b, d, _of(("term", "match", "prefix", "match_phrase")), _long),
    "one clause as an object": lambda b, d: _change(
        b, d, lambda p, v: p[-1] in CLAUSES and isinstance(v, list) and len(v) == 1, lambda v: v[0]
    ),
    "clauses in another order": lambda b, d: _change(b, d, _of(CLAUSES, list), _shuffled(d)),
    "values of terms in another order": lambda b, d: _change(
        b, d, _of(("terms",)), lambda v: {f: d.sample(x, len(x)) if isinstance(x, list) else x for f, x in v.items()}
    ),
    "a bool around": lambda b, d: _change(b, d, _is_query, lambda v: {"bool": {"must": [v]}}),
    "keys in another order": lambda b, d: _change(
        b, d, lambda p, v: isinstance(v, dict), lambda v: dict(d.sample(list(v.items()), len(v)))
    ),
    "aggregations": lambda b, d: {("aggregations" if k == "aggs" else k): v for k, v in b.items()},
    "other names": lambda b, d: _change(
        b, d, _of(("aggs",)), lambda v: {f"n{d.randrange(999)}_{i}": one for i, one in enumerate(v.values())}
    ),
    "defaults written out": lambda b, d: {"from": 0, "_source": True, "track_scores": False, **b},
    "gte and lt apart": lambda b, d: _change(
        b, d, _of(("filter",), list), lambda v: [part for one in v for part in _apart(one)]
    ),
    "sort written out": lambda b, d: _change(b, d, _of(("sort",), list), lambda v: [_sorted_by(one) for one in v]),
    "day for 1d": lambda b, d: _change(b, d, lambda p, v: v == "1d", lambda v: "day"),
    "a range's name": lambda b, d: _change(
        b, d, _of(("ranges",), list), lambda v: [{**one, "key": f"r{n}"} for n, one in enumerate(v)]
    ),
    "order in a list": lambda b, d: _change(b, d, _of(("order",)), lambda v: [v]),
    "a place as text": lambda b, d: _change(b, d, _of(("p",)), lambda v: f"{v['lat']},{v['lon']}"),
    "a place as a list": lambda b, d: _change(b, d, _of(("p",)), lambda v: [v["lon"], v["lat"]]),
    "a distance with its unit apart": lambda b, d: _change(b, d, lambda p, v: p[-1] == "distance", lambda v: "6000 km"),
    "defaults of match": lambda b, d: _change(
        b, d, _of(("match",)), lambda v: {f: {"operator": "OR", "lenient": False, **_long(v)[f]} for f in v}
    ),
    "defaults of terms": lambda b, d: _change(
        b, d, lambda p, v: p[-1] == "terms" and isinstance(v, dict) and "field" in v, lambda v: {"size": 10, **v}
    ),
}  # fmt: skip


def _apart(one: dict[str, Any]) -> list[dict[str, Any]]:
    entry = one.get("range", {}).get("n")
    return [{"range": {"n": {end: value}}} for end, value in entry.items()] if entry else [one]


def _sorted_by(one: Any) -> Any:
    if isinstance(one, str):
        return {one: {"order": "asc", "missing": "_last"}}
    return {field: how if isinstance(how, dict) else {"order": how} for field, how in one.items()}


# --- one step away ----------------------------------------------------------------------

_STEPS: tuple[Spelling, ...] = (
    lambda b, d: _change(
        b, d, lambda p, v: p[-1] in ("gte", "lte", "gt", "lt") and isinstance(v, int), lambda v: v + 1
    ),
    lambda b, d: _change(b, d, _of(("minimum_should_match",), int), lambda v: 1 - min(v, 1)),
    lambda b, d: _change(b, d, _of(CLAUSES, list), lambda v: v[:-1]),
    lambda b, d: _change(b, d, _of(CLAUSES, list), lambda v: [*v, {"match_all": {}}]),
    lambda b, d: _change(b, d, _of(CLAUSES, list), lambda v: [*v, *v]),
    lambda b, d: _change(b, d, _is_query, lambda v: {"bool": {"should": [v]}}),
    lambda b, d: _change(b, d, _is_query, lambda v: {"bool": {"must_not": [{"bool": {"must_not": [v]}}]}}),
    lambda b, d: _change(b, d, _is_query, lambda v: {"constant_score": {"filter": v}}),
    lambda b, d: _change(b, d, _is_query, lambda v: {"dis_max": {"queries": [v]}}),
    lambda b, d: _change(b, d, _of(("bool",)), lambda v: _moved(v, d)),
    lambda b, d: _change(b, d, lambda p, v: v in WORDS, lambda v: d.choice(WORDS)),
    lambda b, d: _change(b, d, lambda p, v: v in ("asc", "desc"), lambda v: "asc" if v == "desc" else "desc"),
    lambda b, d: {**b, "size": 10} if "size" not in b else {k: v for k, v in b.items() if k != "size"},
)


def _moved(clauses: dict[str, Any], draw: Draw) -> dict[str, Any]:
    old, new = draw.sample(CLAUSES, 2)
    if old not in clauses:
        return clauses
    rest = {name: value for name, value in clauses.items() if name != old}
    return {**rest, new: [*rest.get(new, []), *clauses[old]]}


def step(given: dict[str, Any], draw: Draw) -> dict[str, Any]:
    """One step away, or another spelling; `given` itself where nothing fits."""
    return draw.choice((*_STEPS, *SPELLINGS.values()))(given, draw) or given
