"""Rules for bucket aggregations, by the most buckets that they make.

    few      10: for use below a date histogram
    some     100: for use below another aggregation with at most 100 buckets
    many     up to the guard's limit, or as many as there are values; only light metrics are allowed below

BucketRules(…).few(None)     a rule for pairs such as "terms":{"field":"host.name","size":10}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dstill_querydsl.language.fields import Field
from dstill_querydsl.language.grammar.aggregations import Metrics, is_number, is_point, pair
from dstill_querydsl.language.grammar.data_range import BUCKETS
from dstill_querydsl.language.grammar.levels import Levels
from dstill_querydsl.language.grammar.notation import ORDER, Notation, alt, key, listed, obj, one_of
from dstill_querydsl.language.grammar.places import Places
from dstill_querydsl.language.grammar.values import ValueTokens

__all__ = ["BucketRules"]

_KEYED = ("keyword", "constant_keyword", "ip")
_PRECISION = {"geohash_grid": 8, "geotile_grid": 20}


class BucketRules:
    """Rules for bucket aggregations, without what is below them."""

    def __init__(
        self, notation: Notation, metrics: Metrics, levels: Levels, places: Places, values: ValueTokens
    ) -> None:
        self._notation, self._metrics, self._levels = notation, metrics, levels
        self._places, self._values = places, values

    def few(self, path: str | None) -> str:
        leaf = self._levels.leaf(path)
        return self._rule(
            "few",
            self._terms(path, 10),
            self._ranges(path, "range", self._values.number, is_number),
            self._ranges(path, "date_range", self._values.date, _is_date),
            self._ranges(path, "ip_range", self._values.bound),
            self._distances(path),
            pair("filters", obj({"filters": listed(leaf, 2)})),
            pair("adjacency_matrix", obj({"filters": f'"{{" {key("one", leaf)} "}}"'})),
            self._metrics.on(path, "auto_date_histogram", buckets=self._notation.up_to(10)),
        )

    def some(self, path: str | None) -> str:
        return self._rule(
            "some",
            self.few(path),
            self._terms(path, 100),
            self._metrics.on(path, "significant_terms", _is_keyed, size=self._notation.up_to(100)),
        )

    def many(self, path: str | None) -> str:
        networks = self._metrics.fields(path, "ip_prefix")
        length = self._notation.up_to(32)
        forms = [
            self._terms(path, BUCKETS),
            *self._grids(path, BUCKETS),
            self._multi(path),
            self._metrics.on(path, "rare_terms", _is_keyed, max_doc_count="[1-9]"),
            pair("ip_prefix", obj({"field": networks, "prefix_length": length})) if networks else "",
        ]
        if path is None:  # engines accept it nowhere else
            forms.append(self._metrics.on(path, "variable_width_histogram", buckets="[1-9]"))
        return self._rule("many", self.some(path), *forms)

    def ordered(self, path: str | None, name: str) -> str:
        """Terms ordered by the sub-aggregation `name`."""
        fields = self._metrics.fields(path, "terms")
        form = {"field": fields, "order": _by(name)}
        return pair(
            "terms", obj(form, {"size": self._notation.up_to(100)}, ("field", "size", "order")) if fields else ""
        )

    def _rule(self, name: str, *forms: str) -> str:
        return self._notation.rule(name, alt(*forms))

    # --- by value -----------------------------------------------------------------------

    def _terms(self, path: str | None, most: int) -> str:
        fields = self._metrics.fields(path, "terms")
        order = {"order": alt(_by("_count"), _by("_key"))}
        return pair("terms", obj({"field": fields}, {"size": self._notation.up_to(most), **order}) if fields else "")

    def _multi(self, path: str | None) -> str:
        field = self._metrics.fields(path, "multi_terms")
        terms = f'"[" {obj({"field": field})} "," {obj({"field": field})} "]"'
        return pair("multi_terms", obj({"terms": terms}, {"size": self._notation.up_to(100)})) if field else ""

    def composite(self) -> str:
        """A composite, which engines only accept as the outermost aggregation."""
        fields = self._metrics.fields(None, "composite", lambda field: field.family in ("keyword", "number", "ip"))
        if not fields:
            return ""
        first, second = (f'"{{" {key(name, obj({"terms": obj({"field": fields})}))} "}}"' for name in ("one", "two"))
        return pair(
            "composite", obj({"sources": f'"[" {first} ("," {second})? "]"'}, {"size": self._notation.up_to(1_000)})
        )

    # --- by range -----------------------------------------------------------------------

    def _ranges(
        self, path: str | None, operator: str, value: Callable[[Field], str], keep: Callable[[Field], bool] = bool
    ) -> str:
        groups: dict[str, list[Field]] = {}
        for field in self._metrics.fitting(path, operator, keep):
            groups.setdefault(value(field), []).append(field)
        return alt(*(self._for_range(operator, names, end) for end, names in self._named(groups).items()))

    def _named(self, groups: Mapping[str, list[Field]]) -> dict[str, str]:
        return {value: self._metrics.names(fields) for value, fields in groups.items()}

    def _for_range(self, operator: str, names: str, value: str) -> str:
        low, high = {"from": value}, {"to": value}
        part = self._notation.rule("part", alt(obj({**low, **high}), obj(low), obj(high)))
        return pair(operator, obj({"field": names, "ranges": listed(part, 4)}))

    def _distances(self, path: str | None) -> str:
        names = self._metrics.fields(path, "geo_distance", is_point)
        form = {
            "field": names,
            "origin": self._places.point,
            "ranges": listed(obj({"to": self._notation.digits(4)}), 3),
        }
        return pair("geo_distance", obj(form, {"unit": one_of(("km", "mi"))})) if names else ""

    def _grids(self, path: str | None, most: int) -> list[str]:
        size = self._notation.up_to(most)
        return [
            self._metrics.needing(path, name, is_point, precision=self._notation.up_to(finest), size=size)
            for name, finest in _PRECISION.items()
        ]


def _by(name: str) -> str:
    by = f'"{{" {key(name, ORDER)} "}}"'
    return alt(by, listed(by, 1))


def _is_keyed(field: Field) -> bool:
    return field.type in _KEYED


def _is_date(field: Field) -> bool:
    return field.family == "date"
