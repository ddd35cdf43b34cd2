"""Questions with one aggregation: metrics, groups, histograms.

SUMMARIES["top_groups"](draw)   the top 5 countries of films     {"aggs": {"groups": {"terms": {…, "size": 5}}}}

Aggregations of buckets are always called `groups`, metrics `value`. Names have no meaning, and one spelling is easier
to learn. Groups in the order of counts need no `order`. There is a `size` only if the question asks for a number of
groups, and 1000 stands for "all".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill_querydsl.language.dates import CALENDAR_UNITS
from dstill_querydsl.questions.templates.context import Draw, Skip
from dstill_querydsl.questions.templates.moments import moment
from dstill_querydsl.questions.templates.prompt import Ask, AskMaker
from dstill_querydsl.questions.templates.roles import Role
from dstill_querydsl.questions.templates.units import around, spell
from dstill_querydsl.questions.templates.words import mark

__all__ = ["METRICS", "SIZES", "SUMMARIES", "aggs", "group_of", "measure_of", "metric", "time_of"]

ALL = 1_000
SIZES = (3, 5, 7, 8, 10, 12, 15, 20, 25, 30, 50)
# aggregation → wordings
METRICS: Mapping[str, tuple[str, ...]] = {
    "avg": ("average {f}", "mean {f}", "{f} on average"),
    "max": ("maximum {f}", "highest {f}", "largest {f}"),
    "min": ("minimum {f}", "lowest {f}", "smallest {f}"),
    "sum": ("total {f}", "sum of {f}", "summed {f}"),
    "stats": ("statistics of {f}", "{f} statistics", "count, min, max, average and sum of {f}"),
}
_METRIC_WAYS = (
    "{m} of {what}", "what is the {m} of {what}?", "the {m} for {what}", "{m} over all {what}", "for {what}, the {m}",
    "compute the {m} of {what}",
)  # fmt: skip
GROUPS: Mapping[str, tuple[str, ...]] = {
    "top": (
        "the top {n} {g} of {what}", "{n} most frequent {g} of {what}", "top {n} {g} by number of {what}",
        "which {n} {g} have the most {what}?", "the {n} most common {g} among {what}",
    ),
    "all": (
        "all {g} of {what} with their counts", "count {what} for every {o}", "every {o} of {what} with its count",
        "a complete list of {g} with the number of {what}", "for all {g}, how many {what} are there?",
    ),
    "by": (
        "{what} by {o}", "count {what} by {o}", "number of {what} per {o}", "{what} grouped by {o}",
        "how are {what} spread over {g}?", "break down {what} by {o}",
    ),
}  # fmt: skip
_BUCKETS = {"minute": 1 / 60, "hour": 1, "day": 24, "week": 168, "month": 720, "quarter": 2_160, "year": 8_760}
MOST_BUCKETS = 4_000  # of a date histogram over the whole index. With aggregations below it, the guard allows no more


def aggs(groups: Mapping[str, Any], within: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The key ``aggs`` with an aggregation called `groups`, and aggregations inside it."""
    return {"aggs": {"groups": {**groups, **({"aggs": within} if within else {})}}}


def group_of(draw: Draw, *, many: bool = False) -> Role:
    """A field to group by. `many`: one that can have many values, so no boolean. Raises Skip."""
    kinds = ("category", "ip", "text", "number") if many else ("category", "boolean", "ip", "text", "number")
    roles = [role for role in draw.context.by_kind(*kinds) if role.groups or role.exact]
    return draw.among([role for role in roles if role.kind != "number" or role.code])


def measure_of(draw: Draw) -> Role:
    """A number that can be summed, so no code and no year. Raises Skip."""
    return draw.among([role for role in draw.context.by_kind("number") if role.groups and role.measures])


def metric(draw: Draw, kind: str, role: Role) -> str:
    """A wording for a metric of a field."""
    return draw.random.choice(METRICS[kind]).replace("{f}", mark(role.word.noun))


