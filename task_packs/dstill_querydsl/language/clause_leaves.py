"""The smallest parts of a body, from its canonical form. Two bodies are compared by these parts.

    conditions({"query": {"range": {"took": {"gte": 5, "lt": 9}}}})
    → [Leaf(context=(), operator="range gte", field="took", value="5"), Leaf(…, operator="range lt", …, value="9")]
    parts({"size": 3, "sort": [{"took": "desc"}]})
    → [Leaf((), "match_all", …), Leaf(("sort", "1"), "desc", "took", "{}"), Leaf(("page",), "size", "", "3")]

Each bound of a range is a leaf, and `term` is read as `terms` with one value. A context says where a condition is:
under ``must_not`` or ``should``, or in a nested path. Scores are ignored, so `must` and `filter` are the same. Not
covered: queries with inner queries other than `bool` and `nested`, such as `span_near`, are one leaf.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dstill_querydsl.language.canonical import canonical
from dstill_querydsl.language.canonical.query import listed, query
from dstill_querydsl.language.query_forms import FIELDED, PLACES

__all__ = ["Leaf", "conditions", "groups", "page", "parts", "sort"]

_PARTS = ("query", "post_filter", "aggs", "aggregations", "sort")


@dataclass(frozen=True, order=True)
class Leaf:
    """One condition, group, sort key or page setting."""

    context: tuple[str, ...]
    operator: str
    field: str
    value: str

    @property
    def kind(self) -> str:
        """Its operator, without the bound of a range."""
        return self.operator.partition(" ")[0]

    def __str__(self) -> str:
        return " ".join(part for part in (*self.context, self.operator, self.field, self.value) if part)


def parts(body: Mapping[str, Any]) -> list[Leaf]:
    """All leaves of a body. A refusal is one leaf."""
    if "refusal" in body:
        return [Leaf((), "refusal", "", "")]
    return [*conditions(body), *groups(body), *sort(body), *page(body)]


def conditions(body: Mapping[str, Any]) -> list[Leaf]:
    """Leaves of the query and of `post_filter`. A query for everything is one leaf."""
    clause = query(body.get("query", {"match_all": {}}), scored=False)
    after = [] if "post_filter" not in body else _query(query(body["post_filter"], scored=False), ("post_filter",))
    return [*_query(clause, ()), *after]


def groups(body: Mapping[str, Any]) -> list[Leaf]:
    """Leaves of the aggregations. The context has the aggregations around each."""
    return list(_groups(canonical(dict(body)).get("aggs", {}), ("aggs",)))


def sort(body: Mapping[str, Any]) -> list[Leaf]:
    """Leaves of the sort, numbered in their order."""
    return [
        Leaf(("sort", str(place)), how.get("order", ""), field, _text({k: v for k, v in how.items() if k != "order"}))
        for place, key in enumerate(canonical(dict(body)).get("sort", []), start=1)
        for field, how in key.items()
    ]


def page(body: Mapping[str, Any]) -> list[Leaf]:
    """Leaves of all other settings that are not the default."""
    settings = canonical(dict(body))
    return [Leaf(("page",), name, "", _text(value)) for name, value in settings.items() if name not in _PARTS]


def _query(value: Mapping[str, Any], context: tuple[str, ...]) -> list[Leaf]:
    return [leaf for name, body in value.items() for leaf in _clause(name, body, context)]


def _clause(name: str, body: Any, context: tuple[str, ...]) -> Iterator[Leaf]:
    if name == "bool":
        for occur, clauses in body.items():
            yield from _occur(occur, clauses, context)
    elif name == "nested" and isinstance(body.get("query"), dict):
        yield from _query(body["query"], (*context, f"nested {body.get('path')}"))
    elif name == "range":
        for field, options in body.items():
            yield from (Leaf(context, f"range {option}", field, _text(value)) for option, value in options.items())
    elif name == "exists":
        yield Leaf(context, name, str(body.get("field", "")), "")
    elif name in FIELDED:
        yield from _for_field(name, body, context)
    elif name in PLACES:
        rest = {option: body[option] for option in PLACES[name] if option in body}
        yield from (Leaf(context, name, field, _text([rest, at])) for field, at in body.items() if field not in rest)
    else:
        yield _other(name, body, context)


def _occur(occur: str, clauses: Any, context: tuple[str, ...]) -> Iterator[Leaf]:
    """The clauses of one list of a `bool`, or another option of it."""
    if not isinstance(clauses, list):
        yield Leaf(context, occur, "", _text(clauses))
        return
    inside = context if occur in ("filter", "must") else (*context, occur)
    for clause in clauses:
        yield from _query(clause, inside)


def _other(name: str, body: Any, context: tuple[str, ...]) -> Leaf:
    """A query that names its fields in an option, or that has none."""
    if not isinstance(body, dict):
        return Leaf(context, name, "", _text(body))
    fields = listed(body.get("fields", body.get("field", [])))
    rest = {option: value for option, value in body.items() if option not in ("fields", "field")}
    return Leaf(context, name, " ".join(map(str, fields)), _text(rest))


def _for_field(name: str, body: Mapping[str, Any], context: tuple[str, ...]) -> Iterator[Leaf]:
    """Both `term` and `terms` become `terms` with a sorted list of values."""
    for field, value in body.items():
        if name == "term" and isinstance(value, dict) and set(value) == {"value"}:
            yield Leaf(context, "terms", field, _text([value["value"]]))
        elif isinstance(value, dict) and len(value) == 1 and ("value" in value or "query" in value):
            yield Leaf(context, name, field, _text(next(iter(value.values()))))
        else:
            yield Leaf(context, name, field, _text(value))


def _groups(aggs: Mapping[str, Any], context: tuple[str, ...]) -> Iterator[Leaf]:
    for body in aggs.values():
        inside = context
        for kind, options in body.items():
            if kind == "aggs":
                continue
            field = str(options.get("field", "")) if isinstance(options, dict) else ""
            rest = {k: v for k, v in options.items() if k != "field"} if isinstance(options, dict) else options
            yield Leaf(context, kind, field, _text(rest))
            inside = (*context, f"{kind} {field}".strip())
        yield from _groups(body.get("aggs", {}), inside)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
