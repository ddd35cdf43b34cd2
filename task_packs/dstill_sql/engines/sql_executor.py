"""The base of the executors of all engines."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dstill.api.executor import Executor
from dstill.api.records import Example
from dstill_sql.language.database.about_databases import AboutDatabases

if TYPE_CHECKING:
    from dstill_sql.testdata.dependencies import Dependencies

__all__ = ["SqlExecutor"]


class SqlExecutor(Executor):
    """Tells test databases what the data never break."""

    task: AboutDatabases

    @cached_property
    def _dependencies(self) -> Dependencies:
        from dstill_sql.testdata.dependencies import Dependencies

        return Dependencies(self.task)

    def context(self, example: Example) -> Mapping[str, Any]:
        return {"dependencies": self._dependencies.of(example, self.run)}
