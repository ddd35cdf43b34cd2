"""Rules for queries on fields, each on the field types that it works on: the innermost level of the grammar.

Leaves(notation, picker, values).at(None)     a rule: any query without inner queries, on a field of the documents

{"term":{"host.name":"web-03"}}         {"range":{"took":{"gte":5,"lt":9}}}         {"exists":{"field":"user"}}
"""

from __future__ import annotations

from collections.abc import Callable

from dstill_querydsl.language.fields import Field
from dstill_querydsl.language.grammar import bounds as bounds
from dstill_querydsl.language.grammar.fields import FieldPicker, searchable
from dstill_querydsl.language.grammar.notation import Notation, alt, key, listed, obj, one_of, pairs
from dstill_querydsl.language.grammar.places import Places
from dstill_querydsl.language.grammar.values import ValueTokens, letters
from dstill_querydsl.language.grammar.words import Words
from dstill_querydsl.language.mapping.needs import NEEDS

__all__ = ["Leaves"]

_EMPTY = '"{" "}"'
_OPERATOR = one_of(("and", "or"))
_PATTERNED = ("keyword", "constant_keyword", "wildcard", "version")  # types on which patterns always work
# any character except quotes, backslashes, control characters and the special characters of patterns
_PLAIN = r'[^"\\*?\x00-\x1f\x7f-\x9f]'


