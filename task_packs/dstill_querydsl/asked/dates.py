"""Spans of time as people say them: "since 3 march", "last week", "from 3 to 5 May", "in 2019".

date_condition(draw)     Condition(kind="since", body={"range": {"placed": {"gte": "2019-03-03"}}}, …)
"""

from __future__ import annotations

from calendar import day_name, month_abbr, month_name
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from dstill_querydsl.asked.wording import AskedDraw, Condition, worded
from dstill_querydsl.questions.conditions_dates import CALENDAR, windows
from dstill_querydsl.questions.context import Skip
from dstill_querydsl.questions.moments import moment, reads_iso
from dstill_querydsl.questions.words import mark

__all__ = ["date_condition"]

_UNITS = {"minute": 1, "hour": 60, "day": 1_440, "week": 10_080}
When = tuple[str, str, dict[str, str]]  # kind, words, bounds


def date_condition(draw: AskedDraw) -> Condition:
    """A span of a date. Raises Skip."""
    dates = draw.context.of_kind("date")
    first = [role for role in dates if role.field == draw.subject.first_date]
    role = draw.among(first if first and draw.chance(70) else dates)
    time = moment(draw.value(role), role.format)
    if time is None:
        raise Skip(role.field)
    kind, when, bounds = draw.random.choice(_WHENS)(draw, time)
    own = {} if reads_iso(role.format) else {"format": "strict_date_optional_time"}
    alone = role.field == draw.subject.first_date and draw.chance(80)
    made = worded(kind, {"range": {role.field: {**bounds, **own}}}, "date" if alone else "date_named", role)
    adjective = f"{when}'s" if when in (mark("today"), mark("yesterday"), mark("last week")) else ""
    ways = {**made.ways, "pre": (adjective,) if adjective and alone else ()}
    return Condition(kind=kind, body=made.body, ways=ways, slots={**made.slots, "when": when})


_A_YEAR = timedelta(days=360)


def _iso(time: datetime) -> str:
    return f"{time.year:04d}-{time.month:02d}-{time.day:02d}"


def _said(time: datetime, draw: AskedDraw) -> str:
    """A day. One of the last year is now and then said without the year."""
    if not timedelta() <= draw.context.now - time < _A_YEAR or draw.chance(70):
        return mark(_iso(time))
    long, short, day = month_name[time.month], month_abbr[time.month], time.day
    nth = f"{day}{'th' if 10 < day < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"
    ways = (f"{day} {long}", f"{long} {day}", f"{short} {day}", f"{nth} of {long}", f"{long} {nth}", f"{day} {short}")
    said = draw.random.choice(ways)
    return mark(said.lower() if draw.chance(35) else said)


def _moved(time: datetime, draw: AskedDraw, low: int, high: int) -> datetime:
    return time + timedelta(days=draw.random.randrange(low, high))


def _day(draw: AskedDraw, time: datetime) -> When:
    iso, weekday = _iso(time), day_name[time.weekday()]
    ways = ("on {}", "on {}", "on {}", "{}", f"on {weekday}, {{}}", f"on {weekday} the {{}}", "on the day {}", "at {}")
    return "day", draw.random.choice(ways).format(_said(time, draw)), {"gte": iso, "lt": f"{iso}||+1d"}


def _coarse(draw: AskedDraw, time: datetime) -> When:
    """Since, before, after or between months or years."""
    unit, letter = draw.pick(("month", "M"), ("year", "y"), ("year", "y"))
    first, last = (_moved(time, draw, *days) for days in ((-90, 1), (1, 90)))
    kind = draw.pick("since", "before", "after", "span")
    if kind == "since":
        way = draw.pick(
            "since {}", "since {}", "from {} on", "starting in {}", "from {} onwards", "as of {}", "{} or later"
        )
        return kind, way.format(mark(_spoken(first, unit))), {"gte": _start(first, unit)}
    if kind == "before":
        later = _moved(time, draw, 31, 365) if unit == "month" else time.replace(year=time.year + 1, day=1)
        way = draw.pick("before {}", "before {}", "earlier than {}", "prior to {}", "older than {}")
        return kind, way.format(mark(_spoken(later, unit))), {"lt": _start(later, unit)}
    if kind == "after":
        earlier = _moved(time, draw, -365, -31) if unit == "month" else time.replace(year=time.year - 1, day=1)
        way = draw.pick("after {}", "after {}", "later than {}", "newer than {}")
        return kind, way.format(mark(_spoken(earlier, unit))), {"gte": f"{_start(earlier, unit)}||+1{letter}"}
    if _start(first, unit) == _start(last, unit):
        raise Skip("one span")
    way = draw.pick(
        "between {} and {}", "between {} and {}", "from {} to {}", "from {} until {}", "{} to {}", "{} - {}"
    )
    bounds = {"gte": _start(first, unit), "lt": f"{_start(last, unit)}||+1{letter}"}
    return kind, way.format(mark(_spoken(first, unit)), mark(_spoken(last, unit))), bounds


def _start(time: datetime, unit: str) -> str:
    return f"{time.year:04d}-{time.month if unit == 'month' else 1:02d}-01"


def _spoken(time: datetime, unit: str) -> str:
    return f"{month_name[time.month]} {time.year}" if unit == "month" else str(time.year)


def _since(draw: AskedDraw, time: datetime) -> When:
    time = _moved(time, draw, -6, 1)
    ways = (
        "since {}", "since {}", "from {} on", "from {} onwards", "starting {}", "as of {}", "not before {}",
        "from {} until now", f"since {day_name[time.weekday()]}, {{}}", "on or after {}", ">= {}",
        "on {} or later", "after and including {}",
    )  # fmt: skip
    return "since", draw.random.choice(ways).format(_said(time, draw)), {"gte": _iso(time)}


