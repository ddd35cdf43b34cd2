"""The parts of what is asked: shapes, metrics, groups, units of time.

metric(draw, "avg")              Metric(kind="avg", text="average price", body={"avg": {"field": "price"}}, …)
counted(role)                    "goals", for a number that is called "number of goals"
unit_of(draw, "day", "month")    a date, "month", True: it need not be named
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dstill.linked.names import stems
from dstill_querydsl.questions.free_phrasing.wording import AskedDraw, filled, options
from dstill_querydsl.questions.templates.context import Skip
from dstill_querydsl.questions.templates.moments import moment
from dstill_querydsl.questions.templates.roles import Role
from dstill_querydsl.questions.templates.summaries import MOST_BUCKETS, aggs, measure_of
from dstill_querydsl.questions.templates.units import in_words
from dstill_querydsl.questions.templates.words import mark, plural

__all__ = [
    "ADVERBS", "ALL", "COUNTS", "Metric", "Own", "Shape", "counted", "histogram", "make", "many_of", "metric",
    "noun_of", "person", "said_unit", "size_of", "summed", "terms", "unit_of",
]  # fmt: skip

ALL = 1_000
COUNTS: Mapping[str, Any] = {"size": 0, "track_total_hits": True}
_HOURS = {"minute": 1 / 60, "hour": 1, "day": 24, "week": 168, "month": 720, "quarter": 2_160, "year": 8_760}
ADVERBS = {
    "minute": "minutely", "hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly",
    "quarter": "quarterly", "year": "yearly",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The request of a question, without its conditions."""

    name: str  # as in `plan`, where that has it
    keys: tuple[str, ...]  # of the wordings in asked.toml
    slots: Mapping[str, str] = field(default_factory=dict)  # with marks
    before: Mapping[str, Any] = field(default_factory=dict)  # keys of the body before the query
    after: Mapping[str, Any] = field(default_factory=dict)
    refusal: Mapping[str, Any] | None = None

    @property
    def ways(self) -> tuple[str, ...]:
        """All wordings."""
        return tuple(way for key in self.keys for way in options(*key.rsplit("/", 1)))


@dataclass(frozen=True, kw_only=True)
class Own(Shape):
    """A shape with a condition of its own, such as the two values that are compared."""

    own: Mapping[str, Any] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()  # of these conditions, if `plan` has the shape


def make(
    name: str, *keys: str, before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None, **slots: str
) -> Shape:
    """A shape with these keys of [asks]."""
    return Shape(
        name=name, keys=tuple(f"asks/{key}" for key in keys), before=before or {}, after=after or {}, slots=slots
    )


def noun_of(role: Role) -> str:
    """The noun of the field, with marks."""
    return mark(role.word.noun)


def many_of(role: Role) -> str:
    """The noun of several of its values, with marks."""
    return mark(role.many)


