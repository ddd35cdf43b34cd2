"""The work of SQLite or DuckDB in the process of an engine: to open a database, to fill it and to run one text.

A `database` is a connection of the engine's library.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Literal

from dstill_sql.language.results.compare import cell

__all__ = ["Failure", "Work", "batches"]

# "missing" is the library, "file" what is a fault of the database: it is locked, damaged or gone.
Failure = Literal["missing", "stopped", "memory", "file", "engine"]
Fetched = tuple[list[str], list[Any]]  # columns, rows

_BATCH = 2**18  # bytes of rows that are sent at once


class Work(ABC):
    """One engine."""

    @abstractmethod
    def opened(self, path: str, *, describes: bool) -> Any:
        """A database file, only to read: its path, or for SQLite its address.

        `describes`: for what dstill asks about it, and not for answers.
        """

    @abstractmethod
    def made(self, step: Mapping[str, Any]) -> Any:
        """A database in memory, by its `steps`."""

    @abstractmethod
    def fill(self, database: Any, insert: str, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows to a table by a statement."""

    @abstractmethod
    def plan(self, database: Any, step: Mapping[str, Any]) -> None:
        """Plan a query, and do not run it."""

    @abstractmethod
    def query(self, database: Any, step: Mapping[str, Any]) -> Any:
        """Run a query, with its values: what it finds."""

    @abstractmethod
    def failure(self, error: Exception) -> Failure:
        """Whose fault an error is."""

    @abstractmethod
    def rows(self, result: Any) -> Iterable[Sequence[Any]]:
        """The rows of what was executed."""

    def create(self, database: Any, steps: Sequence[Mapping[str, Any]]) -> None:
        """Create tables and fill them."""
        for step in steps:
            if step["do"] == "fill":
                self.fill(database, step["text"], step["rows"])
            else:
                database.execute(step["text"])

    def fetch(self, database: Any, step: Mapping[str, Any], size: int, send: Callable[[list[Any]], None]) -> Fetched:
        """The columns of a query, and the last of its first rows; `send` gets those before.

        Raises MemoryError where they take more than `size` bytes.
        """
        result = self.query(database, step)
        last: list[Any] = []
        for batch in batches(self.rows(result), step["most"], size):
            if last:
                send(last)
            last = batch
        return [column[0] for column in result.description or ()], last


def batches(rows: Iterable[Sequence[Any]], most: int, size: int) -> Iterable[list[list[Any]]]:
    """The first `most` rows as JSON has them, some at a time: twenty thousand rows may hold gigabytes of text."""
    batch: list[list[Any]] = []
    in_batch = 0
    for row in islice(rows, most):
        in_batch += sys.getsizeof(row) + sum(map(sys.getsizeof, row))
        if in_batch > size:
            raise MemoryError
        batch.append([cell(value) for value in row])
        if in_batch > _BATCH:
            yield batch
            batch, size, in_batch = [], size - in_batch, 0
    yield batch
