"""Answers whose verdict is known, for `dstill pack check sql`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dstill.api.protocols import KnownAnswers
from dstill.api.records import Example
from dstill.api.task import data_of
from dstill_sql import bundle, known_answers
from dstill_sql.language.database.schema import SqlSchema

if TYPE_CHECKING:
    from dstill_sql.pack import Sql

__all__ = ["SqlKnownAnswers"]


class SqlKnownAnswers(KnownAnswers):
    """Those of `dstill_sql.known_answers`, for the schema of an example."""

    task: Sql

    def equal_answers(self, example: Example) -> Iterable[tuple[str, str]]:
        return known_answers.equal(self._schema(example))

    def different_answers(self, example: Example) -> Iterable[tuple[str, str]]:
        return known_answers.different(self._schema(example))

    def hostile_answers(self, example: Example) -> Iterable[str]:
        return known_answers.hostile(self._schema(example))

    def runaway_answers(self, example: Example) -> Iterable[str]:
        data = data_of(self.task, example)
        is_further = bundle.is_bundled(data) and data != bundle.NAMES[0]  # each takes a second
        return () if is_further else known_answers.runaway(self._schema(example))

    def _schema(self, example: Example) -> SqlSchema:
        database = self.task.database(example)
        return SqlSchema(tables=()) if database is None else database.schema
