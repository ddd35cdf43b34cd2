"""Data of two tenants in the same tables, and in one index; and the same data without the rows of the other one.

texts("sql")                              the hostile answers of rows/hostile_rows.toml
database(folder, "duckdb", shared=True)   a file with the rows of both
index(shared=False)                       an index with the documents of tenant a alone
seen(executor, answer, example)           what its caller gets: kind, reason and value, or an error
"""

from __future__ import annotations

import contextlib
import json
import re
import tomllib
from pathlib import Path
from typing import Any

from dstill.api.executor import Executor
from dstill.api.records import Example
from dstill.errors import AuthError
from dstill_querydsl.bundle.indices import Index
from dstill_querydsl.engines import Embedded

__all__ = [
    "COLUMNS", "MAPPING", "OF_TENANT", "SCHEMA", "Served", "database", "documents", "index", "inserts", "seen", "texts",
]  # fmt: skip

OF_TENANT = "tenant = {caller.tenant}"
SCHEMA = """
CREATE TABLE orders (
  id INTEGER PRIMARY KEY, tenant VARCHAR(9), country VARCHAR(2), note VARCHAR(40), amount INTEGER, big BIGINT
);
CREATE TABLE customers (id INTEGER PRIMARY KEY, tenant VARCHAR(9), country VARCHAR(2), email VARCHAR(40));
CREATE TABLE tokens (tenant VARCHAR(9));
CREATE TABLE countries (code VARCHAR(2) PRIMARY KEY, name VARCHAR(40));
CREATE TABLE secrets (a INTEGER);
"""
COLUMNS = ("orders", "customers", "tokens")
VIEW = "CREATE VIEW all_orders AS SELECT * FROM orders"
OTHER: list[tuple[str, list[Any]]] = [
    ("orders", [4, "b", "NO", "secret plan", 900, 2**63 - 1]),
    ("orders", [0, "b", "DK", "x", -5, -(2**63)]),
    ("orders", [6, None, "FI", "nobody's", 0, 0]),
    ("orders", [8, "b", "NO", "secret plan", 1, 1]),  # a frequent value, which a planner knows
    ("customers", [3, "b", "NO", "eve@b"]),
    ("customers", [4, "b", "NO", "bob@b"]),
    ("tokens", ["b"]),
    ("secrets", [42]),
]
OWN: list[tuple[str, list[Any]]] = [
    ("orders", [1, "a", "NO", "7", 10, 1]),
    ("orders", [2, "a", "SE", "12", 20, 2]),
    ("orders", [3, "a", "NO", "2024", 30, 3]),
    ("customers", [1, "a", "NO", "ann@a"]),
    ("customers", [2, "a", "SE", "al@a"]),
    ("tokens", ["a"]),
    *(("countries", [code, name]) for code, name in (("NO", "Norway"), ("SE", "Sweden"), ("DK", "Denmark"))),
]
MAPPING: dict[str, Any] = {
    "properties": {
        "tenant": {"type": "keyword"},
        "level": {"type": "integer"},
        "note": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "secret": {"type": "keyword"},
        "only_b": {"type": "keyword"},
        "amount": {"type": "integer"},
        "at": {"type": "date"},
        "place": {"type": "geo_point"},
        "ip": {"type": "ip"},
        "tags": {"type": "keyword"},
        "items": {"type": "nested", "properties": {"sku": {"type": "keyword"}, "qty": {"type": "integer"}}},
    }
}


_INDEX = re.compile('"_index": "[^"]*"')  # each data set has its own


def texts(language: str) -> list[str]:
    """The hostile answers of a language."""
    file = Path(__file__).parents[1] / "task_packs" / "rows" / "hostile_rows.toml"
    listed: list[str] = tomllib.loads(file.read_text(encoding="utf-8"))[language]
    return listed


def inserts(*, shared: bool) -> list[tuple[str, list[Any]]]:
    """Table and row, those of the other tenant first."""
    return [*(OTHER if shared else []), *OWN]


def database(folder: Path, engine: str, *, shared: bool) -> Path:
    """A file of DuckDB or SQLite."""
    path = folder / f"{'shared' if shared else 'alone'}.{engine}"
    with contextlib.closing(_connected(engine, path)) as connection:
        for statement in filter(str.strip, [*SCHEMA.split(";"), VIEW]):
            connection.execute(statement)
        for table, row in inserts(shared=shared):
            connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        connection.commit()
    return path


def _connected(engine: str, path: Path) -> Any:
    if engine == "sqlite":
        import sqlite3

        return sqlite3.connect(path)
    import duckdb

    return duckdb.connect(str(path))


def documents(*, shared: bool) -> list[tuple[str, dict[str, Any]]]:
    """(id, source), those of the other tenant first."""
    own = [("a1", "secret plan", "passable", 10), ("a2", "plan of a", "passing", 20), ("a3", "no plum", "q", 30)]
    other = [("b1", "secret plan plan plan", "password", 900), ("b2", "pla plank", "passive", 500)]
    other += [("b3", "plam", "passage", -70), ("b4", "secrets", "passport", 90_000)]
    return [_document(n, *row) for n, row in enumerate([*(other if shared else []), *own])]


def _document(n: int, id: str, note: str, secret: str, amount: int) -> tuple[str, dict[str, Any]]:
    tenant, day = id[0], int(id[1])
    source = {
        "tenant": tenant,
        "level": day if tenant == "a" else 50 + day,
        "note": note,
        "secret": secret,
        "amount": amount,
        "at": f"202{5 if tenant == 'a' else 1}-01-0{day}T08:00:00Z",
        "place": {"lat": 10 + day if tenant == "a" else -80, "lon": day},
        "ip": f"192.0.2.{day}" if tenant == "a" else f"10.0.0.{day}",
        "tags": ["red", "blue"] if day % 2 else ["red", f"only {tenant}"],
        "items": [{"sku": f"{tenant}-{day}", "qty": amount}],
    }
    return id, source | ({"only_b": "yes"} if tenant == "b" else {})


def index(*, shared: bool) -> Index:
    """The index of the documents."""
    return Index(
        name="shared",
        mapping=MAPPING,
        settings={},
        now="2025-03-01T00:00:00Z",
        documents=lambda: documents(shared=shared),
        recipe="both tenants" if shared else "one tenant",
    )


class Served(Embedded):
    """The embedded engine on one index, whatever a question is about."""

    made: Index

    def index_of(self, example: Example) -> Index | None:
        return self.made


def seen(executor: Executor, answer: str, example: Example) -> tuple[Any, ...]:
    """What the caller gets."""
    try:
        outcome = executor.run(answer, example)
    except AuthError as error:
        return ("refused", error.what)
    value = outcome.value
    if value is not None and value.get("ordered") is False:  # a planner may choose another order for larger tables
        value = {**value, "rows": sorted(value["rows"], key=repr)}
    return (outcome.kind, outcome.reason, _INDEX.sub('"_index": ""', json.dumps(value, default=str)))
