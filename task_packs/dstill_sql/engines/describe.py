"""Describes a live database as project files, for `dstill init --engine-url URL`.

    describe(Engine(url="postgresql://127.0.0.1/shop"), PostgresqlSettings(), Settings())
    → ProjectFiles(files={"schema.sql": "CREATE TABLE …", "values.json": "{…}"},
                   settings={"task.sql.db": "shop", "task.sql.schema": "schema.sql", …},
                   about=("read from PostgreSQL 15.6: 'shop', 8 tables, 51 columns", …))

Only reads. Tables and columns that `guard.denied` names are neither described nor read.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from dstill.api.engine import Engine, ProjectFiles
from dstill.errors import DataError
from dstill_sql.engines.catalogs import Catalog, from_postgresql
from dstill_sql.engines.duckdb import DuckDb
from dstill_sql.engines.embedded import Embedded, database_file
from dstill_sql.engines.postgresql import PostgresqlSettings
from dstill_sql.engines.reading import Budget, Read, Source, read_values
from dstill_sql.engines.sqlite import Sqlite
from dstill_sql.language.database.database import File
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.limits import Limits
from dstill_sql.settings import Settings

__all__ = ["describe"]

MOST_NAMES = 4  # columns to name for each reason why values were not read
STALE_AGE = timedelta(days=7)  # a database with no newer date is taken as one that no longer grows
_SECTION = "task.sql"
_EXECUTORS: Mapping[str, type[Embedded]] = {"duckdb": DuckDb, "sqlite": Sqlite}  # by scheme


def describe(engine: Engine, settings: Any, config: Settings) -> ProjectFiles:
    """Read a database and describe it. `settings`: of the executor.

    Raises DataError if it has no table, ServiceError and AuthError from the server.
    """
    with _opened(engine, settings) as (source, source_):
        catalog = _allowed(source_, config.guard)
        if not catalog.schema.tables:
            raise DataError(
                f"'{source.name}' has no tables to describe", where=engine.url, hint="name another database"
            )
        read = read_values(source, catalog, Budget())
    now = _now(read, datetime.now(UTC))
    schema = catalog.schema
    counts = f"'{source.name}', {_counted(len(schema.tables), 'table')}, {_counted(_width(schema), 'column')}"
    return ProjectFiles(
        files={
            "schema.sql": schema.ddl() + "\n",
            "values.json": json.dumps(read.values.to_json(), ensure_ascii=False, indent=1) + "\n",
        },
        settings={
            f"{_SECTION}.db": source.name,
            f"{_SECTION}.dialect": source.dialect,
            f"{_SECTION}.schema": "schema.sql",
            f"{_SECTION}.values": "values.json",
            **({f"{_SECTION}.now": now} if now else {}),
        },
        about=(f"read from {source.label}: {counts}", *_about(read, catalog, source_, now)),
        brief=(
            f"{source.label} at {engine.url}: {counts}",
            *([f"'today' is {now}, the newest date"] if now else []),
            *_about_unreadable(catalog),
        ),
    )


# --- sources ----------------------------------------------------------------------------


@contextmanager
def _opened(engine: Engine, settings: Any) -> Iterator[tuple[Source, Catalog]]:
    scheme = engine.url.partition(":")[0].lower()
    opened = _file if scheme in _EXECUTORS else _postgresql
    with opened(engine, settings) as result:
        yield result


@contextmanager
def _postgresql(engine: Engine, settings: Any) -> Iterator[tuple[Source, Catalog]]:
    own = settings if isinstance(settings, PostgresqlSettings) else PostgresqlSettings()
    with own.server(engine) as server:
        source = Source(label=server.label, name=server.address.database, dialect="postgres", ask=server.ask)
        yield source, from_postgresql(server)


@contextmanager
def _file(engine: Engine, settings: Any) -> Iterator[tuple[Source, Catalog]]:
    file = File(path=database_file(engine.url))
    kind = _EXECUTORS[engine.url.partition(":")[0].lower()]
    with closing(kind(settings if isinstance(settings, kind.Config) else None)) as executor:
        source = Source(
            label=executor.label, name=file.path.stem, dialect=executor.dialect, ask=partial(executor.ask, file)
        )
        yield source, executor.catalog(file)


# --- what is described ------------------------------------------------------------------


def _allowed(catalog: Catalog, limits: Limits) -> Catalog:
    """The catalog without what no query may read."""
    tables = []
    for table in catalog.schema.tables:
        columns = tuple(column for column in table.columns if not limits.denies(table.name, column.name))
        if columns:
            there = {column.name for column in columns}
            tables.append(replace(table, columns=columns, key=table.key if set(table.key) <= there else ()))
    left = {(table.name, column.name) for table in tables for column in table.columns}
    references = tuple(
        reference
        for reference in catalog.schema.references
        if all((reference.table, column) in left for column in reference.columns)
        and all((reference.to, column) in left for column in reference.to_columns)
    )
    schema = SqlSchema(tables=tuple(tables), references=references, dialect=catalog.schema.dialect)
    return replace(catalog, schema=schema)


def _about(read: Read, catalog: Catalog, known: Catalog, now: str) -> Iterator[str]:
    yield f"values of {_counted(sum(1 for _ in read.values), 'column')} are in values.json"
    if denied := _width(known.schema) - _width(catalog.schema):
        yield f"{_counted(denied, 'column')} that guard.denied names are skipped"
    if catalog.left_out:
        yield f"skipped, as their types are not supported: {_named(catalog.left_out)}"
    yield from _about_unreadable(catalog)
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for column, why in read.unread.items():
        by_reason[why].append(column)
    for why, columns in by_reason.items():
        yield f"no values ({why}): {_named(columns)}"
    if not catalog.schema.references and len(catalog.schema.tables) > 1:
        yield "warning: no foreign keys, so questions join no tables: add REFERENCES to schema.sql"
    if now:
        yield f"the newest date is {now}; questions use it as the current time ({_SECTION}.now)"


def _about_unreadable(catalog: Catalog) -> Iterator[str]:
    if catalog.unreadable:
        yield f"skipped, as the database cannot read them: {_named(catalog.unreadable)}"


def _now(read: Read, clock: datetime) -> str:
    """The current time to assume for a database that no longer grows; empty: use the clock."""
    if read.newest is None or clock - read.newest < STALE_AGE:
        return ""
    return read.newest.replace(tzinfo=None).isoformat(timespec="seconds")


def _width(schema: SqlSchema) -> int:
    return sum(len(table.columns) for table in schema.tables)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    return f"{', '.join(names[:MOST_NAMES])}{more}"


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'s' * (n != 1)}"
