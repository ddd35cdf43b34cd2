"""The glossary's terms about an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstill.api.glossary import Glossary, Term
from dstill.api.protocols import Terms
from dstill.api.records import Example
from dstill_querydsl.language.terms import probe

if TYPE_CHECKING:
    from dstill_querydsl.pack import QueryDsl

__all__ = ["QueryGlossary"]


class QueryGlossary(Terms):
    """Names of fields and values, and conditions."""

    task: QueryDsl

    def glossary(self, example: Example) -> Glossary:
        profile = self.task.index_profile(example) if self.task.config.glossary else None
        return Glossary() if profile is None else profile.terms.glossary

    def probe(self, example: Example, term: Term) -> str:
        profile = self.task.index_profile(example)
        return "" if profile is None else probe(term, profile.terms)
