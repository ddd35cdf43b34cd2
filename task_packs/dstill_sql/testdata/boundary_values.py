"""Values of a column at a constant of a query and just beside it, and values for columns without any.

    near("2024-05-31", timestamp_column, today)
    ["2024-05-31 00:00:00", "2024-05-31 09:30:00", "2024-05-31 23:59:59", "2024-06-01 00:00:00", …]

Values are as `database.Cells` has them: dates are ISO. What the type of the column cannot hold is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from dstill_sql.language.database.schema import Column, Family

__all__ = ["NOW", "fits", "is_free_text", "near", "usual"]

NOW = "2024-06-12"  # for a database without `now`
_CLOCKS = ("00:00:00", "09:30:00", "23:59:59")
_ITEM = re.compile(r"'([^']*)'")  # of an ENUM
_WIDTH = re.compile(r"\((\d+)(?:,\s*(\d+))?\)")
_BITS = {"TINYINT": 7, "SMALLINT": 15, "INT2": 15, "INT": 31, "INTEGER": 31, "INT4": 31}
_WORDS = ("ash", "Birch", "cedar", "dogwood", "Elm", "fir", "ASH", "gorse", "holly", "ivy")
_FORMS: Mapping[str, Sequence[str]] = {  # of types whose texts have a form
    "UUID": [f"00000000-0000-0000-0000-0000000000{number:02d}" for number in range(1, 90)],
    "JSON": ["{}", '{"a": 1}'],
    "JSONB": ["{}", '{"a": 1}'],
    "INTERVAL": ["1 day", "2 hours"],
}
_DAYS = (
    "2023-12-31", "2024-01-01", "2024-01-15", "2024-02-29", "2024-05-31", "2024-06-01", "2024-06-10", "2024-06-11",
    "2024-06-12", "2024-12-31", "2025-01-01",
)  # fmt: skip


def fits(column: Column, value: Any) -> bool:
    """Whether the type of a column can hold a value."""
    kind, match = column.type.upper(), _WIDTH.search(column.type)
    width = int(match[1]) if match else None
    if isinstance(value, str) and column.family == "text":
        return width is None or len(value) <= width
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if column.family == "number" and width is not None and kind.startswith(("DEC", "NUM")):
            scale = int(match[2] or 0) if match else 0
            return abs(value) < 10.0 ** (width - scale)
        return abs(value) < 2.0 ** _BITS.get(kind.partition("(")[0].strip(), 62)
    return True


def is_free_text(column: Column) -> bool:
    """Whether a column may hold any text."""
    return column.family == "text" and _forms(column) is None


def _forms(column: Column) -> Sequence[str] | None:
    """All values of a type whose texts have a form; None: another type."""
    kind = column.type.upper()
    return _ITEM.findall(column.type) if kind.startswith("ENUM") else _FORMS.get(kind)


def near(constant: Any, column: Column, now: str) -> list[Any]:
    """Values at a constant and beside it, for a column that the query compares with it."""
    make = None if _forms(column) is not None else _NEIGHBOURS.get(column.family)
    return [] if make is None else [value for value in dict.fromkeys(make(constant, now)) if fits(column, value)]


def usual(column: Column) -> list[Any]:
    """Values for a column that the query compares with nothing."""
    if (forms := _forms(column)) is not None:
        return list(forms)
    values: Iterable[Any] = {
        "integer": range(9),
        "number": (0.0, 0.5, 1.0, 1.25, 2.0, 2.5, 3.75, 4.0, 7.5),
        "text": _words(column),
        "date": _DAYS,
        "timestamp": [f"{day} {clock}" for day in _DAYS for clock in _CLOCKS],
        "time": _CLOCKS,
        "boolean": (True, False),
        "other": (),
    }[column.family]
    return [value for value in values if fits(column, value)]


def _words(column: Column) -> list[str]:
    """Texts that are as short as the type wants them."""
    width = _WIDTH.search(column.type)
    return list(dict.fromkeys(word[: int(width[1])] if width else word for word in _WORDS))


# --- by family --------------------------------------------------------------------------


def _integers(constant: Any, _: str) -> Iterator[int]:
    if (number := _number(constant)) is not None:
        yield from (int(number), int(number) + 1, int(number) - 1)


def _numbers(constant: Any, _: str) -> Iterator[float]:
    if (number := _number(constant)) is not None:
        step = 10.0 ** -len(str(constant).partition(".")[2]) if not number.is_integer() else 1.0
        yield from (number, number + step, number - step, number + step / 2, number - step / 2)


def _number(constant: Any) -> float | None:
    try:
        number = float(constant)
    except (TypeError, ValueError):
        return None
    return number if abs(number) < 10**15 else None


def _texts(constant: Any, _: str) -> Iterator[str]:
    if not isinstance(constant, str):
        constant = str(constant)
    core = constant.strip("%").replace("%", "x").replace("_", "y")
    yield from (constant.replace("%", ""), core, core.upper(), core.lower(), f"{core}x", f"x{core}", f"x{core}x")


def _booleans(*_: Any) -> Iterator[bool]:
    yield from (True, False)


def _clocks(constant: Any, _: str) -> Iterator[str]:
    try:
        moment = datetime.combine(date(2024, 1, 15), time.fromisoformat(str(constant)))
    except ValueError:
        return
    yield from ((moment + timedelta(seconds=step)).time().isoformat() for step in (0, 1, -1))


def _dates(constant: Any, now: str) -> Iterator[str]:
    yield from (moment.date().isoformat() for moment in _moments(constant, now))


def _timestamps(constant: Any, now: str) -> Iterator[str]:
    for moment in _moments(constant, now):
        yield moment.isoformat(sep=" ", timespec="seconds")
        if moment.time() == time():
            yield from (f"{moment.date().isoformat()} {clock}" for clock in _CLOCKS)
        yield from ((moment + timedelta(seconds=step)).isoformat(sep=" ", timespec="seconds") for step in (1, -1))


def _moments(constant: Any, now: str) -> Iterator[datetime]:
    """The times that a constant may mean where a query compares it with a time, and those beside them."""
    try:
        yield from list(_times(constant, datetime.fromisoformat(now).replace(tzinfo=None)))
    except (ValueError, OverflowError):  # 'May', 2024.5
        return


def _times(constant: Any, now: datetime) -> Iterator[datetime]:
    text = str(constant)
    if text == "now":
        yield from (now + timedelta(days=days) for days in (0, -1, 1))
    elif re.fullmatch(r"\d{4}", text):
        first, last = datetime(int(text), 1, 1), datetime(int(text), 12, 31)
        yield from (first, last, first + timedelta(days=150), first - timedelta(days=1), last + timedelta(days=1))
    elif re.fullmatch(r"\d{4}-\d\d", text):
        first = datetime.fromisoformat(f"{text}-01")
        after = (first + timedelta(days=31)).replace(day=1)
        yield from (first, after - timedelta(days=1), first - timedelta(days=1), after)
    elif re.fullmatch(r"\d{1,3}", text):
        yield from _from_small_number(int(text), now)
    else:
        moment = datetime.fromisoformat(text).replace(tzinfo=None)
        step = timedelta(days=1) if moment.time() == time() else timedelta(hours=1)
        yield from (moment, moment + step, moment - step)


def _from_small_number(number: int, now: datetime) -> Iterator[datetime]:
    """A number as a month, a day, an hour, or as how long ago something is."""
    if 1 <= number <= 12:
        yield from (datetime(year, number, day) for year in (2023, 2024) for day in (1, 20))
        yield datetime(2024, number % 12 + 1, 1)
    if 1 <= number <= 30:
        yield from (datetime(2024, 1, number), datetime(2024, 1, number) + timedelta(days=1))
    if number <= 23:
        yield from (datetime(2024, 1, 15, number), datetime(2024, 1, 15, number, 59), datetime(2024, 1, 15, 12, 30))
    for days in (1, 7, 30, 365):
        yield from (now - timedelta(days=days * number + beside) for beside in (-1, 0, 1))


_NEIGHBOURS: Mapping[Family, Callable[[Any, str], Iterator[Any]]] = {
    "integer": _integers,
    "number": _numbers,
    "text": _texts,
    "date": _dates,
    "timestamp": _timestamps,
    "time": _clocks,
    "boolean": _booleans,
}
