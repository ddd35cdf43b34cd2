"""Rows for a schema that is known without its rows: what golds are tried on.

    own = own_view(database, seed=0)
    own.view            a view with rows in which known values occur, and references hold
    own.remarks         what questions are not about, and why

Values come from the known values; where none are known, from the type and the name of a column. At most `MOST_TABLES`
tables have rows: those with known values and references first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from dstill.api.values import Known
from dstill.errors import DataError
from dstill.synthesis.domains import values as kinds
from dstill.synthesis.domains.definitions import DomainAttribute
from dstill_sql.language.database.database import Database, Rows
from dstill_sql.language.database.schema import Column, Reference, SqlSchema, Table
from dstill_sql.questions.entities import View, is_date
from dstill_sql.questions.lexicon import Lexicon
from dstill_sql.questions.references import references_of
from dstill_sql.questions.words import noun_of

__all__ = ["MOST_TABLES", "OwnView", "invented_rows", "own_view"]

MOST_TABLES = 40
_ROWS = 60
_NULL_SHARE = 0.15  # share of NULLs in columns that allow them
_TYPES = {
    "integer": "BIGINT",
    "number": "DOUBLE",
    "text": "TEXT",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
}
_KINDS = {"integer": "int", "number": "num", "date": "date", "timestamp": "time", "boolean": "bool"}
_TEXTS = (  # the last word of a name, and the kind of its values
    ("city town place location", "town"), ("country nation", "country"), ("title", "title"), ("email mail", "email"),
    ("phone tel mobile fax", "phone"), ("street address", "street"), ("company firm vendor supplier", "company"),
    ("name author user owner person contact", "person"), ("language", "language"), ("colour color", "colour"),
    ("comment text note description remark message summary body", "text"),
    ("code id key number isbn sku plate", "code"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class OwnView:
    """A view of the user's database with invented rows."""

    view: View
    remarks: tuple[str, ...]


def own_view(database: Database, seed: int) -> OwnView:
    """The view. Raises DataError if the schema has no table or no column that a question can be about."""
    schema = database.schema
    if not schema.tables:
        hint = "give CREATE TABLE statements"
        raise DataError("the schema has no table, so there is nothing to ask about", where="task.sql.schema", hint=hint)
    references = references_of(schema)
    chosen = _chosen(database, references)
    tables = tuple(table for table in schema.tables if table.name in chosen)
    used = tuple(reference for reference in references if reference.table in chosen and reference.to in chosen)
    now = _now(database)
    cells = invented_rows(tables, used, database, Random(f"{database.name} {seed} rows"), now)
    bare = SqlSchema(
        tables=tuple(replace(table, key=(), columns=tuple(map(_bare, table.columns))) for table in tables),
        dialect="duckdb",
    )
    digest = hashlib.sha256(json.dumps([bare.ddl(), cells], default=str).encode()).hexdigest()
    reduced = replace(database, data=Rows(schema=bare.in_dialect(schema.dialect), read=lambda: cells, digest=digest))
    words = replace(schema, tables=tables, references=used)
    view = View.of(replace(reduced, schema=words), Lexicon.of(words, used), used, cells, now)
    if not any(entity.fields for entity in view.entities.values()):
        raise DataError("no column of the schema has a type that questions can be about", where="task.sql.schema")
    return OwnView(view=view, remarks=tuple(_remarks(database, references, chosen)))


def _bare(column: Column) -> Column:
    return replace(column, type=_TYPES.get(column.family, "TEXT"), nullable=True, unique=False, comment="")


def _chosen(database: Database, references: Sequence[Reference]) -> frozenset[str]:
    """The names of the tables that questions are about."""
    tables = database.schema.tables
    if len(tables) <= MOST_TABLES:
        return frozenset(table.name for table in tables)
    links: dict[str, int] = {}
    for reference in references:
        links[reference.table] = links.get(reference.table, 0) + 1
        links[reference.to] = links.get(reference.to, 0) + 1

    def rank(table: Table) -> tuple[int, int]:
        known = sum(database.values.get(f"{table.name}.{column.name}") is not None for column in table.columns)
        return (-known - 3 * links.get(table.name, 0), tables.index(table))

    return frozenset(table.name for table in sorted(tables, key=rank)[:MOST_TABLES])


def _now(database: Database) -> datetime:
    """The database's own time, or an hour after the latest known date."""
    if database.now:
        return datetime.fromisoformat(database.now).replace(tzinfo=None)
    known = (database.values.get(name) for name in database.values)
    spans = [span for value in known if value is not None and isinstance(value.high, str) and (span := _span(value))]
    if spans:
        return max(high for _, high in spans) + timedelta(hours=1)
    return datetime.now(UTC).replace(tzinfo=None, minute=0, second=0, microsecond=0)


def _remarks(database: Database, references: Sequence[Reference], chosen: frozenset[str]) -> list[str]:
    schema = database.schema
    texts = []
    if left := len(schema.tables) - len(chosen):
        texts.append(f"the schema is wide: {left:,} of its {len(schema.tables):,} tables have no questions")
    if not schema.references and references:
        texts.append(
            f"warning: the schema declares no references; {len(references)} are taken from the names of columns"
        )
    elif not references and len(schema.tables) > 1:
        texts.append("warning: the schema has no references, so no question joins tables")
    if not database.values:
        texts.append("warning: no values are known, so questions use made-up values")
    return texts


