"""SQLite in a process of its own. An authorizer allows each query to read and call what is in its tree, and no more."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from dstill_sql.engines.work import Failure, Work

__all__ = ["LONGEST", "SqliteWork"]

# Bytes of one text, and of one row.
LONGEST = 2**20
_PATTERN = 5_000  # bytes of a pattern of LIKE
_WAIT = 2.0  # seconds for a lock of another process
_OF_FILE = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
)
_OTHER_FILES = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH)


class SqliteWork(Work):
    """SQLite."""

    def __init__(self, memory_mb: int, functions: Sequence[str]) -> None:
        self._heap = memory_mb * 2**20
        self._functions = frozenset(functions)

    def opened(self, path: str, *, describes: bool) -> _Database:
        connection = sqlite3.connect(f"{path}?mode=ro", uri=True, timeout=_WAIT, factory=_Database)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchall()
        return self._sealed(connection, describes=describes)

    def made(self, step: Mapping[str, Any]) -> _Database:
        connection = sqlite3.connect(":memory:", isolation_level=None, factory=_Database)
        if ticks := step["ticks"]:
            connection.set_progress_handler(lambda: 1, ticks)
        connection.execute("BEGIN")
        self.create(connection, step["steps"])
        connection.execute("COMMIT")
        if step["sealed"]:
            return self._sealed(connection)
        connection.seal(_anything)
        return self._limited(connection)

    def fill(self, database: _Database, insert: str, rows: Sequence[Sequence[Any]]) -> None:
        database.executemany(insert, rows)

    def plan(self, database: _Database, step: Mapping[str, Any]) -> None:
        with self._reading(database, step):
            database.execute(f"EXPLAIN {step['text']}")

    def query(self, database: _Database, step: Mapping[str, Any]) -> Any:
        with self._reading(database, step):
            return database.execute(step["text"], step["values"])

    @contextmanager
    def _reading(self, database: _Database, step: Mapping[str, Any]) -> Iterator[None]:
        """SQLite asks the authorizer while it prepares a statement, which is before its first row."""
        if step["reads"] is None:
            yield
            return
        before, database.allows = database.allows, _Reading(self._functions, database.views, step["reads"]).allows
        try:
            yield
        finally:
            database.allows = before

    def failure(self, error: Exception) -> Failure:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return "file" if isinstance(error, sqlite3.Error) and code in _OF_FILE else "engine"

    def rows(self, result: Any) -> Iterable[Sequence[Any]]:
        rows: Iterable[Sequence[Any]] = result
        return rows

    def _limited(self, connection: _Database) -> _Database:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, _PATTERN)
        connection.execute(f"PRAGMA hard_heap_limit = {self._heap}")
        connection.execute("PRAGMA temp_store = MEMORY")  # a sort counts as memory, and fills no disk
        connection.execute("PRAGMA trusted_schema = OFF")
        return connection

    def _sealed(self, connection: _Database, *, describes: bool = False) -> _Database:
        """The connection, which only reads from now on."""
        self._limited(connection)
        for pragma in ("query_only = ON", "cell_size_check = ON", "mmap_size = 0"):
            connection.execute(f"PRAGMA {pragma}")
        if hasattr(connection, "setconfig"):  # Python 3.12
            connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE)  # type: ignore[attr-defined,unused-ignore]
        connection.seal(_describes if describes else _nothing)
        return connection


Names = str | None
Allows = Callable[[int, Names, Names, Names, Names], bool]


class _Database(sqlite3.Connection):
    """A connection, with what its authorizer allows."""

    views: frozenset[str] = frozenset()  # of the database, folded
    allows: Allows

    def seal(self, allows: Allows) -> None:
        """Ask `allows`, or what comes in its place, about every statement from now on."""
        rows = self.execute("SELECT name FROM sqlite_master WHERE type = 'view'")
        self.views, self.allows = frozenset(name.casefold() for (name,) in rows), allows
        self.set_authorizer(lambda *action: sqlite3.SQLITE_OK if self.allows(*action) else sqlite3.SQLITE_DENY)


class _Reading:
    """The names that one query may read and call: those in its tree, and whatever the views of the file do.

    SQLite names the view, or the part of a WITH, in which something is read. A name that is not of the query's own WITH
    is of a view, or of a view's WITH.
    """

    def __init__(self, functions: frozenset[str], views: frozenset[str], names: Mapping[str, Sequence[str]]) -> None:
        self._functions, self._columns = functions, frozenset(names["columns"])
        self._tables, self._with = frozenset(names["tables"]), frozenset(names["inner"])
        self._has_views = not self._tables.isdisjoint(views)

    def allows(self, action: int, first: Names, second: Names, _: Names, place: Names) -> bool:
        in_view = self._has_views and place is not None and place.casefold() not in self._with
        name, part = (first or "").casefold(), (second or "").casefold()
        if action == sqlite3.SQLITE_FUNCTION:
            return in_view or part in self._functions
        if action == sqlite3.SQLITE_READ:
            in_view = in_view or (self._has_views and not part)  # the rows of a view, which are counted
            return not name.startswith("sqlite_") and (in_view or (name in self._tables and self._has(part)))
        return action == sqlite3.SQLITE_SELECT or (in_view and action == sqlite3.SQLITE_RECURSIVE)

    def _has(self, column: str) -> bool:
        return not column or not {column, "*"}.isdisjoint(self._columns)


def _describes(action: int, *_: Any) -> bool:
    """Virtual tables, such as those of FTS5, prepare what writes when they are opened. The file is read-only."""
    return action not in _OTHER_FILES


def _nothing(*_: Any) -> bool:
    """Between queries, each of which brings what it may read."""
    return False


def _anything(*_: Any) -> bool:
    return True
