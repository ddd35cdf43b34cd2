"""The terms that a rationale names."""

from __future__ import annotations

from collections.abc import Iterable

from dstill.api.protocols import RationaleTerms
from dstill_querydsl.language import strict
from dstill_querydsl.language.mapping.uses import uses

__all__ = ["QueryTerms"]


class QueryTerms(RationaleTerms):
    """Names of fields."""

    def answer_terms(self, answer: str) -> Iterable[str]:
        return sorted({use.name for use in uses(strict.read(answer).value or {})})
