"""Rules for trees of aggregations, at most four levels deep, with few enough buckets for the guard's limit.

    single         filter, nested, sampler …: one bucket
      many         up to the limit, with light metrics below
      some         at most 100 buckets, with metrics or at most 100 other buckets below
        some       with light metrics below
    chart          a histogram: with a few buckets below if its steps are days, else with metrics

Groups(…).top()     the rule for the value of "aggs"
"""

from __future__ import annotations

from dstill_querydsl.language.grammar.aggregations import Metrics, is_number, pair
from dstill_querydsl.language.grammar.buckets import BucketRules
from dstill_querydsl.language.grammar.charts import CHANGE, GROUPS, SUMMARY, VALUE, Charts, pipelines, summaries
from dstill_querydsl.language.grammar.fields import FieldPicker, single
from dstill_querydsl.language.grammar.levels import Levels
from dstill_querydsl.language.grammar.notation import Notation, alt, key, obj, one_of, pairs, text

__all__ = ["Groups"]

# Names do not affect the result, so a few suffice: those of the synthesizer and of the canonical form.
_FIRST_NAMES = one_of((GROUPS, VALUE, "a0"))
_SECOND_NAMES = one_of(("more", "a1"))


class Groups:
    """Rules for whole aggregations. ``path`` is the nested path around them, or None."""

    def __init__(
        self,
        notation: Notation,
        picker: FieldPicker,
        metrics: Metrics,
        levels: Levels,
        buckets: BucketRules,
        charts: Charts | None,
    ) -> None:
        self._notation, self._picker, self._metrics = notation, picker, metrics
        self._levels, self._buckets, self._charts = levels, buckets, charts
        self._first, self._second = notation.rule("NAME", _FIRST_NAMES), notation.rule("SECOND", _SECOND_NAMES)

    def top(self) -> str:
        metric, light = self._object(self._metrics.at(None)), self._object(self._metrics.light(None))
        composite = self._with(self._buckets.composite(), light, light)
        outer = self._notation.rule("outer", alt(self._middle(None), composite, self._single(None, outer=True)))
        forms = [self._named(outer, metric), self._summarized()]
        return self._notation.rule("aggs", alt(*forms))

    # --- levels -------------------------------------------------------------------------

    def _middle(self, path: str | None) -> str:
        """A whole aggregation with one or two levels."""
        metric, light = self._object(self._metrics.at(path)), self._object(self._metrics.light(path))
        inner = self._notation.rule("inner", alt(metric, self._with(self._buckets.some(path), light),
                                             self._single(path, outer=False)))  # fmt: skip
        forms = [
            metric,
            self._with(self._buckets.many(path), light, light),
            self._with(self._buckets.some(path), inner, metric),
            self._ordered(path, VALUE),
            self._ordered(path, "a0"),
            *self._for_charts(path, light),
            *self._piped(path, self._buckets.ordered(path, VALUE), ("bucket_sort",)),
        ]
        return self._notation.rule("middle", alt(*forms))

    def _for_charts(self, path: str | None, light: str) -> list[str]:
        if self._charts is None:
            return []
        charts, metric = self._charts, self._object(self._metrics.moderate(path))
        few = self._notation.rule(
            "low", alt(metric, self._object(self._buckets.few(path)), self._single(path, outer=False))
        )
        dates, numbers = charts.for_dates(path), charts.for_numbers(path, known=True)
        sparse = charts.for_numbers(path, known=False)
        either = self._notation.rule("chart", alt(dates, numbers, sparse))
        return [
            self._with(dates, few, metric),
            self._with(alt(charts.for_hours(path), charts.for_many_dates(path)), light, light),
            self._with(numbers, metric, metric),
            self._with(sparse, light, light),
            self._with(charts.by_calendar(path), self._object(charts.rate(path))),
            *self._piped(path, either, tuple(pipelines(self._notation, "number"))),
            *self._piped(path, either, ("cumulative_cardinality",), "cardinality"),
        ]

    def _single(self, path: str | None, *, outer: bool) -> str:
        """A single bucket, with one or two levels below it if it is the outermost, else with metrics."""

        def below(inner: str | None) -> str:
            return self._middle(inner) if outer else self._object(self._metrics.at(inner))

        here = below(path)
        forms = [
            self._with(pair("filter", self._levels.one(path)), here),
            self._with(pair("sampler", obj({}, {"shard_size": self._notation.up_to(1_000)})), here, needed=True),
            self._with(self._metrics.on(path, "missing"), here),
            self._with(self._diversified(path), here, needed=True),
        ]
        if path is not None:
            forms.append(self._with(pair("reverse_nested", '"{" "}"'), self._object(self._metrics.at(None))))
        if outer:
            forms.append(self._with(pair("global", '"{" "}"'), here))
            for inner in self._picker.paths[path]:
                nested = alt(self._middle(inner), self._single(inner, outer=False))
                forms.append(self._with(pair("nested", obj({"path": text(inner)})), nested))
        return self._notation.rule("single", alt(*forms))

    def _diversified(self, path: str | None) -> str:
        size = self._notation.up_to(1_000)
        return self._metrics.on(path, "diversified_sampler", lambda f: is_number(f) and single(f), shard_size=size)

    # --- forms --------------------------------------------------------------------------

    def _object(self, first: str) -> str:
        return f'"{{" {first} "}}"' if first else ""

    def _named(self, first: str, second: str = "") -> str:
        """An object with one or two named aggregations."""
        more = f'("," {self._second} ":" {second})?' if second else ""
        return f'"{{" {self._first} ":" {first} {more} "}}"' if first else ""

    def _with(self, kind: str, below: str, second: str = "", *, needed: bool = False) -> str:
        """A whole aggregation with one or two others below it, or none unless they are `needed`."""
        below = self._notation.rule("below", self._named(below, second))
        if not kind or (needed and not below):
            return ""
        aggs = {"aggs": key("aggs", below)} if below else {}
        return self._notation.rule("group", pairs({"kind": kind, **aggs}) if needed else pairs({"kind": kind}, aggs))

    def _ordered(self, path: str | None, name: str) -> str:
        number, terms = self._object(self._metrics.numbers(path)), self._buckets.ordered(path, name)
        below = key("aggs", f'"{{" {key(name, number)} "}}"')
        return self._notation.rule("ordered", pairs({"terms": terms, "aggs": below})) if number and terms else ""

    def _piped(self, path: str | None, kind: str, names: tuple[str, ...], value: str = "number") -> list[str]:
        metric = self._metrics.counts(path) if value == "cardinality" else self._metrics.numbers(path)
        number, pipes = self._object(metric), pipelines(self._notation, value)
        pipe = self._object(alt(*(pipes[name] for name in names if name not in self._metrics.lacking)))
        below = obj({VALUE: number, CHANGE: pipe})
        return [self._notation.rule("piped", f'"{{" {kind} "," {key("aggs", below)} "}}"')] if kind and below else []

    def _summarized(self) -> str:
        number = self._object(self._metrics.numbers(None))
        kind = alt(self._buckets.some(None), *([self._charts.for_dates(None)] if self._charts else []))
        if not number:
            return ""
        groups = f'"{{" {kind} "," {key("aggs", obj({VALUE: number}))} "}}"'
        return obj({GROUPS: groups, SUMMARY: self._object(summaries())})
