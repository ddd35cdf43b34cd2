"""The facts of the task for the executors: the database that an example is about, and its clock."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from dstill.api.records import Example
from dstill.api.task import Task
from dstill_sql.language.database.database import Database, File, Rows, rows_of
from dstill_sql.settings import Settings

if TYPE_CHECKING:
    from dstill_sql.engines.row_conditions import RowConditions

__all__ = ["AboutDatabases"]


class AboutDatabases(Task):
    """A task whose examples are about databases."""

    Config = Settings
    config: Settings

    @cached_property
    def row_conditions(self) -> RowConditions:
        """Whose rows an answer reads. Raises ConfigError."""
        from dstill_sql.engines.row_conditions import RowConditions

        return RowConditions(self.config.guard, self.config.dialect)

    def database(self, example: Example) -> Database | None:
        """The database that the example is about. None if only its name is known. Raises DataError."""
        from dstill_sql.language.database.context import database_of

        return database_of(example.context, self.config)

    def own_database(self) -> Database | None:
        """The user's database, as the settings describe it. None: they describe none. Raises DataError."""
        if not self.config.schema:
            return None
        return self.database(Example(id="", question="", context={self.data_key: self.config.db}))

    def data(self, example: Example) -> Rows | File | None:
        """The data that the answers to the example run on inside this process; None: none."""
        if (test := example.context.get("test_database")) is not None:
            return rows_of(test, self.config.dialect)
        database = self.database(example)
        return None if database is None else database.data

    def now(self, example: Example) -> str:
        """The time of the clock while an answer to the example runs, in ISO form. Empty: the time of the run."""
        database = self.database(example)
        return database.now if database else self.config.now
