"""Aggregations that hold no other: metrics, each on the types that take it.

Metrics(made, pick, values).at(None)          any metric, as {"avg":{"field":"took"}}
Metrics(made, pick, values).light(None)       those of which an engine can hold one in each of thousands of buckets
Metrics(made, pick, values).numbers(None)     those that give one number, for orders and pipelines
"""

from __future__ import annotations

from typing import Callable, Collection, TypeAlias

from dstill_querydsl.grammar.fields import Pick, single
from dstill_querydsl.grammar.notation import Notation, alt, listed, obj, one_of
from dstill_querydsl.guard.limits import Limits
from dstill_querydsl.language.fields import Field
from dstill_querydsl.mapping.needs import AGGREGATION_NEEDS

__all__ = ["Metrics", "is_number", "is_point", "pair"]

Keep: TypeAlias = Callable[[Field], bool]

_FEW_HITS = 10
_ONE_NUMBER = ("avg", "sum", "min", "max", "value_count", "cardinality")
# Several must differ, which a grammar cannot say: one, or those that people ask for.
_PERCENTS = '"[" ([1-9] [0-9]? | "99.9" | "25,50,75" | "50,95" | "50,95,99" | "50,90,95,99") "]"'


def every(field: Field) -> bool:
    return True


class Metrics:
    def __init__(self, made: Notation, pick: Pick, limits: Limits, lacking: Collection[str] = ()) -> None:
        """`lacking`: aggregations that the engine has not."""
        self._made, self._pick, self._limits, self.lacking = made, pick, limits, lacking

    def fitting(self, path: str | None, operator: str, keep: Keep = every) -> list[Field]:
        return [] if operator in self.lacking else self._pick.fitting(path, AGGREGATION_NEEDS[operator], keep)

    def fields(self, path: str | None, operator: str, keep: Keep = every) -> str:
        return self._pick.names(self.fitting(path, operator, keep))

    def names(self, fields: list[Field]) -> str:
        return self._pick.names(fields)

    def on(self, path: str | None, operator: str, keep: Keep = every, /, **options: str) -> str:
        """``"operator":{"field":…}``, one pair of an aggregation's object; nothing where no field fits."""
        names = self.fields(path, operator, keep)
        return pair(operator, obj({"field": names}, options)) if names else ""

    def needing(self, path: str | None, operator: str, keep: Keep, /, **options: str) -> str:
        """Likewise, of an aggregation that cannot do without the options."""
        names = self.fields(path, operator, keep)
        return pair(operator, obj({"field": names, **options})) if names else ""

    def numbers(self, path: str | None) -> str:
        return self._made.rule("number", alt(*(self.on(path, name) for name in _ONE_NUMBER)))

    def counts(self, path: str | None) -> str:
        return self.on(path, "cardinality")

    def light(self, path: str | None) -> str:
        """Those that keep a few numbers: below thousands of buckets."""
        names = (*(name for name in _ONE_NUMBER if name != "cardinality"), "stats", "extended_stats")
        forms = [*(self.on(path, name) for name in names), *self._of_points(path), *self._compared(path)]
        return self._made.rule("light", alt(*forms))

    def moderate(self, path: str | None) -> str:
        """Also sketches as they are by default: below hundreds of buckets."""
        forms = [
            self.light(path),
            self.numbers(path),
            self.on(path, "boxplot"),
            self.on(path, "percentiles", percents=self._made.rule("PERCENTS", _PERCENTS)),
            self._ranks(path),
            self.on(path, "string_stats"),
            self._matrix(path),
            self._hits(path, _FEW_HITS),
        ]
        return self._made.rule("moderate", alt(*forms))

    def at(self, path: str | None) -> str:
        forms = [
            self.moderate(path),
            self.on(path, "median_absolute_deviation"),
            self._hits(path, self._limits.top_hits),
        ]
        return self._made.rule("metric", alt(*forms))

    def _of_points(self, path: str | None) -> list[str]:
        return [self.on(path, name, is_point) for name in ("geo_bounds", "geo_centroid")]

    def _ranks(self, path: str | None) -> str:
        names = self.fields(path, "percentile_ranks", is_number)
        return (
            pair("percentile_ranks", obj({"field": names, "values": listed(self._made.digits(5), 3)})) if names else ""
        )

    def _compared(self, path: str | None) -> list[str]:
        def field(operator: str, keep: Keep = is_number) -> str:
            names = self.fields(path, operator, keep)
            return obj({"field": names}) if names else ""

        weight = field("weighted_avg", lambda field: is_number(field) and single(field))
        compared, metric = field("t_test"), field("top_metrics")
        by = f'"{{" {self.fields(path, "top_metrics", is_number)} ":" {one_of(("asc", "desc"))} "}}"'
        return [
            pair("weighted_avg", obj({"value": field("weighted_avg"), "weight": weight})),
            pair("t_test", obj({"a": compared, "b": compared, "type": one_of(("heteroscedastic",))})),
            pair("top_metrics", obj({"metrics": metric, "sort": listed(by, 1)}, {"size": self._made.up_to(10)})),
        ]

    def _matrix(self, path: str | None) -> str:
        names = self.fields(path, "matrix_stats", is_number)
        return pair("matrix_stats", obj({"fields": listed(names, 3)}) if names else "")

    def _hits(self, path: str | None, most: int) -> str:
        if path is not None:
            return ""
        size = {"size": self._made.up_to(min(most, self._limits.top_hits))}
        source = {"_source": listed(self._pick.stored(), 3)}
        return pair("top_hits", obj(source, size) if self._limits.restricts_fields else obj(size, source))


def pair(operator: str, options: str) -> str:
    return f'{one_of((operator,))} ":" {options}' if options else ""


def is_number(field: Field) -> bool:
    return field.family == "number"


def is_point(field: Field) -> bool:
    return field.type == "geo_point"
