"""Bodies with one step wrong, as a model might write them, made from right ones.

    mutants([{"query": {"term": {"user": "uma"}}}], seed=5, n=2)
    → [Mutant(kind="typo", body={"query": {"trem": {"user": "uma"}}}, of=0),
       Mutant(kind="object_to_list", body={"query": [{"term": {"user": "uma"}}]}, of=0)]

Whether a step is wrong at all is for an engine to say: many are not (``"7"`` for 7). The kinds
and their shares are those of the third-party file of form mutants.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["KINDS", "Mutant", "mutants", "places"]

Path = tuple[str | int, ...]
Place = tuple[Path, Any]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    kind: str
    body: dict[str, Any]
    of: int  # position of the body that it was made from


def mutants(bodies: Sequence[Mapping[str, Any]], seed: int, n: int) -> list[Mutant]:
    """`n` distinct mutants, none of them equal to one of `bodies`."""
    draw = random.Random(seed)
    out: list[Mutant] = []
    seen = {json.dumps(body) for body in bodies}
    kinds, weights = zip(*((kind, weight) for kind, (weight, _) in KINDS.items()), strict=True)
    while len(out) < n:
        kind, of = draw.choices(kinds, weights)[0], draw.randrange(len(bodies))
        body = KINDS[kind][1](copy.deepcopy(dict(bodies[of])), draw)
        text = json.dumps(body)
        if isinstance(body, dict) and text not in seen:
            seen.add(text)
            out.append(Mutant(kind=kind, body=body, of=of))
    return out


# --- places -----------------------------------------------------------------------------


def places(value: Any, path: Path = ()) -> Iterator[Place]:
    """Everything in a body with its path, without the body itself."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key), inner
        yield from places(inner, (*path, key))


def _at(body: Any, path: Path) -> Any:
    for step in path:
        body = body[step]
    return body


def _pick(body: Any, draw: random.Random, wanted: Callable[[Path, Any], bool]) -> Place | None:
    found = [place for place in places(body) if wanted(*place)]
    return draw.choice(found) if found else None


def _renamed(body: Any, path: Path, name: str) -> Any:
    """The key at the end of `path` called `name`, in its old place among the others."""
    parent = _at(body, path[:-1])
    entries = [(name if key == path[-1] else key, value) for key, value in parent.items()]
    parent.clear()
    parent.update(entries)
    return body


def _put(body: Any, path: Path, value: Any) -> Any:
    _at(body, path[:-1])[path[-1]] = value
    return body


def _is(*types: type) -> Callable[[Path, Any], bool]:
    return lambda path, value: isinstance(value, types)


def _scalar(path: Path, value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float))


def _keyed(path: Path, value: Any) -> bool:
    return isinstance(path[-1], str)


# --- steps: a body of its own and a draw in, the body after the step out; None where there is no place ----

_SCALARS = (3, 7, -1, 0, 2.5, "x", "7", "", True, False, None)
_OTHERS: tuple[Any, ...] = (*_SCALARS, [], {}, ["a"], {"a": 1})
_EXTRA = ("value", "_name", "boost", "size", "description", "order", "field", "type", "format", "name", "filter")
# What people (and models) think that things are called.
_INVENTED = {
    "term": ("equals", "eq", "is"), "terms": ("in", "any", "values"), "match": ("matches", "text", "contains"),
    "range": ("between", "ranges"), "bool": ("boolean", "and"), "must": ("and", "all"), "should": ("or", "any"),
    "must_not": ("not", "mustNot"), "filter": ("filters", "where"), "gte": ("from", "ge", "min"),
    "lte": ("to", "le", "max"), "gt": ("after", "greater_than"), "lt": ("before", "less_than"),
    "size": ("limit", "count"), "from": ("offset", "skip"), "sort": ("order_by", "sorting"),
    "query": ("where", "filter"), "aggs": ("facets", "aggregates", "group_by"), "avg": ("average", "mean"),
    "field": ("fields", "on", "column"), "path": ("nested_path",), "order": ("direction", "sort"),
    "value": ("values", "val"), "fields": ("field", "columns"), "minimum_should_match": ("min_should_match",),
    "calendar_interval": ("every", "interval_unit"), "fixed_interval": ("every",), "exists": ("has", "missing"),
    "cardinality": ("distinct", "unique_count"), "date_histogram": ("date_hist", "histogram_date"),
    "nested": ("nest", "inner"), "prefix": ("starts_with",), "wildcard": ("like",), "_source": ("source", "select"),
    "buckets_path": ("path", "bucket_path"), "ranges": ("buckets", "range"), "key": ("name", "label"),
}  # fmt: skip


def _typo(body: Any, draw: random.Random) -> Any:
    place = _pick(body, draw, lambda path, value: isinstance(path[-1], str) and len(path[-1]) > 2)
    if place is None:
        return None
    name = str(place[0][-1])
    at = draw.randrange(len(name) - 1)
    spelt = draw.choice((
        name[:at] + name[at + 1] + name[at] + name[at + 2 :],
        name[:at] + name[at + 1 :],
        name[: at + 1] + name[at:],
        name + "s" if not name.endswith("s") else name[:-1],
        name.replace("_", "") if "_" in name else name.capitalize(),
    ))  # fmt: skip
    return _renamed(body, place[0], spelt)


