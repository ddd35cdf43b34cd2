"""Finds the database of an example's context.

database_of({"db": "trips", "schema": "CREATE TABLE …", "values": {"drivers.city": ["Oslo"]}}, settings)
Database(name="trips", schema=SqlSchema(…), values=Values(…), now="")
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from dstill.api.glossary import Glossary, glossary_in
from dstill.api.values import BUNDLED, Values
from dstill.errors import DataError
from dstill.io.strict_json import loads
from dstill_sql import bundle
from dstill_sql.language.database.database import Database, File
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.limits import Limits
from dstill_sql.settings import Settings

__all__ = ["database_of"]


def database_of(context: Mapping[str, Any], settings: Settings) -> Database | None:
    """The database of an example's context; None if only its name is known. Raises DataError."""
    database = _described(context, settings)
    if database and (settings.guard.denied or settings.guard.rows):
        database = _without_hidden(database, settings.guard)
    if database and settings.aliases:
        database = _with_aliases(database, settings.aliases, Path.cwd())
    glossary = glossary_in(settings.glossary, "task.sql.glossary")
    return _with_terms(database, glossary, settings.guard) if database and glossary else database


@lru_cache(maxsize=64)
def _with_terms(database: Database, glossary: Glossary, limits: Limits) -> Database:
    from dstill_sql.language.database.glossary import with_terms

    return with_terms(database, glossary, limits)


@lru_cache(maxsize=64)
def _without_hidden(database: Database, limits: Limits) -> Database:
    """The database without known values that not every answer may read: no prompt, message or word list has them."""
    return replace(database, values=database.values.only(lambda name: limits.shows_values(*name.rsplit(".", 1))))


@lru_cache(maxsize=64)
def _with_aliases(database: Database, file: str, folder: Path) -> Database:  # noqa: ARG001 - a cache key
    path = Path(file)
    if (name := file.removeprefix(BUNDLED)) != file and bundle.is_bundled(name):
        path = bundle.FOLDER / "recorded" / f"{name}.aliases.json"
    aliases = loads(_text(path, "task.sql.aliases"))
    return replace(database, values=database.values.with_aliases(aliases, file))


def _described(context: Mapping[str, Any], settings: Settings) -> Database | None:
    name, statements = str(context.get("db", "")), context.get("schema")
    if isinstance(statements, str):
        now = str(context.get("now", settings.now))
        database = _given(name, statements, json.dumps(context.get("values", {})), settings.dialect, now)
        path = _file_of(name, settings.databases) if settings.databases else None
        return replace(database, data=File(path=path)) if path else database
    if statements is not None:
        raise DataError("the schema is not text", where="context.schema", hint="give CREATE TABLE statements")
    if settings.schema and name in ("", settings.db):
        return _configured(settings, Path.cwd())
    return bundle.database(name, settings.dialect) if bundle.is_bundled(name) else None


@lru_cache(maxsize=1024)
def _file_of(name: str, folder: str) -> Path | None:
    """The database file of that name in the folder; None: there is none."""
    if not re.fullmatch(r"\w[\w.-]*", name):  # a name, and no path
        return None
    paths = (f"{name}/{name}.sqlite", f"{name}.sqlite", f"{name}/{name}.db", f"{name}.db", f"{name}.duckdb")
    return next((path for way in paths if (path := Path(folder) / way).is_file()), None)


@lru_cache(maxsize=64)
def _given(name: str, statements: str, values: str, dialect: Dialect, now: str) -> Database:
    return Database(name=name, schema=SqlSchema.read(statements, dialect), values=Values.read(loads(values)), now=now)


@lru_cache(maxsize=4)
def _configured(settings: Settings, folder: Path) -> Database:  # noqa: ARG001 - a cache key
    """The user's own database, as the settings describe it by files. Relative names start from `folder`."""
    statements = _text(Path(settings.schema), "task.sql.schema")
    values = loads(_text(Path(settings.values), "task.sql.values")) if settings.values else {}
    return Database(
        name=settings.db,
        schema=SqlSchema.read(statements, settings.dialect, settings.schema),
        values=Values.read(values, settings.values or "values"),
        now=settings.now,
        data=File(path=Path(settings.database)) if settings.database else None,
    )


def _text(path: Path, where: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read '{path}': {error}", where=where) from None
