"""The executor ``sqlite``: SQLite in this process. An authorizer allows reading, and functions of the guard, alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dstill.errors import ServiceError
from dstill_sql.databases import File, Rows
from dstill_sql.engines.bounded import bounded
from dstill_sql.engines.embedded import Embedded, EmbeddedSettings, hint_of_other

if TYPE_CHECKING:
    from dstill_sql.catalogs import Catalog

__all__ = ["Sqlite", "SqliteSettings", "reading"]

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
# Bytes of one text, and of one row. INSTR, REPLACE and LIKE compare a text with another within one step, which no
# interrupt ends: with two texts of 64 MB, INSTR takes hours.
LONGEST = 2**20
_PATTERN = 5_000  # bytes of a pattern of LIKE
_READS = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION)


@dataclass(frozen=True, kw_only=True)
class SqliteSettings(EmbeddedSettings):
    """The section ``[executor.sqlite]``."""

    memory_mb: int = field(
        default=1_000,
        metadata={
            "low": 50,
            "high": 1_000_000,
            "help": "Most memory of a query, and of its result, in MB. SQLite can only lower it while a process runs.",
            "trust": "limits",
        },
    )


class Sqlite(Embedded):
    """SQLite."""

    name = "sqlite"
    dialect = "sqlite"
    url_schemes: ClassVar[tuple[str, ...]] = ("sqlite",)
    distributions = ("sqlglot",)
    Config: ClassVar[type] = SqliteSettings
    config: SqliteSettings

    @property
    def label(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}"

    @property
    def refuses(self) -> tuple[type[Exception], ...]:
        return (sqlite3.Error,)

    def is_of_file(self, error: Exception) -> bool:
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _OF_FILE

    def _load(self, data: Rows) -> sqlite3.Connection:
        from dstill_sql.schema import Schema, quoted

        connection = sqlite3.connect(":memory:", check_same_thread=False)
        cells = data.read()
        for table in data.schema.in_dialect("sqlite").tables:
            connection.execute(Schema(tables=(table,), dialect="sqlite").ddl())
            marks = ", ".join("?" * len(table.columns))
            rows = cells.get(table.name, ())
            connection.executemany(f"INSERT INTO {quoted(table.name, 'sqlite')} VALUES ({marks})", rows)
        connection.commit()
        return _authorized(connection, self.config.memory_mb)

    def open_file(self, data: File) -> sqlite3.Connection:
        return _authorized(reading(data.path), self.config.memory_mb)

    def catalog(self, data: File) -> Catalog:
        from dstill_sql.catalogs import of_sqlite

        with closing(reading(data.path)) as connection:
            try:
                return of_sqlite(connection)
            except sqlite3.Error as error:
                raise ServiceError(f"SQLite cannot read the database: {error}", where=str(data.path)) from None

    def _fetch(self, connection: Any, text: str, most: int) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        found = connection.execute(text)
        return [column[0] for column in found.description], bounded(found, most, self.config.memory_mb * 2**20)


def reading(path: Path) -> sqlite3.Connection:
    """A connection that only reads the file. Raises ServiceError."""
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False, timeout=_WAIT)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchall()
    except sqlite3.Error as error:
        told = f"SQLite cannot open the database: {error}"
        raise ServiceError(told, where=str(path), hint=hint_of_other(path, "sqlite")) from None
    return connection


def _authorized(connection: sqlite3.Connection, memory_mb: int) -> sqlite3.Connection:
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, _PATTERN)
    connection.execute(f"PRAGMA hard_heap_limit = {memory_mb * 2**20}")
    connection.execute("PRAGMA temp_store = MEMORY")  # a sort counts as memory, and fills no disk
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.set_authorizer(_authorize)
    return connection


def _authorize(action: int, *_: Any) -> int:
    return sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY
