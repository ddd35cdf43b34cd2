"""What freely phrased questions ask for: a list, a count, the busiest day, a comparison.

    shape("top_groups", draw)
    →  Shape(name="top_groups", way="which {o} has the most {w}", slots={"o": "branch"}, after={"aggs": {…}})

Bodies have the form of those of `questions`. Beyond its operations there are a single first document, sorting without a
number, the least common groups, groups with at least n documents, units of time in the order of counts, several
metrics, comparisons of two values, and a share of all documents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dstill_querydsl.invented.asked_conditions import (
    AskedDraw,
    Form,
    adjective_of,
    condition,
    filled,
    options,
    said_value,
    stands_alone,
)
from dstill_querydsl.questions.conditions_places import point_near
from dstill_querydsl.questions.context import Skip
from dstill_querydsl.questions.moments import moment
from dstill_querydsl.questions.roles import Role
from dstill_querydsl.questions.summaries import MOST_BUCKETS, SIZES, aggs, bands, group_of, measure_of, steps
from dstill_querydsl.questions.units import in_words
from dstill_querydsl.questions.words import listed, mark

__all__ = ["SHAPES", "Shape", "shape"]

_ALL = 1_000
_COUNTS: Mapping[str, Any] = {"size": 0, "track_total_hits": True}
_OF_TIME = ("newest", "oldest", "latest", "earliest")
_HOURS = {"minute": 1 / 60, "hour": 1, "day": 24, "week": 168, "month": 720, "quarter": 2_160, "year": 8_760}
_ADVERBS = {
    "minute": "minutely", "hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly",
    "quarter": "quarterly", "year": "yearly",
}  # fmt: skip
Order = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a question asks for."""

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
class _Own(Shape):
    """A shape with a condition of its own, such as the two values that are compared."""

    own: Mapping[str, Any] = field(default_factory=dict)


def shape(name: str, draw: AskedDraw) -> Shape:
    """One of `SHAPES`. Raises Skip."""
    return SHAPES[name][1](draw)


def _made(
    name: str, *keys: str, before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None, **slots: str
) -> Shape:
    return Shape(
        name=name, keys=tuple(f"asks/{key}" for key in keys), before=before or {}, after=after or {}, slots=slots
    )


def _noun(role: Role) -> str:
    return mark(role.word.noun)


def _many(role: Role) -> str:
    return mark(role.many)


def _size(draw: AskedDraw, *sizes: int) -> tuple[int, str]:
    """A number of documents or groups, and its words."""
    size = draw.random.choice(sizes or (2, 3, 3, 4, 5, 5, 5, 6, 7, 8, 10, 10, 10, 12, 15, 20, 25, 30, 50, 100))
    return size, mark(in_words(str(size)) if draw.chance(25) else size)


def _list(_: AskedDraw) -> Shape:
    return _made("list", "list")


def _count(_: AskedDraw) -> Shape:
    return _made("count", "count", before=_COUNTS)


# --- documents in an order --------------------------------------------------------------


def _sortable(draw: AskedDraw) -> Role:
    roles = [role for role in draw.context.of_kind("number") if role.groups and role.measures]
    role = draw.among(roles)
    draw.value(role)
    return role


def _extreme(draw: AskedDraw) -> Shape:
    """The first n, or the first, by a number."""
    role, one = _sortable(draw), draw.chance(55)
    order = "desc" if draw.chance(65) else "asc"
    size, said = (1, "") if one else _size(draw)
    own = role.word.most if order == "desc" else role.word.least
    if (not own or draw.chance(50)) and (adjective := adjective_of(role, draw)):
        own = next(reversed(adjective.more if order == "desc" else adjective.less), "")
    if own in _OF_TIME and draw.schema.first_date:
        own = ""
    slots = {"n": said, "f": _noun(role)}
    key = "most" if one else "top"
    before, after = {"size": size}, {"sort": [{role.field: order}]}
    name = "top" if order == "desc" else "bottom"
    if own and draw.chance(60):
        return _made(name, f"{key}_own", before=before, after=after, own=own, **slots)
    made = _made(name, key, before=before, after=after, **slots)
    return made if order == "desc" else _lowest(made)


_OPPOSITES = {"highest": "lowest", "most": "least", "largest": "smallest", "biggest": "smallest", "greatest": "lowest"}
_OPPOSITES |= {
    "descending": "ascending",
    "desc": "asc",
    "top": "bottom",
    "from high to low": "from low to high",
    "#1": "last",
}