def time_of(draw: Draw, *units: str) -> tuple[Role, str, str]:
    """A date field, a calendar unit with a sensible number of buckets, and its wording. Raises Skip."""
    role = draw.take("date", groups=True)
    alone = len(draw.context.by_kind("date")) == 1
    low, high = (moment(bound, role.format) or moment(bound, "") for bound in (role.known.low, role.known.high))
    hours = (high - low).total_seconds() / 3_600 if low and high else 24 * 400
    small = [unit for unit in units or CALENDAR_UNITS if hours / _BUCKETS[unit] < MOST_BUCKETS]
    if not small:
        raise Skip(role.field)
    unit = draw.random.choice([unit for unit in small if hours / _BUCKETS[unit] > 1] or small[:1])
    return role, unit, unit if alone else f"{unit} of {mark(role.word.noun)}"


def _metric(kind: str) -> AskMaker:
    def make(draw: Draw) -> Ask:
        role = measure_of(draw)
        after = {"aggs": {"value": {kind: {"field": role.field}}}}
        return Ask(
            ways=_METRIC_WAYS,
            slots={"m": metric(draw, kind, role)},
            before={"size": 0},
            after=after,
            why=f"{kind} of {role.field}.",
        )

    return make


def percentile(draw: Draw) -> Ask:
    role = measure_of(draw)
    percent = draw.pick(50, 75, 90, 95, 99)
    text = draw.pick("median", "p50") if percent == 50 else draw.pick(f"p{percent}", f"{percent}th percentile")
    called = draw.pick("{} {}", "{} of {}", "{} of the {}").format(text, mark(role.word.noun))
    after = {"aggs": {"value": {"percentiles": {"field": role.field, "percents": [percent]}}}}
    why = f"p{percent} of {role.field}: percentiles."
    return Ask(ways=_METRIC_WAYS, slots={"m": called}, before={"size": 0}, after=after, why=why)


def distinct(draw: Draw) -> Ask:
    role = group_of(draw, many=True)
    ways = (
        "how many different {g} are in {what}?", "number of distinct {g} of {what}", "count unique {g} of {what}",
        "how many {g} occur among {what}?", "{what}: how many unique {g}?",
    )  # fmt: skip
    after = {"aggs": {"value": {"cardinality": {"field": role.keyword}}}}
    why = f"Distinct {role.keyword}: cardinality."
    return Ask(ways=ways, slots={"g": role.many}, before={"size": 0}, after=after, why=why)


def _grouped(which: str) -> AskMaker:
    def make(draw: Draw) -> Ask:
        role = group_of(draw, many=which == "top")
        terms: dict[str, Any] = {"field": role.keyword}
        if which != "by":
            terms["size"] = ALL if which == "all" else draw.random.choice(SIZES)
        slots = {"n": terms.get("size"), "g": role.many, "o": role.word.noun}
        why = f"Groups of {role.keyword}: terms" + (f", size {terms['size']}." if "size" in terms else ".")
        return Ask(ways=GROUPS[which], slots=slots, before={"size": 0}, after=aggs({"terms": terms}), why=why)

    return make


def per(draw: Draw) -> Ask:
    role, unit, word = time_of(draw)
    ways = (
        "{what} per {u}", "number of {what} per {u}", "how many {what} for each {u}?", "count {what} by {u}",
        "a timeline of {what} by {u}", "{u} by {u} counts of {what}" if word == unit else "{what}, counted per {u}",
    )  # fmt: skip
    histogram = {"date_histogram": {"field": role.field, "calendar_interval": unit}}
    why = f"Per {unit} of {role.field}: date_histogram, calendar_interval."
    return Ask(ways=ways, slots={"u": word}, before={"size": 0}, after=aggs(histogram), why=why)


