"""Dates in freely phrased questions: days, months, spans, and time until or from now, with or without their field.

    date(draw)       "tomorrow", "delivered before March", "in the next 3 days", "upcoming"

A date field whose noun tells what was done is also said by that: who asks for those delivered yesterday asks for the
delivery date. Fields that are about the future, such as due dates, have an end for "this week"; others have none.
"""

from __future__ import annotations

from calendar import day_name, month_abbr, month_name
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from dstill.linked.names import stems
from dstill_querydsl.questions.free_phrasing.participles import participle_of
from dstill_querydsl.questions.free_phrasing.wording import AskedDraw, WordedCondition, worded
from dstill_querydsl.questions.templates.conditions_dates import CALENDAR, windows
from dstill_querydsl.questions.templates.context import Skip
from dstill_querydsl.questions.templates.moments import moment, reads_iso
from dstill_querydsl.questions.templates.roles import Role
from dstill_querydsl.questions.templates.units import in_words
from dstill_querydsl.questions.templates.words import mark

__all__ = ["date"]

When = tuple[str, str, dict[str, str]]  # kind, words, bounds
# unit → minutes, letter of date math
_UNITS = {
    "minute": (1, "m"), "hour": (60, "h"), "day": (1_440, "d"), "week": (10_080, "w"), "month": (43_200, "M"),
    "year": (525_600, "y"),
}  # fmt: skip
# Words of date fields that are mostly about the future.
_PLANNED = frozenset(
    stems("due deadline start end departure arrival expiry validity renewal event check-in check-out launch kick-off")
)


def date(draw: AskedDraw) -> WordedCondition:
    """A condition on a date. Raises Skip."""
    dates = draw.context.by_kind("date")
    first = [role for role in dates if role.field == draw.subject.first_date]
    role = draw.among(first if first and draw.chance(60) else dates)
    time = moment(draw.value(role), role.format)
    if time is None:
        raise Skip(role.field)
    done = participle_of(role, draw)
    if done is not None and done.word == "due" and draw.chance(12):
        return _overdue(role, draw)
    if role.field == draw.subject.first_date and draw.chance(6):
        bound, key = draw.pick(("gte", "upcoming"), ("gte", "upcoming"), ("lt", "over"))
        return worded("relative", _body(role, {bound: "now"}), key)
    kind, when, bounds = draw.random.choice(_WHENS)(draw, time)
    if kind == "calendar" and "so far" not in when and not _PLANNED.isdisjoint(stems(role.word.noun)):
        bounds = {**_ENDS.get(bounds["gte"], {}), **bounds}
    body = _body(role, bounds)
    if done is not None and draw.chance(55):
        clause = worded(kind, body, "date_done", done=done.word).with_slots(when=when)
        return clause if _before_documents(when) else clause.with_ways(pre=())
    alone = role.field == draw.subject.first_date and draw.chance(80)
    clause = worded(kind, body, "date" if alone else "date_named", role).with_slots(when=when)
    if not alone:
        return clause
    return clause.with_ways(pre=tuple(_before_documents(when)))


def _body(role: Role, bounds: Mapping[str, str]) -> dict[str, Any]:
    own = {} if reads_iso(role.format) else {"format": "strict_date_optional_time"}
    return {"range": {role.field: {**bounds, **own}}}


def _overdue(role: Role, draw: AskedDraw) -> WordedCondition:
    if "overdue" in draw.context.vocabulary:
        raise Skip("a flag says it")
    return worded("relative", _body(role, {"lt": "now"}), "quality", u=draw.pick("overdue", "overdue", "past due"))


def _before_documents(when: str) -> Sequence[str]:
    """Forms before the documents: last week's, last 3 days."""
    plain = when.replace(mark("")[0], "").replace(mark("")[1], "")
    if plain.startswith(("today", "yesterday", "tomorrow", "last ", "this ", "next ")) and "far" not in plain:
        return (f"{when}'s", when) if "to" in plain or plain.count(" ") == 1 else (when,)
    return ()


_A_YEAR = timedelta(days=360)


def _iso(time: datetime) -> str:
    return f"{time.year:04d}-{time.month:02d}-{time.day:02d}"


def _day_text(time: datetime, draw: AskedDraw) -> str:
    """A day. One of the last year is now and then said without the year."""
    if not timedelta() <= draw.context.now - time < _A_YEAR or draw.chance(70):
        return mark(_iso(time))
    long, short, day = month_name[time.month], month_abbr[time.month], time.day
    nth = f"{day}{'th' if 10 < day < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"
    ways = (f"{day} {long}", f"{long} {day}", f"{short} {day}", f"{nth} of {long}", f"{long} {nth}", f"{day} {short}")
    text = draw.random.choice(ways)
    return mark(text.lower() if draw.chance(35) else text)


