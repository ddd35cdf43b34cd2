"""Rules for queries that contain queries. Fixed levels keep the grammar finite.

    level 1    a bool with one kind of clause, nested, dis_max, function_score … with queries on fields
    level 2    a bool with one kind of clause, with queries of level 1
    top        a bool with all kinds of clauses, with queries of level 2

Levels(notation, picker, values).top(None)     the rule for the value of "query"
"""

from __future__ import annotations

from dstill_querydsl.language.fields import Field
from dstill_querydsl.language.grammar import bounds as bounds
from dstill_querydsl.language.grammar.fields import FieldPicker, reads_moments, searchable
from dstill_querydsl.language.grammar.notation import Notation, alt, listed, obj, one_of, text
from dstill_querydsl.language.grammar.places import Places
from dstill_querydsl.language.grammar.queries import Leaves
from dstill_querydsl.language.grammar.values import ValueTokens
from dstill_querydsl.language.mapping.needs import NEEDS

__all__ = ["Levels"]

_CLAUSES = ("filter", "must", "should", "must_not")
_SCORE_MODE = one_of(("multiply", "sum", "avg", "first", "max", "min"))


class Levels:
    """Rules for queries on each level, on documents (``path`` None) or below a nested path."""

    def __init__(self, notation: Notation, picker: FieldPicker, values: ValueTokens) -> None:
        self._notation, self._picker, self._values = notation, picker, values
        self._leaves = Leaves(notation, picker, values)
        self._places = Places(notation, picker, values)
        self._rules: dict[tuple[str, str | None], str] = {}

    def leaf(self, path: str | None) -> str:
        return self._leaves.at(path)

    def one(self, path: str | None) -> str:
        """A query on a field, or a query of level 1."""
        if ("one", path) not in self._rules:
            leaf = self.leaf(path)
            forms = [leaf, self._bool(leaf), *self._compounds(leaf, path)]
            forms += [self._nested(inner) for inner in self._picker.paths[path]]
            self._rules["one", path] = self._notation.rule("one", alt(*forms))
        return self._rules["one", path]

    def two(self, path: str | None) -> str:
        if ("two", path) not in self._rules:
            one = self.one(path)
            self._rules["two", path] = self._notation.rule("two", alt(one, self._bool(one)))
        return self._rules["two", path]

    def top(self, path: str | None) -> str:
        leaf, one, two = self.leaf(path), self.one(path), self.two(path)
        clauses = {
            "filter": alt(listed(two, 2), listed(one, 3), listed(leaf, bounds.FILTERS)),
            "must": listed(one, 2),
            "should": listed(one, 2),
            "must_not": alt(listed(two, 1), listed(one, 2)),
            "minimum_should_match": '"1"',
        }
        whole = self._notation.rule("bool", obj({"bool": obj({}, clauses)}))
        return self._notation.rule("top", alt(whole, two))

    def _bool(self, item: str) -> str:
        """A bool with one kind of clause: a list or a single query."""
        clauses = self._notation.rule("clauses", alt(listed(item, 2), item))
        return self._notation.rule("bool", obj({"bool": alt(*(obj({name: clauses}) for name in _CLAUSES))}))

    def _nested(self, path: str) -> str:
        inner = {"path": text(path), "query": self.one(path)}
        return self._notation.rule(
            "nested", obj({"nested": obj(inner, {"score_mode": one_of(("avg", "max", "none"))})})
        )

    def _compounds(self, leaf: str, path: str | None) -> list[str]:
        share = self._values.share
        return [
            self._notation.rule("compound", form)
            for form in (
                obj({"dis_max": obj({"queries": listed(leaf, 2)}, {"tie_breaker": share})}),
                obj({"constant_score": obj({"filter": leaf}, {"boost": self._values.weight})}),
                obj({"boosting": obj({"positive": leaf, "negative": leaf, "negative_boost": share})}),
                self._function_score(leaf, path),
            )
        ]

    # --- scores -------------------------------------------------------------------------

    def _function_score(self, leaf: str, path: str | None) -> str:
        function = self._notation.rule("function", alt(*(self._function(*f) for f in self._functions(path) if f[1])))
        filtered = self._notation.rule("functions", alt(*(obj({"filter": leaf, name: how})
                                                      for name, how in self._functions(path) if how)))  # fmt: skip
        modes = {"boost_mode": _SCORE_MODE.replace(text("first") + " | ", ""), "score_mode": _SCORE_MODE}
        many = {"functions": listed(alt(function, filtered), bounds.FUNCTIONS)}
        return obj({"function_score": obj({"query": leaf, **many}, modes)})

    @staticmethod
    def _function(name: str, how: str) -> str:
        return obj({name: how})

    def _functions(self, path: str | None) -> list[tuple[str, str]]:
        numbers = self._picker.names(self._picker.fitting(path, NEEDS["field_value_factor"], _is_number))
        # A score must not be negative, so only squares are used. A document without the field fails without `missing`.
        factor = obj({"field": numbers, "missing": '"1"', "modifier": one_of(("square",))}) if numbers else ""
        seed = self._picker.names(self._picker.fitting(path, NEEDS["random_score"], _is_number))
        random = alt('"{" "}"', obj({"seed": self._notation.digits(5), "field": seed}) if seed else "")
        decays = [(name, self._decay(path, name)) for name in ("gauss", "exp", "linear")]
        return [("weight", self._values.weight), ("field_value_factor", factor), ("random_score", random), *decays]

    def _decay(self, path: str | None, name: str) -> str:
        more = {"decay": self._values.share}

        def on(family: str, origin: str, scale: str) -> str:
            fields = self._picker.fitting(path, NEEDS[name], lambda field: _is(field, family) and _has_origin(field))
            names = self._picker.names(fields)
            return f'"{{" {names} ":" {obj({"origin": origin, "scale": scale}, more)} "}}"' if names else ""

        number = self._notation.digits(6)
        return alt(
            on("number", number, number),
            on("date", text("now"), self._places.pivot),
            on("geo_point", self._places.point, self._places.distance),
        )


def _is_number(field: Field) -> bool:
    return _is(field, "number") and field.type not in ("unsigned_long", "token_count")


def _has_origin(field: Field) -> bool:
    return field.family != "date" or reads_moments(field)


def _is(field: Field, family: str) -> bool:
    return field.family == family and searchable(field) and field.has_doc_values
