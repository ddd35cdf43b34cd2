"""The executor ``duckdb``: DuckDB in a process of its own."""

from __future__ import annotations

from importlib.metadata import version
from typing import ClassVar

from dstill.errors import needs
from dstill_sql.declarations import DUCKDB
from dstill_sql.engines.embedded import Embedded, EmbeddedSettings

__all__ = ["DuckDb", "DuckDbSettings"]


class DuckDbSettings(EmbeddedSettings):
    """The section ``[executor.duckdb]``."""


class DuckDb(Embedded, declared=DUCKDB):
    """DuckDB."""

    dialect = "duckdb"
    Config: ClassVar[type] = DuckDbSettings
    config: DuckDbSettings

    @property
    def label(self) -> str:
        with needs("the executor duckdb", "sql"):
            return f"DuckDB {version('duckdb')}"