class Leaves:
    """Rules for leaf queries."""

    def __init__(self, notation: Notation, picker: FieldPicker, values: ValueTokens) -> None:
        self._notation, self._picker, self._values = notation, picker, values
        self._places = Places(notation, picker, values)
        self._words = Words(notation, picker, values)
        self._rules: dict[str | None, str] = {}

    def at(self, path: str | None) -> str:
        if path not in self._rules:
            each = (*self._exact(path), *self._texts(path), *self._patterns(path), *self._others(path))
            forms = [*each, *self._places.queries(path), *self._words.queries(path)]
            self._rules[path] = self._notation.rule(
                "leaf", alt(*(self._notation.rule("query", form) for form in forms))
            )
        return self._rules[path]

    def fielded(
        self,
        operator: str,
        path: str | None,
        entry: Callable[[str, bool], str],
        keep: Callable[[Field], bool] = lambda _: True,
        value: Callable[[Field], str] | None = None,
    ) -> str:
        """``{operator:{FIELD:entry}}`` for all fields that fit and that `keep` accepts.

        `entry` gets the rule for a value (`value`, default: `ValueTokens.of`) and whether the field is text.
        """
        groups: dict[tuple[str, bool], list[Field]] = {}
        for field in self._picker.fitting(path, NEEDS[operator], lambda field: searchable(field) and keep(field)):
            token = (value or self._values.of)(field)
            if token:
                groups.setdefault((token, field.family == "text"), []).append(field)
        each = (f'"{{" {self._picker.names(fields)} ":" {entry(*group)} "}}"' for group, fields in groups.items())
        return obj({operator: alt(*each)})

    # --- whole values -------------------------------------------------------------------

    def _exact(self, path: str | None) -> list[str]:
        def many(value: str, _: bool) -> str:
            long = listed(self._values.text, bounds.TEXTS) if value == self._values.short else ""
            return alt(listed(value, bounds.VALUES), long)

        boost = {"boost": self._values.weight}
        return [
            self.fielded("term", path, lambda value, _: alt(value, obj({"value": value}, boost))),
            self.fielded("terms", path, many, value=self._values.many),
            self._range(path),
            self._terms_set(path),
            obj({"ids": obj({"values": listed(self._values.short, 5)})}),
        ]

    def _range(self, path: str | None) -> str:
        def entry(value: str, _: bool) -> str:
            return alt(*self._ends(value))

        def with_format(value: str, _: bool) -> str:
            form = {"format": key("format", one_of(("strict_date_optional_time",)))}
            return alt(*self._ends(value, form))

        dates = self.fielded("range", path, with_format, lambda field: field.family == "date", self._values.iso)
        return alt(self.fielded("range", path, entry, value=self._values.bound), dates)

    def _ends(self, value: str, more: dict[str, str] | None = None) -> list[str]:
        low, high = (alt(*(key(name, value) for name in names)) for names in (("gte", "gt"), ("lt", "lte")))
        more = more or {}
        return [pairs({"gte": low, "lte": high, **more}), pairs({"gte": low, **more}), pairs({"lte": high, **more})]

    def _terms_set(self, path: str | None) -> str:
        count_field = self._picker.names(self._picker.fitting(path, NEEDS["minimum_should_match_field"]))
        if not count_field:
            return ""

        def entry(value: str, _: bool) -> str:
            return obj({"terms": listed(value, 5), "minimum_should_match_field": count_field})

        return self.fielded("terms_set", path, entry, lambda field: field.family == "keyword", self._values.many)

    # --- words --------------------------------------------------------------------------

    def _texts(self, path: str | None) -> list[str]:
        written = ("text", "keyword")

        def entry(value: str, text: bool) -> str:
            options = {
                "operator": _OPERATOR,
                "fuzziness": one_of(("AUTO", "1")),
                "minimum_should_match": self._notation.up_to(2),
            }
            return alt(value, obj({"query": value}, options if text else {}))

        def phrase(value: str, text: bool) -> str:
            return alt(value, obj({"query": value}, {"slop": "[0-9]"} if text else {}))

        def plain(value: str, _: bool) -> str:
            return alt(value, obj({"query": value}))

        def is_written(field: Field) -> bool:
            return field.family in written and _has_positions(field)

        return [
            self.fielded("match", path, entry),
            self.fielded("match_phrase", path, phrase, is_written),
            self.fielded("match_phrase_prefix", path, plain, is_written),
            self.fielded("match_bool_prefix", path, plain, is_written),
            *self._on_several(path),
        ]

    def _on_several(self, path: str | None) -> list[str]:
        picker, text = self._picker, self._values.text

        def on(operator: str, query: str, fields: list[Field], /, **options: str) -> str:
            names = picker.names(fields)
            return names and obj({operator: obj({"query": query, "fields": self._listed(names)}, options)})

        def is_written(field: Field) -> bool:
            return searchable(field) and field.family in ("text", "keyword") and _has_positions(field)

        written = picker.fitting(path, NEEDS["multi_match"], is_written)
        texts = _analyzed_alike(picker.fitting(path, NEEDS["combined_fields"], is_written))
        types = one_of(("best_fields", "most_fields", "phrase"))
        return [
            on("multi_match", text, written, type=types, operator=_OPERATOR),
            on("combined_fields", text, texts, operator=_OPERATOR),
            on("simple_query_string", self._values.words, written, default_operator=_OPERATOR),
        ]

    def _listed(self, names: str) -> str:
        return listed(names, bounds.FIELDS_OF_A_SET)

    # --- patterns -----------------------------------------------------------------------

    def _patterns(self, path: str | None) -> list[str]:
        notation, most = self._notation, bounds.PATTERN
        sign = '("*" | "?")'
        wildcard = notation.rule("WILDCARD", f'"\\"" {_PLAIN}{{1,{most}}} ({sign} {_PLAIN}{{0,{most}}}){{1,2}} "\\""')
        regexp = notation.rule(
            "REGEXP", f'"\\"" {letters(most)} ((".*" | "[0-9]+" | ".?") ({letters(most)})?){{0,2}} "\\""'
        )
        case = {"case_insensitive": self._values.boolean}

        def pattern(token: str, options: dict[str, str]) -> Callable[[str, bool], str]:
            return lambda _, __: alt(token, obj({"value": token}, options))

        def is_patterned(field: Field) -> bool:
            return field.type in _PATTERNED

        fuzzy = {"fuzziness": one_of(("AUTO", "1", "2")), "prefix_length": "[0-5]"}
        return [
            self.fielded("prefix", path, pattern(self._values.text, case), is_patterned),
            self.fielded("wildcard", path, pattern(wildcard, case), is_patterned),
            self.fielded("regexp", path, pattern(regexp, case), is_patterned),
            self.fielded(
                "fuzzy", path, pattern(self._values.text, fuzzy), lambda f: is_patterned(f) or f.type == "text"
            ),
        ]

    # --- others -------------------------------------------------------------------------

    def _others(self, path: str | None) -> list[str]:
        there = self._picker.names(self._picker.fitting(path, NEEDS["exists"], searchable))
        boost = obj({}, {"boost": self._values.weight})
        return [
            obj({"exists": obj({"field": there})}) if there else "",
            obj({"match_all": boost}),
            obj({"match_none": _EMPTY}),
        ]


def _has_positions(field: Field) -> bool:
    """Whether the field supports phrase queries."""
    return field.options.get("index_options", "positions") in ("positions", "offsets") or field.family != "text"


def _analyzed_alike(fields: list[Field]) -> list[Field]:
    """The text fields with the most frequent analysis: combined_fields needs fields that are analyzed alike."""
    groups: dict[tuple[str, ...], list[Field]] = {}
    for field in fields:
        how = tuple(str(field.options.get(name)) for name in ("analyzer", "search_analyzer", "similarity"))
        groups.setdefault(how, []).append(field)
    return max(groups.values(), key=len, default=[])
