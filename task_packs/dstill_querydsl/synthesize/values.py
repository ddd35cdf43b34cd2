"""How questions write values: units, countries, round numbers.

duration_words(draw, 340_000_000)   "340 ms"
size_words(draw, 59_000)            "59 kB"
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill_querydsl.bundle import weblogs
from dstill_querydsl.questions.lexicons import COUNTRIES
from dstill_querydsl.synthesize.draw import Draw

__all__ = ["COUNTRIES", "OTHERS", "duration_words", "round_down", "round_up", "size_words"]

# values of fields, for a second value besides that of the drawn document
OTHERS: Mapping[str, tuple[Any, ...]] = {
    "status": tuple(status for status in weblogs.STATUS if status >= 300),
    "host": weblogs.HOSTS,
    "user": weblogs.USERS,
    "method": tuple(weblogs.METHODS),
    "path": tuple(f"/{section}/{leaf}" for section, leaves in weblogs.SECTIONS.items() for leaf in leaves),
    "city": tuple(city for _, cities, _ in weblogs.PLACES for city in cities),
}


def _step(value: int) -> int:
    """The step that rounds a number of that size to two leading digits."""
    return int(10 ** max(0, len(str(value)) - 2))


def round_down(value: int) -> int:
    """The next number below with two leading digits: 59984 → 59000."""
    return value // _step(value) * _step(value)


def round_up(value: int) -> int:
    """The next number above with two leading digits: 59984 → 60000."""
    return round_down(value) + _step(value)


def duration_words(draw: Draw, nanoseconds: int) -> str:
    """A duration as a person says it: 340 ms, 3 seconds. It must be a multiple of a millisecond."""
    if nanoseconds % 1_000_000_000 == 0:
        seconds = nanoseconds // 1_000_000_000
        return str(draw.pick(f"{seconds} s", f"{seconds} second{'s' if seconds > 1 else ''}"))
    return f"{nanoseconds // 1_000_000} ms"


def size_words(draw: Draw, count: int) -> str:
    """A size as a person says it: 59 kB, 59000 bytes, 2 MB."""
    ways = [f"{count} bytes"]
    if count % 1_000_000 == 0:
        ways = [f"{count // 1_000_000} MB"]
    elif count % 1_000 == 0:
        ways.append(f"{count // 1_000} kB")
    return draw.random.choice(ways)
