"""Aggregations in words, from their canonical form.

    {"a0": {"terms": {"field": "town", "size": 3}, "aggs": {"a0": {"avg": {"field": "price"}}}}}
    → ", the average price", " for each town", ", those with the most documents first", ", the first 3"

A level is its figures, then a part for each aggregation with buckets. What is inside the buckets follows it, in
brackets if there are several. An aggregation without words of its own is said as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dstill.api.protocols import Phrase
from dstill.linked.spoken import listed
from dstill_querydsl.language.mapping.uses import uses
from dstill_querydsl.language.readback.groups import GROUPED, SINGLE, group, limit
from dstill_querydsl.language.readback.hits import KEYS, first, hits, sorted_by
from dstill_querydsl.language.readback.naming import as_json, parameters, scalar
from dstill_querydsl.language.readback.query import MALFORMED, Reader
from dstill_querydsl.language.readback.used import used

__all__ = ["Aggregations"]

Json = Mapping[str, Any]

_FIGURES = {
    "avg": "the average {}",
    "sum": "the total {}",
    "min": "the lowest {}",
    "max": "the highest {}",
    "cardinality": "the number of different values of {}",
    "value_count": "the number of values of {}",
    "stats": "the statistics of {}",
    "extended_stats": "the extended statistics of {}",
    "median_absolute_deviation": "the median absolute deviation of {}",
    "percentiles": "the percentiles of {}",
    "boxplot": "the box plot of {}",
    "string_stats": "the text statistics of {}",
    "geo_bounds": "the bounds of {}",
    "geo_centroid": "the centre of {}",
}
_DATED = {"min": "the earliest {}", "max": "the latest {}"}
_PIPELINES = {
    "avg_bucket": "the average of",
    "sum_bucket": "the total of",
    "min_bucket": "the lowest of",
    "max_bucket": "the highest of",
    "stats_bucket": "the statistics of",
    "derivative": "the change of",
    "cumulative_sum": "the running total of",
}
_STEP = re.compile(r"([^.\[]*)(\[.*?\])?(?:\.(.*))?")  # of a path: name, bucket, metric


class Aggregations:
    """Reads the aggregations of one body."""

    def __init__(self, reader: Reader) -> None:
        self._reader, self._names = reader, reader.names

    def level(self, aggs: Json, joint: str = ", ") -> Iterator[Phrase]:
        """All aggregations of a level. `joint`: what is before the first one."""
        figures = {name: body for name, body in aggs.items() if self._is_figure(body)}
        if figures:
            yield self._phrase(joint + listed([self.figure(body, aggs) for body in figures.values()]), "shown", figures)
        first_part = not figures
        for name, body in aggs.items():
            if name not in figures and "bucket_sort" not in body:
                yield from self._buckets(body, joint if first_part else "; ")
                first_part = False
        for body in aggs.values():
            if "bucket_sort" in body:
                yield self._bucket_sort(body["bucket_sort"], aggs)

    # --- buckets -----------------------------------------------------------------------------

    def _buckets(self, body: Json, joint: str) -> Iterator[Phrase]:
        kind, options, below = _parts(body)
        try:
            made = group(kind, options, self._reader) if kind in (*GROUPED, *SINGLE) else None
        except MALFORMED:
            made = None
        figures = {name: inner for name, inner in below.items() if self._is_figure(inner)}
        groups = [inner for name, inner in below.items() if name not in figures and "bucket_sort" not in inner]
        passed = kind in SINGLE and made is not None and not figures and len(groups) == 1  # only its inside is shown
        shown = "" if passed else listed([self.figure(inner, below) for inner in figures.values()]) or "counted"
        yield self._phrase(joint + shown, "shown", figures)
        made = f" for each {kind} {as_json(options)}" if made is None else made
        yield self._phrase(made[1:] if passed else made, "group", {"": {kind: options}})
        if order := self._order(kind, options, below, figures):
            yield Phrase(text=order, kind="order")
        if made[9:].partition(" ")[0] != kind and (most := limit(kind, options)):
            yield Phrase(text=most, kind="limit")
        for inner in below.values():
            if "bucket_sort" in inner:
                yield self._bucket_sort(inner["bucket_sort"], below)
        yield from self._inside(groups, ", " if passed else ", and of these " if kind in SINGLE else ", and in each ")

    def _inside(self, groups: Sequence[Json], joint: str) -> Iterator[Phrase]:
        """The aggregations with buckets below one."""
        for number, body in enumerate(groups):
            several = len(groups) > 1
            yield from self._buckets(body, f"{joint if not number else ' and '}{'(' * several}")
            if several:
                yield Phrase(text=")")

    def _order(self, kind: str, options: Json, below: Json, figures: Json) -> str:
        if kind == "composite":
            return f", order {as_json(options['order'])}" if "order" in options else ""
        keys = options.get("order")
        if keys is None:
            return _most("desc", figures) if kind == "terms" else ""
        try:
            each = [self._ordered(by, way, options, below, figures) for key in keys for by, way in key.items()]
        except MALFORMED:
            return f", order {as_json(keys)}"
        return ", " + ", then ".join(text.removeprefix(", ") for text in each)

    def _ordered(self, by: str, way: str, options: Json, below: Json, figures: Json) -> str:
        if by == "_count":
            return _most(way, figures)
        if by == "_key":
            return sorted_by(self._names, options["field"], way == "desc")
        ends = f"{'highest' if way == 'desc' else 'lowest'} first"
        only = len(figures) == 1 and by in figures  # what it is ordered by is clear
        return ends if only else f"by {self._path(by, below)}, {ends}"

    def _bucket_sort(self, options: Json, beside: Json) -> Phrase:
        try:
            keys = [(by, how) for key in options.get("sort", ()) for by, how in key.items()]
            ways = {"desc": "highest first", "asc": "lowest first"}
            each = [f"by {self._path(by, beside)}, {ways[how['order']]}" for by, how in keys]
        except MALFORMED:
            return Phrase(text=f", bucket_sort {as_json(options)}", kind="order")
        texts = [", of these groups", *([f" sorted {', then '.join(each)}"] if each else [])]
        if "from" in options:
            texts.append(f", after the first {as_json(options['from'])}")
        texts.append(first(options["size"], "next" if "from" in options else "first") if "size" in options else ", all")
        return Phrase(text="".join(texts) + parameters(options, "sort", "from", "size"), kind="limit")

    # --- figures -------------------------------------------------------------------------

    def _is_figure(self, body: Json) -> bool:
        """Whether it is one value or a few: also the number of documents that a filter finds."""
        kind, _, below = _parts(body)
        return not below and kind not in GROUPED and kind != "bucket_sort" and (kind == "filter" or kind not in SINGLE)

    def figure(self, body: Json, beside: Json) -> str:
        """``the average price``. `beside`: the aggregations of the same level, which a pipeline names."""
        kind, options, _ = _parts(body)
        try:
            return self._figure(kind, options, beside) or f"{kind} {as_json(options)}"
        except MALFORMED:
            return f"{kind} {as_json(options)}"

    def _figure(self, kind: str, options: Json, beside: Json) -> str:
        names = self._names
        if kind == "filter":
            return f"the number where {self._reader.all_of(options)}"
        if kind in _PIPELINES and isinstance(options["buckets_path"], str):
            path = self._path(options["buckets_path"], beside)
            return f"{_PIPELINES[kind]} {path}{parameters(options, 'buckets_path')}"
        if kind == "top_hits":
            inner = "".join(phrase.text for phrase in hits(options, names, 3)).removeprefix(", ")
            return f"the documents ({inner or 'none'}){parameters(options, *KEYS)}"
        if kind not in _FIGURES:
            return ""
        field, percents = names.field(options["field"]), options.get("percents")
        if kind == "percentiles" and isinstance(percents, list) and len(percents) == 1:
            name = "median" if percents == [50] else f"percentile {scalar(percents[0])} of"
            return f"the {name} {field}{parameters(options, 'field', 'percents')}"
        if kind == "percentiles" and isinstance(percents, list):
            each = listed([scalar(percent) for percent in percents])
            return f"the percentiles {each} of {field}{parameters(options, 'field', 'percents')}"
        dated = _DATED.get(kind) if names.family(options["field"]) == "date" else None
        return (dated or _FIGURES[kind]).format(field) + parameters(options, "field")

    def _path(self, path: str, aggs: Json) -> str:
        """What a path such as ``a0>a1.value`` leads to."""
        head, arrow, rest = path.partition(">")
        if head in ("_count", "_key"):
            return f"the {head[1:]}"
        match = _STEP.fullmatch(head)
        if match is None or match[1] not in aggs:
            return scalar(path)
        body, metric = aggs[match[1]], match[3]
        if self._is_figure(body) and not match[2] and not arrow:
            return f"{scalar(metric)} of {self.figure(body, aggs)}" if metric else self.figure(body, aggs)
        kind, options, below = _parts(body)
        if kind not in (*GROUPED, *SINGLE) or match[2]:
            return f"{scalar(path)} of {as_json(body)}"
        inner = self._path(rest, below) if arrow else f"{scalar(metric)}" if metric else "the count"
        return inner + group(kind, options, self._reader)

    def _phrase(self, text: str, kind: str, aggs: Json) -> Phrase:
        items, values = used(uses({"aggs": dict(aggs)}), self._names)
        return Phrase(text=text, kind=kind, items=items, values=values)


def _parts(body: Json) -> tuple[str, Json, Json]:
    """Kind, options and the aggregations below."""
    kind = next((kind for kind in body if kind != "aggs"), "")
    options, below = body.get(kind), body.get("aggs", {})
    return kind, options if isinstance(options, Mapping) else {}, below


def _most(way: str, figures: Json) -> str:
    """How buckets are ordered by their documents."""
    if not figures:
        return ", largest first" if way == "desc" else ", smallest first"
    return f", those with the {'most' if way == 'desc' else 'fewest'} documents first"