def every(draw: Draw) -> Ask:
    """Fixed intervals: every 6 hours, every 10 days."""
    role, unit, _ = time_of(draw, "hour", "day", "month")
    count, letter, word = {
        "hour": (draw.pick(2, 3, 4, 6, 8, 12), "h", "hours"),
        "day": (draw.pick(2, 3, 5, 10, 14), "d", "days"),
        "month": (draw.pick(30, 60, 90), "d", "days"),
    }[unit]
    named = "" if len(draw.context.by_kind("date")) == 1 else f" of {mark(role.word.noun)}"
    ways = (
        "{what} every {n} {u}{by}", "count {what} in steps of {n} {u}{by}", "{what} in {n}-{o} intervals{by}",
        "number of {what} for each {n} {u}{by}", "{what} in buckets of {n} {u}{by}",
    )  # fmt: skip
    histogram = {"date_histogram": {"field": role.field, "fixed_interval": f"{count}{letter}"}}
    why = f"Every {count} {word} of {role.field}: date_histogram, fixed_interval."
    slots = {"n": count, "u": word, "o": word[:-1], "by": named}
    return Ask(ways=ways, slots=slots, before={"size": 0}, after=aggs(histogram), why=why)


def _scale(draw: Draw, role: Role) -> tuple[Any, Any]:
    """Two round numbers inside the range of the field. Raises Skip."""
    low, high = role.known.low, role.known.high
    if not (isinstance(low, (int, float)) and isinstance(high, (int, float)) and high > low):
        raise Skip(role.field)
    edges = sorted({around(low + (high - low) * part, whole=role.whole, digits=1)[0] for part in (0.15, 0.3, 0.6)})
    inside = [edge for edge in edges if low < edge < high]
    if len(inside) < 2:
        raise Skip(role.field)
    start = draw.random.randrange(len(inside) - 1)
    return inside[start], inside[start + 1]


def steps(draw: Draw) -> Ask:
    """A histogram of a number, with an interval that the question names."""
    role = measure_of(draw)
    a, b = _scale(draw, role)
    interval = around(b - a, whole=role.whole, digits=1)[1]
    if (role.known.high - role.known.low) / interval > 1_000:
        raise Skip(role.field)
    ways = (
        "histogram of the {f} of {what} in steps of {s}", "distribution of {f} of {what} every {s}",
        "{what} by {f} in intervals of {s}", "how many {what} for each {s} of {f}?",
        "bucket {what} by {f}, {s} wide",
    )  # fmt: skip
    slots = {"f": role.word.noun, "s": spell(interval, role.word.unit, draw.random)}
    histogram = {"histogram": {"field": role.field, "interval": interval}}
    why = f"Steps of {role.field}: histogram."
    return Ask(ways=ways, slots=slots, before={"size": 0}, after=aggs(histogram), why=why)


def bands(draw: Draw) -> Ask:
    role = measure_of(draw)
    low, high = _scale(draw, role)
    ways = (
        "how many {what} have a {f} under {a}, {a} to {b}, and from {b}?",
        "{what} by {f}: below {a}, {a} to {b}, {b} and up",
        "count {what} with {f} less than {a}, between {a} and {b}, and {b} or more",
        "split {what} into {f} bands: up to {a}, {a} to {b}, beyond",
        "{f} ranges of {what}: under {a}, from {a} to {b}, above {b}",
    )  # fmt: skip
    a, b = (spell(bound, role.word.unit, draw.random) for bound in (low, high))
    ranges = [{"to": low}, {"from": low, "to": high}, {"from": high}]
    after = aggs({"range": {"field": role.field, "ranges": ranges}})
    why = f"Bands of {role.field}: range."
    return Ask(ways=ways, slots={"f": role.word.noun, "a": a, "b": b}, before={"size": 0}, after=after, why=why)


SUMMARIES: Mapping[str, AskMaker] = {
    **{kind: _metric(kind) for kind in METRICS},
    "percentile": percentile,
    "distinct": distinct,
    **{f"{which}_groups": _grouped(which) for which in GROUPS},
    "per": per,
    "every": every,
    "steps": steps,
    "bands": bands,
}
