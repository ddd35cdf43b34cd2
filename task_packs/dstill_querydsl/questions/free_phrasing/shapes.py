"""The requests of freely phrased questions: a list, a count, the busiest day, a comparison.

    shape("top_groups", draw)
    →  Shape(name="top_groups", way="which {o} has the most {w}", slots={"o": "branch"}, after={"aggs": {…}})

Bodies have the form of those of `templates`. Beyond its operations there are a single first document, sorting without a
number, the least common groups, groups with at least n documents, units of time in the order of counts, several
metrics, comparisons of two values, a share of all documents, and what `shapes_fields` has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dstill_querydsl.questions.free_phrasing import shapes_documents as documents
from dstill_querydsl.questions.free_phrasing.conditions import condition, said_value, stands_alone
from dstill_querydsl.questions.free_phrasing.numbers import adjective_of
from dstill_querydsl.questions.free_phrasing.shape_parts import (
    ADVERBS,
    ALL,
    COUNTS,
    Own,
    Shape,
    histogram,
    make,
    many_of,
    metric,
    noun_of,
    said_unit,
    size_of,
    terms,
    unit_of,
)
from dstill_querydsl.questions.free_phrasing.shapes_fields import FIELD_SHAPES
from dstill_querydsl.questions.free_phrasing.wording import AskedDraw, Form
from dstill_querydsl.questions.templates.context import Skip
from dstill_querydsl.questions.templates.summaries import SIZES, aggs, bands, group_of, steps
from dstill_querydsl.questions.templates.words import mark

__all__ = ["SHAPES", "shape"]


def shape(name: str, draw: AskedDraw) -> Shape:
    """One of `SHAPES`. Raises Skip."""
    return SHAPES[name][1](draw)


def _list(_: AskedDraw) -> Shape:
    return make("list", "list")


def _count(_: AskedDraw) -> Shape:
    return make("count", "count", before=COUNTS)


# --- metrics ----------------------------------------------------------------------------


def _metric_alone(draw: AskedDraw) -> Shape:
    stat = metric(draw, "avg", "avg", "max", "min", "sum", "stats", "percentile")
    keys = ["metric"]
    if stat.kind in ("avg", "sum", "max", "min") and draw.chance(22):
        keys = [f"{stat.kind}_more"]
    if stat.kind in ("avg", "max", "min") and draw.chance(35) and (adjective := adjective_of(stat.role, draw)):
        if stat.kind == "min" and not adjective.less:
            raise Skip("no word for the least")
        forms = adjective.less if stat.kind == "min" and draw.chance(60) else adjective.more
        most = (adjective.less if stat.kind == "min" else adjective.more)[-1]
        slots = {"adjective": forms[0], "most": most}
        return make(
            stat.kind, f"{stat.kind}_adjective", before={"size": 0}, after={"aggs": {"value": stat.body}}, **slots
        )
    return make(
        stat.kind, *keys, before={"size": 0}, after={"aggs": {"value": stat.body}}, m=stat.text, f=noun_of(stat.role)
    )


def _two_metrics(draw: AskedDraw) -> Shape:
    stat = metric(draw, "avg", "max", "sum")
    other = metric(draw, "min", "max", "avg", role=stat.role if draw.chance(60) else None)
    if stat.body == other.body:
        raise Skip("the same")
    within = {"one": stat.body, "other": other.body}
    slots = {"m": stat.text, "k": other.text}
    if draw.chance(50):
        return make("two_metrics", "two_metrics", before={"size": 0}, after={"aggs": within}, **slots)
    group = group_of(draw)
    after = aggs({"terms": {"field": group.keyword}}, within)
    return make("two_metrics_by", "two_metrics_by", before={"size": 0}, after=after, o=noun_of(group), **slots)


def _distinct(draw: AskedDraw) -> Shape:
    role = group_of(draw, many=True)
    body = {"cardinality": {"field": role.keyword}}
    if draw.chance(25):
        group = group_of(draw)
        after = aggs({"terms": {"field": group.keyword}}, {"value": body})
        return make("distinct_by", "distinct_by", before={"size": 0}, after=after, h=many_of(role), o=noun_of(group))
    return make("distinct", "distinct", before={"size": 0}, after={"aggs": {"value": body}}, g=many_of(role))


# --- groups -----------------------------------------------------------------------------


def _groups(draw: AskedDraw) -> Shape:
    return terms("by_groups", "by_groups", group_of(draw))


def _all_groups(draw: AskedDraw) -> Shape:
    return terms("all_groups", "all_groups", group_of(draw), options_={"size": ALL})


def _top_groups(draw: AskedDraw) -> Shape:
    role = group_of(draw, many=True)
    if draw.chance(45):
        return terms("top_groups", "top_group", role, options_={"size": 1})
    size, word = size_of(draw, *SIZES[:7], 3, 5, 10)
    return terms("top_groups", "top_groups", role, options_={"size": size}, n=word)


def _few_groups(draw: AskedDraw) -> Shape:
    role, single = group_of(draw, many=True), draw.chance(50)
    size, word = (1, "") if single else size_of(draw, *SIZES[:5])
    own = {"size": size, "order": {"_count": "asc"}}
    return terms("few_groups", "few_group" if single else "few_groups", role, options_=own, n=word)


def _frequent(draw: AskedDraw) -> Shape:
    role = group_of(draw, many=True)
    size, word = size_of(draw, 2, 3, 5, 10, 20, 100)
    return terms("frequent", "frequent", role, options_={"size": ALL, "min_doc_count": size}, n=word)


def _metric_by(draw: AskedDraw) -> Shape:
    role, stat = group_of(draw), metric(draw)
    if draw.chance(18):
        size, word = size_of(draw, *SIZES[:6])
        return terms(
            "metric_top", "metric_top", role, {"value": stat.body}, options_={"size": size}, m=stat.text, n=word
        )
    return terms("metric_by", "metric_by", role, {"value": stat.body}, m=stat.text)


def _ranked(draw: AskedDraw) -> Shape:
    role, stat = group_of(draw, many=True), metric(draw, "avg", "avg", "sum", "max", "min")
    order, single = draw.pick("desc", "desc", "asc"), draw.chance(40)
    size, word = (1, "") if single else size_of(draw, *SIZES[:7], 3, 5, 10)
    key = f"ranked{'_one' if single else ''}{'_low' if order == 'asc' else ''}"
    own = {"size": size, "order": {"value": order}}
    return terms("ranked", key, role, {"value": stat.body}, options_=own, m=stat.text, n=word)


def _by_by(draw: AskedDraw) -> Shape:
    outer, inner = group_of(draw), group_of(draw)
    within = {"groups": {"terms": {"field": inner.keyword}}}
    return terms("by_by", "by_by", outer, within, p=noun_of(inner))


def _share(draw: AskedDraw) -> Shape:
    part = condition(draw.pick("value", "value", "boolean", "number"), draw)
    place: Form = draw.pick("post", "bare") if part.kind == "term" else "post"
    within = {"value": {"filter": part.body}}
    slots = {"part": part.phrase(place, draw)}
    if draw.chance(45):
        role = group_of(draw)
        return terms("share", "share_by", role, within, part=slots["part"])
    return make("share_of_all", "share", before=COUNTS, after={"aggs": within}, **slots)


# --- comparisons ------------------------------------------------------------------------


def _compare(draw: AskedDraw) -> Shape:
    role, value = draw.known_category()
    other = draw.other(role, value)
    pair = draw.random.sample((value, other), 2)
    alone = all(stands_alone(role, value, draw) for value in pair)
    x, y = (mark(said_value(role, value, draw)) for value in pair)
    if not alone or draw.chance(15):
        x, y = (f"{noun_of(role)} {x}", y if draw.chance(50) else f"{noun_of(role)} {y}")
    within, slots, key = {}, {"x": x, "y": y}, "compare"
    if draw.chance(45):
        stat = metric(draw)
        within, key = {"value": stat.body}, "compare_metric"
        slots["m"] = stat.text
    return Own(
        name=key, keys=(f"asks/{key}",), slots=slots, before={"size": 0},
        after=aggs({"terms": {"field": role.keyword}}, within), own={"terms": {role.keyword: pair}},
    )  # fmt: skip


# --- time -------------------------------------------------------------------------------


def _per(draw: AskedDraw) -> Shape:
    role, unit, alone = unit_of(draw)
    after = aggs(histogram(role, calendar_interval=unit))
    if alone and draw.chance(25):
        return make("per", "per_adverb", before={"size": 0}, after=after, a=ADVERBS[unit])
    return make("per", "per", before={"size": 0}, after=after, u=said_unit(role, unit, alone))


def _busiest(draw: AskedDraw) -> Shape:
    role, unit, alone = unit_of(draw, "hour", "day", "day", "week", "month", "month", "quarter", "year")
    if not alone:
        raise Skip("one date is enough here")
    order = draw.pick("desc", "desc", "desc", "asc")
    after = aggs(histogram(role, calendar_interval=unit, order={"_count": order}))
    key = "busiest" if order == "desc" else "quietest"
    return make("busiest", key, before={"size": 0}, after=after, u=unit)


def _every(draw: AskedDraw) -> Shape:
    role, unit, alone = unit_of(draw, "hour", "day", "month")
    count, letter, word = {
        "hour": (draw.pick(2, 3, 4, 6, 8, 12), "h", "hour"),
        "day": (draw.pick(2, 3, 5, 10, 14), "d", "day"),
        "month": (draw.pick(30, 60, 90), "d", "day"),
    }[unit]
    if not alone:
        raise Skip("one date is enough here")
    after = aggs(histogram(role, fixed_interval=f"{count}{letter}"))
    return make("every", "every", before={"size": 0}, after=after, n=mark(count), u=word)


def _metric_per(draw: AskedDraw) -> Shape:
    role, unit, alone = unit_of(draw, "hour", "day", "week", "month", "quarter", "year")
    stat = metric(draw, "avg", "avg", "sum", "max", "min")
    after = aggs(histogram(role, calendar_interval=unit), {"value": stat.body})
    if alone and draw.chance(30):
        return make("metric_per", "metric_per_adverb", before={"size": 0}, after=after, m=stat.text, a=ADVERBS[unit])
    return make(
        "metric_per", "metric_per", before={"size": 0}, after=after, m=stat.text, u=said_unit(role, unit, alone)
    )


def _per_by(draw: AskedDraw) -> Shape:
    role, unit, alone = unit_of(draw, "day", "week", "month", "quarter", "year")
    group = group_of(draw)
    after = aggs(histogram(role, calendar_interval=unit), {"groups": {"terms": {"field": group.keyword}}})
    return make("per_by", "per_by", before={"size": 0}, after=after, u=said_unit(role, unit, alone), o=noun_of(group))


def _numbers(draw: AskedDraw) -> Shape:
    """Steps or bands of a number."""
    name, maker = draw.pick(("steps", steps), ("bands", bands))
    ask = maker(draw)
    slots = {key: mark(value) for key, value in ask.slots.items()}
    return make(name, name, before=ask.before, after=ask.after, **slots)


# name → weight, maker
SHAPES: Mapping[str, tuple[float, Callable[[AskedDraw], Shape]]] = {
    "list": (17, _list),
    "count": (14, _count),
    "extreme": (8, documents.extreme),
    "in_time": (8, documents.in_time),
    "sorted": (2, documents.in_order),
    "page": (0.7, documents.page),
    "fields": (2.5, documents.fields),
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
    "metric_by": (5, _metric_by),
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
    **FIELD_SHAPES,
}
