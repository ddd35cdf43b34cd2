"""Mutation steps for the clauses of a query: drop one, or move it where it means something else.

{"bool": {"filter": [A, B]}} → B alone; {"filter": [A], "must_not": [B]}; {"filter": [A], "should": [B]} …
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dstill_querydsl.testdata.layout import Layout
from dstill_querydsl.testdata.mutations import Edit, Path, pointer, put, walk

__all__ = ["clauses"]

_OCCURS = ("filter", "must", "should", "must_not")
# Where a clause can be put by mistake, the most likely first.
_MOVES = {
    "filter": ("must_not", "should", "must"),
    "must": ("must_not", "should", "filter"),
    "should": ("filter", "must_not"),
    "must_not": ("filter", "should"),
}


def clauses(body: Mapping[str, Any], _: Layout) -> Iterator[Edit]:
    """All steps for clauses."""
    for path, node in walk(body):
        if path and path[-1] == "bool" and isinstance(node, Mapping):
            yield from _dropped(body, path, node)
            yield from _moved(body, path, node)
            yield from _together(body, path, node)
    query = body.get("query")
    if isinstance(query, Mapping) and "bool" not in query and "match_all" not in query:
        yield "drop the query", {key: value for key, value in body.items() if key != "query"}
        yield "negate the query", {**body, "query": {"bool": {"must_not": [query]}}}
    yield from _split(body)


def _listed(clause: Any) -> list[Any]:
    return list(clause) if isinstance(clause, list) else [clause]


def _each(node: Mapping[str, Any]) -> Iterator[tuple[str, int, dict[str, list[Any]]]]:
    """Every clause by its occurrence and number, with all lists of the `bool`."""
    lists = {occur: _listed(node[occur]) for occur in _OCCURS if occur in node}
    for occur, listed in lists.items():
        for number in range(len(listed)):
            yield occur, number, lists


def _dropped(body: Mapping[str, Any], path: Path, node: Mapping[str, Any]) -> Iterator[Edit]:
    for occur, number, lists in _each(node):
        left = {**lists, occur: [item for n, item in enumerate(lists[occur]) if n != number]}
        yield f"drop {occur} clause at {pointer((*path, occur, number))}", put(body, path, _clean(node, left))


def _moved(body: Mapping[str, Any], path: Path, node: Mapping[str, Any]) -> Iterator[Edit]:
    for occur, number, lists in _each(node):
        for other in _MOVES[occur]:
            if _scores_alone(occur, other, lists):
                continue
            moved = {**lists, occur: [item for n, item in enumerate(lists[occur]) if n != number]}
            moved[other] = [*moved.get(other, ()), lists[occur][number]]
            yield f"{occur}→{other} at {pointer((*path, occur, number))}", put(body, path, _clean(node, moved))


def _scores_alone(occur: str, other: str, lists: Mapping[str, list[Any]]) -> bool:
    """Whether the move changes only scores: the clause has to match before and after."""
    if occur == "filter" and other == "must":
        return not {"must", "should"} & set(lists)
    selecting = sum(len(lists.get(word, ())) for word in ("filter", "must", "should"))
    return occur in ("filter", "must") and other == "should" and selecting == 1


def _together(body: Mapping[str, Any], path: Path, node: Mapping[str, Any]) -> Iterator[Edit]:
    """Require all of `should`, or one more or less than asked."""
    should = _listed(node["should"]) if "should" in node else []
    if len(should) < 2:
        return
    rest = {key: value for key, value in node.items() if key not in ("should", "minimum_should_match")}
    wanted = [*(_listed(rest["filter"]) if "filter" in rest else []), *should]
    yield f"or→and at {pointer(path)}", put(body, path, {**rest, "filter": wanted})
    least = node.get("minimum_should_match")
    if isinstance(least, int) and not isinstance(least, bool):
        for number in {max(least - 1, 0), min(least + 1, len(should))}:
            name = f"minimum_should_match→{number} at {pointer(path)}"
            yield name, put(body, path, {**node, "minimum_should_match": number})
        if "filter" in node or "must" in node:
            options = {key: value for key, value in node.items() if key != "minimum_should_match"}
            yield f"drop minimum_should_match at {pointer(path)}", put(body, path, options)


def _split(body: Mapping[str, Any]) -> Iterator[Edit]:
    """Split conditions on one nested object into conditions on any object."""
    for path, node in walk(body):
        if not path or path[-1] != "nested" or not isinstance(node, Mapping) or "query" not in node:
            continue
        inside = node["query"].get("bool") if isinstance(node["query"], Mapping) else None
        if not isinstance(inside, Mapping):
            continue
        parts = [clause for occur in ("must", "filter") if occur in inside for clause in _listed(inside[occur])]
        if len(parts) > 1 and not set(inside) - {"must", "filter"}:
            each = [{"nested": {**node, "query": part}} for part in parts]
            yield f"split nested at {pointer(path)}", put(body, path[:-1], {"bool": {"filter": each}})


def _clean(node: Mapping[str, Any], lists: Mapping[str, list[Any]]) -> dict[str, Any]:
    """`node` with these lists, without empty lists, and without `minimum_should_match` if there is no `should`."""
    removed = set(_OCCURS) | (set() if lists.get("should") else {"minimum_should_match"})
    rest = {key: value for key, value in node.items() if key not in removed}
    return rest | {occur: listed for occur, listed in lists.items() if listed}
