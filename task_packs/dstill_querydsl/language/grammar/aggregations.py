"""Rules for metric aggregations, each on the field types that it works on.

metrics = Metrics(notation, picker, limits)
metrics.at(None)          any metric, such as {"avg":{"field":"took"}}
metrics.light(None)       metrics that are cheap enough for thousands of buckets
metrics.numbers(None)     metrics with a single number as the result, for orders and pipelines

``path`` is the nested path that the rule is for, None for the documents themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeAlias

from dstill_querydsl.language.fields import Field
from dstill_querydsl.language.grammar.fields import FieldPicker, single
from dstill_querydsl.language.grammar.notation import Notation, alt, listed, obj, one_of
from dstill_querydsl.language.guard.limits import Limits
from dstill_querydsl.language.mapping.needs import AGGREGATION_NEEDS

__all__ = ["Metrics", "is_number", "is_point", "pair"]

Keep: TypeAlias = Callable[[Field], bool]

_FEW_HITS = 10
_ONE_NUMBER = ("avg", "sum", "min", "max", "value_count", "cardinality")
# Several percents must differ, which a grammar cannot express: one percent, or common combinations.
_PERCENTS = '"[" ([1-9] [0-9]? | "99.9" | "25,50,75" | "50,95" | "50,95,99" | "50,90,95,99") "]"'


def every(_: Field) -> bool:
    """Keeps every field."""
    return True


class Metrics:
    """Rules for metrics. The pairs of an aggregation's object are expressions such as ``"avg":{"field":…}``."""

    def __init__(self, notation: Notation, picker: FieldPicker, limits: Limits, lacking: Collection[str] = ()) -> None:
        """`lacking`: aggregations that the engine does not support."""
        self._notation, self._picker, self._limits, self.lacking = notation, picker, limits, lacking

    def fitting(self, path: str | None, operator: str, keep: Keep = every) -> list[Field]:
        return [] if operator in self.lacking else self._picker.fitting(path, AGGREGATION_NEEDS[operator], keep)

    def fields(self, path: str | None, operator: str, keep: Keep = every) -> str:
        return self._picker.names(self.fitting(path, operator, keep))

    def names(self, fields: list[Field]) -> str:
        return self._picker.names(fields)

    def on(self, path: str | None, operator: str, keep: Keep = every, /, **options: str) -> str:
        """The pair ``"operator":{"field":…}`` with optional `options`; empty if no field fits."""
        names = self.fields(path, operator, keep)
        return pair(operator, obj({"field": names}, options)) if names else ""

    def needing(self, path: str | None, operator: str, keep: Keep, /, **options: str) -> str:
        """Like `on`, with required options."""
        names = self.fields(path, operator, keep)
        return pair(operator, obj({"field": names, **options})) if names else ""

    def numbers(self, path: str | None) -> str:
        return self._notation.rule("number", alt(*(self.on(path, name) for name in _ONE_NUMBER)))

    def counts(self, path: str | None) -> str:
        return self.on(path, "cardinality")

    def light(self, path: str | None) -> str:
        """Metrics that keep a few numbers, for thousands of buckets."""
        names = (*(name for name in _ONE_NUMBER if name != "cardinality"), "stats", "extended_stats")
        forms = [*(self.on(path, name) for name in names), *self._for_points(path), *self._compared(path)]
        return self._notation.rule("light", alt(*forms))

    def moderate(self, path: str | None) -> str:
        """Also sketches with their default size, for hundreds of buckets."""
        forms = [
            self.light(path),
            self.numbers(path),
            self.on(path, "boxplot"),
            self.on(path, "percentiles", percents=self._notation.rule("PERCENTS", _PERCENTS)),
            self._ranks(path),
            self.on(path, "string_stats"),
            self._matrix(path),
            self._hits(path, _FEW_HITS),
        ]
        return self._notation.rule("moderate", alt(*forms))

    def at(self, path: str | None) -> str:
        forms = [
            self.moderate(path),
            self.on(path, "median_absolute_deviation"),
            self._hits(path, self._limits.top_hits),
        ]
        return self._notation.rule("metric", alt(*forms))

    def _for_points(self, path: str | None) -> list[str]:
        return [self.on(path, name, is_point) for name in ("geo_bounds", "geo_centroid")]

    def _ranks(self, path: str | None) -> str:
        names = self.fields(path, "percentile_ranks", is_number)
        return (
            pair("percentile_ranks", obj({"field": names, "values": listed(self._notation.digits(5), 3)}))
            if names
            else ""
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
            pair("top_metrics", obj({"metrics": metric, "sort": listed(by, 1)}, {"size": self._notation.up_to(10)})),
        ]

    def _matrix(self, path: str | None) -> str:
        names = self.fields(path, "matrix_stats", is_number)
        return pair("matrix_stats", obj({"fields": listed(names, 3)}) if names else "")

    def _hits(self, path: str | None, most: int) -> str:
        if path is not None:
            return ""
        size = {"size": self._notation.up_to(min(most, self._limits.top_hits))}
        source = {"_source": listed(self._picker.stored(), 3)}
        return pair("top_hits", obj(source, size) if self._limits.restricts_fields else obj(size, source))


def pair(operator: str, options: str) -> str:
    """The pair of an operator and its options; empty without options."""
    return f'{one_of((operator,))} ":" {options}' if options else ""


def is_number(field: Field) -> bool:
    """Whether the field is a number."""
    return field.family == "number"


def is_point(field: Field) -> bool:
    """Whether the field is a geo_point."""
    return field.type == "geo_point"
