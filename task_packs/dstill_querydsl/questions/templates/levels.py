"""Questions with nested aggregations: a metric per group, rankings, shares, groups in nested objects.

LEVELS["ranked"](draw)   the 5 carriers with the highest average delay of flights
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill_querydsl.questions.templates.conditions_nested import inner_measure, leaf_noun
from dstill_querydsl.questions.templates.conditions_numbers import limits
from dstill_querydsl.questions.templates.conditions_values import class_of, status_classes
from dstill_querydsl.questions.templates.context import Draw, Skip
from dstill_querydsl.questions.templates.prompt import Ask, AskMaker
from dstill_querydsl.questions.templates.summaries import METRICS, SIZES, aggs, group_of, measure_of, metric, time_of
from dstill_querydsl.questions.templates.units import spell
from dstill_querydsl.questions.templates.words import mark, noun_of

__all__ = ["LEVELS"]

_SINGLE = ("avg", "max", "min", "sum")


def metric_by(draw: Draw) -> Ask:
    """A metric for each group. The groups stay in the order of counts."""
    group, number, kind = group_of(draw), measure_of(draw), draw.pick(*_SINGLE)
    ways = (
        "{m} of {what} per {o}", "{m} of {what} by {o}", "for each {o} the {m} of {what}", "{o} by {o}: {m} of {what}",
        "what is the {m} of {what} for every {o}?",
    )  # fmt: skip
    after = aggs({"terms": {"field": group.keyword}}, {"value": {kind: {"field": number.field}}})
    why = f"Groups of {group.keyword}: terms; in each {kind} of {number.field}."
    slots = {"m": metric(draw, kind, number), "o": group.word.noun}
    return Ask(ways=ways, slots=slots, before={"size": 0}, after=after, why=why)


def ranked(draw: Draw) -> Ask:
    """Some groups in the order of a metric."""
    group, number, kind = group_of(draw, many=True), measure_of(draw), draw.pick("avg", "sum")
    size, order = draw.random.choice(SIZES), draw.pick("desc", "desc", "asc")
    way = "highest" if order == "desc" else "lowest"
    ways = (
        f"the {{n}} {{g}} with the {way} {{m}} of {{what}}", f"which {{n}} {{g}} have the {way} {{m}} of {{what}}?",
        f"{{n}} {{g}} by {way} {{m}} of {{what}}", f"rank {{g}} by {{m}} of {{what}}, {way} first, {{n}} of them",
        f"{way} {{m}} of {{what}}: {{n}} {{g}}",
    )  # fmt: skip
    terms = {"terms": {"field": group.keyword, "size": size, "order": {"value": order}}}
    why = f"Groups of {group.keyword}: terms, size {size}, ordered by {kind} of {number.field}."
    slots = {"n": size, "g": group.many, "m": metric(draw, kind, number)}
    after = aggs(terms, {"value": {kind: {"field": number.field}}})
    return Ask(ways=ways, slots=slots, before={"size": 0}, after=after, why=why)


def metric_per(draw: Draw) -> Ask:
    role, unit, word = time_of(draw, "day", "week", "month", "quarter", "year")
    number, kind = measure_of(draw), draw.pick(*_SINGLE)
    ways = (
        "{m} of {what} per {u}", "for each {u} the {m} of {what}", "{m} of {what} by {u}", "how does the {m} of {what} "
        "develop per {u}?", "what was the {m} of {what} in each {u}?",
    )  # fmt: skip
    histogram = {"date_histogram": {"field": role.field, "calendar_interval": unit}}
    after = aggs(histogram, {"value": {kind: {"field": number.field}}})
    why = f"Per {unit} of {role.field}: date_histogram; in each {kind} of {number.field}."
    slots = {"m": metric(draw, kind, number), "u": word}
    return Ask(ways=ways, slots=slots, before={"size": 0}, after=after, why=why)


def per_by(draw: Draw) -> Ask:
    role, unit, word = time_of(draw, "week", "month", "quarter", "year")
    group = group_of(draw)
    ways = (
        "{what} per {u} and {o}", "{what} per {u}, split by {o}", "for each {u} the number of {what} by {o}",
        "count {what} by {u} and within that by {o}", "{what} by {u}, broken down by {o}",
    )  # fmt: skip
    histogram = {"date_histogram": {"field": role.field, "calendar_interval": unit}}
    after = aggs(histogram, {"groups": {"terms": {"field": group.keyword}}})
    why = f"Per {unit} of {role.field}: date_histogram; in each terms of {group.keyword}."
    return Ask(ways=ways, slots={"u": word, "o": group.word.noun}, before={"size": 0}, after=after, why=why)


def by_by(draw: Draw) -> Ask:
    outer, inner = group_of(draw), group_of(draw)
    ways = (
        "{what} by {o} and {p}", "{what} per {o}, split by {p}", "for each {o} the number of {what} by {p}",
        "count {what} by {o} and within that by {p}", "how do {what} of each {o} divide into {q}?",
    )  # fmt: skip
    after = aggs({"terms": {"field": outer.keyword}}, {"groups": {"terms": {"field": inner.keyword}}})
    why = f"Groups of {outer.keyword}: terms; in each terms of {inner.keyword}."
    slots = {"o": outer.word.noun, "p": inner.word.noun, "q": inner.many}
    return Ask(ways=ways, slots=slots, before={"size": 0}, after=after, why=why)


def share(draw: Draw) -> Ask:
    """The share of each group that meets a condition: the count of the group, and of a filter inside it."""
    group = group_of(draw)
    text, body, why = _part(draw)
    ways = (
        "share of {what} {part} per {o}", "for each {o} the ratio of {what} {part}",
        "what fraction of {what} are {part}, by {o}?", "how large is the part {part} of {what} for every {o}?",
        "per {o}: proportion of {what} {part}",
    )  # fmt: skip
    after = aggs({"terms": {"field": group.keyword}}, {"value": {"filter": body}})
    return Ask(
        ways=ways,
        slots={"part": text, "o": group.word.noun},
        before={"size": 0},
        after=after,
        why=f"Groups of {group.keyword}: terms; in each a filter: {why}",
    )


def _part(draw: Draw) -> tuple[str, dict[str, Any], str]:
    role = draw.take("category", "boolean", "number")
    value = draw.value(role)
    noun = mark(role.word.noun)
    if role in status_classes(draw):
        digits, bounds = class_of(role, value)
        return f"with {noun} {digits}", {"range": {role.field: bounds}}, f"{role.note}, {digits}: range."
    if role.kind == "number":
        low, _ = limits(role, value)
        shown = mark(spell(low, role.word.unit, draw.random))
        if low == value:
            raise Skip(role.field)
        return f"with {noun} over {shown}", {"range": {role.field: {"gt": low}}}, f"{role.note}, range gt."
    shown = mark(str(value).lower() if isinstance(value, bool) else value)
    return f"with {noun} {shown}", {"term": {role.field: value}}, f"{role.note}, term."


def _in_nested(path: str, inner: Mapping[str, Any]) -> dict[str, Any]:
    return {"aggs": {"groups": {"nested": {"path": path}, "aggs": inner}}}


def nested_groups(draw: Draw) -> Ask:
    roles = [role for roles in draw.context.nested.values() for role in roles if role.groups or role.exact]
    role = draw.among([role for role in roles if role.kind in ("category", "boolean", "ip", "text")])
    terms: dict[str, Any] = {"field": role.keyword}
    which = draw.pick("top", "all")
    terms["size"] = 1_000 if which == "all" else draw.random.choice(SIZES)
    first = "all" if which == "all" else f"the {mark(terms['size'])} most common"
    ways = (
        f"{first} {{p}} {{g}} of {{what}}", f"{first} {{g}} in the {{p}} of {{what}}",
        f"for {{what}}, {first} {{p}} {{g}}",
        f"count the entries in {{p}} of {{what}} by {{o}}: {first} {{g}}", f"{first} {{g}} among the {{p}} of {{what}}",
    )  # fmt: skip
    why = f"{role.nested} is nested: nested aggregation, in it terms of {role.keyword}, size {terms['size']}."
    noun = leaf_noun(role)
    slots = {"p": noun_of(role.nested, 1), "g": role.many.removeprefix(f"{noun_of(role.nested, 1)} "), "o": noun}
    after = _in_nested(role.nested, {"groups": {"terms": terms}})
    return Ask(ways=ways, slots=slots, before={"size": 0}, after=after, why=why)


def nested_metric(draw: Draw) -> Ask:
    role, kind = inner_measure(draw), draw.pick(*_SINGLE)
    called = draw.random.choice(METRICS[kind]).replace("{f}", mark(leaf_noun(role)))
    ways = (
        "{m} in the {p} of {what}", "for {what}, the {m} of their {p}", "what is the {m} over all {p} of {what}?",
        "the {m} of the entries in {p} of {what}", "{m} among the {p} of {what}",
    )  # fmt: skip
    why = f"{role.nested} is nested: nested aggregation, in it {kind} of {role.field}."
    after = _in_nested(role.nested, {"value": {kind: {"field": role.field}}})
    return Ask(ways=ways, slots={"m": called, "p": noun_of(role.nested, 1)}, before={"size": 0}, after=after, why=why)


LEVELS: Mapping[str, AskMaker] = {
    maker.__name__: maker
    for maker in (metric_by, ranked, metric_per, per_by, by_by, share, nested_groups, nested_metric)
}
