"""Numbers as people say them: rounded, and with a unit.

around(59984)                    (59000, 60000)
rounded(59984)                   (55000, 60000)
spell(340_000_000, "nanos", …)   "340 ms"
in_words("20 minutes")           "twenty minutes"
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from random import Random
from typing import Any

__all__ = ["UNITS", "around", "in_words", "number", "rounded", "spell"]

_TIME = (("days", "d"), ("hours", "h"), ("minutes", "min"), ("seconds", "s"), ("milliseconds", "ms"))


def _times(nanoseconds: int) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """Units of time that are multiples of a unit with that many nanoseconds."""
    sizes = (86_400 * 10**9, 3_600 * 10**9, 60 * 10**9, 10**9, 10**6)
    return tuple((size // nanoseconds, _TIME[at]) for at, size in enumerate(sizes) if size >= nanoseconds)


_MINUTE, _SECOND = 60 * 10**9, 10**9
# unit of the field → (factor, what people say), largest first
UNITS: Mapping[str, tuple[tuple[int, tuple[str, ...]], ...]] = {
    "nanos": (*_times(1), (1, ("nanoseconds", "ns"))),
    "micros": (*_times(1_000), (1, ("microseconds", "µs"))),
    "ms": _times(10**6),
    "s": _times(_SECOND),
    "second": _times(_SECOND),
    "m": _times(_MINUTE),
    "minute": _times(_MINUTE),
    "h": _times(60 * _MINUTE),
    "d": _times(24 * 60 * _MINUTE),
    "byte": ((10**9, ("GB",)), (10**6, ("MB",)), (10**3, ("kB",)), (1, ("bytes",))),
    "percent": ((1, ("percent", "%")),),
}


def number(value: Decimal) -> int | float:
    """An int if the value is whole, else a float."""
    return int(value) if value == value.to_integral_value() else float(value)


def around(value: Any, *, whole: bool, digits: int = 2) -> tuple[int | float, int | float]:
    """The next numbers with `digits` leading digits below (or at) and above the value."""
    exact = Decimal(str(value))
    return _multiples(exact, Decimal(1).scaleb(exact.adjusted() - digits + 1) if exact else Decimal(1), whole)


def rounded(value: Any, *, whole: bool) -> tuple[int | float, int | float]:
    """As `around` in coarser steps, such as people use for limits: 95, 100, 150, 200."""
    exact = Decimal(str(value))
    return _multiples(exact, 5 * Decimal(1).scaleb(exact.adjusted() - 1) if exact else Decimal(1), whole)


def _multiples(exact: Decimal, step: Decimal, whole: bool) -> tuple[int | float, int | float]:
    if whole:
        step = max(step, Decimal(1))
    low = (exact / step).to_integral_value(ROUND_FLOOR) * step
    high = (exact / step).to_integral_value(ROUND_CEILING) * step
    return number(low), number(high if high > low else low + step)


def spell(value: int | float, unit: str, random: Random) -> str:
    """The value in the largest unit that gives a short number. An unknown unit just follows the number."""
    if not unit:
        return str(value)
    for factor, words in UNITS.get(unit, ((1, (unit,)),)):
        many = Decimal(str(value)) / factor
        if (abs(many) >= 1 or factor == 1) and many == many.quantize(Decimal("0.1")):
            return _with_unit(number(many), random.choice(words))
    return _with_unit(value, unit)


_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = {20: "twenty", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 70: "seventy", 80: "eighty", 90: "ninety"}
_SCALES = {100: "hundred", 1_000: "thousand", 1_000_000: "million"}


def in_words(text: str) -> str:
    """A number and what follows it, with the number in words if people say it so: below 20, and some round ones."""
    digits, space, rest = text.partition(" ")
    if not digits.isdecimal():
        return text
    return f"{_in_words(int(digits)) or digits}{space}{rest}"


def _in_words(value: int) -> str:
    if value < len(_SMALL):
        return _SMALL[value]
    if value in _TENS:
        return _TENS[value]
    for scale, name in reversed(_SCALES.items()):
        if value % scale == 0 and (many := _in_words(value // scale)):
            return f"{many} {name}"
    return ""


def _with_unit(many: int | float, word: str) -> str:
    if word == "%":
        return f"{many}%"
    return f"{many} {word.removesuffix('s') if many == 1 and len(word) > 3 else word}"
