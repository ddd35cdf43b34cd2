"""Checks that a body asks for values that its index contains: layer ``values``, warnings only.

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
from difflib import get_close_matches
from typing import Any

from dstill.api.records import Problem, Severity
from dstill.api.values import Known, Values
from dstill_querydsl.language import dates
from dstill_querydsl.language.fields import Field, Fields
from dstill_querydsl.language.mapping.uses import Use, uses

__all__ = ["MAX_PROBLEMS", "check"]

MAX_PROBLEMS = 20
_WHOLE = ("term", "terms", "terms_set", "match", "match_phrase")  # on a keyword they compare whole values
_VALUE_LIMIT = 6
_BELOW, _ABOVE = ("lt", "lte", "to"), ("gt", "gte", "from")


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
    if use.operator in _WHOLE and known.complete and field.family in ("keyword", "number"):
        yield from _listed(use, field, known)
    elif use.operator in (*_WHOLE, "range") and field.family in ("number", "date"):
        yield from _outside(use, field, known)


def _problem(use: Use, code: str, message: str, hint: str, suggestion: Any = None) -> Problem:
    return Problem(
        layer="values",
        code=code,
        message=message,
        pointer=use.pointer,
        hint=hint,
        suggestion=None if suggestion is None else str(suggestion),
        severity=Severity.WARNING,
    )


# --- fields with a list of values -------------------------------------------------------


def _listed(use: Use, field: Field, known: Known) -> Iterator[Problem]:
    folded = use.options.get("case_insensitive") in (True, "true") or "normalizer" in field.options
    existing = {_text(value, folded) for value in known.values}
    for value in use.values:
        if isinstance(value, (str, int, float)) and _text(value, folded) not in existing:
            near = _nearest(value, known)
            hint = f"did you mean {near!r}?" if near is not None else _list(known)
            yield _problem(use, "unknown_value", f"{use.name!r} has no value {_brief(value)}", hint, near)


def _text(value: Any, folded: bool) -> str:
    """A value as engines compare it: a keyword's values are strings; 503 and 503.0 are the same number."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).casefold() if folded else str(value)


def _nearest(value: Any, known: Known) -> Any:
    """The known value with the most similar spelling."""
    names = {_text(option, folded=True): option for option in known.values}
    near = get_close_matches(_text(value, folded=True), names, n=1, cutoff=0.6)
    return names[near[0]] if near else None


def _list(known: Known) -> str:
    if not known.values:
        return "no document has this field"
    shown = ", ".join(_brief(value) for value in known.values[:_VALUE_LIMIT])
    return f"known values: {shown}" + (" …" if len(known.values) > _VALUE_LIMIT else "")


# --- ranges -----------------------------------------------------------------------------


def _outside(use: Use, field: Field, known: Known) -> Iterator[Problem]:
    low, high = _number(known.low, field), _number(known.high, field)
    if low is None or high is None:
        return
    margin = max(high - low, 1.0)
    for operator, value in _comparisons(use):
        number = _number(value, field)
        if number is None:
            continue
        before = number < low - margin and operator not in _ABOVE
        after = number > high + margin and operator not in _BELOW and field.family == "number"
        if before or after:
            values = f"{use.name!r} ranges from {known.low} to {known.high}"
            message = f"{values}, so {operator} {_brief(value)} matches nothing"
            yield _problem(use, "beyond_values", message, "check the number and its unit")


def _comparisons(use: Use) -> Iterator[tuple[str, Any]]:
    if use.operator != "range":
        yield from ((use.operator, value) for value in use.values)
        return
    yield from ((bound, use.options[bound]) for bound in (*_ABOVE, *_BELOW) if bound in use.options)


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


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
