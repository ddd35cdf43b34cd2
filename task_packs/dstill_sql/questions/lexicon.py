"""The words for tables, columns and references in questions.

    lexicon = Lexicon.of(schema)                  from the names in the schema, and from short comments
    lexicon.tables["tbl_order"].plural            "orders"
    lexicon.columns["tbl_order.shp_cost"].noun    "shp cost"

A database of a domain (`dstill_sql.questions.invented_schemas`) brings words that its names may hide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dstill.linked.names import words_in
from dstill_sql.language.database.schema import Column, Reference, SqlSchema, Table
from dstill_sql.questions.words import fold, noun_of, plural, singular_noun

__all__ = ["ColumnWords", "Lexicon", "ReferenceWords", "TableWords", "role_of"]

_LONGEST = 4  # words of a comment that is a noun
_UNITS = {
    "km": "km", "cm": "cm", "mm": "mm", "kg": "kg", "eur": "euros", "usd": "dollars", "min": "minutes",
    "minutes": "minutes", "hours": "hours", "seconds": "seconds", "sec": "seconds", "days": "days", "miles": "miles",
    "feet": "feet", "ft": "feet", "lbs": "pounds", "pct": "percent", "percent": "percent", "kwh": "kWh", "mb": "MB",
}  # fmt: skip
_KEYS = ("id", "key", "no", "nr", "code", "ref", "fk")


@dataclass(frozen=True, kw_only=True)
class TableWords:
    """The words for one row of a table, and for several."""

    noun: str
    plurals: tuple[str, ...]

    @property
    def plural(self) -> str:
        """The usual word for several rows."""
        return self.plurals[0]


@dataclass(frozen=True, kw_only=True)
class ColumnWords:
    """The words for a column."""

    noun: str
    unit: str = ""  # "km": what its numbers are
    has: bool = False  # of a boolean column: rows have it; else rows are it


@dataclass(frozen=True, kw_only=True)
class ReferenceWords:
    """The words for a reference."""

    role: str  # "home team": what the other row is to this one
    active: str = ""  # "directed": what the other row did to this one
    passive: str = ""  # "directed by"


@dataclass(frozen=True, kw_only=True)
class Lexicon:
    """The words for a schema. Columns are by ``table.column``, references by table and columns."""

    tables: Mapping[str, TableWords] = field(default_factory=dict)
    columns: Mapping[str, ColumnWords] = field(default_factory=dict)
    references: Mapping[tuple[str, tuple[str, ...]], ReferenceWords] = field(default_factory=dict)

    @classmethod
    def of(cls, schema: SqlSchema, references: tuple[Reference, ...] | None = None) -> Lexicon:
        """The words that the names have."""
        tables = {table.name: _table_words(table) for table in schema.tables}
        return cls(
            tables=tables,
            columns={
                f"{table.name}.{column.name}": _column_words(tables[table.name], column)
                for table in schema.tables
                for column in table.columns
            },
            references={
                (reference.table, reference.columns): ReferenceWords(role=role_of(reference, tables[reference.to].noun))
                for reference in (schema.references if references is None else references)
            },
        )


def _table_words(table: Table) -> TableWords:
    *before, last = noun_of(table.name).split(" ")
    noun = " ".join([*before, singular_noun(last)])
    return TableWords(noun=noun, plurals=(plural(noun),))


def _column_words(table: TableWords, column: Column) -> ColumnWords:
    noun = noun_of(column.name)
    if noun.startswith(f"{table.noun} ") and column.family != "boolean":
        noun = noun.removeprefix(f"{table.noun} ")  # driver_name of drivers
    words = noun.split(" ")
    unit = _UNITS.get(words_in(column.name)[-1].lower(), "") if words_in(column.name) else ""
    if unit and len(words) > 1 and column.family in ("integer", "number"):
        noun = " ".join(words[:-1])
    comment, _, unit_said = column.comment.partition(" in ")
    if comment and len(comment.split()) <= _LONGEST and comment.replace(" ", "").replace("-", "").isalnum():
        noun = fold(comment)
        unit = unit_said if unit_said.replace(" ", "").isalpha() and len(unit_said.split()) < 3 else unit
    has = noun.startswith("has ")
    return ColumnWords(noun=noun.removeprefix("has ").removeprefix("is "), unit=unit, has=has)


def role_of(reference: Reference, noun: str) -> str:
    """The role of the other row to this one: the words of the column without those of keys, or the other's noun."""
    words = noun_of(reference.columns[0]).split(" ")
    while len(words) > 1 and (words[-1] in _KEYS or words[-1] == "number"):
        words = words[:-1]
    role = " ".join(words)
    return (
        noun if role in _KEYS or role in (noun, "number", *reference.to_columns) or noun.endswith(f" {role}") else role
    )
