"""The conditions of freely phrased questions, in forms for several places of a sentence.

    condition("value", draw)
    →  Condition(kind="term", body={"term": {"country": "Spain"}}, forms={"pre": "spain", "post": "from spain", …})

A value stands without its field if no other field is known to have it, and a date if it is of the first date field.
Known values are also said in other cases, with other separators, in the plural, and by a part.
"""

from __future__ import annotations

import re
from calendar import day_name, month_abbr, month_name
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal

from dstill.linked.known import folded, telling_words, value_said
from dstill.linked.linking import STOP_WORDS
from dstill.linked.names import stems
from dstill_querydsl.invented.schemas import Schema
from dstill_querydsl.invented.vocabulary import table
from dstill_querydsl.linked.adjectives import ADJECTIVES, Adjective
from dstill_querydsl.questions.conditions_dates import CALENDAR, windows
from dstill_querydsl.questions.conditions_numbers import limits
from dstill_querydsl.questions.conditions_places import point_near
from dstill_querydsl.questions.context import Draw, Skip, values_at
from dstill_querydsl.questions.moments import moment, reads_iso
from dstill_querydsl.questions.roles import Role
from dstill_querydsl.questions.units import in_words, spell
from dstill_querydsl.questions.words import mark, plural, sayable

__all__ = [
    "KINDS",
    "AskedDraw",
    "Condition",
    "Form",
    "adjective_of",
    "condition",
    "filled",
    "options",
    "said_value",
    "stands_alone",
]

Form = Literal["pre", "post", "front", "bare"]
_SLOT = re.compile(r"\{(\w+)\}")
_PLAIN = re.compile(r"[\w /.,'-]{1,60}")
_TOKEN = re.compile(r"[^\W_]{3,30}")
_COMMON = frozenset(
    ("the", "and", "for", "with", "from", "that", "this", "not", "are", "was", "were", "has", "have", "had", "its")
)
_SHORTEST_ALONE = 3  # characters of a value that stands without its field


