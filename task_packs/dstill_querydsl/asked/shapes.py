"""What freely phrased questions ask for: a list, a count, the busiest day, a comparison.

    shape("top_groups", draw)
    →  Shape(name="top_groups", way="which {o} has the most {w}", slots={"o": "branch"}, after={"aggs": {…}})

Bodies have the form of those of `questions`. Beyond its operations there are a single first document, sorting without a
number, the least common groups, groups with at least n documents, units of time in the order of counts, several
metrics, comparisons of two values, and a share of all documents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dstill_querydsl.asked import shapes_documents as documents
from dstill_querydsl.asked.conditions import adjective_of, condition, said_value, stands_alone
from dstill_querydsl.asked.shape import OwnShape, Shape, made_shape, many_of, noun, size_of
from dstill_querydsl.asked.wording import AskedDraw, Form, filled, options
from dstill_querydsl.questions.context import Skip
from dstill_querydsl.questions.moments import moment
from dstill_querydsl.questions.roles import Role
from dstill_querydsl.questions.summaries import MOST_BUCKETS, SIZES, aggs, bands, group_of, measure_of, steps
from dstill_querydsl.questions.words import mark

__all__ = ["SHAPES", "shape"]

_ALL = 1_000
_COUNTS: Mapping[str, Any] = {"size": 0, "track_total_hits": True}
_HOURS = {"minute": 1 / 60, "hour": 1, "day": 24, "week": 168, "month": 720, "quarter": 2_160, "year": 8_760}
_ADVERBS = {
    "minute": "minutely", "hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly",
    "quarter": "quarterly", "year": "yearly",
}  # fmt: skip


def shape(name: str, draw: AskedDraw) -> Shape:
    """One of `SHAPES`. Raises Skip."""
    return SHAPES[name][1](draw)


def _list(_: AskedDraw) -> Shape:
    return made_shape("list", "list")


def _count(_: AskedDraw) -> Shape:
    return made_shape("count", "count", before=_COUNTS)


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
    slots, own = {"f": noun(role)}, {}
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
        return made_shape(
            one.kind, f"{one.kind}_adjective", before={"size": 0}, after={"aggs": {"value": one.body}}, **slots
        )
    return made_shape(
        one.kind, *keys, before={"size": 0}, after={"aggs": {"value": one.body}}, m=one.said, f=noun(one.role)
    )


def _two_metrics(draw: AskedDraw) -> Shape:
    one = _metric(draw, "avg", "max", "sum")
    other = _metric(draw, "min", "max", "avg", role=one.role if draw.chance(60) else None)
    if one.body == other.body:
        raise Skip("the same")
    within = {"one": one.body, "other": other.body}
    slots = {"m": one.said, "k": other.said}
    if draw.chance(50):
        return made_shape("two_metrics", "two_metrics", before={"size": 0}, after={"aggs": within}, **slots)
    group = group_of(draw)
    after = aggs({"terms": {"field": group.keyword}}, within)
    return made_shape("two_metrics_by", "two_metrics_by", before={"size": 0}, after=after, o=noun(group), **slots)


def _distinct(draw: AskedDraw) -> Shape:
    role = group_of(draw, many=True)
    body = {"cardinality": {"field": role.keyword}}
    if draw.chance(25):
        group = group_of(draw)
        after = aggs({"terms": {"field": group.keyword}}, {"value": body})
        return made_shape("distinct_by", "distinct_by", before={"size": 0}, after=after, h=many_of(role), o=noun(group))
    return made_shape("distinct", "distinct", before={"size": 0}, after={"aggs": {"value": body}}, g=many_of(role))


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
    return made_shape(name, key, before={"size": 0}, after=after, g=many_of(role), o=noun(role), **slots)


def _groups(draw: AskedDraw) -> Shape:
    return _terms("by_groups", "by_groups", group_of(draw))


def _all_groups(draw: AskedDraw) -> Shape:
    return _terms("all_groups", "all_groups", group_of(draw), options_={"size": _ALL})


def _top_groups(draw: AskedDraw) -> Shape:
    role = group_of(draw, many=True)
    if draw.chance(45):
        return _terms("top_groups", "top_group", role, options_={"size": 1})
    size, said = size_of(draw, *SIZES[:7], 3, 5, 10)
    return _terms("top_groups", "top_groups", role, options_={"size": size}, n=said)


def _few_groups(draw: AskedDraw) -> Shape:
    role, one = group_of(draw, many=True), draw.chance(50)
    size, said = (1, "") if one else size_of(draw, *SIZES[:5])
    own = {"size": size, "order": {"_count": "asc"}}
    return _terms("few_groups", "few_group" if one else "few_groups", role, options_=own, n=said)


def _frequent(draw: AskedDraw) -> Shape:
    role = group_of(draw, many=True)
    size, said = size_of(draw, 2, 3, 5, 10, 20, 100)
    return _terms("frequent", "frequent", role, options_={"size": _ALL, "min_doc_count": size}, n=said)


def _metric_by(draw: AskedDraw) -> Shape:
    role, one = group_of(draw), _metric(draw)
    if draw.chance(18):
        size, said = size_of(draw, *SIZES[:6])
        return _terms(
            "metric_top", "metric_top", role, {"value": one.body}, options_={"size": size}, m=one.said, n=said
        )
    return _terms("metric_by", "metric_by", role, {"value": one.body}, m=one.said)


def _ranked(draw: AskedDraw) -> Shape:
    role, one = group_of(draw, many=True), _metric(draw, "avg", "avg", "sum", "max", "min")
    order, single = draw.pick("desc", "desc", "asc"), draw.chance(40)
    size, said = (1, "") if single else size_of(draw, *SIZES[:7], 3, 5, 10)
    key = f"ranked{'_one' if single else ''}{'_low' if order == 'asc' else ''}"
    own = {"size": size, "order": {"value": order}}
    return _terms("ranked", key, role, {"value": one.body}, options_=own, m=one.said, n=said)


def _by_by(draw: AskedDraw) -> Shape:
    one, other = group_of(draw), group_of(draw)
    within = {"groups": {"terms": {"field": other.keyword}}}
    return _terms("by_by", "by_by", one, within, p=noun(other))


def _share(draw: AskedDraw) -> Shape:
    part = condition(draw.pick("value", "value", "boolean", "number"), draw)
    place: Form = draw.pick("post", "bare") if part.kind == "term" else "post"
    within = {"value": {"filter": part.body}}
    slots = {"part": part.said(place, draw)}
    if draw.chance(45):
        role = group_of(draw)
        return _terms("share", "share_by", role, within, part=slots["part"])
    return made_shape("share_of_all", "share", before=_COUNTS, after={"aggs": within}, **slots)


# --- comparisons ------------------------------------------------------------------------


def _compare(draw: AskedDraw) -> Shape:
    role, value = draw.known_category()
    other = draw.other(role, value)
    pair = draw.random.sample((value, other), 2)
    alone = all(stands_alone(role, one, draw) for one in pair)
    x, y = (mark(said_value(role, one, draw)) for one in pair)
    if not alone or draw.chance(15):
        x, y = (f"{noun(role)} {x}", y if draw.chance(50) else f"{noun(role)} {y}")
    within, slots, key = {}, {"x": x, "y": y}, "compare"
    if draw.chance(45):
        one = _metric(draw)
        within, key = {"value": one.body}, "compare_metric"
        slots["m"] = one.said
    return OwnShape(
        name=key, keys=(f"asks/{key}",), slots=slots, before={"size": 0},
        after=aggs({"terms": {"field": role.keyword}}, within), own={"terms": {role.keyword: pair}},
    )  # fmt: skip


# --- time -------------------------------------------------------------------------------


def _unit(draw: AskedDraw, *units: str) -> tuple[Role, str, bool]:
    """A date, a unit with a sensible number of buckets, and whether the date need not be named."""
    dates = [role for role in draw.context.of_kind("date") if role.groups]
    first = [role for role in dates if role.field == draw.subject.first_date]
    role = draw.among(first if first and draw.chance(75) else dates)
    low, high = (moment(bound, role.format) or moment(bound, "") for bound in (role.known.low, role.known.high))
    hours = (high - low).total_seconds() / 3_600 if low and high else 24 * 400
    fitting = [unit for unit in units or tuple(_HOURS) if 1 < hours / _HOURS[unit] < MOST_BUCKETS]
    if not fitting:
        raise Skip(role.field)
    return role, draw.random.choice(fitting), role.field == draw.subject.first_date


def _said_unit(role: Role, unit: str, alone: bool) -> str:
    return unit if alone else f"{unit} of {noun(role)}"


def _histogram(role: Role, **own: Any) -> dict[str, Any]:
    return {"date_histogram": {"field": role.field, **own}}


def _per(draw: AskedDraw) -> Shape:
    role, unit, alone = _unit(draw)
    after = aggs(_histogram(role, calendar_interval=unit))
    if alone and draw.chance(25):
        return made_shape("per", "per_adverb", before={"size": 0}, after=after, a=_ADVERBS[unit])
    return made_shape("per", "per", before={"size": 0}, after=after, u=_said_unit(role, unit, alone))


def _busiest(draw: AskedDraw) -> Shape:
    role, unit, alone = _unit(draw, "hour", "day", "day", "week", "month", "month", "quarter", "year")
    if not alone:
        raise Skip("one date is enough here")
    order = draw.pick("desc", "desc", "desc", "asc")
    after = aggs(_histogram(role, calendar_interval=unit, order={"_count": order}))
    key = "busiest" if order == "desc" else "quietest"
    return made_shape("busiest", key, before={"size": 0}, after=after, u=unit)


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
    return made_shape("every", "every", before={"size": 0}, after=after, n=mark(count), u=said)


def _metric_per(draw: AskedDraw) -> Shape:
    role, unit, alone = _unit(draw, "hour", "day", "week", "month", "quarter", "year")
    one = _metric(draw, "avg", "avg", "sum", "max", "min")
    after = aggs(_histogram(role, calendar_interval=unit), {"value": one.body})
    if alone and draw.chance(30):
        return made_shape(
            "metric_per", "metric_per_adverb", before={"size": 0}, after=after, m=one.said, a=_ADVERBS[unit]
        )
    return made_shape(
        "metric_per", "metric_per", before={"size": 0}, after=after, m=one.said, u=_said_unit(role, unit, alone)
    )


def _per_by(draw: AskedDraw) -> Shape:
    role, unit, alone = _unit(draw, "day", "week", "month", "quarter", "year")
    group = group_of(draw)
    after = aggs(_histogram(role, calendar_interval=unit), {"groups": {"terms": {"field": group.keyword}}})
    return made_shape(
        "per_by", "per_by", before={"size": 0}, after=after, u=_said_unit(role, unit, alone), o=noun(group)
    )


def _numbers(draw: AskedDraw) -> Shape:
    """Steps or bands of a number."""
    name, make = draw.pick(("steps", steps), ("bands", bands))
    made = make(draw)
    slots = {key: mark(value) for key, value in made.slots.items()}
    return made_shape(name, name, before=made.before, after=made.after, **slots)


# name → weight, maker
SHAPES: Mapping[str, tuple[float, Callable[[AskedDraw], Shape]]] = {
    "list": (15, _list),
    "count": (13, _count),
    "extreme": (8, documents.extreme),
    "in_time": (8, documents.in_time),
    "sorted": (2, documents.in_order),
    "page": (0.7, documents.page),
    "fields": (2, documents.fields),
    "lookup": (4, documents.lookup),
    "nearest": (1, documents.nearest),
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