def size_of(draw: AskedDraw, *sizes: int) -> tuple[int, str]:
    """A number of documents or groups, and its words."""
    size = draw.random.choice(sizes or (2, 3, 3, 4, 5, 5, 5, 6, 7, 8, 10, 10, 10, 12, 15, 20, 25, 30, 50, 100))
    return size, mark(in_words(str(size)) if draw.chance(25) else size)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric of a field and its words."""

    kind: str  # the aggregation
    body: Mapping[str, Any]
    text: str  # with marks
    role: Role


def metric(draw: AskedDraw, *kinds: str, role: Role | None = None) -> Metric:
    """A metric of one of these kinds. Raises Skip."""
    role = role or measure_of(draw)
    kind = draw.random.choice(kinds or ("avg", "avg", "avg", "max", "min", "sum", "sum", "percentile"))
    slots, own = {"f": noun_of(role)}, {}
    if kind == "percentile":
        percent = draw.pick(50, 50, 50, 75, 90, 95, 99)
        ways = ("p{}", "{}th percentile", "the {}th percentile", "{}% percentile")
        text = draw.pick("median", "p50", "median") if percent == 50 else draw.random.choice(ways).format(mark(percent))
        slots["q"], own, name = text, {"percents": [percent]}, "percentiles"
    else:
        name = kind
    way = draw.random.choice(options("metrics", kind, "|"))
    return Metric(kind=kind, body={name: {"field": role.field, **own}}, text=filled(way, slots), role=role)


def terms(
    name: str,
    key: str,
    role: Role,
    within: Mapping[str, Any] | None = None,
    *,
    options_: Mapping[str, Any] | None = None,
    **slots: str,
) -> Shape:
    """Groups of a field, with aggregations in them."""
    after = aggs({"terms": {"field": role.keyword, **(options_ or {})}}, within)
    return make(name, key, before={"size": 0}, after=after, g=many_of(role), o=noun_of(role), **slots)


def unit_of(draw: AskedDraw, *units: str) -> tuple[Role, str, bool]:
    """A date, a unit with a sensible number of buckets, and whether the date need not be named."""
    dates = [role for role in draw.context.by_kind("date") if role.groups]
    first = [role for role in dates if role.field == draw.subject.first_date]
    role = draw.among(first if first and draw.chance(75) else dates)
    low, high = (moment(bound, role.format) or moment(bound, "") for bound in (role.known.low, role.known.high))
    hours = (high - low).total_seconds() / 3_600 if low and high else 24 * 400
    fitting = [unit for unit in units or tuple(_HOURS) if 1 < hours / _HOURS[unit] < MOST_BUCKETS]
    if not fitting:
        raise Skip(role.field)
    return role, draw.random.choice(fitting), role.field == draw.subject.first_date


def said_unit(role: Role, unit: str, alone: bool) -> str:
    """A unit of time, with its date unless that need not be named."""
    return unit if alone else f"{unit} of {noun_of(role)}"


def histogram(role: Role, **own: Any) -> dict[str, Any]:
    """A date histogram."""
    return {"date_histogram": {"field": role.field, **own}}


# --- numbers that are added up, and people -----------------------------------------------

_AMOUNTS = frozenset(
    stems(
        "cost amount fee revenue budget income fare tip wage turnover profit sales total tax charge fine penalty"
        " postage bonus quantity consumption donation yield rainfall attendance salary gratuity spending earnings"
    )
)
_PEOPLE = frozenset(
    stems(
        "person customer driver player agent author owner assignee reporter creator editor employee doctor patient"
        " member seller buyer user courier teacher student manager trainer guest artist runner rider nurse clerk"
        " technician worker approver reviewer operator supervisor inspector applicant passenger tenant borrower"
    )
)


def counted(role: Role) -> str:
    """The things that a number counts, in the plural. Empty if it counts nothing."""
    noun = role.word.noun
    if not role.whole or role.word.unit:
        return ""
    return _after_number_of(noun) or (noun if role.word.nouns == noun else "")


def _after_number_of(noun: str) -> str:
    """Goals, for the number of goals. Empty for other nouns."""
    for start in ("number of ", "count of "):
        if noun.startswith(start):
            return noun.removeprefix(start)
    return plural(noun.removesuffix(" count")) if noun.endswith(" count") else ""


def summed(draw: AskedDraw) -> tuple[Role, str, bool]:
    """A number that is added up, its noun, and whether it is a count. Raises Skip."""
    roles = [role for role in draw.context.by_kind("number") if role.groups and role.measures]
    counts = [role for role in roles if counted(role)]
    amounts = [role for role in roles if not role.word.unit and not _AMOUNTS.isdisjoint(stems(role.word.noun))]
    role = draw.among(counts if counts and draw.chance(70) else [*counts, *amounts])
    if not (noun := counted(role)):
        return role, mark(role.word.noun), False
    others = filter(None, map(_after_number_of, draw.subject.synonyms.get(role.word.noun, ())))
    return role, draw.random.choice((noun, *others)), True  # no mark: a count has no other names here


def person(draw: AskedDraw) -> Role:
    """The only field with people. Raises Skip."""
    roles = [role for role in draw.context.by_kind("category") if _is_person(role.word.noun)]
    if len(roles) != 1:
        raise Skip("who?")
    return draw.among(roles)


def _is_person(noun: str) -> bool:
    head = noun.partition(" of ")[0].split()[-1]
    return not _PEOPLE.isdisjoint(stems(head))
