"""The cells of a result as people read them: numbers without noise, dates without empty times, shares as percent.

    readable([614.242346667, 30.1], "figure")               ("614.24", "30.10")
    readable(["2025-04-01T00:00:00Z", "2025-05-01T00:00:00Z"])    ("2025-04-01", "2025-05-01")
    readable([25.1333333333], "share")                      ("25.1 %",)

The cells of a column are shown alike, so they are given together.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

__all__ = ["Kind", "exact", "is_number", "readable", "reads_as_number"]

# What a column holds: stored values, computed numbers, hundredths of a whole, or the first moments of periods.
Kind: TypeAlias = Literal["", "figure", "share", "year", "month", "day", "hour"]

NOTHING = "–"  # a cell without a value
LONG, LONG_ALONE = 60, 500  # characters of a cell in one of several rows, and in the only one
LEAST, WHOLE = 1e-6, 1e15  # floats outside are written with a power of ten
LONGEST = 6  # digits after the point of a stored number
GROUPED = 10_000  # a column with such a figure has commas. Smaller ones may be years
_TIME = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)([T ](?P<minute>\d\d:\d\d)(?P<second>:\d\d)?([.,]\d+)?(Z|[+-]00(:?00)?)?)?"
)
_NUMBER = re.compile(r"-?[\d,]+(\.\d+)?(e[+-]?\d+)?( %)?")
_PERIODS = {"year": 4, "month": 7, "day": 10, "hour": 16}  # characters of a moment that tell its period


def readable(cells: Sequence[Any], kind: Kind = "") -> tuple[str, ...]:
    """The JSON values of a column as text."""
    there = [cell for cell in cells if cell is not None]
    if all(map(is_number, there)):
        shown = _numbers(there, kind)
    elif all(isinstance(cell, str) for cell in there):
        shown = _times(there, kind)
    else:
        shown = [_text(cell) for cell in there]
    most, texts = LONG if len(cells) > 1 else LONG_ALONE, iter(shown)
    return tuple(NOTHING if cell is None else _cut(next(texts), most) for cell in cells)


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return ", ".join(text for one in cell for text in readable([one])) if isinstance(cell, list) else exact(cell)


def _cut(text: str, most: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[: most - 1]}…"


def exact(cell: Any) -> str:
    """A JSON value as text, with nothing rounded; empty: null."""
    if cell is None or isinstance(cell, str):
        return cell or ""
    return json.dumps(cell, ensure_ascii=False)


def is_number(cell: Any) -> bool:
    """Whether a JSON value is a number."""
    return isinstance(cell, (int, float)) and not isinstance(cell, bool)


def reads_as_number(text: str) -> bool:
    """Whether `readable` may have made the text of a number or a share."""
    return _NUMBER.fullmatch(text) is not None


# --- numbers ----------------------------------------------------------------------------


def _numbers(numbers: Sequence[float], kind: Kind) -> list[str]:
    if kind == "share":
        return [f"{number:,.1f} %" for number in numbers]
    digits = [_digits(number, kind) for number in numbers]
    most = max(digits, default=0)
    alike = most <= (4 if kind else 2)  # more are only noise beside large numbers
    comma = "," if kind == "figure" and any(abs(number) >= GROUPED for number in numbers) else ""
    return [_number(number, most if alike else own, comma) for number, own in zip(numbers, digits, strict=True)]


def _number(number: float, digits: int, comma: str) -> str:
    if not _is_usual(number):
        return f"{number:.6g}"
    return f"{number:{comma}.{digits}f}" if digits or isinstance(number, float) else f"{number:{comma}}"


def _is_usual(number: float) -> bool:
    """Whether a number is written without a power of ten."""
    return isinstance(number, int) or number == 0 or LEAST <= abs(number) < WHOLE


def _digits(number: float, kind: Kind) -> int:
    """How many digits after the point a number needs: a figure two, or three that say something, if it has them."""
    if not _is_usual(number) or number == int(number):
        return 0
    most = max(2 if kind == "figure" else LONGEST, 2 - math.floor(math.log10(abs(number))))
    rounded = round(number, min(most, 15))
    if kind == "figure" and not math.isclose(rounded, number, rel_tol=1e-9):
        return most
    return len(f"{rounded:.{min(most, 15)}f}".rstrip("0").partition(".")[2])


# --- dates ------------------------------------------------------------------------------


def _times(texts: Sequence[str], kind: Kind) -> list[str]:
    times = [_TIME.fullmatch(text) for text in texts]
    if not all(times):
        return list(texts)
    if kind in _PERIODS:
        return [text.replace("T", " ")[: _PERIODS[kind]] for text in texts]
    seconds = any(time["second"] not in (None, ":00") for time in times if time)
    midnight = not seconds and all(time["minute"] in (None, "00:00") for time in times if time)
    if midnight:
        return [time["day"] for time in times if time]
    ends = [(time["minute"] or "00:00") + ((time["second"] or ":00") if seconds else "") for time in times if time]
    return [f"{time['day']} {end}" for time, end in zip(filter(None, times), ends, strict=True)]