# --- rows -------------------------------------------------------------------------------


def invented_rows(
    tables: Sequence[Table], references: Sequence[Reference], database: Database, random: Random, now: datetime
) -> dict[str, list[list[Any]]]:
    """Rows by table."""
    cells: dict[str, list[list[Any]]] = {}
    refers = {(reference.table, name) for reference in references for name in reference.columns}
    for table in tables:
        count = round(_ROWS * random.uniform(0.7, 1.3))
        makers = [_maker(table, column, database, now) for column in table.columns]
        rows: list[list[Any]] = [
            [
                None if (table.name, column.name) in refers else _cell(column, table, maker, key, random)
                for column, maker in zip(table.columns, makers, strict=True)
            ]
            for key in range(1, count + 1)
        ]
        _make_unique(table, rows)
        cells[table.name] = rows
    for reference in _parents_first(references):
        _refer(reference, tables, cells, random)
    return cells


def _cell(column: Column, table: Table, maker: Any, key: int, random: Random) -> Any:
    alone = column.unique or table.key == (column.name,)
    if alone and column.family == "integer":
        return key
    if column.nullable and not alone and column.name not in table.key and random.random() < _NULL_SHARE:
        return None
    return maker(random)


def _make_unique(table: Table, rows: list[list[Any]]) -> None:
    for place, column in enumerate(table.columns):
        if (column.unique or table.key == (column.name,)) and column.family == "text":
            taken: set[Any] = set()
            for number, row in enumerate(rows):
                if row[place] in taken:
                    row[place] = f"{row[place]} {number}"
                taken.add(row[place])


def _maker(table: Table, column: Column, database: Database, now: datetime) -> Any:
    """The function that makes values of a column."""
    known = database.values.get(f"{table.name}.{column.name}") or Known()
    family = column.family
    if family == "boolean":
        return lambda random: random.random() < 0.4
    if fitting := [value for value in known.values if _fits(value, family)]:
        weights = [1 / (place + 1) ** 0.4 for place in range(len(fitting))]
        return lambda random: random.choices(fitting, weights)[0]
    if family in ("integer", "number") and isinstance(known.low, (int, float)) and isinstance(known.high, (int, float)):
        kind = DomainAttribute(words="", kind=_KINDS[family], low=float(known.low), high=float(known.high))
        return lambda random: kinds.make(random, kind, now)
    if family in ("date", "timestamp") and (span := _span(known)):
        return lambda random: _between(random, *span, family)
    noun = noun_of(column.name)
    kind = _kind(noun.split(" ")[-1], family)
    return lambda random: kinds.make(random, kind, now)


def _fits(value: Any, family: str) -> bool:
    """Whether a value of a file can be one of a column."""
    if family in ("date", "timestamp"):
        return isinstance(value, str) and is_date(value)
    kinds_of = {"integer": (int,), "number": (int, float), "text": (str,)}.get(family, ())
    return isinstance(value, kinds_of) and not isinstance(value, bool)


def _span(known: Known) -> tuple[datetime, datetime] | None:
    """The known first and last time; None: they are not known."""
    try:
        low, high = (datetime.fromisoformat(str(bound)).replace(tzinfo=None) for bound in (known.low, known.high))
    except ValueError:
        return None
    return low, high


def _between(random: Random, low: datetime, high: datetime, family: str) -> str:
    time = low + (high - low) * float(random.random() ** 0.7)
    return time.date().isoformat() if family == "date" else time.replace(microsecond=0).isoformat(sep=" ")


def _kind(last: str, family: str) -> DomainAttribute:
    if family == "integer" and last == "year":
        return DomainAttribute(words="", kind="year", low=1980, high=2025)
    if family in ("integer", "number"):
        return DomainAttribute(words="", kind=_KINDS[family], low=0, high=1000)
    if family in _KINDS:
        return DomainAttribute(words="", kind=_KINDS[family])
    for words, kind in _TEXTS:
        if last in words.split(" "):
            return DomainAttribute(words="", kind=kind)
    return DomainAttribute(words="", kind="enum", options=("alpha", "beta", "gamma", "delta"))


def _parents_first(references: Sequence[Reference]) -> list[Reference]:
    """References in an order in which the columns that they refer to are filled first, as far as that goes."""
    left, ordered = list(references), []
    while left:
        free = [row for row in left if not any(other.table == row.to and other is not row for other in left)]
        free = free or left[:1]
        ordered += free
        left = [row for row in left if row not in free]
    return ordered


def _refer(reference: Reference, tables: Sequence[Table], cells: Mapping[str, list[list[Any]]], random: Random) -> None:
    by_name = {table.name: table for table in tables}
    table, to = by_name[reference.table], by_name[reference.to]
    places = [[column.name for column in table.columns].index(name) for name in reference.columns]
    targets = [[column.name for column in to.columns].index(name) for name in reference.to_columns]
    nullable = any(table.columns[place].nullable for place in places) and not set(reference.columns) & set(table.key)
    parents = random.sample(
        cells[reference.to], max(1, round(0.85 * len(cells[reference.to])))
    )  # the others stay unused
    for number, row in enumerate(cells[reference.table]):
        if nullable and random.random() < _NULL_SHARE:
            continue
        parent = parents[number % len(parents)] if set(table.key) == set(reference.columns) else random.choice(parents)
        for place, target in zip(places, targets, strict=True):
            row[place] = parent[target]
