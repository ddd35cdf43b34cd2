"""Rules for queries on word positions: intervals, and span queries, whose clauses are all on one field.

{"intervals":{"title":{"all_of":{"ordered":true,"intervals":[{"match":{"query":"dark"}},{"prefix":{"prefix":"kni"}}]}}}}
{"span_near":{"clauses":[{"span_term":{"title":"dark"}},{"span_term":{"title":"knight"}}],"slop":1,"in_order":true}}
"""

from __future__ import annotations

from functools import cached_property

from dstill_querydsl.language.fields import Field
from dstill_querydsl.language.grammar import bounds as bounds
from dstill_querydsl.language.grammar.fields import FieldPicker, searchable
from dstill_querydsl.language.grammar.notation import Notation, alt, listed, obj, one_of
from dstill_querydsl.language.grammar.values import ValueTokens, letters
from dstill_querydsl.language.mapping.needs import NEEDS

__all__ = ["Words"]


class Words:
    """Rules for intervals and span queries."""

    def __init__(self, notation: Notation, picker: FieldPicker, values: ValueTokens) -> None:
        self._notation, self._picker, self._values = notation, picker, values

    def queries(self, path: str | None) -> list[str]:
        texts = self._picker.fitting(path, NEEDS["intervals"], _has_positions)
        if not texts:
            return []
        spans = [self._span(field) for field in texts[: bounds.SPAN_FIELDS]]
        intervals = obj({"intervals": f'"{{" {self._picker.names(texts)} ":" {self._rule} "}}"'})
        terms = obj({"span_term": f'"{{" {self._picker.names(texts)} ":" {self._word} "}}"'})
        return [intervals, terms, *spans]

    @cached_property
    def _word(self) -> str:
        return self._notation.rule("WORD", f'"\\"" {letters(16)} "\\""')

    # --- intervals ----------------------------------------------------------------------

    @cached_property
    def _rule(self) -> str:
        simple = self._notation.rule("interval", alt(*self._simple()))
        several = {"intervals": listed(simple, 3)}
        ordered = {"max_gaps": "[0-9]", "ordered": self._values.boolean}
        return self._notation.rule(
            "intervals", alt(simple, obj({"all_of": obj(several, ordered)}), obj({"any_of": obj(several)}))
        )

    def _simple(self) -> list[str]:
        pattern = self._notation.rule("WORDS_PATTERN", f'"\\"" {letters(12)} ("*" | "?") ({letters(12)})? "\\""')
        return [
            obj({"match": obj({"query": self._values.words}, {"max_gaps": "[0-9]", "ordered": self._values.boolean})}),
            obj({"prefix": obj({"prefix": self._word})}),
            obj({"wildcard": obj({"pattern": pattern})}),
            obj({"fuzzy": obj({"term": self._word}, {"fuzziness": one_of(("AUTO", "1"))})}),
        ]

    # --- spans --------------------------------------------------------------------------

    def _span(self, field: Field) -> str:
        """The span queries on one field, except span_term and span_multi, and a mask of the field.

        A sentence with span_multi may fail: if no document has its fuzzy word, a date histogram over it makes
        Elasticsearch 9 fail with a null pointer.
        """
        name = self._picker.names([field])
        term = self._notation.rule("span", obj({"span_term": f'"{{" {name} ":" {self._word} "}}"'}))
        two = listed(term, 3)
        return self._notation.rule(
            "spans",
            alt(
                obj({"span_near": obj({"clauses": two}, {"slop": "[0-9]", "in_order": self._values.boolean})}),
                obj({"span_or": obj({"clauses": two})}),
                obj({"span_not": obj({"include": term, "exclude": term})}),
                obj({"span_first": obj({"match": term, "end": "[1-9]"})}),
                obj({"span_containing": obj({"little": term, "big": term})}),
                obj({"span_within": obj({"little": term, "big": term})}),
                obj({"field_masking_span": obj({"query": term, "field": name})}),
            ),
        )


def _has_positions(field: Field) -> bool:
    return field.type == "text" and searchable(field) and field.options.get("index_options", "positions") in (
        "positions",
        "offsets",
    )  # fmt: skip