@dataclass(frozen=True, kw_only=True)
class _Lowest(Shape):
    """A shape that asks for the lowest in the words for the highest."""

    @property
    def ways(self) -> tuple[str, ...]:
        found = []
        for way in super().ways:
            text = way
            for one, other in _OPPOSITES.items():
                text = text.replace(one, "\0".join(other))
            if text != way:
                found.append(text.replace("\0", ""))
        return tuple(found)


def _lowest(made: Shape) -> Shape:
    return _Lowest(name=made.name, keys=made.keys, slots=made.slots, before=made.before, after=made.after)


def _dated(draw: AskedDraw) -> Role:
    """The first date."""
    role = draw.among(
        [role for role in draw.context.of_kind("date") if role.field == draw.schema.first_date and role.groups]
    )
    draw.value(role)
    return role


def _in_time(draw: AskedDraw) -> Shape:
    """The latest or the earliest, one or some, or all in that order."""
    role = _dated(draw)
    order = "desc" if draw.chance(72) else "asc"
    after = {"sort": [{role.field: order}]}
    name, one, ordered = (
        ("newest", "latest", "newest_first") if order == "desc" else ("oldest", "first", "oldest_first")
    )
    draws = draw.random.random()
    if draws < 0.4:
        size, said = _size(draw)
        return _made(name, name, before={"size": size}, after=after, n=said)
    if draws < 0.8:
        return _made(name, one, before={"size": 1}, after=after)
    return _made(f"sorted_{name}", ordered, after=after)


def _sorted(draw: AskedDraw) -> Shape:
    role, order = _sortable(draw), draw.pick("desc", "desc", "asc")
    key = "sorted_down" if order == "desc" else "sorted_up"
    return _made(key, key, after={"sort": [{role.field: order}]}, f=_noun(role))


def _page(draw: AskedDraw) -> Shape:
    order, number = draw.pick("desc", "asc"), draw.random.randrange(2, 5)
    size, said = draw.pick(5, 10, 10, 20, 20, 25, 50), ""
    if draw.chance(50):
        role = _dated(draw)
        said = (
            draw.pick("newest first", "latest first")
            if order == "desc"
            else draw.pick("oldest first", "earliest first")
        )
    else:
        role = _sortable(draw)
        said = f"sorted by {_noun(role)}, {'highest' if order == 'desc' else 'lowest'} first"
    before = {"from": (number - 1) * size, "size": size}
    return _made(
        "page", "page", before=before, after={"sort": [{role.field: order}]}, p=mark(number), n=mark(size), by=said
    )


def _fields(draw: AskedDraw) -> Shape:
    roles = [draw.take("category", "number", "date", "text", "boolean", "ip") for _ in range(draw.pick(1, 2, 2, 3))]
    return _made(
        "fields", "fields", after={"_source": [one.field for one in roles]}, names=listed([_noun(one) for one in roles])
    )


def _lookup(draw: AskedDraw) -> Shape:
    """One field of the documents that a value tells."""
    about, value = draw.known("category")
    if not stands_alone(about, value, draw):
        raise Skip(about.field)
    role = draw.take("number", "number", "category", "text", "date")
    slots = {"v": mark(said_value(about, value, draw)), "f": _noun(role)}
    key = "lookup_date" if role.kind == "date" and draw.chance(60) else "lookup"
    if role.kind == "number":
        adjective = adjective_of(role, draw) if draw.chance(50) else None
        key = "lookup_adjective" if adjective else draw.pick("lookup", "lookup_number")
        slots |= {"adjective": adjective.more[0]} if adjective else {}
    return _Own(
        name="lookup",
        keys=(f"asks/{key}",),
        slots=slots,
        after={"_source": [role.field]},
        own={"term": {about.field: value}},
    )


def _nearest(draw: AskedDraw) -> Shape:
    if len(draw.context.of_kind("geo")) != 1:
        raise Skip("which place?")
    role, value = draw.known("geo")
    point = point_near(value)
    size, said = (1, "") if draw.chance(40) else _size(draw)
    sort = {"_geo_distance": {role.field: point, "order": "asc", "unit": "km"}}
    shown = mark(f"{point['lat']}, {point['lon']}")
    key = "nearest" if said else "nearest_one"
    return _made("nearest", key, before={"size": size}, after={"sort": [sort]}, n=said, x=shown)


