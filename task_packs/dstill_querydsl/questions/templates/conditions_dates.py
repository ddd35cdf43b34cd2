"""Conditions on dates: absolute days, months and years, and spans relative to now.

DATES["since"](draw)   with a release date since 2011-05-04      {"range": {"release_date": {"gte": "2011-05-04"}}}

Days are in UTC. An inclusive end is written as ``lt`` the next day (``2025-03-14||+1d``). "The last 7
days" ends now, while "last week" and "last month" are calendar spans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from dstill_querydsl.questions.templates.clause import Clause, Maker, fill
from dstill_querydsl.questions.templates.context import Draw, Skip
from dstill_querydsl.questions.templates.moments import moment, reads_iso
from dstill_querydsl.questions.templates.roles import Role
from dstill_querydsl.questions.templates.words import mark

__all__ = ["CALENDAR", "DATES", "field_of", "windows"]

_NAMED = ("with a {f} {when}", "with {f} {when}", "having {f} {when}")
_FALLS = ("whose {f} is {when}", "where the {f} falls {when}")  # "is before", and not "is since"
_NO_PLACE = ("since", "starting", "during", "from")
_BARE = ("{when}", "{when}", "dated {when}")


def field_of(draw: Draw) -> tuple[Role, datetime]:
    """An unused date field and this document's value. Raises Skip."""
    role, value = draw.known("date")
    time = moment(value, role.format)
    assert time is not None  # `usable` has parsed it
    return role, time


def _clause(draw: Draw, role: Role, when: str, why: str, terse: str = "", **bounds: str) -> Clause:
    """A clause with the words `when`. It names the field unless the index has only one date."""
    alone = len(draw.context.by_kind("date")) == 1
    adverb = when.startswith(mark("")[0])  # yesterday
    named = _FALLS if adverb else _NAMED if when.startswith(_NO_PLACE) else (*_NAMED, *_FALLS)
    bare = _BARE[:-1] if when.startswith("starting") else _BARE
    way = draw.random.choice((*bare, *named) if alone else named)
    text = fill(way.replace("{when}", "\0"), f=role.word.noun).replace("\0", when)
    if terse and not alone:
        terse = f"{mark(role.word.noun)} {terse}"
    own = {} if reads_iso(role.format) else {"format": "strict_date_optional_time"}
    return Clause(text=text, body={"range": {role.field: {**bounds, **own}}}, why=f"{role.note}, {why}", terse=terse)


def _iso(time: datetime) -> str:
    return f"{time.year:04d}-{time.month:02d}-{time.day:02d}"


_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def _spoken_day(draw: Draw, time: datetime) -> str:
    """The day, as 2025-03-14 or as 14 March 2025."""
    month = _MONTHS[time.month - 1]
    ways = (_iso(time), _iso(time), f"{time.day} {month} {time.year}", f"{month} {time.day}, {time.year}")
    return mark(draw.random.choice(ways))


def day(draw: Draw) -> Clause:
    role, time = field_of(draw)
    iso = _iso(time)
    return _clause(
        draw, role, f"on {_spoken_day(draw, time)}", "one day: range to the next.", mark(iso), gte=iso, lt=f"{iso}||+1d"
    )


def since(draw: Draw) -> Clause:
    role, time = field_of(draw)
    time -= timedelta(days=draw.random.randrange(0, 6))
    when = draw.pick("since {}", "from {} on", "starting {}", "on or after {}").format(_spoken_day(draw, time))
    return _clause(draw, role, when, "from that day: range gte.", f"since {mark(_iso(time))}", gte=_iso(time))


def before(draw: Draw) -> Clause:
    role, time = field_of(draw)
    time += timedelta(days=draw.random.randrange(1, 6))
    when = draw.pick("before {}", "earlier than {}", "prior to {}").format(_spoken_day(draw, time))
    return _clause(draw, role, when, "before that day: range lt.", f"before {mark(_iso(time))}", lt=_iso(time))


def after(draw: Draw) -> Clause:
    role, time = field_of(draw)
    time -= timedelta(days=draw.random.randrange(1, 6))
    when = draw.pick("after {}", "later than {}").format(_spoken_day(draw, time))
    why = "after that day ends: range gte the next."
    return _clause(draw, role, when, why, f"after {mark(_iso(time))}", gte=f"{_iso(time)}||+1d")


