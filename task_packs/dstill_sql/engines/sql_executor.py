"""The base of the executors of all engines."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.records import Example
from dstill.api.task import Task
from dstill_sql.language.database.about_databases import AboutDatabases

if TYPE_CHECKING:
    from dstill_sql.testdata.dependencies import Dependencies

__all__ = ["SqlExecutor"]


class SqlExecutor(Executor):
    """Reads the rows that a caller may read, and tells test databases what the data never break."""

    task: AboutDatabases

    def open(self, task: Task, engine: Engine) -> Self:
        super().open(task, engine)
        if self.task.config.guard.rows:
            about = Example(id="", question="", context={self.task.data_key: self.task.config.db})
            database = self.task.database(about)
            self.task.row_conditions.check(database.schema if database else None)
        return self

    def missing_claims(self, example: Example) -> frozenset[str]:
        return self.task.row_conditions.missing(example)

    @cached_property
    def _dependencies(self) -> Dependencies:
        from dstill_sql.testdata.dependencies import Dependencies

        return Dependencies(self.task)

    def context(self, example: Example) -> Mapping[str, Any]:
        return {"dependencies": self._dependencies.of(example, self.run)}
