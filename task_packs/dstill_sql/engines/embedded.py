"""The base of the executors of SQLite and DuckDB: databases, in a process that can be ended (`engines.process`).

A database is made once for its rows and kept, the last few of them. A query that takes too long, too much memory or
gives too many rows is the answer's fault: nothing else runs in the engine.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import SplitResult, quote, urlsplit

from dstill.api.engine import Change, CheckResult, Engine
from dstill.api.records import Example, Outcome, OutcomeKind
from dstill.api.setting import setting
from dstill.api.task import Task, data_of
from dstill.errors import DataError, ServiceError, UsageError
from dstill.io.urls import file_of
from dstill_sql.engines import steps
from dstill_sql.engines.process import ENGINES, EngineError, EngineProcess, InMemory, Name, Stopped
from dstill_sql.engines.sql_executor import SqlExecutor
from dstill_sql.language.database.about_databases import AboutDatabases
from dstill_sql.language.database.database import File, Rows

if TYPE_CHECKING:
    from sqlglot import exp

    from dstill_sql.engines.catalogs import Catalog
    from dstill_sql.language.engine_text import Statement

__all__ = ["TOO_LONG", "Embedded", "EmbeddedSettings", "database_file"]

TOO_LONG = "takes too long"
_MOST = 1_000_000  # rows of what dstill asks about a file


@dataclass(frozen=True, kw_only=True)
class EmbeddedSettings:
    """The section of an engine that dstill starts."""

    seconds: float = setting(5.0, "Most seconds that a query may run.", low=0.1, high=3600, trust="limits")
    memory_mb: int = setting(
        1_000, "Most memory of a query, and of its result, in MB.", low=50, high=1_000_000, trust="limits"
    )


class Embedded(SqlExecutor):
    """An engine in a process that dstill starts."""

    Config: ClassVar[type] = EmbeddedSettings
    config: EmbeddedSettings

    dialect: Name
    task: AboutDatabases

    def execute(self, answer: str, example: Example) -> Outcome:
        from dstill_sql.engines.preparing import NOT_PREPARED, prepared, unprepared

        if (data := self._data(example)) is None:
            there = f"there are no rows of the database '{data_of(self.task, example)}' here"
            how = "name its file with task.sql.database, or a server with --engine-url"
            return Outcome(kind=OutcomeKind.UNSUPPORTED, reason=f"{there}: {how}")
        try:
            query = prepared(answer, example, self.task, self.dialect)
        except NOT_PREPARED as error:
            return unprepared(error)
        return self.run_on(query, data)

    def run_on(self, query: exp.Query, data: Rows | File) -> Outcome:
        """The result of a checked query on these data."""
        from dstill_sql.language.engine_text import NotPrintable

        with self._lock:
            try:
                key = self._opened(data)
            except NotPrintable as error:
                return _invalid(f"the database cannot be made: {error}")
            except (EngineError, MemoryError, Stopped) as error:
                return self._unavailable(f"the database cannot be opened: {error}")
            return self._run(query, key)

    def _run(self, query: exp.Query, key: str) -> Outcome:
        from dstill_sql.engines import running
        from dstill_sql.language.engine_text import NotPrintable

        try:
            value = running.run(query, self.dialect, lambda statement, most: self._process.fetch(key, statement, most))
        except Stopped:
            return _invalid(f"the query ran for more than {self._process.seconds:g} s")
        except MemoryError:
            return _invalid("the query needs more memory than it may have")
        except (running.TooManyRows, NotPrintable) as error:
            return _invalid(str(error))
        except EngineError as error:
            if error.of_file:
                self._process.forget(key)  # so that the next query opens it again
                return self._unavailable(str(error))
            return _invalid(str(error))
        return Outcome(kind=OutcomeKind.OK, value=value)

    def _unavailable(self, reason: str) -> Outcome:
        return Outcome(kind=OutcomeKind.UNAVAILABLE, reason=f"{self.label}: {reason}")

    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self._lock = threading.Lock()
        self._seconds = self.config.seconds
        self._file: File | None = None  # of ``--engine-url``

    def open(self, task: Task, engine: Engine) -> Self:
        super().open(task, engine)
        self._seconds = min(self.config.seconds, engine.timeout)
        is_own = engine.url.partition(":")[0].lower() in self.url_schemes
        self._file = File(path=database_file(engine.url)) if is_own else None
        return self

    @cached_property
    def _process(self) -> EngineProcess:
        return EngineProcess(self.dialect, seconds=self._seconds, memory_mb=self.config.memory_mb)

    def _opened(self, data: Rows | File, *, describes: bool = False) -> str:
        """The key of a database that is open. Raises ServiceError, and as the process does."""
        key = data.digest if isinstance(data, Rows) else f"{describes} {data.path}"
        if not self._process.has(key):
            if isinstance(data, Rows):
                self._process.make(key, self._made(data))
            else:
                self._open_file(key, data.path, describes=describes)
        return key

    def _open_file(self, key: str, path: Path, *, describes: bool) -> None:
        try:
            self._process.open(key, path, describes=describes)
        except EngineError as error:
            what = f"{ENGINES[self.dialect]} cannot open the database: {error}"
            raise ServiceError(what, where=str(path), hint=_hint_of_other(path, self.dialect)) from None

    def _made(self, data: Rows) -> InMemory:
        from dstill_sql.language.printing import created, filled

        tables, cells = data.schema.in_dialect(self.dialect).tables, data.read()
        making = [steps.run(created(table, self.dialect)) for table in tables]
        filling = [steps.fill(filled(table, self.dialect), rows) for table in tables if (rows := cells.get(table.name))]
        return InMemory(steps=[*making, *filling], sealed=True)

    def _data(self, example: Example) -> Rows | File | None:
        """The data for the answers to an example: the file of ``--engine-url``, unless they are about other data."""
        data = self.task.data(example)
        return self._file if self._file is not None and not isinstance(data, Rows) else data

    # --- the user's file -----------------------------------------------------------------

    def ask(self, file: File, query: Statement, values: Sequence[Any] = ()) -> Sequence[Sequence[Any]]:
        """The rows of a query of dstill's own about a file. Raises ServiceError."""
        with self._lock:
            try:
                return self._process.fetch(self._opened(file, describes=True), query, _MOST, values)[1]
            except Stopped:
                what = TOO_LONG
            except MemoryError:
                what = "needs more memory than it may have"
            except EngineError as error:
                from dstill_sql.engines.catalogs import Unreadable

                raise Unreadable(str(error), where=str(file.path)) from error
            raise ServiceError(what, where=str(file.path))

    def catalog(self, data: File) -> Catalog:
        """The catalog of a database file. Raises ServiceError."""
        from dstill_sql.engines.catalogs import from_file

        return from_file(self.dialect, partial(self.ask, data))

    def facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        from dstill_sql.engines.catalogs import facts_of

        data = {data_of(self.task, example): self._data(example) for example in examples}
        files = {name: file for name, file in sorted(data.items()) if isinstance(file, File)}
        return {name: facts_of(self.catalog(file).schema) for name, file in files.items()}

    def changes(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Change]:
        from dstill_sql.language.database.drift import changes

        return changes(then, now)

    def self_check(self) -> Iterable[CheckResult]:
        from dstill_sql.engines.self_check import for_file, known_answers
        from dstill_sql.language.database.schema import SqlSchema

        own = self.task.own_database()
        file = self._file or (own.data if own and isinstance(own.data, File) else None)
        if file is not None:
            yield from for_file(self.catalog(file).schema, own.schema.in_dialect(self.dialect) if own else None)
        data = file or Rows(schema=SqlSchema(tables=(), dialect=self.dialect), read=dict, digest="")
        yield from known_answers(self.dialect, lambda text: self._process.fetch(self._opened(data), text, 1)[1][0])

    def close(self) -> None:
        if "_process" in vars(self):
            vars(self).pop("_process").close()