def _invented_name(body: Any, draw: random.Random) -> Any:
    place = _pick(body, draw, lambda path, value: path[-1] in _INVENTED)
    return None if place is None else _renamed(body, place[0], draw.choice(_INVENTED[str(place[0][-1])]))


def _leaf_type(body: Any, draw: random.Random) -> Any:
    place = _pick(body, draw, _scalar)
    return None if place is None else _put(body, place[0], draw.choice(_OTHERS))


def _list_item(body: Any, draw: random.Random) -> Any:
    place = _pick(body, draw, _is(list))
    if place is None:
        return None
    place[1].insert(draw.randrange(len(place[1]) + 1), draw.choice(_OTHERS))
    return body


def _to(values: Sequence[Any], *types: type) -> Callable[[Any, random.Random], Any]:
    def step(body: Any, draw: random.Random) -> Any:
        place = _pick(body, draw, _is(*types))
        return None if place is None else _put(body, place[0], draw.choice(values))

    return step


def _object_to_list(body: Any, draw: random.Random) -> Any:
    place = _pick(body, draw, _is(dict))
    return None if place is None else _put(body, place[0], [place[1]])


def _list_to_object(body: Any, draw: random.Random) -> Any:
    place = _pick(body, draw, _is(list))
    return None if place is None else _put(body, place[0], {str(n): item for n, item in enumerate(place[1])})


def _list_to_item(body: Any, draw: random.Random) -> Any:
    place = _pick(body, draw, lambda path, value: isinstance(value, list) and bool(value))
    return None if place is None else _put(body, place[0], place[1][0])


def _key_removed(body: Any, draw: random.Random) -> Any:
    place = _pick(body, draw, _keyed)
    if place is None:
        return None
    del _at(body, place[0][:-1])[place[0][-1]]
    return body


def _emptied(body: Any, draw: random.Random) -> Any:
    place = _pick(body, draw, lambda path, value: isinstance(value, (dict, list)) and bool(value))
    return None if place is None else _put(body, place[0], type(place[1])())


def _extra_key(body: Any, draw: random.Random) -> Any:
    place = _pick(body, draw, _is(dict))
    if place is None:
        return None
    place[1].setdefault(draw.choice(_EXTRA), draw.choice((1, "x", True, {})))
    return body


def _unwrapped(body: Any, draw: random.Random) -> Any:
    """An object gives way to what one of its keys holds."""
    place = _pick(body, draw, lambda path, value: isinstance(value, dict) and bool(value))
    return None if place is None else _put(body, place[0], draw.choice(list(place[1].values())))


def _long_form(body: Any, draw: random.Random) -> Any:
    place = _pick(body, draw, lambda path, value: _scalar(path, value) and _keyed(path, value))
    return None if place is None else _put(body, place[0], {draw.choice(("value", "query")): place[1]})


def _two_queries(body: Any, draw: random.Random) -> Any:
    place = _pick(body, draw, lambda path, value: path[-1] in ("query", "filter", "must") and isinstance(value, dict))
    if place is None:
        return None
    place[1].setdefault(*draw.choice((("match_all", {}), ("term", {"a": 1}), ("exists", {"field": "a"}))))
    return body


def _second_field(body: Any, draw: random.Random) -> Any:
    place = _pick(body, draw, lambda path, value: path[-1] in ("term", "match", "range", "terms", "match_phrase"))
    if place is None or not isinstance(place[1], dict):
        return None
    place[1]["other"] = draw.choice((1, "x", {"gte": 1}, ["x"]))
    return body


def _moved_into_query(body: Any, draw: random.Random) -> Any:
    """A key of the top level, or of a bool, moved into a query."""
    if not isinstance(body.get("query"), dict):
        return None
    other_keys = [key for key in body if key != "query"]
    if other_keys and draw.random() < 0.5:
        key = draw.choice(other_keys)
        body["query"][key] = body.pop(key)
    else:
        body["query"][draw.choice(("filter", "sort", "size", "minimum_should_match", "aggs"))] = draw.choice(({}, 1))
    return body


def _clause_out_of_bool(body: Any, draw: random.Random) -> Any:
    place = _pick(body, draw, lambda path, value: path[-1] == "bool" and isinstance(value, dict) and len(value) > 1)
    if place is None:
        return None
    clause = draw.choice(list(place[1]))
    _at(body, place[0][:-1])[clause] = place[1].pop(clause)
    return body


def _query_unwrapped(body: Any, draw: random.Random) -> Any:
    query = body.pop("query", None)
    return {**query, **body} if isinstance(query, dict) else None


Step = Callable[[Any, random.Random], Any]
# kind → (its weight, its step)
KINDS: Mapping[str, tuple[int, Step]] = {
    "typo": (20, _typo),
    "invented_name": (18, _invented_name),
    "leaf_type": (50, _leaf_type),
    "list_item": (11, _list_item),
    "list_to_item": (4, _list_to_item),
    "list_to_object": (10, _list_to_object),
    "object_to_list": (10, _object_to_list),
    "object_to_scalar": (13, _to((3, "x", True, None), dict)),
    "key_removed": (14, _key_removed),
    "emptied": (11, _emptied),
    "extra_key": (14, _extra_key),
    "unwrapped": (9, _unwrapped),
    "long_form": (6, _long_form),
    "two_queries": (2, _two_queries),
    "second_field": (2, _second_field),
    "moved_into_query": (2, _moved_into_query),
    "clause_out_of_bool": (2, _clause_out_of_bool),
    "query_unwrapped": (2, _query_unwrapped),
}
