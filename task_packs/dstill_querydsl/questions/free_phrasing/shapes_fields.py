"""Questions about fields rather than documents: counts that are added up, values of a field, shares, what comes next.

"how many goals did rovers score"   the sum of a number that counts something
"most goals, top three players"     groups in the order of such a sum
"goals vs assists by club"          two numbers at once
"late rate by carrier"              a share in groups
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dstill.linked.names import stems
from dstill_querydsl.questions.free_phrasing.conditions import said_value, stands_alone
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
    person,
    said_unit,
    size_of,
    summed,
    terms,
    unit_of,
)
from dstill_querydsl.questions.free_phrasing.wording import AskedDraw
from dstill_querydsl.questions.templates.context import Skip
from dstill_querydsl.questions.templates.roles import Role
from dstill_querydsl.questions.templates.summaries import SIZES, aggs, group_of, measure_of
from dstill_querydsl.questions.templates.words import mark

__all__ = ["FIELD_SHAPES"]


def _subject(draw: AskedDraw) -> tuple[Role, Any, str]:
    """A value that tells its field, and how it is said. Raises Skip."""
    role, value = draw.known_category()
    if not stands_alone(role, value, draw):
        raise Skip(role.field)
    return role, value, mark(said_value(role, value, draw))


def _for_subject(name: str, *keys: str, after: Mapping[str, Any], about: Role, value: Any, **slots: str) -> Shape:
    """A shape whose sentence has a value as its subject or object."""
    return Own(
        name=name,
        keys=tuple(f"asks/{key}" for key in keys),
        slots=slots,
        before={"size": 0},
        after=after,
        own={"term": {about.keyword: value}},
        kinds=("term",),
    )


# --- sums -------------------------------------------------------------------------------


def _sum(draw: AskedDraw) -> Shape:
    role, noun, counts = summed(draw)
    after = {"aggs": {"value": {"sum": {"field": role.field}}}}
    kind = "count" if counts else "amount"
    if draw.chance(55):
        about, value, subject = _subject(draw)
        keys = (f"sum_{kind}_of_value", "sum_of_value")
        return _for_subject("sum", *keys, after=after, about=about, value=value, c=noun, v=subject)
    return make("sum", f"sum_{kind}", before={"size": 0}, after=after, c=noun)


def _sum_by(draw: AskedDraw) -> Shape:
    role, noun, counts = summed(draw)
    within = {"value": {"sum": {"field": role.field}}}
    if draw.chance(45):
        date, unit, alone = unit_of(draw, "day", "week", "month", "month", "quarter", "year")
        after = aggs(histogram(date, calendar_interval=unit), within)
        if alone and draw.chance(30):
            return make("metric_per", "sum_per_adverb", before={"size": 0}, after=after, c=noun, a=ADVERBS[unit])
        return make("metric_per", "sum_per", before={"size": 0}, after=after, c=noun, u=said_unit(date, unit, alone))
    key = "sum_by_count" if counts and draw.chance(40) else "sum_by"
    return terms("metric_by", key, group_of(draw), within, c=noun)


def _most(draw: AskedDraw) -> Shape:
    """The groups with the most of what a number counts; people also without their field."""
    role, noun, counts = summed(draw)
    order, single = draw.pick("desc", "desc", "desc", "asc") if counts else "desc", draw.chance(45)
    size, number = (1, "") if single else size_of(draw, *SIZES[:5], 2, 3, 3, 5, 10)
    low = "_low" if order == "asc" else ""
    who = draw.chance(30)
    group = person(draw) if who else group_of(draw, many=True)
    key = f"most_sum{'_who' if who else ''}{'_one' if single else ''}{low}"
    own = {"size": size, "order": {"value": order}}
    within = {"value": {"sum": {"field": role.field}}}
    return terms("ranked", key, group, within, options_=own, c=noun, n=number)


# --- several numbers --------------------------------------------------------------------

_WORDS: Mapping[str, tuple[str, ...]] = {
    "avg": ("average", "avg", "mean", "avg."),
    "max": ("max", "maximum", "highest", "peak"),
    "min": ("min", "minimum", "lowest"),
    "sum": ("total", "total", "sum of", "summed"),
}


def _two(draw: AskedDraw) -> Shape:
    """Two numbers in one way, or one number in two ways, for all documents or in groups."""
    if draw.chance(60):
        key, slots, within = _two_fields(draw)
    else:
        role = measure_of(draw)
        kinds = draw.random.sample(("avg", "max", "min", "sum"), 2)
        k, j = (draw.random.choice(_WORDS[kind]).removesuffix(" of") for kind in kinds)
        key, slots = "two_kinds", {"k": k, "j": j, "f": noun_of(role)}
        first, second = ({kind: {"field": role.field}} for kind in kinds)
        within = {"one": first, "other": second}
    if draw.chance(45):
        return make("two_metrics", key, before={"size": 0}, after={"aggs": within}, **slots)
    group = group_of(draw)
    if draw.chance(20):
        date, unit, alone = unit_of(draw, "week", "month", "quarter", "year")
        after = aggs(histogram(date, calendar_interval=unit), within)
        word = said_unit(date, unit, alone)
        return make("two_metrics_per", f"{key}_by", before={"size": 0}, after=after, o=word, **slots)
    return terms("two_metrics_by", f"{key}_by", group, within, **slots)


def _two_fields(draw: AskedDraw) -> tuple[str, dict[str, Any], dict[str, Any]]:
    kind, word = draw.pick("avg", "avg", "avg", "sum", "sum", "max"), ""
    if kind == "sum" and draw.chance(60):
        (first, f, _), (second, h, _) = summed(draw), summed(draw)
    else:
        first, second = measure_of(draw), measure_of(draw)
        f, h, word = noun_of(first), noun_of(second), draw.random.choice(_WORDS[kind])
    within = {"one": {kind: {"field": first.field}}, "other": {kind: {"field": second.field}}}
    return "two_fields", {"k": word, "f": f, "h": h}, within


# --- groups in an order -----------------------------------------------------------------


def _ordered(draw: AskedDraw) -> Shape:
    """All groups in the order of a metric, or with the fewest documents first."""
    role = group_of(draw)
    if draw.chance(25):
        return terms("by_groups_up", "by_groups_up", role, options_={"order": {"_count": "asc"}})
    stat, order = metric(draw, "avg", "avg", "avg", "sum", "max", "min"), draw.pick("desc", "desc", "asc")
    own = {"order": {"value": order}}
    adjective = adjective_of(stat.role, draw) if stat.kind == "avg" and draw.chance(60) else None
    forms = () if adjective is None else adjective.more if order == "desc" else adjective.less
    if forms:
        within = {"value": stat.body}
        return terms("metric_by_sorted", "metric_by_own_first", role, within, options_=own, m=stat.text, own=forms[-1])
    key = "metric_by_down" if order == "desc" else "metric_by_up"
    return terms("metric_by_sorted", key, role, {"value": stat.body}, options_=own, m=stat.text)


def _ranked_own(draw: AskedDraw) -> Shape:
    """The cheapest groups on average, the groups with the worst average rating."""
    role = measure_of(draw)
    order = draw.pick("desc", "desc", "asc")
    adjective = adjective_of(role, draw)
    forms = () if adjective is None else adjective.more if order == "desc" else adjective.less
    if not forms:
        raise Skip(role.field)
    stat, group, single = metric(draw, "avg", role=role), group_of(draw, many=True), draw.chance(45)
    size, word = (1, "") if single else size_of(draw, 2, 3, 3, 5, 5, 10)
    own = {"size": size, "order": {"value": order}}
    key = "ranked_own_one" if single else "ranked_own"
    edge = "top" if order == "desc" else "bottom"
    return terms(
        "ranked", key, group, {"value": stat.body}, options_=own, m=stat.text, own=forms[-1], n=word, edge=edge
    )


# --- values of a field ------------------------------------------------------------------


def _own_group(draw: AskedDraw) -> Role:
    """A field whose values have another name than the documents."""
    role = group_of(draw, many=True)
    documents = {stem for noun in draw.context.lexicon.documents for stem in stems(noun)}
    if not documents.isdisjoint(stems(role.word.noun)):
        raise Skip("which of the two?")
    return role


def _values(draw: AskedDraw) -> Shape:
    """Which values of a field there are, of all documents or of those with a value."""
    if draw.chance(20):
        return terms("all_groups", "all_people", person(draw), options_={"size": ALL})
    role = _own_group(draw)
    if draw.chance(55):
        return terms("all_groups", "all_values", role, options_={"size": ALL})
    about, value, subject = _subject(draw)
    after = aggs({"terms": {"field": role.keyword, "size": ALL}})
    slots = {"g": many_of(role), "o": noun_of(role), "v": subject}
    return _for_subject("all_groups", "all_values_of_value", after=after, about=about, value=value, **slots)


def _how_many_values(draw: AskedDraw) -> Shape:
    role = _own_group(draw)
    after = {"aggs": {"value": {"cardinality": {"field": role.keyword}}}}
    if draw.chance(60):
        return make("distinct", "distinct_values", before={"size": 0}, after=after, g=many_of(role))
    about, value, subject = _subject(draw)
    slots = {"g": many_of(role), "v": subject}
    return _for_subject("distinct", "distinct_of_value", after=after, about=about, value=value, **slots)


def _values_by(draw: AskedDraw) -> Shape:
    """The groups of one field in those of another, where both are named and the documents are not."""
    outer, inner = group_of(draw), _own_group(draw)
    within = {"groups": {"terms": {"field": inner.keyword}}}
    return terms("by_by", "values_by", outer, within, p=noun_of(inner), q=many_of(inner))


def _rate(draw: AskedDraw) -> Shape:
    """The share of a value or a flag that is said as a noun."""
    if draw.chance(50):
        role = draw.take("boolean")
        value, part = True, mark(role.word.noun.removesuffix(" flag"))
    else:
        role, value, part = _subject(draw)
    within = {"value": {"filter": {"term": {role.keyword: value}}}}
    if draw.chance(60):
        return terms("share", "rate_by", group_of(draw), within, part=part)
    return make("share_of_all", "rate", before=COUNTS, after={"aggs": within}, part=part)


# --- what comes next --------------------------------------------------------------------


def _next(draw: AskedDraw) -> Shape:
    """The first document, or the first n, from now on."""
    dates = [role for role in draw.context.by_kind("date") if role.field == draw.subject.first_date and role.groups]
    role, single = draw.among(dates), draw.chance(65)
    size, word = (1, "") if single else size_of(draw, 2, 3, 5, 5, 10, 20)
    return Own(
        name="next",
        keys=("asks/next_one" if single else "asks/next",),
        slots={"n": word},
        before={"size": size},
        after={"sort": [{role.field: "asc"}]},
        own={"range": {role.field: {"gte": "now"}}},
    )


def _sorted_own(draw: AskedDraw) -> Shape:
    """All documents, the cheapest or the best first."""
    role = draw.among([role for role in draw.context.by_kind("number") if role.groups and role.measures])
    order = draw.pick("desc", "asc")
    adjective = adjective_of(role, draw)
    forms = () if adjective is None else adjective.more if order == "desc" else adjective.less
    if not forms or forms[-1] in ("latest", "earliest", "oldest"):
        raise Skip(role.field)
    return make("sorted_own", "sorted_own", after={"sort": [{role.field: order}]}, own=forms[-1], f=noun_of(role))


def _stats_by(draw: AskedDraw) -> Shape:
    stat = metric(draw, "stats")
    return terms("metric_by", "metric_by", group_of(draw), {"value": stat.body}, m=stat.text)


def _metric_all(draw: AskedDraw) -> Shape:
    stat = metric(draw, "avg", "avg", "sum", "max", "min")
    return terms(
        "metric_by_all", "metric_by_all", group_of(draw), {"value": stat.body}, options_={"size": ALL}, m=stat.text
    )


# name → weight, maker
FIELD_SHAPES: Mapping[str, tuple[float, Callable[[AskedDraw], Shape]]] = {
    "sum_field": (5, _sum),
    "sum_by": (4, _sum_by),
    "most": (4.5, _most),
    "two": (3.5, _two),
    "ordered": (2, _ordered),
    "ranked_own": (1.5, _ranked_own),
    "values": (3, _values),
    "how_many_values": (2.5, _how_many_values),
    "values_by": (2, _values_by),
    "rate": (3.5, _rate),
    "next": (2, _next),
    "sorted_own": (1, _sorted_own),
    "stats_by": (0.5, _stats_by),
    "metric_all": (0.8, _metric_all),
}
