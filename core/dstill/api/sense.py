"""Checks of sense that task packs share: warnings about what is legal in an answer, and hardly meant.

    unknown_value("status", "pring", Known(values=("done", "open"), complete=True))
    → Problem(code="unknown_value", message="'status' has no value 'pring'", hint="known values: 'done', 'open'", …)
    together([Condition(item="took", operator=">", values=(5,)), Condition(item="took", operator="<", values=(3,))])
    → Problem(code="excluded", message="'took' > 5 and 'took' < 3 are never true together", …)

Data change after their values are read, so nothing here is an error.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import combinations
from typing import Any, Literal

from dstill.api.records import Problem, Severity
from dstill.api.values import Known

__all__ = [
    "LAYER",
    "MAX_PROBLEMS",
    "Condition",
    "Operator",
    "beyond_values",
    "brief",
    "other_form",
    "together",
    "twice",
    "unknown_value",
    "warning",
]

LAYER = "sense"  # the name of the layer of checks
MAX_PROBLEMS = 20  # that a pack gives for an answer
Operator = Literal["=", "not", "<", "<=", ">", ">=", "null"]  # "=": one of the values; "not": none of them

_SHOWN = 6  # values in a message
_MOST_PAIRS = 200  # pairs of conditions that are compared
_DATE = re.compile(r"\d{4}-\d\d")
_MOMENT = re.compile(r"\d{4}[-+\d:. TZ]*")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")


def warning(code: str, message: str, pointer: str = "", hint: str = "", suggestion: Any = None) -> Problem:
    """A problem of this layer."""
    text = None if suggestion is None else str(suggestion)
    level = Severity.WARNING
    return Problem(layer=LAYER, code=code, message=message, pointer=pointer, hint=hint, suggestion=text, severity=level)


def twice(code: str, items: Sequence[Hashable], message: Callable[[Any], str], pointer: str) -> Iterator[Problem]:
    """A warning for the first item that is there twice."""
    seen: set[Hashable] = set()
    for item in items:
        if item in seen:
            yield warning(code, message(item), pointer, "once is enough: another one may be meant")
            return
        seen.add(item)


def brief(value: Any) -> str:
    """A value in at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


# --- values of the data ----------------------------------------------------------------


def unknown_value(name: str, value: Any, known: Known, pointer: str = "", *, folded: bool = False) -> Iterator[Problem]:
    """A value that is not in the complete list of values of the item `name`. `folded`: case makes no difference."""
    if known.complete and _text(value, folded=folded) not in {_text(option, folded=folded) for option in known.values}:
        names = {_text(option, folded=True): option for option in known.values}
        near = get_close_matches(_text(value, folded=True), names, n=1, cutoff=0.6)
        suggestion = names[near[0]] if near else None
        hint = f"did you mean {suggestion!r}?" if near else _listed(known)
        yield warning("unknown_value", f"{name!r} has no value {brief(value)}", pointer, hint, suggestion)


def beyond_values(
    name: str,
    operator: Operator,
    value: Any,
    known: Known,
    number: Callable[[Any], float | None],
    *,
    grows: bool = False,
    shown: str = "",
    pointer: str = "",
) -> Iterator[Problem]:
    """A bound that leaves nothing of the known range of the item `name`, by more than the range is wide.

    `number` reads values and the ends of the range. `grows`: higher values may have been added, as dates are. `shown`:
    what the language calls the operator.
    """
    low, high, at = number(known.low), number(known.high), number(value)
    if low is None or high is None or at is None:
        return
    margin = max(high - low, 1.0)
    before = at < low - margin and operator not in (">", ">=", "not")
    after = at > high + margin and operator not in ("<", "<=", "not") and not grows
    if before or after:
        span = f"{name!r} ranges from {known.low} to {known.high}"
        message = f"{span}, so {shown or operator} {brief(value)} matches nothing"
        yield warning("beyond_values", message, pointer, "check the number and its unit")


def other_form(name: str, operator: Operator, value: Any, known: Known, pointer: str = "") -> Iterator[Problem]:
    """A text with a date or a number that is compared with values which look otherwise: ``title > '2014'``."""
    kinds = {_kind(option) for option in (*known.values, known.low, known.high) if option is not None}
    kind = _kind(value) if kinds and isinstance(value, str) else ""
    never = kinds == {"date"} and operator == "="  # a number, where values are whole dates
    if (kind == "date" and "date" not in kinds) or (kind == "number" and (never or kinds == {"text"})):
        yield warning("other_form", f"{name!r} holds nothing like {brief(value)}", pointer, _listed(known))


