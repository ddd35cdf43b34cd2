"""What the executors inside this process share: open databases, and a clock that stops a query.

A database is made once for its rows and kept, the last few of them. A query that takes too long, too much memory or
gives too many rows is the answer's fault: nothing else runs in the engine.
"""

from __future__ import annotations

import contextlib
import threading
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from dstill.api.engine import Change, CheckResult, Engine
from dstill.api.executor import Executor
from dstill.api.records import Example, Outcome, OutcomeKind
from dstill.api.task import Task, data_of
from dstill.errors import DataError, UsageError
from dstill.io.urls import file_of
from dstill_sql.about_databases import AboutDatabases
from dstill_sql.databases import File, Rows
from dstill_sql.dialects import Dialect
from dstill_sql.engines.watch import Stopped, Watch

if TYPE_CHECKING:
    from sqlglot import exp

    from dstill_sql.catalogs import Catalog

__all__ = ["Embedded", "EmbeddedSettings", "database_file", "hint_of_other"]

_KEPT = 36  # open databases, 11 MB each for a small one of DuckDB


@dataclass(frozen=True, kw_only=True)
class EmbeddedSettings:
    """The section of an engine inside this process."""

    seconds: float = field(
        default=5.0,
        metadata={"low": 0.1, "high": 3600, "help": "Most seconds that a query may run.", "trust": "limits"},
    )


