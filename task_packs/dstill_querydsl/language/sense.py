"""Parts of a body that are legal, and hardly meant: warnings of the layer ``sense`` that need no mapping.

    check({"query": {"range": {"took": {"gt": 5, "lt": 3}}}})
    → excluded: 'took' > 5 and 'took' < 3 are never true together

A field may have several values in a document. So only the bounds of one range exclude each other, and a clause that is
in both ``filter`` and ``must_not``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from dstill.api.records import Problem
from dstill.api.sense import MAX_PROBLEMS, Condition, Operator, brief, together, twice, warning
from dstill_querydsl.language.mapping.uses_queries import UsePlace, items

__all__ = ["check"]

_OPERATORS: Mapping[str, Operator] = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_WIDTHS = ("interval", "calendar_interval", "fixed_interval")
_GROUPING = ("terms", "histogram", "date_histogram")


def check(body: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Warnings about a body, at most `MAX_PROBLEMS`. Never raises: what has another form is skipped."""
    return tuple(islice(_problems(body), MAX_PROBLEMS))


def _problems(body: Mapping[str, Any]) -> Iterator[Problem]:
    for key in ("_source", "fields"):
        names = [name for name in _list(body.get(key)) if isinstance(name, str)]
        yield from twice("shown_twice", names, lambda name: f"{name!r} is shown twice", f"/{key}")
    for key in ("aggs", "aggregations"):
        yield from _levels(body.get(key), UsePlace("") / key, ())
    yield from _queries(body, UsePlace(""))


def _queries(value: Any, place: UsePlace) -> Iterator[Problem]:
    """Ranges and bool queries anywhere in a part of a body."""
    for step, item in items(value, place) if isinstance(value, list) else ():
        yield from _queries(item, step)
    for key, item in value.items() if isinstance(value, Mapping) else ():
        at = place / key
        if isinstance(item, Mapping):
            for bounds in _bounds(item, at) if key == "range" else ():
                yield from together(bounds)
            yield from _bool(item, at) if key == "bool" else ()
        if isinstance(item, (Mapping, list)):
            yield from _queries(item, at)


def _bounds(ranges: Mapping[str, Any], place: UsePlace) -> Iterator[list[Condition]]:
    """The bounds of each field in a range."""
    for name, bounds in ranges.items():
        if isinstance(bounds, Mapping):
            ends = [(operator, bounds[end]) for end, operator in _OPERATORS.items() if end in bounds]
            at = (place / name).pointer
            yield [Condition(item=name, operator=operator, values=(value,), pointer=at) for operator, value in ends]


def _bool(options: Mapping[str, Any], place: UsePlace) -> Iterator[Problem]:
    """What a bool query says twice, or both asks for and excludes."""
    wanted = [item for occur in ("filter", "must") for item in items(options.get(occur), place / occur)]
    clauses = [clause for _, clause in wanted]
    for step, clause in items(options.get("must_not"), place / "must_not"):
        if clause in clauses:
            hint = "one of them may be meant otherwise"
            yield warning("excluded", f"{brief(clause)} must and must not match", step.pointer, hint)
    ranges = [(step / "range", clause["range"]) for step, clause in wanted if _is_range(clause)]
    bounds = [part for step, options in ranges for part in _bounds(options, step)]
    yield from together([condition for of_field in bounds if len(ranges) > 1 for condition in of_field], single=False)


def _is_range(clause: Any) -> bool:
    return isinstance(clause, Mapping) and isinstance(clause.get("range"), Mapping)


def _levels(value: Any, place: UsePlace, above: tuple[Any, ...]) -> Iterator[Problem]:
    """Groups within groups of the same field; `above`: what the groups around are."""
    for name, definition in value.items() if isinstance(value, Mapping) else ():
        if not isinstance(definition, Mapping):
            continue
        at = place / name
        own = [group for kind, options in definition.items() for group in _groups(kind, options)]
        yield from twice("grouped_twice", [*above, *own], lambda group: f"{group[1]!r} groups twice", at.pointer)
        inside = () if "global" in definition else tuple({*above, *own})
        for key in ("aggs", "aggregations"):
            yield from _levels(definition.get(key), at / key, inside)


def _groups(kind: str, options: Any) -> Iterator[tuple[str, str, str]]:
    """What an aggregation groups by: kind, field, width of its steps."""
    if not isinstance(options, Mapping):
        return
    if kind in _GROUPING and isinstance(options.get("field"), str):
        yield kind, options["field"], str([options.get(width) for width in _WIDTHS])
    for source in _list(options.get("sources")) if kind == "composite" else ():
        for definition in source.values() if isinstance(source, Mapping) else ():
            for inner, more in definition.items() if isinstance(definition, Mapping) else ():
                yield from _groups(inner, more)
    for item in _list(options.get("terms")) if kind == "multi_terms" else ():
        yield from _groups("terms", item)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
