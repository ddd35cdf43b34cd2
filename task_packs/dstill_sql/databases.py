"""The database that a question is about, and the rows that its answers run on.

    database_of({"db": "trips", "schema": "CREATE TABLE …", "values": {"drivers.city": ["Oslo"]}}, settings)
    Database(name="trips", schema=Schema(…), values=Values(…), now="")

`Database.data` is `Rows` of a bundled database or of a test database, the `File` of the user, or None: only a server
has them. Known values are by ``table.column``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from dstill.api.records import TestDatabase
from dstill.api.values import Values
from dstill.errors import DataError
from dstill.io.strict_json import loads
from dstill_sql.schema import Dialect, Schema
from dstill_sql.settings import Settings

__all__ = ["Database", "File", "Rows", "database_of", "rows_of"]

Cells = Mapping[
    str, Sequence[Sequence[Any]]
]  # table → rows, whose cells are in the order of the columns; dates are ISO


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Tables with their rows."""

    schema: Schema
    read: Callable[[], Cells]  # the same at every call
    digest: str  # the same for the same content


@dataclass(frozen=True, kw_only=True)
class File:
    """A database file of the user, which is only read."""

    path: Path


@dataclass(frozen=True, kw_only=True)
class Database:
    """A database as questions are about it."""

    name: str
    schema: Schema
    values: Values = field(default_factory=Values)  # by table.column
    now: str = ""  # ISO: what "today" means in questions; empty: the day of the run
    description: str = ""  # what it holds, in a sentence
    licence: str = ""
    data: Rows | File | None = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what questions and checks depend on."""
        parts = [self.name, self.schema.dialect, self.schema.ddl(), self.values.to_json(), self.now]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def database_of(context: Mapping[str, Any], settings: Settings) -> Database | None:
    """The database of an example's context; None if only its name is known. Raises DataError."""
    from dstill_sql import bundle

    name, statements = str(context.get("db", "")), context.get("schema")
    if isinstance(statements, str):
        now = str(context.get("now", settings.now))
        found = _given(name, statements, json.dumps(context.get("values", {})), settings.dialect, now)
        path = _file_of(name, settings.databases) if settings.databases else None
        return replace(found, data=File(path=path)) if path else found
    if statements is not None:
        raise DataError("the schema is not text", where="context.schema", hint="give CREATE TABLE statements")
    if settings.schema and name in ("", settings.db):
        return _configured(settings)
    return bundle.database(name, settings.dialect) if bundle.is_bundled(name) else None


@lru_cache(maxsize=1024)
def _file_of(name: str, folder: str) -> Path | None:
    """The database file of that name in the folder; None: there is none."""
    if not re.fullmatch(r"\w[\w.-]*", name):  # a name, and no path
        return None
    ways = (f"{name}/{name}.sqlite", f"{name}.sqlite", f"{name}/{name}.db", f"{name}.db", f"{name}.duckdb")
    return next((path for way in ways if (path := Path(folder) / way).is_file()), None)


@lru_cache(maxsize=64)
def _given(name: str, statements: str, values: str, dialect: Dialect, now: str) -> Database:
    return Database(name=name, schema=Schema.read(statements, dialect), values=Values.read(loads(values)), now=now)


@lru_cache(maxsize=4)
def _configured(settings: Settings) -> Database:
    """The user's own database, as the settings describe it by files."""
    statements = _text(Path(settings.schema), "task.sql.schema")
    values = loads(_text(Path(settings.values), "task.sql.values")) if settings.values else {}
    return Database(
        name=settings.db,
        schema=Schema.read(statements, settings.dialect, settings.schema),
        values=Values.read(values, settings.values or "values"),
        now=settings.now,
        data=File(path=Path(settings.database)) if settings.database else None,
    )


def _text(path: Path, where: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read '{path}': {error}", where=where) from None


def rows_of(database: TestDatabase, dialect: Dialect) -> Rows:
    """The rows of a test database, whose data are ``{"schema": "CREATE …", "rows": {"drivers": [[1, "Ann"]]}}``."""
    data = database.data
    digest = hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()
    return Rows(schema=Schema.read(data["schema"], dialect), read=lambda: data["rows"], digest=digest)