class Embedded(Executor):
    """An engine inside this process."""

    Config: ClassVar[type] = EmbeddedSettings
    config: EmbeddedSettings

    dialect: Dialect
    task: AboutDatabases

    @property
    @abstractmethod
    def refuses(self) -> tuple[type[Exception], ...]:
        """Errors of the engine that are the answer's fault."""

    @abstractmethod
    def is_of_file(self, error: Exception) -> bool:
        """Whether one of these errors is a fault of the database: it is locked, damaged or gone."""

    def execute(self, answer: str, example: Example) -> Outcome:
        from dstill_sql.engines.preparing import Untranslatable, prepared

        if (data := self._data(example)) is None:
            there = f"there are no rows of the database '{data_of(self.task, example)}' here"
            how = "name its file with task.sql.database, or a server with --engine-url"
            return Outcome(kind=OutcomeKind.UNSUPPORTED, reason=f"{there}: {how}")
        try:
            query = prepared(answer, example, self.task, self.dialect)
        except Untranslatable as error:
            return Outcome(kind=OutcomeKind.UNSUPPORTED, reason=str(error))
        return self.run_on(query, data)

    def run_on(self, query: exp.Query, data: Rows | File) -> Outcome:
        """The result of a checked query on these data."""
        from dstill_sql.engines import running

        with self._lock:
            try:
                connection = self._opened(data)
            except MemoryError:
                return Outcome(kind=OutcomeKind.UNAVAILABLE, reason=f"{self.label}: too little memory for the database")
            try:
                value = running.run(query, self.dialect, lambda text, most: self.timed(connection, text, most))
            except Stopped:
                return _invalid(f"the query ran for more than {self._watch.seconds:g} s")
            except running.TooManyRows as error:
                return _invalid(str(error))
            except MemoryError:
                return _invalid("the query needs more memory than it may have")
            except self.refuses as error:
                lines = str(error).splitlines() or [type(error).__name__]
                if self.is_of_file(error):
                    self._forget(data)
                    return Outcome(kind=OutcomeKind.UNAVAILABLE, reason=f"{self.label}: {lines[0]}")
                return _invalid(lines[0])
        return Outcome(kind=OutcomeKind.OK, value=value)

    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self._lock = threading.Lock()
        self._watch = Watch(self.config.seconds)
        self._connections: OrderedDict[str, Any] = OrderedDict()
        self._file: File | None = None  # of ``--engine-url``

    def open(self, task: Task, engine: Engine) -> Self:
        super().open(task, engine)
        self._watch.seconds = min(self.config.seconds, engine.timeout)
        is_own = engine.url.partition(":")[0].lower() in self.url_schemes
        self._file = File(path=database_file(engine.url)) if is_own else None
        return self

    def _opened(self, data: Rows | File) -> Any:
        key = _key(data)
        if key not in self._connections:
            self._connections[key] = self.open_file(data) if isinstance(data, File) else self._load(data)
            while len(self._connections) > _KEPT:
                self._connections.popitem(last=False)[1].close()
        self._connections.move_to_end(key)
        return self._connections[key]

    def _forget(self, data: Rows | File) -> None:
        """Close a database, so that the next query opens it again."""
        if (connection := self._connections.pop(_key(data), None)) is not None:
            connection.close()

    def _data(self, example: Example) -> Rows | File | None:
        """What the answers to an example run on: the file of ``--engine-url``, unless they are about other data."""
        data = self.task.data(example)
        return self._file if self._file is not None and not isinstance(data, Rows) else data

    def timed(self, connection: Any, text: str, most: int) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        """The columns of a query, and its first `most` rows. Raises Stopped, and what `refuses` names."""
        with self._watch.over(connection.interrupt):
            return self._fetch(connection, text, most)

    # --- the user's file -----------------------------------------------------------------

    @abstractmethod
    def catalog(self, data: File) -> Catalog:
        """What is in a database file. Raises ServiceError."""

    def facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        from dstill_sql.catalogs import facts_of

        data = {data_of(self.task, one): self._data(one) for one in examples}
        files = {name: one for name, one in sorted(data.items()) if isinstance(one, File)}
        return {name: facts_of(self.catalog(file).schema) for name, file in files.items()}

    def changes(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Change]:
        from dstill_sql.drift import changes

        return changes(then, now)

    def self_check(self) -> Iterable[CheckResult]:
        from dstill_sql.engines.self_check import known_answers, of_file
        from dstill_sql.schema import Schema

        own = self.task.own_database()
        file = self._file or (own.data if own and isinstance(own.data, File) else None)
        if file is not None:
            yield from of_file(self.catalog(file).schema, own.schema.in_dialect(self.dialect) if own else None)
        connection = self._opened(file or Rows(schema=Schema(tables=(), dialect=self.dialect), read=dict, digest=""))
        yield from known_answers(self.dialect, lambda text: self.timed(connection, text, 1)[1][0])

    @abstractmethod
    def _load(self, data: Rows) -> Any:
        """A connection to a new database in memory with these rows."""

    @abstractmethod
    def open_file(self, data: File) -> Any:
        """A connection that only reads the file. Raises ServiceError."""

    @abstractmethod
    def _fetch(self, connection: Any, text: str, most: int) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        """The columns of a query, and its first `most` rows."""

    def close(self) -> None:
        self._watch.close()
        while self._connections:
            self._connections.popitem()[1].close()


def database_file(url: str) -> Path:
    """The file of ``duckdb:///PATH``. Raises UsageError if it names none, DataError if it is not there."""
    path, scheme = file_of(url), url.partition(":")[0]
    if not path:
        hint = f"write the file's whole path: {scheme}:///PATH"
        raise UsageError("the address does not name a file", where="engine.url", hint=hint)
    if not Path(path).is_file():
        raise DataError(f"there is no file {path}", where="engine.url", hint=f"write its whole path: {scheme}:///PATH")
    return Path(path)


def hint_of_other(path: Path, scheme: str) -> str:
    """That a file which does not open is one of the other engine, and not of that with `scheme`; empty: it is not."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        head = file.read(15)
        found = "sqlite" if head == b"SQLite format 3" else "duckdb" if head[8:12] == b"DUCK" else scheme
        return "" if found == scheme else f"it is a database of {found}: write {found}:// instead of {scheme}://"
    return ""


def _key(data: Rows | File) -> str:
    return data.digest if isinstance(data, Rows) else str(data.path)


def _invalid(reason: str) -> Outcome:
    return Outcome(kind=OutcomeKind.INVALID, reason=reason)
