"""A database as questions see it: entities with fields, and links between them.

    view = View.of(made.database, made.lexicon, made.references)
    view.entities["rides"].label, .fields, .up, .down

A field has a kind, by its type, its values and its name: ``label`` names a row for people, ``category`` has few values,
``text`` is prose, ``code`` identifies; further ``number``, ``year``, ``date`` and ``boolean``. Columns that refer, and
keys of numbers, are no fields.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from dstill.api.values import MOST, Known
from dstill_sql.language.database.database import Database
from dstill_sql.language.database.schema import Column, Reference, Table
from dstill_sql.language.dialects import Dialect
from dstill_sql.questions.lexicon import ColumnWords, Lexicon, ReferenceWords, TableWords
from dstill_sql.questions.words import is_participle

__all__ = ["Entity", "Field", "Kind", "Link", "Row", "View", "is_date"]

Kind = Literal["label", "category", "text", "code", "number", "year", "date", "boolean"]
Row = Sequence[Any]
_NAMING = ("name", "title", "label", "subject", "nickname")
_CODES = ("id", "code", "number", "no", "zip", "phone", "email", "plate", "port", "isbn", "key", "url", "version")
_PROSE = ("comment", "text", "note", "description", "remark", "details", "message", "summary", "review", "reason")
_PERSONAL = frozenset(
    {"born", "birth date", "birth year", "salary", "wage", "hourly wage", "sex", "hired", "first name"}
)
_PEOPLE = frozenset(
    [
        "person",
        "customer",
        "employee",
        "author",
        "user",
        "member",
        "student",
        "teacher",
        "doctor",
        "patient",
        "player",
        "driver",
        "actor",
    ]
)
_VERBS = (
    "began",
    "occurred",
    "arrived",
    "departed",
    "died",
    "ended",
    "started",
    "happened",
    "starts",
    "ends",
    "opens",
    "closes",
)
_NOUNS = {
    "born": "birth",
    "died": "death",
    "began": "beginning",
    "starts": "start",
    "ends": "end",
    "opens": "opening",
    "closes": "closing",
}
_YEARS = range(1400, 2100)
_LONG = 22  # characters on average: prose


@dataclass(frozen=True, kw_only=True)
class Field:
    """A column that questions can be about."""

    table: str
    column: Column
    kind: Kind
    words: ColumnWords
    known: Known
    place: int  # in a row of the table

    @property
    def noun(self) -> str:
        """Its noun: a date that is named after what was done is "the ordered date"."""
        if self.kind in ("date", "year") and self.verb:
            unit = "year" if self.kind == "year" else "time" if self.column.family == "timestamp" else "date"
            return f"{_NOUNS.get(self.verb, self.verb)} {unit}"
        return self.words.noun

    @property
    def verb(self) -> str:
        """The verb of its date: "ordered"; empty: it is named otherwise."""
        return self.words.noun if is_participle(self.words.noun) or self.words.noun in _VERBS else ""

    @property
    def name(self) -> str:
        """``table.column``."""
        return f"{self.table}.{self.column.name}"

    @property
    def whole(self) -> bool:
        """Whether its numbers are whole."""
        return self.column.family == "integer"


@dataclass(frozen=True, kw_only=True)
class Link:
    """A reference, with the words for it."""

    reference: Reference
    words: ReferenceWords
    places: tuple[int, ...]  # of its columns in a row of the table that refers
    to_places: tuple[int, ...]  # of the columns that it refers to
    nullable: bool

    @property
    def child(self) -> str:
        """The table that refers."""
        return self.reference.table

    @property
    def parent(self) -> str:
        """The table that is referred to."""
        return self.reference.to


@dataclass(frozen=True, kw_only=True)
class Entity:
    """A table with its words, its fields and its links."""

    table: Table
    words: TableWords
    fields: tuple[Field, ...]
    up: tuple[Link, ...]  # to the tables that it refers to
    down: tuple[Link, ...]  # from the tables that refer to it

    @property
    def name(self) -> str:
        """The name of the table."""
        return self.table.name

    def of(self, *kinds: Kind) -> tuple[Field, ...]:
        """Its fields of these kinds."""
        return tuple(field for field in self.fields if field.kind in kinds)

    @cached_property
    def label(self) -> Field | None:
        """The field by which people call its rows; None: there is none."""
        labels = sorted(self.of("label"), key=lambda option: (option.noun not in _NAMING, len(option.noun)))
        codes = [field for field in self.of("code") if field.column.unique or field.noun in ("code", "number", "plate")]
        return next(iter([*labels, *codes]), None)

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The columns that tell its rows apart; empty: none are known to."""
        return self.table.key or next(((column.name,) for column in self.table.columns if column.unique), ())

    @property
    def is_person(self) -> bool:
        """Whether its rows are people, as far as words say."""
        nouns = {field.words.noun for field in self.fields}
        return bool(nouns & _PERSONAL) or self.words.noun.split(" ")[-1] in _PEOPLE

    @property
    def is_junction(self) -> bool:
        """Whether it is little more than two references."""
        return len(self.up) >= 2 and len(self.fields) <= 2 and not self.of("label")