def _dated(way: str, time: datetime, draw: AskedDraw) -> str:
    """A wording with its day. One of the last week is now and then said by its name."""
    ago = draw.context.now.date() - time.date()
    if timedelta() <= ago < timedelta(days=7) and way.endswith(_BEFORE_WEEKDAYS) and draw.chance(50):
        return way.format(mark(day_name[time.weekday()]))
    return way.format(_day_text(time, draw))


_BEFORE_WEEKDAYS = tuple(f"{word} {{}}" for word in ("on", "since", "before", "after", "from"))


def _moved(time: datetime, draw: AskedDraw, low: int, high: int) -> datetime:
    return time + timedelta(days=draw.random.randrange(low, high))


def _day(draw: AskedDraw, time: datetime) -> When:
    iso, weekday = _iso(time), day_name[time.weekday()]
    ways = ("on {}", "on {}", "on {}", "{}", f"on {weekday}, {{}}", f"on {weekday} the {{}}", "on the day {}", "at {}")
    return "day", _dated(draw.random.choice(ways), time, draw), {"gte": iso, "lt": f"{iso}||+1d"}


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
    return "since", _dated(draw.random.choice(ways), time, draw), {"gte": _iso(time)}


def _before(draw: AskedDraw, time: datetime) -> When:
    time = _moved(time, draw, 1, 6)
    ways = ("before {}", "before {}", "earlier than {}", "prior to {}", "older than {}", "from before {}", "< {}")
    return "before", _dated(draw.random.choice(ways), time, draw), {"lt": _iso(time)}


def _after(draw: AskedDraw, time: datetime) -> When:
    time = _moved(time, draw, -5, 0)
    way = draw.random.choice(("after {}", "after {}", "later than {}", "newer than {}", "from after {}", "past {}"))
    return "after", _dated(way, time, draw), {"gte": f"{_iso(time)}||+1d"}


def _span(draw: AskedDraw, time: datetime) -> When:
    low, high = _moved(time, draw, -9, 1), _moved(time, draw, 1, 10)
    ways = (
        "between {} and {}", "between {} and {}", "from {} to {}", "from {} until {}", "from {} through {}", "{} to {}",
        "{} - {}", "between the {} and the {}", "in the time from {} to {}", "any time between {} and {}",
    )  # fmt: skip
    when = draw.random.choice(ways).format(_day_text(low, draw), _day_text(high, draw))
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
    text = start[:7]
    if timedelta(days=31) <= draw.context.now - time < _A_YEAR - timedelta(days=31) and draw.chance(40):
        way, text = draw.pick("in {}", "during {}", "of {}", "for {}"), month_name[time.month]
        text = text.lower() if draw.chance(35) else text
    return "month", way.format(mark(text)), {"gte": start, "lt": f"{start}||+1M"}


def _year(draw: AskedDraw, time: datetime) -> When:
    start = f"{time.year:04d}-01-01"
    way = draw.random.choice(("in {}", "in {}", "{}", "during {}", "for {}", "of {}", "in the year {}", "from {}"))
    return "year", way.format(mark(time.year)), {"gte": start, "lt": f"{start}||+1y"}