def _before(draw: AskedDraw, time: datetime) -> When:
    time = _moved(time, draw, 1, 6)
    ways = ("before {}", "before {}", "earlier than {}", "prior to {}", "older than {}", "from before {}", "< {}")
    return "before", draw.random.choice(ways).format(_said(time, draw)), {"lt": _iso(time)}


def _after(draw: AskedDraw, time: datetime) -> When:
    time = _moved(time, draw, -5, 0)
    way = draw.random.choice(("after {}", "after {}", "later than {}", "newer than {}", "from after {}", "past {}"))
    return "after", way.format(_said(time, draw)), {"gte": f"{_iso(time)}||+1d"}


def _span(draw: AskedDraw, time: datetime) -> When:
    low, high = _moved(time, draw, -9, 1), _moved(time, draw, 1, 10)
    ways = (
        "between {} and {}", "between {} and {}", "from {} to {}", "from {} until {}", "from {} through {}", "{} to {}",
        "{} - {}", "between the {} and the {}", "in the time from {} to {}", "any time between {} and {}",
    )  # fmt: skip
    when = draw.random.choice(ways).format(_said(low, draw), _said(high, draw))
    if low.month == high.month and low.year == high.year and draw.chance(50):  # from 3 to 5 March 2024
        way = draw.pick("between {}", "from {}", "{}").format("{} and {}" if draw.chance(40) else "{} to {}")
        year = f" {high.year}" if draw.chance(60) or not timedelta() <= draw.context.now - high < _A_YEAR else ""
        when = f"{low.day} and {high.day}" if "and" in way else f"{low.day} to {high.day}"
        before = draw.pick("between", "from") if "and" not in way else "between"
        when = f"{before} {mark(f'{when} {month_name[high.month]}{year}')}"
    return "span", when, {"gte": _iso(low), "lt": f"{_iso(high)}||+1d"}


def _month(draw: AskedDraw, time: datetime) -> When:
    start = f"{time.year:04d}-{time.month:02d}-01"
    way = draw.random.choice(("in {}", "in {}", "{}", "during {}", "for {}", "of {}", "in the month {}", "in {} alone"))
    said = start[:7]
    if timedelta(days=31) <= draw.context.now - time < _A_YEAR - timedelta(days=31) and draw.chance(40):
        way, said = draw.pick("in {}", "during {}", "of {}", "for {}"), month_name[time.month]
        said = said.lower() if draw.chance(35) else said
    return "month", way.format(mark(said)), {"gte": start, "lt": f"{start}||+1M"}


def _year(draw: AskedDraw, time: datetime) -> When:
    start = f"{time.year:04d}-01-01"
    way = draw.random.choice(("in {}", "in {}", "{}", "during {}", "for {}", "of {}", "in the year {}", "from {}"))
    return "year", way.format(mark(time.year)), {"gte": start, "lt": f"{start}||+1y"}


def _rolling(draw: AskedDraw, time: datetime) -> When:
    minutes = int((draw.context.now - time).total_seconds() // 60) + 1
    fitting = [unit for unit, length in _UNITS.items() if 1 <= -(-minutes // length) <= 90]
    if minutes < 1 or not fitting:
        raise Skip("no unit")
    unit = draw.random.choice(fitting)
    count = -(-minutes // _UNITS[unit]) + draw.random.randrange(0, 3)
    letter, usual = unit[0], [one for one in (5, 10, 15, 24, 30, 48, 90) if one >= count]
    if usual and draw.chance(50):
        count = usual[0]
    ways: tuple[str, ...] = (
        "in the last {n} {u}s", "in the past {n} {u}s", "over the last {n} {u}s", "within the last {n} {u}s",
        "last {n} {u}s",
        "during the last {n} {u}s", "past {n} {u}s", "from the last {n} {u}s", "in the {n} {u}s until now",
        "{n} {u}s back",
        "for the last {n} {u}s", "the last {n} {u}s", "last {n}{l}", "in the last {n}{l}",
    )  # fmt: skip
    if count == 1 and unit in ("minute", "hour"):
        ways = ("in the last {u}", "within the last {u}", "in the past {u}", "last {u}", "past {u}", "of the last {u}")
    elif count == 1:
        ways = ("in the last {n} {u}", "within the past {n} {u}")
    when = draw.random.choice(ways).replace("{n}", mark(count)).replace("{u}", unit).replace("{l}", letter)
    return "rolling", when, {"gte": f"now-{count}{letter}"}


def _calendar(draw: AskedDraw, time: datetime) -> When:
    fitting = [words for words, (start, end) in windows(draw.context.now).items() if start <= time < end]
    if not fitting:
        raise Skip("long ago")
    words = draw.random.choice(fitting)
    ways: tuple[str, ...] = ("{}", "{}", "{}", "from {}", "during {}", "of {}")
    if words.startswith("this") or words == "today":
        ways = (*ways, "so far {}", "{} so far", "in {}" if words != "today" else "for {}")
        ways = (*ways, f"of the {words.split()[1]}") if words != "today" else ways
    return "calendar", draw.random.choice(ways).format(mark(words)), dict(CALENDAR[words])


_WHENS: Sequence[Callable[[AskedDraw, datetime], When]] = (
    _day, _day, _since, _since, _before, _after, _span, _month, _month, _year, _year, _coarse, _coarse,
    _coarse, _coarse, _rolling, _rolling,
    _rolling, _calendar,
    _calendar, _calendar,
)  # fmt: skip
