"""Aggregations, level by level: at most four deep, and so few at each that their buckets stay within the limit.

    single         filter, nested, sampler …: one bucket
      many         up to the limit, light metrics below it
      some         at most 100 buckets, below it metrics, or another of at most 100
        some       light metrics below it
    chart          a histogram: a few buckets below one of days, metrics below any other

Groups(…).top()     a rule for what stands under "aggs"
"""

from __future__ import annotations

from dstill_querydsl.grammar.aggregations import Metrics, is_number, pair
from dstill_querydsl.grammar.buckets import Buckets
from dstill_querydsl.grammar.charts import CHANGE, GROUPS, SUMMARY, VALUE, Charts, pipelines, summaries
from dstill_querydsl.grammar.fields import Pick, single
from dstill_querydsl.grammar.levels import Levels
from dstill_querydsl.grammar.notation import Notation, alt, key, obj, one_of, pairs, text

__all__ = ["Groups"]

# Names say nothing of the result, so that a few will do: those of the golds, and the canonical form's own.
_FIRST = one_of((GROUPS, VALUE, "a0"))
_SECOND = one_of(("more", "a1"))


class Groups:
    def __init__(
        self, made: Notation, pick: Pick, metrics: Metrics, levels: Levels, buckets: Buckets, charts: Charts | None
    ) -> None:
        self._made, self._pick, self._metrics = made, pick, metrics
        self._levels, self._buckets, self._charts = levels, buckets, charts
        self._first, self._second = made.rule("NAME", _FIRST), made.rule("SECOND", _SECOND)

    def top(self) -> str:
        metric, light = self._of(self._metrics.at(None)), self._of(self._metrics.light(None))
        composite = self._with(self._buckets.composite(), light, light)
        outer = self._made.rule("outer", alt(self._middle(None), composite, self._single(None, outer=True)))
        forms = [self._named(outer, metric), self._summarized()]
        return self._made.rule("aggs", alt(*forms))

    # --- levels -------------------------------------------------------------------------

    def _middle(self, path: str | None) -> str:
        """A whole aggregation of one level or two."""
        metric, light = self._of(self._metrics.at(path)), self._of(self._metrics.light(path))
        inner = self._made.rule("inner", alt(metric, self._with(self._buckets.some(path), light),
                                             self._single(path, outer=False)))  # fmt: skip
        forms = [
            metric,
            self._with(self._buckets.many(path), light, light),
            self._with(self._buckets.some(path), inner, metric),
            self._ordered(path, VALUE),
            self._ordered(path, "a0"),
            *self._of_charts(path, light),
            *self._piped(path, self._buckets.ordered(path, VALUE), ("bucket_sort",)),
        ]
        return self._made.rule("middle", alt(*forms))

    def _of_charts(self, path: str | None, light: str) -> list[str]:
        if self._charts is None:
            return []
        charts, metric = self._charts, self._of(self._metrics.moderate(path))
        few = self._made.rule("low", alt(metric, self._of(self._buckets.few(path)), self._single(path, outer=False)))
        dates, numbers = charts.of_dates(path), charts.of_numbers(path, known=True)
        sparse = charts.of_numbers(path, known=False)
        either = self._made.rule("chart", alt(dates, numbers, sparse))
        return [
            self._with(dates, few, metric),
            self._with(alt(charts.of_hours(path), charts.of_many_dates(path)), light, light),
            self._with(numbers, metric, metric),
            self._with(sparse, light, light),
            self._with(charts.by_calendar(path), self._of(charts.rate(path))),
            *self._piped(path, either, tuple(pipelines(self._made, "number"))),
            *self._piped(path, either, ("cumulative_cardinality",), "cardinality"),
        ]

    def _single(self, path: str | None, *, outer: bool) -> str:
        """One bucket; as the outermost with a level or two below it, else with metrics."""

        def below(inner: str | None) -> str:
            return self._middle(inner) if outer else self._of(self._metrics.at(inner))

        here = below(path)
        forms = [
            self._with(pair("filter", self._levels.one(path)), here),
            self._with(pair("sampler", obj({}, {"shard_size": self._made.up_to(1_000)})), here, needed=True),
            self._with(self._metrics.on(path, "missing"), here),
            self._with(self._diversified(path), here, needed=True),
        ]
        if path is not None:
            forms.append(self._with(pair("reverse_nested", '"{" "}"'), self._of(self._metrics.at(None))))
        if outer:
            forms.append(self._with(pair("global", '"{" "}"'), here))
            for inner in self._pick.paths[path]:
                nested = alt(self._middle(inner), self._single(inner, outer=False))
                forms.append(self._with(pair("nested", obj({"path": text(inner)})), nested))
        return self._made.rule("single", alt(*forms))

    def _diversified(self, path: str | None) -> str:
        size = self._made.up_to(1_000)
        return self._metrics.on(path, "diversified_sampler", lambda f: is_number(f) and single(f), shard_size=size)

    # --- forms --------------------------------------------------------------------------

    def _of(self, one: str) -> str:
        return f'"{{" {one} "}}"' if one else ""

    def _named(self, one: str, second: str = "") -> str:
        """An object of one aggregation by its name, or of two."""
        more = f'("," {self._second} ":" {second})?' if second else ""
        return f'"{{" {self._first} ":" {one} {more} "}}"' if one else ""

    def _with(self, kind: str, below: str, second: str = "", *, needed: bool = False) -> str:
        """A whole aggregation, with one or two others below it, or (unless they are `needed`) none."""
        below = self._made.rule("below", self._named(below, second))
        if not kind or (needed and not below):
            return ""
        aggs = {"aggs": key("aggs", below)} if below else {}
        return self._made.rule("group", pairs({"kind": kind, **aggs}) if needed else pairs({"kind": kind}, aggs))

    def _ordered(self, path: str | None, name: str) -> str:
        number, terms = self._of(self._metrics.numbers(path)), self._buckets.ordered(path, name)
        below = key("aggs", f'"{{" {key(name, number)} "}}"')
        return self._made.rule("ordered", pairs({"terms": terms, "aggs": below})) if number and terms else ""

    def _piped(self, path: str | None, kind: str, names: tuple[str, ...], value: str = "number") -> list[str]:
        made = self._metrics.counts(path) if value == "cardinality" else self._metrics.numbers(path)
        number, pipes = self._of(made), pipelines(self._made, value)
        pipe = self._of(alt(*(pipes[name] for name in names if name not in self._metrics.lacking)))
        below = obj({VALUE: number, CHANGE: pipe})
        return [self._made.rule("piped", f'"{{" {kind} "," {key("aggs", below)} "}}"')] if kind and below else []

    def _summarized(self) -> str:
        number = self._of(self._metrics.numbers(None))
        kind = alt(self._buckets.some(None), *([self._charts.of_dates(None)] if self._charts else []))
        if not number:
            return ""
        groups = f'"{{" {kind} "," {key("aggs", obj({VALUE: number}))} "}}"'
        return obj({GROUPS: groups, SUMMARY: self._of(summaries())})
