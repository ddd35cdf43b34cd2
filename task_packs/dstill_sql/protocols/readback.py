"""Answers in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dstill.api.protocols import Phrase, Readback
from dstill.api.records import Example
from dstill_sql.language import refusals
from dstill_sql.language.readback import read_back
from dstill_sql.language.statements import read

if TYPE_CHECKING:
    from dstill_sql.pack import Sql

__all__ = ["SqlReadback"]


class SqlReadback(Readback):
    """Queries in plain words. A refusal has none."""

    task: Sql

    def read_back(self, example: Example, answer: str) -> Sequence[Phrase]:
        if refusals.read(answer) is not None:
            return ()
        database, dialect = self.task.database(example), self.task.config.dialect
        return read_back(read(answer, dialect), None if database is None else database.schema, dialect)
