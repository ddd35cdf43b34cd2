"""A database as questions are about it, and the rows that answers run on.

    Database(name="trips", schema=SqlSchema(…), values=Values(…), now="", data=Rows(…))

`Database.data` is `Rows` of a bundled database or of a test database, the `File` of the user, or None: only a server
has them. Known values are by ``table.column``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill.api.records import TestDatabase
from dstill.api.values import Values
from dstill_sql.language.dialects import Dialect

if TYPE_CHECKING:
    from dstill_sql.language.database.schema import SqlSchema
    from dstill_sql.language.database.terms import Terms

__all__ = ["Database", "File", "Rows", "rows_of"]

# Table → rows, whose cells are in the order of the columns. Dates are ISO texts.
Cells = Mapping[str, Sequence[Sequence[Any]]]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Tables with their rows."""

    schema: SqlSchema
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
    schema: SqlSchema
    values: Values = field(default_factory=Values)  # by table.column
    now: str = ""  # ISO: what "today" means in questions; empty: the day of the run
    description: str = ""  # what it holds, in a sentence
    licence: str = ""
    data: Rows | File | None = None
    terms: Terms | None = None  # of a glossary

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what questions and checks depend on."""
        parts = [self.name, self.schema.dialect, self.schema.ddl(), self.values.to_json(), self.now]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def rows_of(database: TestDatabase, dialect: Dialect) -> Rows:
    """The rows of a test database, whose data are ``{"schema": "CREATE …", "rows": {"drivers": [[1, "Ann"]]}}``."""
    from dstill_sql.language.database.schema import SqlSchema

    data = database.data
    digest = hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()
    return Rows(schema=SqlSchema.read(data["schema"], dialect), read=lambda: data["rows"], digest=digest)
