"""Checks that a body asks for values that its index contains: warnings of the layer ``sense``.

    known = Values.read({"level": ["ERROR", "WARN"], "took": {"min": 1, "max": 900}})
    check({"query": {"term": {"level": "error"}}}, fields, known)
    -> unknown_value: 'level' has no value 'error'; hint: did you mean 'ERROR'?
    check({"query": {"range": {"took": {"gt": 1000000}}}}, fields, known)
    -> beyond_values: 'took' ranges from 1 to 900, so gt 1000000 matches nothing

An index may grow. So a number must be further outside the known range than the range is wide, and a date must be
before it, as later dates may have been added. Lists of values are used only if complete. Not covered: texts, and
values that never occur in the same document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from dstill.api.records import Problem
from dstill.api.sense import MAX_PROBLEMS, Operator, beyond_values, other_form, unknown_value
from dstill.api.values import Known, Values
from dstill_querydsl.language import dates
from dstill_querydsl.language.fields import Field, Fields
from dstill_querydsl.language.mapping.uses import Use, uses

__all__ = ["check"]

_WHOLE = ("term", "terms", "terms_set", "match", "match_phrase")  # on a keyword they compare whole values
_BOUNDS: Mapping[str, Operator] = {"gt": ">", "gte": ">=", "from": ">=", "lt": "<", "lte": "<=", "to": "<="}


def check(body: Mapping[str, Any], fields: Fields, values: Values) -> tuple[Problem, ...]:
    """Warnings about values in `body` that the index is known not to contain, at most `MAX_PROBLEMS`."""
    problems: list[Problem] = []
    for use in uses(body) if values else ():
        field, known = fields.get(use.name), values.get(use.name)
        if use.kind == "query" and field is not None and known is not None:
            problems += _use(use, field, known)
            if len(problems) >= MAX_PROBLEMS:
                break
    return tuple(problems[:MAX_PROBLEMS])


def _use(use: Use, field: Field, known: Known) -> Iterator[Problem]:
    if field.family not in ("keyword", "number", "date"):
        return
    for name, value in _comparisons(use):
        operator = _BOUNDS.get(name, "=")
        problems: list[Problem] = []
        if name in _WHOLE and known.complete and field.family != "date":
            if isinstance(value, (str, int, float)):
                folded = use.options.get("case_insensitive") in (True, "true") or "normalizer" in field.options
                problems += unknown_value(use.name, value, known, use.pointer, folded=folded)
        elif field.family != "keyword":
            date = field.family == "date"
            more: dict[str, Any] = {"grows": date, "shown": name, "pointer": use.pointer}
            problems += beyond_values(use.name, operator, value, known, partial(_number, field=field), **more)
        if not problems and field.family == "keyword":
            problems += other_form(use.name, operator, value, known, use.pointer)
        yield from problems


def _comparisons(use: Use) -> Iterator[tuple[str, Any]]:
    """Values with their operators: term, match, gt …."""
    if use.operator in _WHOLE:
        yield from ((use.operator, value) for value in use.values)
    elif use.operator == "range":
        yield from ((bound, use.options[bound]) for bound in _BOUNDS if bound in use.options)


def _number(value: Any, field: Field) -> float | None:
    """A bound as a number; a date as seconds since 1970. None for date math and dates in another format."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if field.family == "date":
        plain = isinstance(value, str) and not dates.is_math(value) and "-" in value
        return dates.seconds(value, 0.0) if plain else None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