def _rolling(draw: AskedDraw, time: datetime) -> When:
    minutes = int((draw.context.now - time).total_seconds() // 60) + 1
    fitting = [unit for unit, (length, _) in _UNITS.items() if 1 <= -(-minutes // length) <= 90]
    if minutes < 1 or not fitting:
        raise Skip("no unit")
    unit = draw.random.choice(fitting)
    length, letter = _UNITS[unit]
    count = -(-minutes // length) + draw.random.randrange(0, 3)
    usual = [number for number in (5, 10, 15, 24, 30, 48, 90) if number >= count]
    if usual and unit not in ("month", "year") and draw.chance(50):
        count = usual[0]
    ways: tuple[str, ...] = (
        "in the last {n} {u}s", "in the past {n} {u}s", "over the last {n} {u}s", "within the last {n} {u}s",
        "last {n} {u}s", "during the last {n} {u}s", "past {n} {u}s", "from the last {n} {u}s",
        "in the {n} {u}s until now", "{n} {u}s back", "for the last {n} {u}s", "the last {n} {u}s", "last {n}{l}",
        "in the last {n}{l}", "less than {n} {u}s ago", "not older than {n} {u}s",
    )  # fmt: skip
    if count == 1 and unit in ("minute", "hour"):
        ways = ("in the last {u}", "within the last {u}", "in the past {u}", "last {u}", "past {u}", "of the last {u}")
    elif count == 1:
        ways = ("in the last {n} {u}", "within the past {n} {u}")
    return "rolling", _counted(draw.random.choice(ways), count, unit, draw), {"gte": f"now-{count}{letter}"}


def _counted(way: str, count: int, unit: str, draw: AskedDraw) -> str:
    """A wording with a number of units, now and then in words."""
    text = in_words(str(count)) if draw.chance(15) and "{l}" not in way else count
    return way.replace("{n}", mark(text)).replace("{u}", unit).replace("{l}", _UNITS[unit][1])


def _ago(draw: AskedDraw, _time: datetime) -> When:
    """Until that long ago."""
    unit, count = draw.pick("hour", "day", "day", "week", "month", "year"), draw.pick(2, 3, 4, 5, 6, 7, 10, 12, 14, 30)
    ways = (
        "more than {n} {u}s ago", "over {n} {u}s ago", "older than {n} {u}s", "more than {n} {u}s back",
        "at least {n} {u}s ago", "longer than {n} {u}s ago", "before the last {n} {u}s",
    )  # fmt: skip
    return "before", _counted(draw.random.choice(ways), count, unit, draw), {"lt": f"now-{count}{_UNITS[unit][1]}"}


def _ahead(draw: AskedDraw, _time: datetime) -> When:
    """From now until that many units from now."""
    unit, count = (
        draw.pick("hour", "day", "day", "day", "week", "month", "year"),
        draw.pick(2, 3, 4, 5, 6, 7, 10, 14, 24, 30, 90),
    )
    ways = (
        "in the next {n} {u}s", "within the next {n} {u}s", "over the next {n} {u}s", "during the next {n} {u}s",
        "next {n} {u}s", "in the coming {n} {u}s", "the next {n} {u}s", "within {n} {u}s from now", "coming {n} {u}s",
    )  # fmt: skip
    when = _counted(draw.random.choice(ways), count, unit, draw)
    return "ahead", when, {"gte": "now", "lt": f"now+{count}{_UNITS[unit][1]}"}


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


def _relative(draw: AskedDraw, _time: datetime) -> When:
    """Spans from now that no document of the past tells: tomorrow, upcoming, before today."""
    bounds, ways = draw.random.choice(_RELATIVE[:4] if draw.chance(35) else _RELATIVE)
    text = draw.random.choice(ways)
    return "relative", mark(text) if text in _NAMES else text, dict(bounds)


# The end of a span that begins there.
_ENDS = {f"now/{unit}": {"lt": f"now+1{unit}/{unit}"} for unit in "dwMy"}
_NAMES = frozenset(("tomorrow", "next week", "next month", "next year"))
# first moment, moment after the last one | words
_ROWS = """
now+1d/d now+2d/d | tomorrow | for tomorrow
now+1w/w now+2w/w | next week | in the next week | for next week | during next week
now+1M/M now+2M/M | next month | in the next month | for next month | during next month
now+1y/y now+2y/y | next year | in the next year | for next year | during next year
now+2d/d now+3d/d | the day after tomorrow | on the day after tomorrow
now+1d/d now+3d/d | tomorrow or the day after | tomorrow and the day after
now-2d/d now-1d/d | the day before yesterday | on the day before yesterday
now/d now+2d/d | today or tomorrow | today and tomorrow
now-1d/d - | since yesterday | from yesterday on | yesterday or today | yesterday and today
now-1w/w - | since last week | since the start of last week
now-1M/M - | since last month | since the start of last month
now-1y/y - | since last year | since the start of last year
now/M - | since the start of the month | since the beginning of this month | month to date
now/y - | since the start of the year | since the beginning of this year | year to date | ytd
- now/d | before today | until yesterday | earlier than today | up to yesterday
- now-1d/d | before yesterday | earlier than yesterday
- now/w | before this week | until the end of last week
- now/M | before this month | until the end of last month
- now/y | before this year | until the end of last year | in earlier years | from former years
now+1d/d - | after today | later than today | from tomorrow on | not before tomorrow | since tomorrow
- now+2d/d | by tomorrow | until tomorrow | by the end of tomorrow
- now+1w/w | by the end of the week | until the end of this week | by the end of this week
- now+1M/M | by the end of the month | until the end of this month | by the end of this month
- now+1y/y | by the end of the year | until the end of this year | by the end of this year
now+1w/w - | after this week | from next week on
now+1M/M - | after this month | from next month on
now - | in the future | from now on | still to come | still ahead | yet to come | later than now
- now | in the past | until now | before now | that is already over | already past | earlier than now
"""


def _relatives() -> Sequence[tuple[Mapping[str, str], Sequence[str]]]:
    rows = []
    for row in _ROWS.strip().splitlines():
        limits, *ways = (cell.strip() for cell in row.split("|"))
        bounds = zip(("gte", "lt"), limits.split(), strict=True)
        rows.append(({bound: limit for bound, limit in bounds if limit != "-"}, ways))
    return rows


_RELATIVE = _relatives()

_WHENS: Sequence[Callable[[AskedDraw, datetime], When]] = (
    _day, _day, _since, _since, _before, _after, _span, _month, _month, _year, _year, _coarse, _coarse, _coarse,
    _coarse, _rolling, _rolling, _rolling, _calendar, _calendar, _calendar, _ago, _ahead, _relative, _relative,
    _relative,
)  # fmt: skip