def _kind(value: Any) -> str:
    """What a value looks like: an ISO date, a number, something else that begins with a digit, or a text."""
    text = str(value)
    if _DATE.match(text):
        return "date"
    return "number" if _NUMBER.fullmatch(text) else "digits" if text[:1].isdigit() else "text"


def _text(value: Any, *, folded: bool) -> str:
    """A value as engines compare it: 503 and 503.0 are the same number, and a CHAR may end in spaces."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).rstrip(" ")
    return text.casefold() if folded else text


def _listed(known: Known) -> str:
    if known.low is not None:
        return f"known values: {known.low} to {known.high}"
    more = " …" if len(known.values) > _SHOWN else ""
    return f"known values: {', '.join(map(brief, known.values[:_SHOWN]))}{more}" if known.values else "it has no value"


# --- conditions that hold together ------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A condition on one item of a row."""

    item: Hashable  # equal for the same item
    name: str = ""  # of the item, for people; empty: the text of `item`
    operator: Operator
    values: tuple[Any, ...] = ()  # one of them, or the bound; text, int or float
    pointer: str = ""

    def __str__(self) -> str:
        sign = {"not": "is not", "null": "is null"}.get(self.operator, self.operator)
        return f"{self.name or str(self.item)!r} {sign} {' or '.join(map(brief, self.values[:_SHOWN]))}".strip()


def together(conditions: Sequence[Condition], *, single: bool = True) -> Iterator[Problem]:
    """The first two conditions that exclude each other, or of which one is enough, where both must hold.

    `single`: an item has one value in a row. Values of an item with several may fulfil one condition each.
    """
    by_item: defaultdict[Hashable, list[Condition]] = defaultdict(list)
    for condition in conditions:
        by_item[condition.item].append(condition)
    pairs = [pair for alike in by_item.values() for pair in combinations(alike[:_SHOWN], 2)][:_MOST_PAIRS]
    if pair := next((pair for pair in pairs if single and _exclude(*pair)), None):
        message = f"{pair[0]} and {pair[1]} are never true together"
        yield warning("excluded", message, pair[1].pointer, "one of them may be meant otherwise")
    elif pair := next((pair for pair in pairs if _repeat(*pair)), None):
        message = f"one of {pair[0]} and {pair[1]} is enough"
        yield warning("repeated", message, pair[1].pointer, "the other one may be meant otherwise")


def _repeat(one: Condition, other: Condition) -> bool:
    """Whether one of two conditions holds wherever the other one does."""
    if (one.operator, one.values) == (other.operator, other.values):
        return True
    sides = {one.operator[0], other.operator[0]}
    return sides in ({"<"}, {">"}) and _comparable(one.values[0], other.values[0])


def _exclude(one: Condition, other: Condition) -> bool:
    """Whether no value fulfils two conditions."""
    if "null" in (one.operator, other.operator):
        return one.operator != other.operator
    if "=" in (one.operator, other.operator):
        one, other = (one, other) if one.operator == "=" else (other, one)
        return not any(_may_fulfil(value, other) for value in one.values)
    if {one.operator[0], other.operator[0]} != {"<", ">"}:
        return False
    (low,), (high,) = (one.values, other.values) if one.operator[0] == ">" else (other.values, one.values)
    strict = ">" in (one.operator, other.operator) or "<" in (one.operator, other.operator)
    return _comparable(low, high) and bool(low > high or (strict and low == high))


def _may_fulfil(value: Any, condition: Condition) -> bool:
    """Whether a value may fulfil a condition; True where that is not sure."""
    if condition.operator == "=":
        return any(_may_equal(value, option) for option in condition.values)
    if condition.operator == "not":
        return value not in condition.values
    (bound,) = condition.values
    if not _comparable(value, bound):
        return True
    return condition.operator in ("<=", ">=") if value == bound else (value < bound) == (condition.operator[0] == "<")


def _may_equal(value: Any, option: Any) -> bool:
    """Whether two values may be equal: 1 and '1' may, as may a date and a time on it."""
    short, long = sorted((_text(value, folded=True), _text(option, folded=True)), key=len)
    if _NUMBER.fullmatch(short) and _NUMBER.fullmatch(long):
        return float(short) == float(long)
    return short == long or (bool(_DATE.match(short)) and long.startswith(short))


def _comparable(one: Any, other: Any) -> bool:
    """Whether two values have the same order in each language: numbers, and ISO dates of one length."""
    if isinstance(one, str) and isinstance(other, str):
        return len(one) == len(other) and bool(_MOMENT.fullmatch(one) and _MOMENT.fullmatch(other))
    return not any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in (one, other))
