"""Reads the schema of a live database: tables, views, columns, keys, foreign keys and comments.

    from_postgresql(server)    Catalog(schema=…, rows={"trips": 120_000}, left_out=("places.area: geometry",))
    from_file("sqlite", ask)   the same; `ask` gives the rows of a query
    facts_of(schema)           {"columns": {"trips.id": "INT", …}, "digest": "9f2c…"}

Only what the role may read is there. A column whose type sqlglot does not know is left out, and so is a table without
columns.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any, Protocol

from sqlglot import exp
from sqlglot.errors import SqlglotError

from dstill.errors import DataError, ServiceError
from dstill_sql.engines.server import Server
from dstill_sql.language.database.schema import Column, Reference, SqlSchema, Table, family_of, type_text, walk_columns
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.engine_text import Statement, fixed

__all__ = ["Catalog", "facts_of", "from_duckdb", "from_file", "from_postgresql", "from_sqlite"]


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """The schema of a live database."""

    schema: SqlSchema
    rows: Mapping[str, int] = field(default_factory=dict)  # table → about how many rows it has, if that is known
    left_out: tuple[str, ...] = ()  # "table.column: type"
    unreadable: tuple[str, ...] = ()  # "view (what the engine says)"


class Unreadable(ServiceError):
    """The engine refuses a query of dstill's own, such as one about a view whose table is gone."""


def facts_of(schema: SqlSchema) -> dict[str, Any]:
    """The columns with their types, for run.json."""
    columns = {f"{table.name}.{column.name}": column.type for table, column in walk_columns(schema)}
    return {"columns": columns, "digest": hashlib.sha256(json.dumps(columns, sort_keys=True).encode()).hexdigest()}


# --- PostgreSQL -------------------------------------------------------------------------

_TABLES = """
SELECT c.oid::bigint, c.relname, c.reltuples::bigint, obj_description(c.oid, 'pg_class')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND has_any_column_privilege(c.oid, 'SELECT')
ORDER BY c.relname"""
_COLUMNS = """
SELECT a.attrelid::bigint, a.attnum, a.attname, a.attnotnull, col_description(a.attrelid, a.attnum),
  CASE t.typtype WHEN 'e' THEN 'text' WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod)
    ELSE format_type(a.atttypid, a.atttypmod) END
FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = ANY(%s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
  AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')
ORDER BY a.attrelid, a.attnum"""
_KEYS = """
SELECT conrelid::bigint, contype::text, conkey, confrelid::bigint, confkey FROM pg_catalog.pg_constraint
WHERE conrelid = ANY(%s::oid[]) AND contype IN ('p', 'u', 'f') ORDER BY conrelid, conname"""


def from_postgresql(server: Server) -> Catalog:
    """The catalog of the schema of a server. Raises ServiceError, and DataError if there is nothing to read."""
    tables = server.ask(fixed(_TABLES, "postgres"), (server.schema_name,))
    if not tables:
        raise DataError(
            f"the schema '{server.schema_name}' of '{server.address.database}' has no table that the role may read",
            where=server.engine.url,
            hint="name another one with --schema-name, or GRANT SELECT there",
        )
    names = {oid: name for oid, name, _, _ in tables}
    columns: defaultdict[int, list[RawColumn]] = defaultdict(list)
    by_number: dict[tuple[int, int], str] = {}
    for oid, number, name, required, comment, type_ in server.ask(fixed(_COLUMNS, "postgres"), (list(names),)):
        columns[oid].append(RawColumn(name=name, type=type_, comment=comment or "", nullable=not required))
        by_number[oid, number] = name
    built = _Builder("postgres")
    keys = server.ask(fixed(_KEYS, "postgres"), (list(names),))
    for oid, name, _, comment in tables:
        of_table = [
            (kind, [by_number.get((oid, number), "") for number in numbers])
            for at, kind, numbers, _, _ in keys
            if at == oid and kind != "f"
        ]
        primary = next((tuple(key) for kind, key in of_table if kind == "p" and all(key)), ())
        alone = {key[0] for _, key in of_table if len(key) == 1}
        built.table(name, columns[oid], key=primary, unique=alone, comment=comment or "")
    for oid, kind, numbers, to, to_numbers in keys:
        if kind == "f" and to in names:
            built.reference(
                names[oid],
                [by_number.get((oid, number), "") for number in numbers],
                names[to],
                [by_number.get((to, to_number), "") for to_number in to_numbers],
            )
    return built.catalog({name: rows for _, name, rows, _ in tables if rows >= 0})


# --- DuckDB and SQLite ------------------------------------------------------------------


