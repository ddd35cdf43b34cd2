"""Databases of a domain: a schema in some style, with rows, known values and the words for its names.

    made = invent(domains()["taxi"], PLAIN, seed=0)
    made.database.schema.ddl()                  "CREATE TABLE drivers ( id INTEGER PRIMARY KEY, …"
    made.lexicon.references["rides", ("driver_id",)]
    ReferenceWords(role="driver", active="drove", passive="driven by")

The same domain, style and seed give the same database. `named` gives other names to the same rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dstill.synthesis.domains import values as kinds
from dstill.synthesis.domains.definitions import Domain, DomainEntity, DomainRelation
from dstill.synthesis.domains.naming import Style
from dstill.synthesis.domains.rows import rows_of
from dstill_sql.language.database.database import Database, Rows
from dstill_sql.language.database.schema import Column, Reference, SqlSchema, Table
from dstill_sql.language.dialects import Dialect
from dstill_sql.questions.known_values import known_values
from dstill_sql.questions.lexicon import ColumnWords, Lexicon, ReferenceWords, TableWords

__all__ = ["Invented", "invent", "named", "schema_of"]

Cells = Mapping[str, Sequence[Sequence[Any]]]  # by the noun of the table

_TYPES: Mapping[str, Mapping[str, str]] = {  # family → its type, by dialect
    "integer": {"duckdb": "INT", "sqlite": "INTEGER", "postgres": "INT"},
    "number": {"duckdb": "DOUBLE", "sqlite": "REAL", "postgres": "DOUBLE PRECISION"},
    "text": {"duckdb": "TEXT", "sqlite": "TEXT", "postgres": "TEXT"},
    "date": {"duckdb": "DATE", "sqlite": "DATE", "postgres": "DATE"},
    "timestamp": {"duckdb": "TIMESTAMP", "sqlite": "TIMESTAMP", "postgres": "TIMESTAMP"},
    "boolean": {"duckdb": "BOOLEAN", "sqlite": "BOOLEAN", "postgres": "BOOLEAN"},
}


@dataclass(frozen=True, kw_only=True)
class Invented:
    """A database and the words for its names."""

    database: Database
    lexicon: Lexicon
    references: tuple[Reference, ...]  # also those that the schema does not declare


def invent(
    domain: Domain, style: Style, seed: int, *, now: datetime, size: int = 40, dialect: Dialect = "duckdb"
) -> Invented:
    """A database of the domain with new rows: about `size` in each of its lesser tables."""
    return named(
        domain,
        style,
        rows_of(domain, seed, now=now, size=size),
        name=domain.name,
        now=now.isoformat(),
        dialect=dialect,
    )


def named(
    domain: Domain, style: Style, cells: Cells, *, name: str, now: str, dialect: Dialect = "duckdb", **about: Any
) -> Invented:
    """The database with these rows, and names in that style. `about`: further fields of `Database`."""
    schema, lexicon, references = schema_of(domain, style, dialect)
    by_name = {table.name: cells[of.noun] for table, of in zip(schema.tables, domain.entities, strict=True)}
    digest = hashlib.sha256(json.dumps([schema.ddl(), by_name]).encode()).hexdigest()
    database = Database(
        name=name,
        schema=schema,
        values=known_values(schema, by_name),
        now=now,
        data=Rows(schema=schema, read=lambda: by_name, digest=digest),
        **about,
    )
    return Invented(database=database, lexicon=lexicon, references=references)


def schema_of(
    domain: Domain, style: Style, dialect: Dialect = "duckdb"
) -> tuple[SqlSchema, Lexicon, tuple[Reference, ...]]:
    """The schema, its words, and its references."""
    names = {table.noun: style.entity(table.noun, table.nouns[0]) for table in domain.entities}
    keys = {table.noun: style.primary(table.noun) for table in domain.entities}
    tables = []
    references = []
    lexicon: dict[str, Any] = {"tables": {}, "columns": {}, "references": {}}
    for table in domain.entities:
        name = names[table.noun]
        lexicon["tables"][name] = TableWords(noun=table.noun, plurals=table.nouns)
        columns = [
            Column(name=keys[table.noun], type=_type("integer", dialect), family="integer", unique=True, nullable=False)
        ]
        for reference in table.relations:
            column = _reference_column(reference, style, keys, {column.name for column in columns}, dialect)
            columns.append(column)
            edge = Reference(
                table=name, columns=(column.name,), to=names[reference.to], to_columns=(keys[reference.to],)
            )
            references.append(edge)
            lexicon["references"][name, edge.columns] = ReferenceWords(
                role=reference.role, active=reference.active, passive=reference.passive
            )
        for own in _own_columns(table, style, {column.name.casefold() for column in columns}, dialect):
            columns.append(own[0])
            lexicon["columns"][f"{name}.{own[0].name}"] = own[1]
        tables.append(Table(name=name, columns=tuple(columns), key=(keys[table.noun],)))
    schema = SqlSchema(tables=tuple(tables), references=tuple(references) if style.declared else (), dialect=dialect)
    return schema, _completed(lexicon, schema, tuple(references)), tuple(references)


def _type(family: str, dialect: Dialect) -> str:
    return _TYPES[family][dialect]


def _reference_column(
    reference_of: DomainRelation, style: Style, keys: Mapping[str, str], taken: set[str], dialect: Dialect
) -> Column:
    name = (
        keys[reference_of.to]
        if reference_of.role == reference_of.to and style.key != "id"
        else style.relation(reference_of.role)
    )
    name = name if name not in taken else style.attribute(f"{reference_of.role} ref", reference_of.to)
    return Column(name=name, type=_type("integer", dialect), family="integer", nullable=reference_of.nullable)


def _own_columns(
    table: DomainEntity, style: Style, taken: set[str], dialect: Dialect
) -> list[tuple[Column, ColumnWords]]:
    columns = []
    for own in table.attributes:
        family: Any = kinds.FAMILIES.get(own.kind, "text")
        name = style.attribute(own.words, table.noun, own.unit)
        if name.casefold() in taken:
            name = style.attribute(f"{own.words} value", table.noun)
        taken.add(name.casefold())
        comment = f"{own.words}{f' in {own.unit}' if own.unit else ''}" if style.comments else ""
        column = Column(name=name, type=_type(family, dialect), family=family, comment=comment, nullable=own.nullable)
        columns.append((column, ColumnWords(noun=own.words, unit=own.unit, has=own.kind == "has")))
    return columns


def _completed(words: Mapping[str, Any], schema: SqlSchema, references: tuple[Reference, ...]) -> Lexicon:
    """The words of a domain, and what names say where it says nothing: keys."""
    plain = Lexicon.of(schema, references)
    return Lexicon(
        tables=words["tables"],
        columns={**plain.columns, **words["columns"]},
        references={**plain.references, **words["references"]},
    )
