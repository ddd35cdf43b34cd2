"""The grammar of a student that writes text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstill.api.protocols import ConstrainedOutput
from dstill.api.records import Example, Grammar
from dstill_sql.language.grammar import grammar_of

if TYPE_CHECKING:
    from dstill_sql.pack import Sql

__all__ = ["SqlOutput"]


class SqlOutput(ConstrainedOutput):
    """A grammar for each schema."""

    task: Sql

    def grammar(self, example: Example) -> Grammar | None:
        database = self.task.database(example)
        return None if database is None else grammar_of(database, self.task.config.guard)