class Ask(Protocol):
    """Gives the rows of a query."""

    def __call__(self, query: Statement, values: Sequence[Any] = ()) -> Sequence[Sequence[Any]]: ...


_BETWEEN = "\x1f"  # names in a list
_DUCKDB_TABLES = """
SELECT table_name, estimated_size, comment FROM duckdb_tables()
WHERE database_name = current_database() AND schema_name = 'main' AND NOT internal AND NOT temporary"""
_DUCKDB_VIEWS = """
SELECT view_name, -1, comment FROM duckdb_views()
WHERE database_name = current_database() AND schema_name = 'main' AND NOT internal AND NOT temporary"""
_DUCKDB_COLUMNS = """
SELECT table_name, column_name, data_type, is_nullable, comment FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = 'main' AND NOT internal ORDER BY table_name, column_index"""
_DUCKDB_KEYS = """
SELECT table_name, constraint_type, array_to_string(constraint_column_names, chr(31)), referenced_table,
  array_to_string(referenced_column_names, chr(31))
FROM duckdb_constraints() WHERE database_name = current_database() AND schema_name = 'main'"""
_SQLITE_TABLES = r"""
SELECT name, sql, type FROM sqlite_master
WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY 1"""
_SQLITE_COLUMNS = "SELECT * FROM pragma_table_info(?)"
_SQLITE_INDICES = "SELECT * FROM pragma_index_list(?)"
_SQLITE_INDEX = "SELECT * FROM pragma_index_info(?)"
_SQLITE_REFERENCES = "SELECT * FROM pragma_foreign_key_list(?)"


def from_file(dialect: Dialect, ask: Ask) -> Catalog:
    """The catalog of a database file of DuckDB or SQLite. Raises what `ask` raises."""
    return from_sqlite(ask) if dialect == "sqlite" else from_duckdb(ask)


def from_duckdb(ask: Ask) -> Catalog:
    """The catalog of the main schema of a DuckDB database."""
    tables, views = ask(fixed(_DUCKDB_TABLES, "duckdb")), ask(fixed(_DUCKDB_VIEWS, "duckdb"))
    columns: defaultdict[str, list[RawColumn]] = defaultdict(list)
    for table, name, type_, nullable, comment in ask(fixed(_DUCKDB_COLUMNS, "duckdb")):
        columns[table].append(RawColumn(name=name, type=type_, comment=comment or "", nullable=bool(nullable)))
    rows = ask(fixed(_DUCKDB_KEYS, "duckdb"))
    keys = [(at, kind, _names(key), to, _names(to_key)) for at, kind, key, to, to_key in rows]
    base = _Builder("duckdb")
    for name, _, comment in sorted([*tables, *views], key=itemgetter(0)):
        of_table = [(kind, key) for at, kind, key, _, _ in keys if at == name and kind in ("PRIMARY KEY", "UNIQUE")]
        primary = next((tuple(key) for kind, key in of_table if kind == "PRIMARY KEY"), ())
        base.table(name, columns[name], key=primary, unique={k[0] for _, k in of_table if len(k) == 1}, comment=comment)
    for name, kind, key, to, to_key in keys:
        if kind == "FOREIGN KEY":
            base.reference(name, key, to, to_key)
    return base.catalog({name: rows for name, rows, _ in tables})


def _names(text: str | None) -> list[str]:
    return text.split(_BETWEEN) if text else []


def from_sqlite(ask: Ask) -> Catalog:
    """The catalog of a SQLite database."""
    built = _Builder("sqlite")
    tables = ask(fixed(_SQLITE_TABLES, "sqlite"))
    references: list[tuple[str, Sequence[Sequence[Any]]]] = []
    for name, text, kind in tables:
        comments = _sqlite_comments(text)
        try:
            entries = ask(fixed(_SQLITE_COLUMNS, "sqlite"), [name])
        except Unreadable as error:
            if kind != "view":
                raise
            built.unreadable.append(f"{name} ({error.what})")
            continue
        columns = [
            RawColumn(name=column, type=type_, comment=comments.get(column.casefold(), ""), nullable=not required)
            for _, column, type_, required, _, _ in entries
        ]
        key = tuple(column for _, column, _, _, _, place in sorted(entries, key=lambda row: row[5]) if place)
        indices = ask(fixed(_SQLITE_INDICES, "sqlite"), [name])
        unique = set()
        for _, index, is_unique, _, is_partial in indices:
            of_index = ask(fixed(_SQLITE_INDEX, "sqlite"), [index])
            if is_unique and not is_partial and len(of_index) == 1 and of_index[0][2]:
                unique.add(of_index[0][2])
        built.table(name, columns, key=key, unique=unique, comment=comments.get("", ""))
        references.append((name, ask(fixed(_SQLITE_REFERENCES, "sqlite"), [name])))
    for name, rows in references:
        by_id: defaultdict[int, list[Sequence[Any]]] = defaultdict(list)
        for row in rows:
            by_id[row[0]].append(row)
        for parts in by_id.values():
            built.reference(name, [part[3] for part in parts], parts[0][2], [part[4] or "" for part in parts])
    return built.catalog({})