@dataclass(kw_only=True)
class AskedDraw(Draw):
    """The document of one question, and the schema that it is about."""

    schema: Schema


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One condition and its wordings."""

    kind: str  # as in `plan`: term, either, range, …
    body: Mapping[str, Any]
    occur: Literal["filter", "must_not"] = "filter"
    ways: Mapping[str, Sequence[str]]  # place → wordings with slots
    slots: Mapping[str, str]  # with marks

    def has(self, place: Form) -> bool:
        """Whether it can be said there."""
        return bool(self.ways.get(place))

    def said(self, place: Form, draw: AskedDraw) -> str:
        """It in words for that place."""
        return filled(draw.random.choice(self.ways[place]), self.slots)


@cache
def options(section: str, key: str, separator: str = "\n") -> tuple[str, ...]:
    """Wordings of asked.toml."""
    found = table("asked.toml")
    for name in filter(None, section.split(".")):
        found = found[name]
    return tuple(one.strip() for one in found.get(key, "").strip().split(separator) if one.strip())


def filled(way: str, slots: Mapping[str, str]) -> str:
    """A wording with its slots filled."""
    return _SLOT.sub(lambda slot: slots[slot[1]], way)


def _condition(
    kind: str,
    body: Mapping[str, Any],
    key: str,
    role: Role | None = None,
    occur: Literal["filter", "must_not"] = "filter",
    **slots: Any,
) -> Condition:
    ways = {place: options(f"conditions.{key}", place, "|") for place in ("pre", "post", "front", "bare")}
    marked = {name: mark(value) for name, value in slots.items()}
    if role is not None:
        marked["f"] = mark(role.word.noun)
        if role.word.nouns == role.word.noun:  # no "a pages"
            ways = {place: tuple(way.replace("a {f}", "{f}") for way in found) for place, found in ways.items()}
    return Condition(kind=kind, body=body, occur=occur, ways=ways, slots=marked)


def condition(name: str, draw: AskedDraw) -> Condition:
    """A condition of one of `KINDS`. Raises Skip."""
    return _MAKERS[name](draw)


# --- values -----------------------------------------------------------------------------


def _shown(role: Role, draw: AskedDraw) -> tuple[str, ...]:
    known = draw.schema.profile.values.get(role.keyword) or draw.schema.profile.values.get(role.field)
    return tuple(one for one in known.values if isinstance(one, str)) if known else ()


def stands_alone(role: Role, value: Any, draw: AskedDraw) -> bool:
    """Whether the value tells its field."""
    said = folded(str(value))
    if len(said) < _SHORTEST_ALONE or said.isdigit() or said in STOP_WORDS:
        return False
    return draw.schema.having.get(said) == frozenset((role.field,))


def said_value(role: Role, value: Any, draw: AskedDraw) -> str:
    """The value as a question writes it. A value that is not known is written as it is."""
    text, shown = str(value), _shown(role, draw)
    if text not in shown or draw.chance(40):
        return text
    other = _form(text, shown, draw)
    return other if value_said(other, shown) == text else text


def _form(text: str, shown: Sequence[str], draw: AskedDraw) -> str:
    """A known value in another form, mostly in lower case."""
    chance = draw.random.random()
    if chance < 0.6:
        return text.lower()
    if chance < 0.67:
        return text.title() if text.islower() else text.upper()
    if chance < 0.78:
        return re.sub(r"[_-]+", " ", text).lower()
    if chance < 0.88:
        return plural(text.replace("_", " ").lower())
    if chance < 0.91:
        return re.sub(r"[\W_]+", "", text).lower()
    telling = telling_words(tuple(shown))
    parts = [word for word in re.split(r"[\W_]+", text) if folded(word) in telling]
    if not parts:
        return text.lower()
    part = draw.random.choice(parts).lower()
    return part[: draw.random.randrange(4, len(part))] if len(part) > 5 and draw.chance(30) else part


def _category(draw: AskedDraw) -> tuple[Role, Any, bool]:
    role, value = draw.known("category")
    return role, value, stands_alone(role, value, draw) and draw.chance(65)


def _value(draw: AskedDraw) -> Condition:
    role, value, alone = _category(draw)
    said = said_value(role, value, draw)
    made = _condition("term", {"term": {role.field: value}}, "value" if alone else "value_named", role, v=said)
    if not alone and role.word.ways and draw.chance(30):
        return _with_own(made, role.word.ways)
    return made


def _with_own(made: Condition, ways: Sequence[str]) -> Condition:
    own = {"pre": [way[:-2] for way in ways if way.endswith(" <")], "post": [w for w in ways if not w.endswith(" <")]}
    return Condition(
        kind=made.kind, body=made.body, ways={**made.ways, **{k: v for k, v in own.items() if v}}, slots=made.slots
    )


def _either(draw: AskedDraw) -> Condition:
    role, value, alone = _category(draw)
    other = draw.other(role, value)
    alone = alone and stands_alone(role, other, draw)
    pair = draw.random.sample((value, other), 2)
    v, w = (said_value(role, one, draw) for one in pair)
    key = "either" if alone else "either_named"
    return _condition("either", {"terms": {role.field: pair}}, key, role, v=v, w=w)


def _or(draw: AskedDraw) -> Condition:
    """Either of two conditions on two fields."""
    one, other = condition("value", draw), condition(draw.pick("value", "boolean", "number"), draw)
    if not (one.has("post") and other.has("post")):
        raise Skip("no words")
    both = [made.said("post", draw) for made in (one, other)]
    way = draw.pick("{} or {}", "either {} or {}", "{}, or {}", "{} or else {}", "that are one of the two: {} or {}")
    body = {"bool": {"should": [dict(one.body), dict(other.body)]}}
    ways = {"post": (way.format(*both),), "bare": (" or ".join(both),)}
    return Condition(kind="or_fields", body=body, ways=ways, slots={})


def _not(draw: AskedDraw) -> Condition:
    role, value, alone = _category(draw)
    other = draw.other(role, value)
    if not sayable(other):
        raise Skip(role.field)
    alone = alone and stands_alone(role, other, draw)
    said = said_value(role, other, draw)
    key = "not" if alone else "not_named"
    return _condition("not", {"term": {role.field: other}}, key, role, "must_not", v=said)


def _boolean(draw: AskedDraw) -> Condition:
    role, value = draw.known("boolean")
    made = _condition("boolean", {"term": {role.field: value}}, "yes" if value else "no", role)
    own = role.word.yes if value else role.word.no
    ways = dict(made.ways)
    if " " in role.word.noun or role.word.noun.endswith("flag"):  # it is no adjective
        ways["pre"] = ()
        ways["post"] = tuple(way for way in ways["post"] if re.match(r"with|where|that have set", way))
    if own and draw.chance(50):
        ways["post"] = (own,)
    return Condition(kind="boolean", body=made.body, ways=ways, slots=made.slots)


def _has(draw: AskedDraw) -> Condition:
    role = _sparse(draw, True)
    if draw.chance(15):
        other = _sparse(draw, True)
        body = {"bool": {"filter": [{"exists": {"field": one.field}} for one in (role, other)]}}
        return _condition("has+has", body, "has_both", role, h=other.word.noun)
    return _condition("has", {"exists": {"field": role.field}}, "has", role)


def _lacks(draw: AskedDraw) -> Condition:
    role = _sparse(draw, False)
    return _condition("lacks", {"exists": {"field": role.field}}, "lacks", role, "must_not")


def _sparse(draw: AskedDraw, here: bool) -> Role:
    """A field that this document has or lacks; no flags, since "with" and "without" mean their values."""
    roles = draw.context.of_kind("category", "number", "date", "text", "ip", "geo")
    telling = [role for role in roles if role.field in draw.context.sparse and role.stored not in draw.used]
    role = draw.among(telling or roles)
    if bool(values_at(draw.source, role.stored.split("."))) is not here:
        raise Skip(role.field)
    return role


# --- numbers ----------------------------------------------------------------------------

_BOUNDS = ("gt", "gte", "lt", "lte")


_MONEY = frozenset(stems("price cost amount fee salary revenue budget income fare tip wage rent turnover profit sales"))


def _amount(value: int | float, role: Role, draw: AskedDraw) -> str:
    """A number with its unit: as it is, in words, or after the sign of a currency."""
    said = spell(value, role.word.unit, draw.random)
    if not role.word.unit and not _MONEY.isdisjoint(stems(role.word.noun)) and draw.chance(40):
        return f"{draw.pick('$', '$', '€', '£')}{said}"
    return in_words(said) if draw.chance(15) else said


def _number(draw: AskedDraw) -> Condition:
    role, value = draw.known("number")
    if role.code:
        raise Skip(role.field)
    known = role.known.low
    if isinstance(known, (int, float)) and known < 0 and draw.chance(50):
        bound = "lt" if value < 0 else "gt"
        return _condition("range", {"range": {role.field: {bound: 0}}}, "negative" if value < 0 else "positive", role)
    low, high = limits(role, value)
    bound = draw.random.choice(_BOUNDS)
    limit = low if bound in ("gt", "gte") else high
    if bound == "gt" and low == value:
        raise Skip(role.field)
    body = {"range": {role.field: {bound: limit}}}
    shown = _amount(limit, role, draw)
    adjective = adjective_of(role, draw)
    more = adjective.more[1:2] if adjective else _comparative(role.word.most)
    less = adjective.less[1:2] if adjective else _comparative(role.word.least)
    if bound == "gt" and more and draw.chance(45):
        return _condition("range", body, "gt_more", role, v=shown, more=more[0])
    if bound == "lt" and less and draw.chance(45):
        return _condition("range", body, "lt_less", role, v=shown, less=less[0])
    alone = role.word.unit and sum(one.word.unit == role.word.unit for one in draw.context.of_kind("number")) == 1
    key = f"{bound}_unit" if alone and draw.chance(35) else bound
    return _condition("range", body, key, role, v=shown)


def _comparative(superlative: str) -> tuple[str, ...]:
    """Slower for slowest. Empty if that is not so easy."""
    return (f"{superlative[:-3]}er",) if re.fullmatch(r"[a-z]+est", superlative) else ()


def adjective_of(role: Role, draw: AskedDraw) -> Adjective | None:
    """An adjective that tells this number and no other."""
    found = [one for one in ADJECTIVES if _measured_by(role, one)]
    if not found:
        return None
    chosen: Adjective = draw.random.choice(found)
    return chosen if sum(_measured_by(one, chosen) for one in draw.context.of_kind("number")) == 1 else None


def _measured_by(role: Role, adjective: Adjective) -> bool:
    return not set(stems(role.word.noun)).isdisjoint(adjective.nouns)


def _between(draw: AskedDraw) -> Condition:
    role, value = draw.known("number")
    low, above = limits(role, value)
    high = draw.pick(above, above + draw.pick(1, 2, 5) * (above - low))
    high = high if isinstance(high, int) else float(f"{high:.6g}")
    v, w = (_amount(one, role, draw) for one in (low, high))
    if draw.chance(40):
        v = v.split(" ")[0] if v.split(" ")[1:] == w.split(" ")[1:] else v  # 5 to 10 s
    return _condition("between", {"range": {role.field: {"gte": low, "lte": high}}}, "between", role, v=v, w=w)


def _equal(draw: AskedDraw) -> Condition:
    role, value = draw.known("number")
    if len(str(value)) > 4:
        raise Skip("nobody says such a number")
    return _condition("eq", {"term": {role.field: value}}, "eq", role, v=_amount(value, role, draw))


# --- texts and places -------------------------------------------------------------------


def _text_role(draw: AskedDraw) -> tuple[Role, str, bool]:
    roles = draw.context.of_kind("text")
    role = draw.among(roles)
    return role, draw.value(role), len(roles) == 1 and draw.chance(60)


def _words(draw: AskedDraw) -> Condition:
    role, text, alone = _text_role(draw)
    found = list(dict.fromkeys(w for w in _TOKEN.findall(text[:2_000]) if w.lower() not in _COMMON))
    if not found:
        raise Skip(role.field)
    chosen = " ".join(draw.random.sample(found, min(len(found), draw.pick(1, 1, 1, 2))))
    chosen = chosen.lower() if draw.chance(40) else chosen
    query: Any = {"query": chosen, "operator": "and"} if " " in chosen else chosen
    return _condition("words", {"match": {role.field: query}}, "words" if alone else "words_named", role, v=chosen)


def _phrase(draw: AskedDraw) -> Condition:
    role, text, alone = _text_role(draw)
    found = list(_TOKEN.finditer(text[:2_000]))
    if len(found) < 2:
        raise Skip(role.field)
    start = draw.random.randrange(len(found) - 1)
    quoted = text[found[start].start() : found[start + 1].end()]
    if not _PLAIN.fullmatch(quoted):
        raise Skip("nobody quotes that")
    quoted = quoted.lower() if draw.chance(30) else quoted
    return _condition(
        "phrase", {"match_phrase": {role.field: quoted}}, "phrase" if alone else "phrase_named", role, v=quoted
    )


def _near(draw: AskedDraw) -> Condition:
    if len(draw.context.of_kind("geo")) != 1:
        raise Skip("which place?")
    role, value = draw.known("geo")
    point, distance = point_near(value), draw.pick(2, 5, 10, 20, 25, 50, 75, 100, 200, 250, 500)
    body = {"geo_distance": {"distance": f"{distance}km", role.field: point}}
    shown = draw.pick(f"{point['lat']}, {point['lon']}", f"{point['lat']},{point['lon']}")
    return _condition("near", body, "near", role, d=distance, v=shown)


def _prefix(draw: AskedDraw) -> Condition:
    role, value = draw.known("category")
    text = str(value)
    if len(text) < 5:
        raise Skip(role.field)
    start = text[: draw.random.randrange(2, min(len(text), 7))].strip()
    return _condition("prefix", {"prefix": {role.keyword: start}}, "prefix", role, v=start)


def _address(draw: AskedDraw) -> Condition:
    role, value = draw.known("ip")
    alone = len(draw.context.of_kind("ip")) == 1 and draw.chance(50)
    return _condition("address", {"term": {role.field: value}}, "value" if alone else "value_named", role, v=value)


# --- dates ------------------------------------------------------------------------------

_UNITS = {"minute": 1, "hour": 60, "day": 1_440, "week": 10_080}
When = tuple[str, str, dict[str, str]]  # kind, words, bounds


def _date(draw: AskedDraw) -> Condition:
    dates = draw.context.of_kind("date")
    first = [role for role in dates if role.field == draw.schema.first_date]
    role = draw.among(first if first and draw.chance(70) else dates)
    time = moment(draw.value(role), role.format)
    if time is None:
        raise Skip(role.field)
    kind, when, bounds = draw.random.choice(_WHENS)(draw, time)
    own = {} if reads_iso(role.format) else {"format": "strict_date_optional_time"}
    alone = role.field == draw.schema.first_date and draw.chance(80)
    made = _condition(kind, {"range": {role.field: {**bounds, **own}}}, "date" if alone else "date_named", role)
    adjective = f"{when}'s" if when in (mark("today"), mark("yesterday"), mark("last week")) else ""
    ways = {**made.ways, "pre": (adjective,) if adjective and alone else ()}
    return Condition(kind=kind, body=made.body, ways=ways, slots={**made.slots, "when": when})


_A_YEAR = timedelta(days=360)


def _iso(time: datetime) -> str:
    return f"{time.year:04d}-{time.month:02d}-{time.day:02d}"


def _said(time: datetime, draw: AskedDraw) -> str:
    """A day. One of the last year is now and then said without the year."""
    ago = draw.context.now.date() - time.date()
    if timedelta() <= ago < timedelta(days=7) and draw.chance(40):
        return mark(day_name[time.weekday()])
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
    way = draw.random.choice(ways)
    when = way.replace("{n}", mark(in_words(str(count)) if draw.chance(15) and "{l}" not in way else count)).replace("{u}", unit).replace("{l}", letter)
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

_MAKERS: Mapping[str, Callable[[AskedDraw], Condition]] = {
    "value": _value, "either": _either, "not": _not, "or": _or, "boolean": _boolean, "has": _has, "lacks": _lacks,
    "number": _number, "between": _between, "equal": _equal, "words": _words, "phrase": _phrase, "near": _near,
    "prefix": _prefix, "address": _address, "date": _date,
}  # fmt: skip
# kind → weight
KINDS: Mapping[str, float] = {
    "value": 30, "either": 5, "not": 6, "or": 2, "boolean": 7, "has": 4, "lacks": 5, "number": 16, "between": 3,
    "equal": 3, "words": 5, "phrase": 2.5, "near": 1.5, "prefix": 1, "address": 1, "date": 18,
}  # fmt: skip
