"""The grammar of bodies that a student may write as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstill.api.protocols import ConstrainedOutput
from dstill.api.records import Example, Grammar

if TYPE_CHECKING:
    from dstill_querydsl.pack import QueryDsl

__all__ = ["QueryOutput"]


class QueryOutput(ConstrainedOutput):
    """A grammar for each index."""

    task: QueryDsl

    def grammar(self, example: Example) -> Grammar | None:
        """The grammar of the example's index. None if only its name is known. Raises ConfigError."""
        profile = self.task.index_profile(example)
        return None if profile is None else Grammar(ebnf=profile.grammar(self.task.config.dialect))