def _sqlite_comments(text: str | None) -> dict[str, str]:
    """The comments in a CREATE TABLE, by folded column; that of the table at the empty name."""
    try:
        (table,) = SqlSchema.read(text or "", "sqlite").tables
    except (DataError, ValueError):
        return {}
    return {"": table.comment, **{column.name.casefold(): column.comment for column in table.columns}}


# --- what all share ---------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RawColumn:
    """A column as an engine describes it."""

    name: str
    type: str
    comment: str = ""
    nullable: bool = True


class _Builder:
    """A schema that grows by tables and references."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.tables: dict[str, Table] = {}  # by folded name
        self.references: list[Reference] = []
        self.left_out: list[str] = []
        self.unreadable: list[str] = []

    def table(
        self, name: str, listed: Sequence[RawColumn], *, key: Iterable[str], unique: Iterable[str], comment: str | None
    ) -> None:
        """Add a table, if it has a column that can be described."""
        columns: list[Column] = []
        for entry in listed:
            if (c := self._column(entry)) is None:
                self.left_out.append(f"{name}.{entry.name}: {entry.type}")
            elif all(c.name.casefold() != other.name.casefold() for other in columns):
                columns.append(c)
        there, key = {c.name for c in columns}, tuple(key)
        key = key if set(key) <= there else ()
        alone = {*unique, *(key if len(key) == 1 else ())}
        if columns and name.casefold() not in self.tables:
            described = tuple(
                replace(c, unique=c.name in alone, nullable=c.nullable and key != (c.name,)) for c in columns
            )
            self.tables[name.casefold()] = Table(name=name, columns=described, key=key, comment=comment or "")

    def _column(self, entry: RawColumn) -> Column | None:
        try:
            type_ = exp.DataType.build(_affinity(entry.type) if self.dialect == "sqlite" else entry.type, self.dialect)
            text = type_text(type_, self.dialect)
            again = exp.DataType.build(text, dialect=self.dialect)
        except (SqlglotError, ValueError, RecursionError):
            return None
        if again.this in (exp.DType.USERDEFINED, exp.DType.UNKNOWN):
            return None
        return Column(
            name=entry.name, type=text, family=family_of(again), comment=entry.comment, nullable=entry.nullable
        )

    def reference(self, table: str, columns: Sequence[str], to: str, to_columns: Sequence[str]) -> None:
        """Add a foreign key, if all of its columns are there."""
        here, there = self.tables.get(table.casefold()), self.tables.get(str(to).casefold())
        if here is None or there is None:
            return
        targets = to_columns if all(to_columns) else there.key
        ours, theirs = [here.column(column) for column in columns], [there.column(target) for target in targets]
        if ours and len(ours) == len(theirs) and None not in ours and None not in theirs:
            self.references.append(
                Reference(
                    table=here.name,
                    columns=tuple(our.name for our in ours if our),
                    to=there.name,
                    to_columns=tuple(their.name for their in theirs if their),
                )
            )

    def catalog(self, rows: Mapping[str, int]) -> Catalog:
        """The catalog of what was added."""
        schema = SqlSchema(
            tables=tuple(self.tables.values()), references=tuple(dict.fromkeys(self.references)), dialect=self.dialect
        )
        return Catalog(schema=schema, rows=rows, left_out=tuple(self.left_out), unreadable=tuple(self.unreadable))


def _affinity(declared: str) -> str:
    """The type that SQLite gives a column whose declared type sqlglot does not know."""
    try:
        if declared and exp.DataType.build(declared, "sqlite").this not in (exp.DType.USERDEFINED, exp.DType.UNKNOWN):
            return declared
    except (SqlglotError, ValueError, RecursionError):
        pass
    text = declared.upper()
    for words, type_ in ((("INT",), "INTEGER"), (("CHAR", "CLOB", "TEXT"), "TEXT"), (("REAL", "FLOA", "DOUB"), "REAL")):
        if any(word in text for word in words):
            return type_
    return "BLOB" if not text or "BLOB" in text else "NUMERIC"
