"""The executor ``sqlite``: SQLite in a process of its own."""

from __future__ import annotations

import sqlite3
from typing import ClassVar

from dstill_sql.declarations import SQLITE
from dstill_sql.engines.embedded import Embedded, EmbeddedSettings

__all__ = ["Sqlite", "SqliteSettings"]


class SqliteSettings(EmbeddedSettings):
    """The section ``[executor.sqlite]``."""


class Sqlite(Embedded, declared=SQLITE):
    """SQLite."""

    dialect = "sqlite"
    Config: ClassVar[type] = SqliteSettings
    config: SqliteSettings

    @property
    def label(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}"
