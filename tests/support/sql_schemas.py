"""Random schemas with odd names, types and references, for random walks.

random_schema(Random(1), "duckdb")      'CREATE TABLE "t1" ("id0" INT PRIMARY KEY, "a b" DATE, …); …'
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

from dstill_sql.language.dialects import Dialect

__all__ = ["random_schema"]

_TYPES: Mapping[Dialect, tuple[str, ...]] = {
    "duckdb": ("INT", "BIGINT", "DOUBLE", "DECIMAL(8,2)", "VARCHAR", "DATE", "TIMESTAMP", "TIME", "BOOLEAN", "UUID",
               "ENUM('a','b c')", "INT[]", "BLOB"),
    "sqlite": ("INTEGER", "REAL", "TEXT", "DATE", "TIMESTAMP", "BOOLEAN", "BLOB"),
    "postgres": ("INT", "NUMERIC", "TEXT", "DATE", "TIMESTAMP", "BOOLEAN", "UUID", "JSON"),
}  # fmt: skip
_TABLES = ("users", "orders", "t1", "group", "line items", "cities", "Events", "a.b", "логи")
_NAMES = ("name", "id", "order", "a b", "select", "count", "where", "город", "x.y", 'qu"ote', "date", "total", "user",
          "Name2", "t1", "value")  # fmt: skip


def random_schema(random: Random, dialect: Dialect) -> str:
    """CREATE TABLE statements."""
    keys: dict[str, str] = {}
    statements = []
    for table in random.sample(_TABLES, random.randint(1, 6)):
        key = f"id{len(keys)}"
        keys[table] = key
        columns = [f'"{key}" {"INTEGER" if dialect == "sqlite" else "INT"} PRIMARY KEY', *_columns(random, dialect)]
        for number in range(random.choice((0, 0, 1, 1, 2, 3))):
            to = random.choice(list(keys))
            columns.append(f'"fk{number}" INT REFERENCES "{to}" ("{keys[to]}")')
        statements.append(f'CREATE TABLE "{table}" ({", ".join(columns)});')
    return "\n".join(statements)


def _columns(random: Random, dialect: Dialect) -> Iterator[str]:
    for name in random.sample(_NAMES, random.randint(0, 6)):
        quoted = name.replace('"', '""')
        yield f'"{quoted}" {random.choice(_TYPES[dialect])}'
