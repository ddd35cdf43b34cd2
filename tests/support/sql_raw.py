"""Texts of SQL for the process of an engine as no printer would make them, to test what holds without the guard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dstill_sql.engines import steps
from dstill_sql.engines.process import EngineProcess, Fetched, InMemory, Name
from dstill_sql.language.engine_text import fixed

__all__ = ["fetched", "made"]

_TABLES = ("t", "texts", "trips", "cities", "drivers", "library", "r")


def fetched(process: EngineProcess, key: str, text: str, most: int = 10) -> Fetched:
    """The result of any text; SQLite's authorizer allows it to read the tables of the tests."""
    reads = {"tables": _TABLES, "inner": (), "columns": ("*",)}
    step = {"do": "fetch", "key": key, "text": text, "most": most, "values": [], "reads": reads}
    return process.ask([step])


def made(engine: Name, create: str, table: str, rows: Sequence[Sequence[Any]]) -> InMemory:
    """A database with one table of one column."""
    insert = f"INSERT INTO {table} " + ("VALUES (?)" if engine == "sqlite" else "SELECT unnest($1)")
    return InMemory(steps=[steps.run(fixed(create, engine)), steps.fill(fixed(insert, engine), rows)], sealed=True)
