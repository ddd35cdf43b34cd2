"""Test databases and mutants of a gold."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from dstill.api.protocols import TestDatabases
from dstill.api.records import Example, Mutant, TestDatabase
from dstill_sql.testdata.suites import Suites

if TYPE_CHECKING:
    from dstill_sql.pack import Sql

__all__ = ["SqlTestDatabases"]


class SqlTestDatabases(TestDatabases):
    """Databases with the schema of a gold, on which its mutants have another result."""

    task: Sql

    @cached_property
    def _suites(self) -> Suites:
        return Suites(self.task, self.task.config, self.task.database)

    def mutants(self, example: Example) -> Iterable[Mutant]:
        return self._suites.mutants(example)

    def test_databases(self, example: Example, k: int) -> Iterable[TestDatabase]:
        return self._suites.databases(example, k)
