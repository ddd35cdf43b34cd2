"""Questions with aggregations: metrics, groups, histograms, groups inside groups.

    AGGREGATIONS["top_path"](draw)   Ask(text="the top 5 paths of {what}", after={"aggs": {"groups": {"terms": …}}}, …)

Aggregations of buckets are always called `groups`, metrics `value`. Names have no meaning, and
one spelling is easier to learn. Groups in the order of counts need no `order`. There is a `size` only if
the question asks for a number of groups, and 1000 stands for "all".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill_querydsl.questions.summaries import aggs
from dstill_querydsl.synthesize.draw import Draw
from dstill_querydsl.synthesize.operations import Ask, AskMaker
from dstill_querydsl.synthesize.values import duration_words, size_words

__all__ = ["AGGREGATIONS"]

ALL = 1000

# kind → (field, singular, plural)
GROUPS: Mapping[str, tuple[str, str, str]] = {
    "path": ("url.path.raw", "path", "paths"),
    "city": ("source.geo.city_name.keyword", "city", "cities"),
    "country": ("source.geo.country_iso_code", "country", "countries"),
    "status": ("http.response.status_code", "status code", "status codes"),
    "host": ("host.name", "host", "hosts"),
    "service": ("service.name", "service", "services"),
    "user": ("user.name", "user", "users"),
    "browser": ("user_agent.name", "browser", "browsers"),
    "method": ("http.request.method", "method", "methods"),
    "cache": ("x-cache", "cache status", "cache statuses"),
    "upstream": ("upstream.name", "upstream", "upstreams"),
    "ip": ("source.ip", "address", "addresses"),
}
_DURATION = ("event.duration", ("response time", "duration"))
_SIZE = ("http.response.bytes", ("response size", "number of bytes"))
METRICS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    # kind → (aggregation, field, wordings)
    "avg_duration": ("avg", _DURATION[0], ("average duration", "mean response time", "average response time")),
    "max_duration": ("max", _DURATION[0], ("longest duration", "maximum response time", "highest duration")),
    "min_duration": ("min", _DURATION[0], ("shortest duration", "minimum response time", "lowest duration")),
    "sum_duration": ("sum", _DURATION[0], ("total duration", "summed response time")),
    "avg_size": ("avg", _SIZE[0], ("average response size", "mean number of bytes")),
    "max_size": ("max", _SIZE[0], ("largest response size", "maximum number of bytes")),
    "sum_size": ("sum", _SIZE[0], ("total bytes", "total response size", "sum of bytes")),
    "stats_duration": ("stats", _DURATION[0], ("duration statistics", "statistics of the response time")),
}


def _metric(kind: str) -> AskMaker:
    name, field, called = METRICS[kind]

    def make(draw: Draw) -> Ask:
        text = draw.pick("{m} of {what}", "what is the {m} of {what}?", "the {m} for {what}").format(
            m=draw.pick(*called), what="{what}"
        )
        return Ask(
            text=text,
            before={"size": 0},
            after={"aggs": {"value": {name: {"field": field}}}},
            why=f"{name} of {field}.",
        )

    return make


def _percentile(draw: Draw) -> Ask:
    percent = draw.random.choice((50, 75, 90, 95, 99))
    said = draw.pick(f"p{percent}", f"{percent}th percentile") if percent != 50 else draw.pick("median", "p50")
    text = draw.pick("{p} duration of {what}", "what is the {p} response time of {what}?").format(p=said, what="{what}")
    aggregation = {"percentiles": {"field": "event.duration", "percents": [percent]}}
    why = f"p{percent} of event.duration: percentiles."
    return Ask(text=text, before={"size": 0}, after={"aggs": {"value": aggregation}}, why=why)


def _distinct(kind: str) -> AskMaker:
    field, _, several = GROUPS[kind]

    def make(draw: Draw) -> Ask:
        text = draw.pick(
            "how many different {g} are in {what}?", "number of distinct {g} of {what}", "count unique {g} of {what}"
        )
        aggregation = {"cardinality": {"field": field}}
        why = f"Distinct {field}: cardinality."
        return Ask(
            text=text.format(g=several, what="{what}"),
            before={"size": 0},
            after={"aggs": {"value": aggregation}},
            why=why,
        )

    return make


def _grouped(kind: str, asked: str) -> AskMaker:
    """Groups by count: the top ones, all, or the default number."""
    field, one, several = GROUPS[kind]

    def make(draw: Draw) -> Ask:
        terms: dict[str, Any] = {"field": field}
        if asked == "top":
            terms["size"] = draw.random.choice((3, 5, 7, 8, 10, 12, 15, 20, 25, 30, 50))
            text = draw.pick(
                "the top {n} {g} of {what}", "{n} most frequent {g} of {what}", "top {n} {g} by number of {what}"
            )
        elif asked == "all":
            terms["size"] = ALL
            text = draw.pick(
                "all {g} of {what} with their counts",
                "count {what} for every {o}",
                "every {o} of {what} with its count",
            )
        else:
            text = draw.pick(
                "{what} by {o}", "count {what} by {o}", "number of {what} per {o}", "{what} grouped by {o}"
            )
        text = text.format(n=terms.get("size"), g=several, o=one, what="{what}")
        why = f"Groups of {field}: terms" + (f", size {terms['size']}." if "size" in terms else ".")
        return Ask(text=text, before={"size": 0}, after=aggs({"terms": terms}), why=why)

    return make


def _per(unit: str) -> AskMaker:
    def make(draw: Draw) -> Ask:
        text = draw.pick(
            "{what} per {u}", "number of {what} per {u}", "how many {what} for each {u}?", "count {what} by {u}"
        )
        histogram = {"date_histogram": {"field": "@timestamp", "calendar_interval": unit}}
        why = f"Per {unit}: date_histogram, calendar_interval."
        return Ask(text=text.format(u=unit, what="{what}"), before={"size": 0}, after=aggs(histogram), why=why)

    return make


def _every_hours(draw: Draw) -> Ask:
    hours = draw.random.choice((2, 3, 4, 6, 8, 12))
    text = draw.pick("{what} every {n} hours", "count {what} in steps of {n} hours", "{what} in {n} hour intervals")
    histogram = {"date_histogram": {"field": "@timestamp", "fixed_interval": f"{hours}h"}}
    why = f"Every {hours} hours: date_histogram, fixed_interval."
    return Ask(text=text.format(n=hours, what="{what}"), before={"size": 0}, after=aggs(histogram), why=why)


def _steps(field: str, names: tuple[str, ...]) -> AskMaker:
    """A histogram of a number, with an interval that the question names."""

    def make(draw: Draw) -> Ask:
        if field == "event.duration":
            interval = draw.random.choice((100, 200, 250, 300, 400, 500, 1000, 2000)) * 1_000_000
            said = duration_words(draw, interval)
        else:
            interval = draw.random.choice((50, 100, 150, 200, 250, 400, 500, 1000)) * 1_000
            said = size_words(draw, interval)
        text = draw.pick("histogram of the {m} of {what} in steps of {s}", "distribution of {m} of {what} every {s}")
        histogram = {"histogram": {"field": field, "interval": interval}}
        text = text.format(m=draw.pick(*names), s=said, what="{what}")
        return Ask(text=text, before={"size": 0}, after=aggs(histogram), why=f"Steps of {field}: histogram.")

    return make


def _bands(draw: Draw) -> Ask:
    low, high = sorted(draw.random.sample((50, 100, 150, 200, 250, 300, 400, 500, 600, 800, 900), 2))
    text = draw.pick(
        "how many {what} took under {a} ms, {a} to {b} ms, and more?",
        "{what} by response time: below {a} ms, {a} to {b} ms, above {b} ms",
    ).format(a=low, b=high, what="{what}")
    low, high = low * 1_000_000, high * 1_000_000
    ranges = [{"to": low}, {"from": low, "to": high}, {"from": high}]
    bands = {"range": {"field": "event.duration", "ranges": ranges}}
    return Ask(text=text, before={"size": 0}, after=aggs(bands), why="Bands of event.duration in nanoseconds: range.")


def _metric_by(group: str, metric: str) -> AskMaker:
    """A metric for each group. The groups stay in the order of counts."""
    field, one, _ = GROUPS[group]
    name, of, called = METRICS[metric]

    def make(draw: Draw) -> Ask:
        text = draw.pick("{m} of {what} per {o}", "{m} of {what} by {o}", "for each {o} the {m} of {what}")
        text = text.format(m=draw.pick(*called), o=one, what="{what}")
        after = aggs({"terms": {"field": field}}, {"value": {name: {"field": of}}})
        return Ask(text=text, before={"size": 0}, after=after, why=f"Groups of {field}: terms; in each {name} of {of}.")

    return make


def _ranked(group: str, metric: str) -> AskMaker:
    """Some groups in the order of a metric."""
    field, _, several = GROUPS[group]
    name, of, called = METRICS[metric]

    def make(draw: Draw) -> Ask:
        size = draw.random.choice((3, 4, 5, 6, 7, 8, 9, 10, 15, 20))
        text = draw.pick("the {n} {g} with the highest {m} of {what}", "top {n} {g} by {m} of {what}")
        text = text.format(n=size, g=several, m=draw.pick(*called), what="{what}")
        terms = {"terms": {"field": field, "size": size, "order": {"value": "desc"}}}
        why = f"Groups of {field}: terms, size {size}, ordered by {name} of {of}."
        return Ask(text=text, before={"size": 0}, after=aggs(terms, {"value": {name: {"field": of}}}), why=why)

    return make


def _metric_per(unit: str, metric: str) -> AskMaker:
    name, of, called = METRICS[metric]

    def make(draw: Draw) -> Ask:
        text = draw.pick("{m} of {what} per {u}", "for each {u} the {m} of {what}")
        text = text.format(m=draw.pick(*called), u=unit, what="{what}")
        histogram = {"date_histogram": {"field": "@timestamp", "calendar_interval": unit}}
        after = aggs(histogram, {"value": {name: {"field": of}}})
        return Ask(
            text=text, before={"size": 0}, after=after, why=f"Per {unit}: date_histogram; in each {name} of {of}."
        )

    return make


def _within(unit: str, group: str) -> AskMaker:
    field, one, _ = GROUPS[group]

    def make(draw: Draw) -> Ask:
        text = draw.pick("{what} per {u} and {o}", "{what} per {u}, split by {o}").format(u=unit, o=one, what="{what}")
        histogram = {"date_histogram": {"field": "@timestamp", "calendar_interval": unit}}
        after = aggs(histogram, {"groups": {"terms": {"field": field}}})
        return Ask(
            text=text, before={"size": 0}, after=after, why=f"Per {unit}: date_histogram; in each terms of {field}."
        )

    return make


def _share(group: str) -> AskMaker:
    """The share of errors in each group: the count of the group, and of errors inside it."""
    field, one, _ = GROUPS[group]

    def make(draw: Draw) -> Ask:
        low, called = draw.random.choice(((400, "client errors"), (500, "server errors")))
        text = draw.pick("share of {e} among {what} per {o}", "for each {o} the ratio of {e} in {what}")
        text = text.format(e=called, o=one, what="{what}")
        part = {"filter": {"range": {"http.response.status_code": {"gte": low, "lt": low + 100}}}}
        after = aggs({"terms": {"field": field}}, {"value": part})
        why = f"Groups of {field}: terms; in each a filter counts {low} to {low + 99}."
        return Ask(text=text, before={"size": 0}, after=after, why=why)

    return make


AGGREGATIONS: Mapping[str, AskMaker] = {
    **{kind: _metric(kind) for kind in METRICS},
    "percentile": _percentile,
    **{f"distinct_{kind}": _distinct(kind) for kind in ("ip", "user", "path", "city")},
    **{f"top_{kind}": _grouped(kind, "top") for kind in GROUPS},
    **{f"all_{kind}": _grouped(kind, "all") for kind in GROUPS},
    **{f"by_{kind}": _grouped(kind, "") for kind in GROUPS},
    **{f"per_{unit}": _per(unit) for unit in ("hour", "day", "week", "month")},
    "every_hours": _every_hours,
    "steps_duration": _steps(*_DURATION),
    "steps_size": _steps(*_SIZE),
    "bands": _bands,
    **{
        f"{m}_by_{g}": _metric_by(g, m)
        for g in ("country", "service", "host", "browser")
        for m in ("avg_duration", "max_duration", "sum_size")
    },
    **{f"ranked_{g}_{m}": _ranked(g, m) for g in ("path", "host", "user") for m in ("avg_duration", "sum_size")},
    **{f"{m}_per_{unit}": _metric_per(unit, m) for unit in ("day", "week") for m in ("avg_duration", "sum_size")},
    **{f"per_{unit}_{g}": _within(unit, g) for unit in ("day", "week") for g in ("status", "service")},
    **{f"share_{g}": _share(g) for g in ("service", "host", "country")},
}
