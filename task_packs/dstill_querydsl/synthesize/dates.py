"""Conditions on `@timestamp`: absolute dates, and dates relative to the index's `now`.

    DATES["day"](draw)      Clause(text="on 2025-03-14", body={"range": {"@timestamp": {"gte": "2025-03-14", …}}}, …)

Days are in UTC. An inclusive end is written as ``lt`` the next day (``2025-03-14||+1d``), so that
it includes the whole day. "The last 7 days" ends now, while "last week" and "last month" are calendar spans.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from dstill_querydsl.questions.conditions_dates import CALENDAR, windows
from dstill_querydsl.synthesize.draw import Clause, Draw, Maker, Skip

__all__ = ["DATES"]

FIELD = "@timestamp"


def _clause(text: str, why: str, terse: str = "", **bounds: str) -> Clause:
    return Clause(text=text, body={"range": {FIELD: bounds}}, why=f"@timestamp is date, {why}", terse=terse)


def _iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%d")


def _spoken_day(draw: Draw, time: datetime) -> str:
    """The day, mostly as 2025-03-14, sometimes as 14 March 2025."""
    return f"{time.day} {time.strftime('%B %Y')}" if draw.chance(15) else _iso(time)


def day(draw: Draw) -> Clause:
    time = draw.time
    said, iso = _spoken_day(draw, time), _iso(time)
    return _clause(f"on {said}", "one day: range to the next.", iso, gte=iso, lt=f"{iso}||+1d")


def since(draw: Draw) -> Clause:
    time = draw.time - timedelta(days=draw.random.randrange(0, 6))
    text = draw.pick("since {}", "from {} on", "starting on {}").format(_spoken_day(draw, time))
    return _clause(text, "from that day: range gte.", gte=_iso(time))


def before(draw: Draw) -> Clause:
    time = draw.time + timedelta(days=draw.random.randrange(1, 6))
    if time > draw.now:
        raise Skip("everything is before that")
    return _clause(f"before {_spoken_day(draw, time)}", "before that day: range lt.", lt=_iso(time))


def after(draw: Draw) -> Clause:
    iso = _iso(draw.time - timedelta(days=draw.random.randrange(1, 6)))
    return _clause(f"after {iso}", "after that day ends: range gte the next.", gte=f"{iso}||+1d")


def between(draw: Draw) -> Clause:
    low = draw.time - timedelta(days=draw.random.randrange(0, 5))
    high = draw.time + timedelta(days=draw.random.randrange(0, 5))
    if _iso(low) == _iso(high):
        raise Skip("one day")
    text = draw.pick("between {} and {}", "from {} to {}").format(_iso(low), _iso(high))
    return _clause(text, "both days included: range.", gte=_iso(low), lt=f"{_iso(high)}||+1d")


def month(draw: Draw) -> Clause:
    time = draw.time
    start = time.strftime("%Y-%m-01")
    return _clause(f"in {time.strftime('%B %Y')}", "a month: range to the next.", gte=start, lt=f"{start}||+1M")


def rolling(draw: Draw) -> Clause:
    """The last n minutes, hours, days or weeks until now, with an n that includes the document."""
    minutes = int((draw.now - draw.time).total_seconds() // 60) + 1
    units = {"minute": 1, "hour": 60, "day": 1440, "week": 10_080}
    fitting = [unit for unit, length in units.items() if 2 <= -(-minutes // length) <= 59]
    if not fitting:
        raise Skip("no unit")
    unit = draw.random.choice(fitting)
    count = -(-minutes // units[unit]) + draw.random.randrange(0, 4)
    text = draw.pick("in the last {} {}s", "of the past {} {}s", "in the past {} {}s").format(count, unit)
    letter = unit[0]
    return _clause(text, "rolling back from now: range gte.", f"last {count}{letter}", gte=f"now-{count}{letter}")


def calendar(draw: Draw) -> Clause:
    spans = windows(draw.now).items()
    fitting = [words for words, (start, end) in spans if start <= draw.time < end and words != "last year"]
    if not fitting:
        raise Skip("long ago")
    words = draw.random.choice(fitting)
    return _clause(words, "a calendar span: range rounded by date math.", words, **CALENDAR[words])


def recent(draw: Draw) -> Clause:
    if draw.now - draw.time > timedelta(days=1):
        raise Skip("old")
    why = "recent means the last 24 hours: range gte."
    clause = _clause("recent", why, gte="now-24h")
    return replace(clause, place="before")


DATES: Mapping[str, Maker] = {
    "day": day,
    "since": since,
    "before": before,
    "after": after,
    "between": between,
    "month": month,
    "rolling": rolling,
    "calendar": calendar,
    "recent": recent,
}