# --- metrics ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Metric:
    kind: str  # the aggregation
    body: Mapping[str, Any]
    said: str  # with marks
    role: Role


def _metric(draw: AskedDraw, *kinds: str, role: Role | None = None) -> _Metric:
    role = role or measure_of(draw)
    kind = draw.random.choice(kinds or ("avg", "avg", "avg", "max", "min", "sum", "sum", "percentile"))
    slots, own = {"f": _noun(role)}, {}
    if kind == "percentile":
        percent = draw.pick(50, 50, 50, 75, 90, 95, 99)
        ways = ("p{}", "{}th percentile", "the {}th percentile", "{}% percentile")
        said = draw.pick("median", "p50", "median") if percent == 50 else draw.random.choice(ways).format(mark(percent))
        slots["q"], own, name = said, {"percents": [percent]}, "percentiles"
    else:
        name = kind
    way = draw.random.choice(options("metrics", kind, "|"))
    return _Metric(kind=kind, body={name: {"field": role.field, **own}}, said=filled(way, slots), role=role)


def _metric_alone(draw: AskedDraw) -> Shape:
    one = _metric(draw, "avg", "avg", "max", "min", "sum", "stats", "percentile")
    keys = ["metric"]
    if one.kind in ("avg", "sum", "max", "min") and draw.chance(22):
        keys = [f"{one.kind}_more"]
    if one.kind in ("avg", "max", "min") and draw.chance(35) and (adjective := adjective_of(one.role, draw)):
        if one.kind == "min" and not adjective.less:
            raise Skip("no word for the least")
        forms = adjective.less if one.kind == "min" and draw.chance(60) else adjective.more
        most = (adjective.less if one.kind == "min" else adjective.more)[-1]
        slots = {"adjective": forms[0], "most": most}
        return _made(
            one.kind, f"{one.kind}_adjective", before={"size": 0}, after={"aggs": {"value": one.body}}, **slots
        )
    return _made(
        one.kind, *keys, before={"size": 0}, after={"aggs": {"value": one.body}}, m=one.said, f=_noun(one.role)
    )


def _two_metrics(draw: AskedDraw) -> Shape:
    one = _metric(draw, "avg", "max", "sum")
    other = _metric(draw, "min", "max", "avg", role=one.role if draw.chance(60) else None)
    if one.body == other.body:
        raise Skip("the same")
    within = {"one": one.body, "other": other.body}
    slots = {"m": one.said, "k": other.said}
    if draw.chance(50):
        return _made("two_metrics", "two_metrics", before={"size": 0}, after={"aggs": within}, **slots)
    group = group_of(draw)
    after = aggs({"terms": {"field": group.keyword}}, within)
    return _made("two_metrics_by", "two_metrics_by", before={"size": 0}, after=after, o=_noun(group), **slots)


def _distinct(draw: AskedDraw) -> Shape:
    role = group_of(draw, many=True)
    body = {"cardinality": {"field": role.keyword}}
    if draw.chance(25):
        group = group_of(draw)
        after = aggs({"terms": {"field": group.keyword}}, {"value": body})
        return _made("distinct_by", "distinct_by", before={"size": 0}, after=after, h=_many(role), o=_noun(group))
    return _made("distinct", "distinct", before={"size": 0}, after={"aggs": {"value": body}}, g=_many(role))


# --- groups -----------------------------------------------------------------------------


def _terms(
    name: str,
    key: str,
    role: Role,
    within: Mapping[str, Any] | None = None,
    *,
    options_: Mapping[str, Any] | None = None,
    **slots: str,
) -> Shape:
    after = aggs({"terms": {"field": role.keyword, **(options_ or {})}}, within)
    return _made(name, key, before={"size": 0}, after=after, g=_many(role), o=_noun(role), **slots)


def _groups(draw: AskedDraw) -> Shape:
    return _terms("by_groups", "by_groups", group_of(draw))


def _all_groups(draw: AskedDraw) -> Shape:
    return _terms("all_groups", "all_groups", group_of(draw), options_={"size": _ALL})


def _top_groups(draw: AskedDraw) -> Shape:
    role = group_of(draw, many=True)
    if draw.chance(45):
        return _terms("top_groups", "top_group", role, options_={"size": 1})
    size, said = _size(draw, *SIZES[:7], 3, 5, 10)
    return _terms("top_groups", "top_groups", role, options_={"size": size}, n=said)


