"""Conditions on numbers. "Over" is not "at least", and the question can use another unit than the field.

NUMBERS["range"](draw)   with a distance over 590 miles     {"range": {"distance": {"gt": 590}}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dstill_querydsl.questions.templates.clause import Clause, Maker, Way, worded_clause
from dstill_querydsl.questions.templates.context import Draw, Skip
from dstill_querydsl.questions.templates.roles import Role
from dstill_querydsl.questions.templates.units import UNITS, around, rounded, spell
from dstill_querydsl.questions.templates.words import mark

__all__ = ["NUMBERS", "bounded", "limits"]

WAYS: Mapping[str, Sequence[Way]] = {
    "gt": (
        "with {f} over {v}", "whose {f} is more than {v}", "with a {f} above {v}", "where the {f} exceeds {v}",
        "with {f} greater than {v}",
    ),
    "gte": (
        "with {f} of at least {v}", "whose {f} is {v} or more", "with a {f} no less than {v}",
        "where the {f} is at least {v}", "with {f} {v} and up",
    ),
    "lt": (
        "with {f} under {v}", "whose {f} is less than {v}", "with a {f} below {v}", "where the {f} is smaller than {v}",
        "with {f} lower than {v}",
    ),
    "lte": (
        "with {f} of at most {v}", "whose {f} is {v} or less", "with a {f} no more than {v}",
        "where the {f} is at most {v}", "with {f} up to {v}",
    ),
    "between": (
        "with {f} between {v} and {w}", "whose {f} is between {v} and {w}", "with a {f} from {v} to {w}",
        "where the {f} lies between {v} and {w}", "with {f} in the range {v} to {w}",
    ),
}  # fmt: skip
MEANING = {"gt": "more than", "gte": "at least", "lt": "less than", "lte": "at most"}


def limits(role: Role, value: Any) -> tuple[int | float, int | float]:
    """Round numbers below (or at) and above the value. Codes and years are rounded to one more digit."""
    return (rounded if role.measures else around)(value, whole=role.whole)


def bounded(draw: Draw, role: Role, bound: str, limit: Any) -> Clause:
    """A condition with one bound."""
    why = f"{role.note}{_in(role)}, {MEANING[bound]}: range {bound}."
    shown = spell(limit, role.word.unit, draw.random)
    sign = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}[bound]
    terse = f"{mark(role.word.noun)} {sign} {mark(shown)}"
    return worded_clause(draw, role, WAYS[bound], {"range": {role.field: {bound: limit}}}, why, v=shown, terse=terse)


def _in(role: Role) -> str:
    return f" in {role.word.unit}" if role.word.unit else ""


def one_sided(draw: Draw) -> Clause:
    """A bound at a round number near the document's value."""
    role, value = draw.known("number")
    low, high = limits(role, value)
    bound = draw.pick("gt", "gte", "lt", "lte")
    if bound == "gt" and low == value:
        raise Skip(role.field)
    return bounded(draw, role, bound, low if bound in ("gt", "gte") else high)


def trap(draw: Draw) -> Clause:
    """A bound at the document's own value, which only "at least" and "at most" include."""
    role, value = draw.known("number")
    if len(str(value)) > (3 if role.word.unit else 4) and limits(role, value)[0] != value:
        raise Skip("nobody says such a number")
    return bounded(draw, role, draw.pick("gte", "lte", "gt", "lt"), value)


def between(draw: Draw) -> Clause:
    role, value = draw.known("number")
    low, above = limits(role, value)
    high = draw.pick(above, above + draw.pick(1, 2, 5) * (above - low))
    high = high if isinstance(high, int) else float(f"{high:.6g}")
    v, w = (spell(bound, role.word.unit, draw.random) for bound in (low, high))
    body = {"range": {role.field: {"gte": low, "lte": high}}}
    terse = f"{mark(role.word.noun)} {mark(v)}-{mark(w)}"
    why = f"{role.note}{_in(role)}, between: range gte lte."
    return worded_clause(draw, role, WAYS["between"], body, why, v=v, w=w, terse=terse)


def in_units(draw: Draw) -> Clause:
    """A bound in a larger unit than the field's, such as 2 hours for a field in minutes."""
    role = draw.among([role for role in draw.context.by_kind("number") if len(UNITS.get(role.word.unit, ())) > 1])
    value = draw.value(role)
    factors = [factor for factor, _ in UNITS[role.word.unit] if 1 < factor <= abs(value)]
    if not factors:
        raise Skip("too small for another unit")
    factor = draw.random.choice(factors[:2])
    bound = draw.pick("gt", "gte", "lt", "lte")
    low, high = rounded(int(value) // factor, whole=True)
    return bounded(draw, role, bound, factor * int(low if bound in ("gt", "gte") else high))


NUMBERS: Mapping[str, Maker] = {"range": one_sided, "trap": trap, "between": between, "in_units": in_units}
