"""What the executors inside this process share: open databases, and a clock that stops a query.

A database is made once for its rows and kept, the last few of them. A query that takes too long, too much memory or
gives too many rows is the answer's fault: nothing else runs in the engine.
"""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from dstill.api.executor import Executor
from dstill.api.records import Example, Outcome, OutcomeKind
from dstill.api.task import data_of
from dstill.errors import UsageError
from dstill_sql.clock import frozen
from dstill_sql.databases import File, Rows
from dstill_sql.engines import running
from dstill_sql.engines.watch import Stopped, Watch
from dstill_sql.pack import Sql
from dstill_sql.schema import Dialect
from dstill_sql.statements import read

__all__ = ["Embedded"]

_KEPT = 36  # open databases, 11 MB each for a small one of DuckDB


class Embedded(Executor):
    """An engine inside this process."""

    dialect: Dialect

    @property
    @abstractmethod
    def refuses(self) -> tuple[type[Exception], ...]:
        """Errors of the engine that are the answer's fault."""

    @property
    @abstractmethod
    def seconds(self) -> float:
        """How long a query may run."""

    def execute(self, answer: str, example: Example) -> Outcome:
        assert isinstance(self.task, Sql)
        if (data := self.task.data(example)) is None:
            raise UsageError(
                f"there are no rows of the database '{data_of(self.task, example)}' here",
                where="task.sql.database",
                hint="name its file, or the server with --engine-url",
            )
        return self.run_on(frozen(read(answer, self.dialect), self.task.now(example), self.dialect), data)

    def run_on(self, query: exp.Query, data: Rows | File) -> Outcome:
        """The result of a checked query on these data."""
        with self._lock:
            connection = self._opened(data)
            try:
                value = running.run(query, self.dialect, lambda text, most: self._timed(connection, text, most))
            except Stopped:
                return _invalid(f"the query ran for more than {self.seconds:g} s")
            except running.TooManyRows as error:
                return _invalid(str(error))
            except MemoryError:
                return _invalid("the query needs more memory than it may have")
            except self.refuses as error:
                lines = str(error).splitlines()
                return _invalid(lines[0] if lines else type(error).__name__)
        return Outcome(kind=OutcomeKind.OK, value=value)

    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self._lock = threading.Lock()
        self._watch = Watch(self.seconds)
        self._connections: OrderedDict[str, Any] = OrderedDict()

    def _opened(self, data: Rows | File) -> Any:
        key = data.digest if isinstance(data, Rows) else str(data.path)
        if key not in self._connections:
            self._connections[key] = self._open_file(data) if isinstance(data, File) else self._load(data)
            while len(self._connections) > _KEPT:
                self._connections.popitem(last=False)[1].close()
        self._connections.move_to_end(key)
        return self._connections[key]

    def _timed(self, connection: Any, text: str, most: int) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        with self._watch.over(connection.interrupt):
            return self._fetch(connection, text, most)

    @abstractmethod
    def _load(self, data: Rows) -> Any:
        """A connection to a new database in memory with these rows."""

    @abstractmethod
    def _open_file(self, data: File) -> Any:
        """A connection that only reads the file. Raises ServiceError."""

    @abstractmethod
    def _fetch(self, connection: Any, text: str, most: int) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        """The columns of a query, and its first `most` rows."""

    def close(self) -> None:
        while self._connections:
            self._connections.popitem()[1].close()


def _invalid(reason: str) -> Outcome:
    return Outcome(kind=OutcomeKind.INVALID, reason=reason)