def _few_groups(draw: AskedDraw) -> Shape:
    role, one = group_of(draw, many=True), draw.chance(50)
    size, said = (1, "") if one else _size(draw, *SIZES[:5])
    own = {"size": size, "order": {"_count": "asc"}}
    return _terms("few_groups", "few_group" if one else "few_groups", role, options_=own, n=said)


def _frequent(draw: AskedDraw) -> Shape:
    role = group_of(draw, many=True)
    size, said = _size(draw, 2, 3, 5, 10, 20, 100)
    return _terms("frequent", "frequent", role, options_={"size": _ALL, "min_doc_count": size}, n=said)


def _metric_by(draw: AskedDraw) -> Shape:
    role, one = group_of(draw), _metric(draw)
    if draw.chance(18):
        size, said = _size(draw, *SIZES[:6])
        return _terms(
            "metric_top", "metric_top", role, {"value": one.body}, options_={"size": size}, m=one.said, n=said
        )
    return _terms("metric_by", "metric_by", role, {"value": one.body}, m=one.said)


def _ranked(draw: AskedDraw) -> Shape:
    role, one = group_of(draw, many=True), _metric(draw, "avg", "avg", "sum", "max", "min")
    order, single = draw.pick("desc", "desc", "asc"), draw.chance(40)
    size, said = (1, "") if single else _size(draw, *SIZES[:7], 3, 5, 10)
    key = f"ranked{'_one' if single else ''}{'_low' if order == 'asc' else ''}"
    own = {"size": size, "order": {"value": order}}
    return _terms("ranked", key, role, {"value": one.body}, options_=own, m=one.said, n=said)


def _by_by(draw: AskedDraw) -> Shape:
    one, other = group_of(draw), group_of(draw)
    within = {"groups": {"terms": {"field": other.keyword}}}
    return _terms("by_by", "by_by", one, within, p=_noun(other))


def _share(draw: AskedDraw) -> Shape:
    part = condition(draw.pick("value", "value", "boolean", "number"), draw)
    place: Form = draw.pick("post", "bare") if part.kind == "term" else "post"
    within = {"value": {"filter": part.body}}
    slots = {"part": part.said(place, draw)}
    if draw.chance(45):
        role = group_of(draw)
        return _terms("share", "share_by", role, within, part=slots["part"])
    return _made("share_of_all", "share", before=_COUNTS, after={"aggs": within}, **slots)


# --- comparisons ------------------------------------------------------------------------


def _compare(draw: AskedDraw) -> Shape:
    role, value = draw.known("category")
    other = draw.other(role, value)
    pair = draw.random.sample((value, other), 2)
    alone = all(stands_alone(role, one, draw) for one in pair)
    x, y = (mark(said_value(role, one, draw)) for one in pair)
    if not alone or draw.chance(15):
        x, y = (f"{_noun(role)} {x}", y if draw.chance(50) else f"{_noun(role)} {y}")
    within, slots, key = {}, {"x": x, "y": y}, "compare"
    if draw.chance(45):
        one = _metric(draw)
        within, key = {"value": one.body}, "compare_metric"
        slots["m"] = one.said
    return _Own(
        name=key, keys=(f"asks/{key}",), slots=slots, before={"size": 0},
        after=aggs({"terms": {"field": role.keyword}}, within), own={"terms": {role.keyword: pair}},
    )  # fmt: skip


# --- time -------------------------------------------------------------------------------


def _unit(draw: AskedDraw, *units: str) -> tuple[Role, str, bool]:
    """A date, a unit with a sensible number of buckets, and whether the date need not be named."""
    dates = [role for role in draw.context.of_kind("date") if role.groups]
    first = [role for role in dates if role.field == draw.schema.first_date]
    role = draw.among(first if first and draw.chance(75) else dates)
    low, high = (moment(bound, role.format) or moment(bound, "") for bound in (role.known.low, role.known.high))
    hours = (high - low).total_seconds() / 3_600 if low and high else 24 * 400
    fitting = [unit for unit in units or tuple(_HOURS) if 1 < hours / _HOURS[unit] < MOST_BUCKETS]
    if not fitting:
        raise Skip(role.field)
    return role, draw.random.choice(fitting), role.field == draw.schema.first_date


