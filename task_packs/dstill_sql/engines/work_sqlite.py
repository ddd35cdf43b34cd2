"""SQLite in a process of its own. An authorizer allows reading, and functions of the guard, alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
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
_READS = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION)
_OTHER_FILES = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH)


class SqliteWork(Work):
    """SQLite."""

    def __init__(self, memory_mb: int) -> None:
        self._heap = memory_mb * 2**20

    def opened(self, path: str, *, describes: bool) -> sqlite3.Connection:
        connection = sqlite3.connect(f"{path}?mode=ro", uri=True, timeout=_WAIT)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchall()
        return self._sealed(connection, describes=describes)

    def made(self, step: Mapping[str, Any]) -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:", isolation_level=None)
        if steps := step["steps"]:
            connection.set_progress_handler(lambda: 1, steps)
        for statement in step["statements"]:
            connection.execute(statement)
        connection.execute("BEGIN")
        for table, rows in step["tables"].items():
            self.fill(connection, table, rows)
        connection.execute("COMMIT")
        return self._sealed(connection) if step["sealed"] else self._limited(connection)

    def fill(self, database: Any, table: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            database.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)

    def plan(self, database: Any, text: str) -> None:
        database.execute(f"EXPLAIN {text}")

    def failure(self, error: Exception) -> Failure:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return "file" if isinstance(error, sqlite3.Error) and code in _OF_FILE else "engine"

    def rows(self, found: Any) -> Iterable[Sequence[Any]]:
        rows: Iterable[Sequence[Any]] = found
        return rows

    def _limited(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, _PATTERN)
        connection.execute(f"PRAGMA hard_heap_limit = {self._heap}")
        connection.execute("PRAGMA temp_store = MEMORY")  # a sort counts as memory, and fills no disk
        connection.execute("PRAGMA trusted_schema = OFF")
        return connection

    def _sealed(self, connection: sqlite3.Connection, *, describes: bool = False) -> sqlite3.Connection:
        """The connection, which only reads from now on."""
        self._limited(connection)
        for pragma in ("query_only = ON", "cell_size_check = ON", "mmap_size = 0"):
            connection.execute(f"PRAGMA {pragma}")
        if hasattr(connection, "setconfig"):  # Python 3.12
            connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE)  # type: ignore[attr-defined,unused-ignore]
        connection.set_authorizer(_authorize_describing if describes else _authorize)
        return connection


def _authorize(action: int, *_: Any) -> int:
    return sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY


def _authorize_describing(action: int, *_: Any) -> int:
    """Virtual tables, such as those of FTS5, prepare what writes when they are opened. The file is read-only."""
    return sqlite3.SQLITE_DENY if action in _OTHER_FILES else sqlite3.SQLITE_OK
