"""Queries, results and schemas for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dstill.api.protocols import Presentation
from dstill.api.records import Example, RelevantSchema, ResultDiff, Table, TestDatabase
from dstill_sql.language import refusals
from dstill_sql.language.results import formatting, rendering
from dstill_sql.language.statements import NotOneQuery, read

if TYPE_CHECKING:
    from sqlglot import exp

    from dstill_sql.pack import Sql

__all__ = ["SqlPresentation"]


class SqlPresentation(Presentation):
    """Rows as tables, queries in lines and colours."""

    task: Sql

    def render_result(self, value: Any) -> str:
        return rendering.render(value)

    def diff_results(self, got: Any, want: Any, database: TestDatabase | None = None) -> ResultDiff:
        return rendering.diff(got, want, database.name if database else "")

    def relevant_schema(self, example: Example, answer: str) -> RelevantSchema:
        database = self.task.database(example)
        if database is None:
            return RelevantSchema()
        return rendering.excerpt(database, self._query(answer))

    def refusal_reason(self, answer: str) -> str:
        return refusals.reason(answer)

    def highlight(self, answer: str) -> Sequence[tuple[str, str]]:
        return formatting.highlight(answer, self.task.config.dialect)

    def snippets(self, answer: str, example: Example) -> Sequence[tuple[str, str]]:
        name = str(example.context.get("db", self.task.config.db))
        return tuple(formatting.snippets(answer, name, self.task.config.dialect))

    def result_tables(self, value: Any, answer: str, whole: bool = False) -> Sequence[Table]:
        return (rendering.table(value, self._query(answer), self.task.config.dialect, whole=whole),)

    def _query(self, answer: str) -> exp.Query | None:
        """None: it cannot be read as a query."""
        try:
            return read(answer, self.task.config.dialect)
        except NotOneQuery:
            return None
