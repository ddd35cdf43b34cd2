"""DuckDB in a process of its own, without access to files and extensions."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

from dstill_sql.engines.work import Failure, Work

__all__ = ["DuckDbWork"]


class DuckDbWork(Work):
    """DuckDB. `folder`: where its library is."""

    def __init__(self, memory_mb: int, folder: str) -> None:
        sys.path.append(folder)
        self._library: Any
        try:  # the engine alone: the package around it takes longer to load
            self._library = import_module("_duckdb")
        except ImportError:
            self._library = import_module("duckdb")
        self._memory_mb = memory_mb

    def opened(self, path: str, *, describes: bool) -> Any:
        return self._library.connect(path, read_only=True, config={**self._limits(), "lock_configuration": True})

    def made(self, step: Mapping[str, Any]) -> Any:
        database = self._library.connect(":memory:", config=self._limits())
        self.create(database, step["steps"])
        database.execute("SET lock_configuration = true")
        return database

    def fill(self, database: Any, insert: str, rows: Sequence[Sequence[Any]]) -> None:
        if rows:
            database.execute(insert, [list(column) for column in zip(*rows, strict=True)])

    def plan(self, database: Any, step: Mapping[str, Any]) -> None:
        database.execute(f"PREPARE planned AS {step['text']}")  # EXPLAIN would draw the plan, which may be long

    def query(self, database: Any, step: Mapping[str, Any]) -> Any:
        return database.execute(step["text"], step["values"])

    def failure(self, error: Exception) -> Failure:
        if isinstance(error, self._library.OutOfMemoryException):
            return "memory"
        of_file = isinstance(error, (self._library.IOException, self._library.FatalException))
        return "file" if of_file or "Corrupt" in str(error) else "engine"

    def rows(self, result: Any) -> Iterable[Sequence[Any]]:
        return iter(result.fetchone, None)  # one by one: DuckDB's own limit of memory does not count them

    def _limits(self) -> dict[str, Any]:
        return {
            "threads": 1,
            "enable_external_access": False,
            "autoload_known_extensions": False,
            "autoinstall_known_extensions": False,
            "python_enable_replacements": False,  # a name is never that of a variable
            "memory_limit": f"{self._memory_mb}MB",
            "max_temp_directory_size": "0MB",
            "temp_directory": "",  # else it makes one in the current folder
        }