def database_file(url: str) -> Path:
    """The file of ``duckdb:///PATH``. Raises UsageError if it names none, DataError if it is not there."""
    path, scheme = file_of(url), url.partition(":")[0]
    if not path:
        hint = f"write the file's whole path: {scheme}:///PATH"
        raise UsageError("the address does not name a file", where="engine.url", hint=hint)
    if Path(path).is_dir():
        raise DataError(f"{path} is a folder", where="engine.url", hint="name the file in it")
    if not Path(path).is_file():
        raise DataError(f"there is no file {path}", where="engine.url", hint=_hint_of_relative(urlsplit(url), path))
    return Path(path)


def _hint_of_relative(url: SplitResult, path: str) -> str:
    """For the file `path` that is not there: addresses begin with ``/`` even if their path does not. Empty: it does."""
    relative = Path(path.lstrip("/"))
    if relative.is_file():
        return f"write its whole path: {url.scheme}://{quote(str(relative.resolve()))}"
    first = relative.parts[0]
    begins_at_root = url.path.startswith("//") or (first != ".." and Path("/", first).exists())
    return "" if begins_at_root else f"write its whole path: {url.scheme}:///PATH"


def _hint_of_other(path: Path, scheme: str) -> str:
    """That a file which does not open is one of the other engine, and not of that with `scheme`; empty: it is not."""
    with contextlib.suppress(OSError), path.open("rb") as file:
        head = file.read(15)
        kind = "sqlite" if head == b"SQLite format 3" else "duckdb" if head[8:12] == b"DUCK" else scheme
        return "" if kind == scheme else f"it is a database of {kind}: write {kind}:// instead of {scheme}://"
    return ""


def _invalid(reason: str) -> Outcome:
    return Outcome(kind=OutcomeKind.INVALID, reason=reason)