@dataclass(kw_only=True)
class View:
    """A database with its entities and rows."""

    database: Database
    entities: Mapping[str, Entity]
    rows: Mapping[str, Sequence[Row]]
    now: datetime
    _cache: dict[Any, Any] = field(default_factory=dict)

    @property
    def dialect(self) -> Dialect:
        """The dialect of answers."""
        return self.database.schema.dialect

    @classmethod
    def of(
        cls,
        database: Database,
        lexicon: Lexicon,
        references: Sequence[Reference],
        rows: Mapping[str, Sequence[Row]],
        now: datetime,
    ) -> View:
        """The view of the tables that have rows."""
        tables = {table.name: table for table in database.schema.tables if rows.get(table.name)}
        links = [
            _link(reference, tables, lexicon)
            for reference in references
            if reference.table in tables and reference.to in tables and _is_wide(reference, references)
        ]
        entities = {
            name: Entity(
                table=table,
                words=lexicon.tables[name],
                fields=tuple(_fields(table, database, lexicon, references, rows[name])),
                up=tuple(link for link in links if link.child == name),
                down=tuple(link for link in links if link.parent == name and link.child != name),
            )
            for name, table in tables.items()
        }
        return cls(database=database, entities=entities, rows=rows, now=now)

    def has_word_once(self, field: Field, word: str) -> bool:
        """Whether one value of the field alone has the word, and it is long enough to be a name."""
        key = ("words", field.name)
        if key not in self._cache:
            values = {row[field.place] for row in self.rows[field.table]} - {None}
            self._cache[key] = Counter(part.casefold() for value in values for part in set(str(value).split()))
        return len(word) > 3 and word.isalpha() and bool(self._cache[key][word.casefold()] == 1)

    def parent_row(self, link: Link, row: Row) -> Row | None:
        """The row that `row` refers to; None: it refers to none."""
        key = ("up", link.reference)
        if key not in self._cache:
            self._cache[key] = {tuple(row[at] for at in link.to_places): row for row in self.rows[link.parent]}
        parent: Row | None = self._cache[key].get(tuple(row[at] for at in link.places))
        return parent

    def child_rows(self, link: Link, row: Row) -> Sequence[Row]:
        """The rows that refer to `row`."""
        key = ("down", link.reference)
        if key not in self._cache:
            groups: dict[Any, list[Row]] = {}
            for child in self.rows[link.child]:
                groups.setdefault(tuple(child[at] for at in link.places), []).append(child)
            self._cache[key] = groups
        rows: Sequence[Row] = self._cache[key].get(tuple(row[at] for at in link.to_places), ())
        return rows


def _is_wide(reference: Reference, references: Sequence[Reference]) -> bool:
    """Whether no other reference has the same columns."""
    return (
        next(other for other in references if (other.table, other.columns) == (reference.table, reference.columns))
        == reference
    )


def _link(reference: Reference, tables: Mapping[str, Table], lexicon: Lexicon) -> Link:
    names = [column.name for column in tables[reference.table].columns]
    to_names = [column.name for column in tables[reference.to].columns]
    return Link(
        reference=reference,
        words=lexicon.references[reference.table, reference.columns],
        places=tuple(names.index(name) for name in reference.columns),
        to_places=tuple(to_names.index(name) for name in reference.to_columns),
        nullable=any(column.nullable for column in tables[reference.table].columns if column.name in reference.columns),
    )


def _fields(
    table: Table, database: Database, lexicon: Lexicon, references: Sequence[Reference], rows: Sequence[Row]
) -> list[Field]:
    referring = {name for reference in references if reference.table == table.name for name in reference.columns}
    nouns = Counter(lexicon.columns[f"{table.name}.{column.name}"].noun for column in table.columns)
    fields = []
    for place, column in enumerate(table.columns):
        words = lexicon.columns[f"{table.name}.{column.name}"]
        if column.name in referring or column.family in ("other", "time") or nouns[words.noun] > 1:
            continue
        if (
            column.name in table.key
            and (column.family != "text" or len(table.key) > 1)
            and column.family != "timestamp"
        ):
            continue
        known = database.values.get(f"{table.name}.{column.name}") or Known()
        values = [row[place] for row in rows if row[place] is not None]
        if values and (kind := _kind(column, words, values)):
            fields.append(Field(table=table.name, column=column, kind=kind, words=words, known=known, place=place))
    return fields


def _kind(column: Column, words: ColumnWords, values: Sequence[Any]) -> Kind | None:
    last = words.noun.split(" ")[-1]
    if column.family == "boolean":
        return "boolean"
    if column.family in ("date", "timestamp"):
        return "date" if all(is_date(value) for value in values[:20]) else None
    if column.family in ("integer", "number"):
        if column.family == "integer" and all(value in _YEARS for value in values[:50]) and max(values) < _YEARS.stop:
            return "year"
        return "code" if last in _CODES or words.noun == "id" else "number"
    if not all(isinstance(value, str) and value.isprintable() and value.strip() == value for value in values[:50]):
        return None
    return _text_kind(last, values)


def _text_kind(last: str, values: Sequence[str]) -> Kind:
    different = len(set(values))
    few = different <= MOST and different <= max(2, 0.7 * len(values))
    if last in _NAMING and not (few and different < 0.3 * len(values)):
        return "label"
    if few:
        return "category"
    if last in _PROSE or sum(map(len, values)) / len(values) > _LONG:
        return "text"
    return "code"


def is_date(value: Any) -> bool:
    """Whether a value is an ISO date."""
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return True