def _said_unit(role: Role, unit: str, alone: bool) -> str:
    return unit if alone else f"{unit} of {_noun(role)}"


def _histogram(role: Role, **own: Any) -> dict[str, Any]:
    return {"date_histogram": {"field": role.field, **own}}


def _per(draw: AskedDraw) -> Shape:
    role, unit, alone = _unit(draw)
    after = aggs(_histogram(role, calendar_interval=unit))
    if alone and draw.chance(25):
        return _made("per", "per_adverb", before={"size": 0}, after=after, a=_ADVERBS[unit])
    return _made("per", "per", before={"size": 0}, after=after, u=_said_unit(role, unit, alone))


def _busiest(draw: AskedDraw) -> Shape:
    role, unit, alone = _unit(draw, "hour", "day", "day", "week", "month", "month", "quarter", "year")
    if not alone:
        raise Skip("one date is enough here")
    order = draw.pick("desc", "desc", "desc", "asc")
    after = aggs(_histogram(role, calendar_interval=unit, order={"_count": order}))
    key = "busiest" if order == "desc" else "quietest"
    return _made("busiest", key, before={"size": 0}, after=after, u=unit)


def _every(draw: AskedDraw) -> Shape:
    role, unit, alone = _unit(draw, "hour", "day", "month")
    count, letter, said = {
        "hour": (draw.pick(2, 3, 4, 6, 8, 12), "h", "hour"),
        "day": (draw.pick(2, 3, 5, 10, 14), "d", "day"),
        "month": (draw.pick(30, 60, 90), "d", "day"),
    }[unit]
    if not alone:
        raise Skip("one date is enough here")
    after = aggs(_histogram(role, fixed_interval=f"{count}{letter}"))
    return _made("every", "every", before={"size": 0}, after=after, n=mark(count), u=said)


def _metric_per(draw: AskedDraw) -> Shape:
    role, unit, alone = _unit(draw, "hour", "day", "week", "month", "quarter", "year")
    one = _metric(draw, "avg", "avg", "sum", "max", "min")
    after = aggs(_histogram(role, calendar_interval=unit), {"value": one.body})
    if alone and draw.chance(30):
        return _made("metric_per", "metric_per_adverb", before={"size": 0}, after=after, m=one.said, a=_ADVERBS[unit])
    return _made(
        "metric_per", "metric_per", before={"size": 0}, after=after, m=one.said, u=_said_unit(role, unit, alone)
    )


def _per_by(draw: AskedDraw) -> Shape:
    role, unit, alone = _unit(draw, "day", "week", "month", "quarter", "year")
    group = group_of(draw)
    after = aggs(_histogram(role, calendar_interval=unit), {"groups": {"terms": {"field": group.keyword}}})
    return _made("per_by", "per_by", before={"size": 0}, after=after, u=_said_unit(role, unit, alone), o=_noun(group))


def _numbers(draw: AskedDraw) -> Shape:
    """Steps or bands of a number."""
    name, make = draw.pick(("steps", steps), ("bands", bands))
    made = make(draw)
    slots = {key: mark(value) for key, value in made.slots.items()}
    return _made(name, name, before=made.before, after=made.after, **slots)


# name → weight, maker
SHAPES: Mapping[str, tuple[float, Callable[[AskedDraw], Shape]]] = {
    "list": (15, _list),
    "count": (13, _count),
    "extreme": (8, _extreme),
    "in_time": (8, _in_time),
    "sorted": (2, _sorted),
    "page": (0.7, _page),
    "fields": (2, _fields),
    "lookup": (4, _lookup),
    "nearest": (1, _nearest),
    "metric": (9, _metric_alone),
    "two_metrics": (1.4, _two_metrics),
    "distinct": (4, _distinct),
    "groups": (6, _groups),
    "all_groups": (4, _all_groups),
    "top_groups": (7, _top_groups),
    "few_groups": (1, _few_groups),
    "frequent": (0.8, _frequent),
    "metric_by": (6, _metric_by),
    "ranked": (4.5, _ranked),
    "by_by": (2, _by_by),
    "share": (3.5, _share),
    "compare": (4.5, _compare),
    "per": (4.5, _per),
    "busiest": (2.5, _busiest),
    "every": (1.5, _every),
    "metric_per": (3, _metric_per),
    "per_by": (2, _per_by),
    "numbers": (2, _numbers),
}