def span(draw: Draw) -> Clause:
    role, time = field_of(draw)
    low = time - timedelta(days=draw.random.randrange(0, 9))
    high = time + timedelta(days=draw.random.randrange(1, 9))
    way = draw.pick("between {} and {}", "from {} to {}", "from {} through {}")
    when = way.format(_spoken_day(draw, low), _spoken_day(draw, high))
    terse = f"{mark(_iso(low))}..{mark(_iso(high))}"
    return _clause(draw, role, when, "both days included: range.", terse, gte=_iso(low), lt=f"{_iso(high)}||+1d")


def month(draw: Draw) -> Clause:
    role, time = field_of(draw)
    start = f"{time.year:04d}-{time.month:02d}-01"
    text = mark(draw.pick(f"{_MONTHS[time.month - 1]} {time.year}", start[:7]))
    return _clause(draw, role, f"in {text}", "a month: range to the next.", text, gte=start, lt=f"{start}||+1M")


def year(draw: Draw) -> Clause:
    role, time = field_of(draw)
    start, text = f"{time.year:04d}-01-01", mark(time.year)
    when = draw.pick(f"in {text}", f"in the year {text}", f"during {text}")
    return _clause(draw, role, when, "a year: range to the next.", text, gte=start, lt=f"{start}||+1y")


_UNITS = {"minute": 1, "hour": 60, "day": 1_440, "week": 10_080}


def rolling(draw: Draw) -> Clause:
    """The last n minutes, hours, days or weeks until now, with an n that includes the document."""
    role, time = field_of(draw)
    minutes = int((draw.context.now - time).total_seconds() // 60) + 1
    fitting = [unit for unit, length in _UNITS.items() if 2 <= -(-minutes // length) <= 90]
    if minutes < 1 or not fitting:
        raise Skip("no unit")
    unit = draw.random.choice(fitting)
    count = -(-minutes // _UNITS[unit]) + draw.random.randrange(0, 4)
    when = draw.pick("in the last {} {}s", "within the past {} {}s", "from the last {} {}s").format(mark(count), unit)
    letter = unit[0]
    terse = f"last {mark(count)}{letter}"
    return _clause(draw, role, when, "rolling back from now: range gte.", terse, gte=f"now-{count}{letter}")


# words → bounds in date math
CALENDAR: Mapping[str, Mapping[str, str]] = {
    "today": {"gte": "now/d"},
    "yesterday": {"gte": "now-1d/d", "lt": "now/d"},
    "this week": {"gte": "now/w"},
    "last week": {"gte": "now-1w/w", "lt": "now/w"},
    "this month": {"gte": "now/M"},
    "last month": {"gte": "now-1M/M", "lt": "now/M"},
    "this year": {"gte": "now/y"},
    "last year": {"gte": "now-1y/y", "lt": "now/y"},
}


def calendar(draw: Draw) -> Clause:
    role, time = field_of(draw)
    fitting = [words for words, (start, end) in windows(draw.context.now).items() if start <= time < end]
    if not fitting:
        raise Skip("long ago")
    words = draw.random.choice(fitting)
    text = draw.pick(mark(words), f"from {mark(words)}", f"during {mark(words)}")
    return _clause(draw, role, text, "a calendar span: range rounded by date math.", mark(words), **CALENDAR[words])


def windows(now: datetime) -> dict[str, tuple[datetime, datetime]]:
    """The phrases of `CALENDAR` → start and end (exclusive) of the span."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    week = today - timedelta(days=today.weekday())
    month = today.replace(day=1)
    year = month.replace(month=1)
    ever = now + timedelta(days=1)
    return {
        "today": (today, ever),
        "yesterday": (today - timedelta(days=1), today),
        "this week": (week, ever),
        "last week": (week - timedelta(days=7), week),
        "this month": (month, ever),
        "last month": ((month - timedelta(days=1)).replace(day=1), month),
        "this year": (year, ever),
        "last year": (year.replace(year=year.year - 1), year),
    }


def recent(draw: Draw) -> Clause:
    """The documented meaning of "recent": the last 24 hours of the main date field."""
    role = draw.context.main_date
    if role is None:
        raise Skip("no date")
    draw.used.add(role.stored)
    time = moment(draw.value(role), role.format)
    if time is None or not timedelta() <= draw.context.now - time <= timedelta(days=1):
        raise Skip("old")
    body: dict[str, Any] = {"gte": "now-24h"}
    if not reads_iso(role.format):
        body["format"] = "strict_date_optional_time"
    why = f"recent means the last 24 hours; {role.note}: range gte."
    return Clause(text=mark("recent"), place="before", body={"range": {role.field: body}}, why=why, terse="recent")


_KINDS: Sequence[Maker] = (day, since, before, after, span, month, year, rolling, calendar, recent)
DATES: Mapping[str, Maker] = {maker.__name__: maker for maker in _KINDS}
