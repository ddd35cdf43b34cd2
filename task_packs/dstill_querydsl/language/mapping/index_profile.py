"""Everything that is computed once for an index and reused for all questions and answers about it.

profile = IndexProfile(index, Limits(fields=("*", "!user.email")))
profile.fields.get("title.raw")       resolving a mapping takes longer than checking a body
profile.limits.allows("mail")         False if it is an alias of user.email
profile.values.get("user.email")      None: values that may not be read are not shown either
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from dstill.api.glossary import Glossary
from dstill.api.rows import reads_all
from dstill.api.values import Values
from dstill.io.logs import log
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.language.field_types import family
from dstill_querydsl.language.fields import Fields, raw_fields
from dstill_querydsl.language.guard.limits import Limits
from dstill_querydsl.language.guard.mapping import limits_on
from dstill_querydsl.language.guard.ranges import Bounds, values_of
from dstill_querydsl.language.prompt_injection import PLANTED, injections_in
from dstill_querydsl.prompting.pruning import Pruned, Pruner

if TYPE_CHECKING:
    from dstill_querydsl.language.readback.naming import Names
    from dstill_querydsl.language.terms import Terms
    from dstill_querydsl.testdata.layout import Layout

__all__ = ["IndexProfile"]


_NAME_LIMIT = 5  # texts of one mapping to show in warnings


class IndexProfile:
    """One index under the guard's limits. Properties are computed on first use."""

    def __init__(
        self, index: Index, limits: Limits, aliases: Any = None, glossary: Glossary | None = None, dialect: str = ""
    ) -> None:
        """`glossary`: whose conditions are written in `dialect`."""
        self.index = index
        self._glossary, self._dialect = (glossary or Glossary()).of(index.name), dialect
        self._aliases = {} if aliases is None else aliases
        self._limits = limits
        self._warned = False
        self._grammars: dict[str, str] = {}  # by dialect
        if unknown := _unknown(index):
            log.warning("the mapping has types that dstill does not know and cannot check: %s", unknown)
        planted = tuple(f": '{text}'" for text in PLANTED)  # by the pack's own adversarial questions
        orders = (order for order in injections_in(index.mapping, index.given_values) if not order.endswith(planted))
        for order in islice(orders, _NAME_LIMIT):
            log.warning("instruction-like text in %s; dstill treats it as data, and the guard still applies", order)

    @cached_property
    def fields(self) -> Fields:
        return Fields.of(self.index.mapping)

    @cached_property
    def terms(self) -> Terms:
        """The terms of the glossary. Raises DataError."""
        from dstill_querydsl.language.terms import Terms, terms_of

        if not self._glossary:
            return Terms()
        return terms_of(self._glossary, self.fields, self.index.name, self.limits, self._dialect)

    @cached_property
    def fields_of_students(self) -> Fields:
        """The fields, with those that the glossary computes."""
        computed = self.terms.fields
        return self.fields.with_more(computed) if computed else self.fields

    @cached_property
    def names(self) -> Names:
        """The fields in plain words."""
        from dstill_querydsl.language.readback.naming import Names

        return Names(self.fields)

    def grammar(self, dialect: str) -> str:
        """The grammar of answers for constrained decoding, in EBNF. Raises ConfigError."""
        if dialect not in self._grammars:
            from dstill_querydsl.language.grammar import grammar_of

            self._grammars[dialect] = grammar_of(self.fields, self.values, self.limits, dialect)
        return self._grammars[dialect]

    @cached_property
    def layout(self) -> Layout:
        from dstill_querydsl.testdata.layout import Layout

        return Layout(self.index.mapping)

    @cached_property
    def limits(self) -> Limits:
        """The guard's limits, which also deny other names of denied fields."""
        return limits_on(self.index.mapping, self._limits) if self._limits.restricts_fields else self._limits

    @cached_property
    def values(self) -> Values:
        """The known values of the fields that may be read in every document."""
        if not reads_all(self._limits.rows, self.index.name):
            return Values()
        values = self.index.values.with_aliases(self._aliases, "task.querydsl.aliases")
        return values.with_more_aliases(self.terms.values).only(self.limits.allows)

    @cached_property
    def ranges(self) -> Bounds:
        """The lowest and highest value of each field where they are known."""
        return values_of(self.fields, self.values)

    @cached_property
    def _pruner(self) -> Pruner:
        return Pruner(self.index.mapping, self.values, ranked=self.index.given_values is not None)

    def shown(self, question: str, limit: int, keep: Collection[str] = ()) -> Pruned:
        """The mapping as prompts show it, pruned to `limit` fields. Warns once if fields are missing from it."""
        pruned = self._pruner.prune(question, limit, keep)
        if pruned.notice and not self._warned:
            self._warned = True
            name, hint = self.index.name or "the index", "task.querydsl.prompt_fields is the limit"
            log.warning("the mapping of %s is wide: %s, in every prompt (%s)", name, pruned.notice, hint)
        return pruned


def _unknown(index: Index) -> str:
    """Types that dstill does not know, as ``star (2 fields), moon (1 field)``."""
    counts = Counter(field.type for field in raw_fields(index.mapping) if family(field.type) == "other")
    return ", ".join(f"{name} ({n} field{'s' * (n > 1)})" for name, n in counts.most_common(_NAME_LIMIT))
