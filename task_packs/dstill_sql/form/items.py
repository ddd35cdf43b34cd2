"""The tables and columns of a schema as items, and what answers about a reading need to know of them.

    tables = Tables(database)             a `dstill.linked.Schema`, with the database that it is of
    tables.items[0]                       Item(name="drivers", words=("driver",), kind="table", …)
    tables.items[1]                       Item(name="drivers.rating", words=("rating",), above=("driver",), …)
    tables.columns["drivers.rating"]      (Table(name="drivers", …), Column(name="rating", …))

A column is called ``table.column``. What the guard denies is no item.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dstill.api.values import Known
from dstill.linked import Item, KnownTexts, Schema
from dstill.linked.moments import lateness
from dstill.linked.names import stems
from dstill.linked.thesaurus import meant
from dstill_sql.form.joins import Joins
from dstill_sql.language.database.database import Database
from dstill_sql.language.database.schema import Column, Reference, Table
from dstill_sql.language.limits import Limits

__all__ = ["FEATURES", "KINDS", "Tables", "kind_of"]

KINDS = ("table", "integer", "number", "text", "date", "timestamp", "time", "boolean", "enum", "uuid", "other")
# Features with a row of their own; words are hashed.
FEATURES = (
    *(f"type:{kind}" for kind in KINDS),
    *("key", "refers", "unique", "nullable", "first date", "has values"),
)
_LARGE = 100
_DATE = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9](?:[ T][0-9:.]+Z?)?$")


def kind_of(column: Column, known: Known | None = None, *, loose: bool = False) -> str:
    """The family of a column, or what else decides where it may stand.

    `loose`: dates may be in columns of texts, as in SQLite; known values tell them.
    """
    type_ = column.type.upper()
    for kind, begins in (("enum", "ENUM"), ("uuid", "UUID"), ("other", "BIT")):
        if type_.startswith(begins):
            return kind
    if loose and column.family == "text" and known:
        values = [value for value in (known.low, *known.values[:3]) if value is not None]
        if values and all(isinstance(value, str) and _DATE.match(value) for value in values):
            return "date" if len(values[0]) == len("2024-05-01") else "timestamp"
    return column.family


class Tables(Schema):
    """The items of one database."""

    def __init__(
        self, database: Database, limits: Limits | None = None, references: Sequence[Reference] | None = None
    ) -> None:
        """`limits`: what no answer may read. `references`: or the schema's."""
        self.database = database
        self._limits = limits or Limits()
        known = database.schema.references if references is None else references
        self.joins = Joins(database.schema, (reference for reference in known if not self._hides_side(reference)))
        self.tables: dict[str, Table] = {}  # by name of the item
        self.columns: dict[str, tuple[Table, Column]] = {}  # by name of the item
        super().__init__(list(self._items()), meant)

    def _hides_side(self, reference: Reference) -> bool:
        sides = (
            *((reference.table, name) for name in reference.columns),
            *((reference.to, name) for name in reference.to_columns),
        )
        return any(self._limits.denies(*side) for side in sides)

    @property
    def hides_columns(self) -> bool:
        """Whether some columns may not be read, so that ``*`` may not either."""
        return bool(self._limits.denied_columns)

    def _items(self) -> Iterator[Item]:
        for table in self.database.schema.tables:
            if self._limits.denies(table.name):
                continue
            own = self._unique(table.name)
            self.tables[own] = table
            shown = [column for column in table.columns if not self._limits.denies(table.name, column.name)]
            shown += terms.columns.get(table.name, ()) if (terms := self.database.terms) else ()
            names = [self._unique(f"{table.name}.{column.name}") for column in shown]
            self.columns.update(zip(names, ((table, column) for column in shown), strict=True))
            first = _first_date(table)
            of_roles = {name.casefold() for name in self.joins.roles_of(table.name)}
            needs = [
                name
                for name, column in zip(names, shown, strict=True)
                if column.name == first or column.name.casefold() in of_roles
            ]
            yield replace(_table(table, own, needs), called=self._other_names(table.name))
            for name, column in zip(names, shown, strict=True):
                yield self._column(name, own, table, column, first)

    def _other_names(self, name: str) -> tuple[str, ...]:
        terms = self.database.terms
        return terms.called.get(name, ()) if terms else ()

    def _unique(self, name: str) -> str:
        """A table may be called ``a.b``, as the column b of a table a is."""
        while name in self.tables or name in self.columns:
            name += "'"
        return name

    def _column(self, name: str, own: str, table: Table, column: Column, first: str) -> Item:
        full, terms = f"{table.name}.{column.name}", self.database.terms
        known = self.database.values.get(full)
        kind = kind_of(column, known, loose=self.database.schema.dialect == "sqlite")
        values = KnownTexts(_said(known, kind), known.aliases) if known else KnownTexts()
        return Item(
            name=name,
            words=_words(column.name),
            kind=kind,
            above=_words(table.name),
            description=tuple(stems(column.comment)),
            called=self._other_names(full),
            values=values,
            features=tuple(self._features(table, column, first, bool(values))),
            made_of=() if table.column(column.name) or terms is None else terms.made_of(table.name, column),
            needs=(own,),
            prior=0.5 if values else 0.0,
        )

    def _features(self, table: Table, column: Column, first: str, has_values: bool) -> Iterator[str]:
        if column.name in table.key:
            yield "key"
        for to in self.joins.targets_of(table.name, column.name):
            yield "refers"
            yield from (f"to={word}" for word in _words(to))
        if column.unique:
            yield "unique"
        if column.nullable:
            yield "nullable"
        if column.name == first:
            yield "first date"
        if has_values:
            yield "has values"


def _table(table: Table, name: str, needs: list[str]) -> Item:
    return Item(
        name=name,
        words=_words(table.name),
        kind="table",
        description=tuple(stems(table.comment)),
        needs=tuple(needs),
        prior=0.25,
    )


def _words(name: str) -> tuple[str, ...]:
    """The words of a name, or the name itself if it has no letters and digits."""
    return tuple(stems(name)) or (name,)


def _said(known: Known, kind: str) -> Iterator[str]:
    """Known values as questions have them. Of numbers those that are hardly there by chance, such as a code 404."""
    for value in known.values:
        if isinstance(value, str) and kind in ("text", "enum", "uuid"):
            yield value
        elif isinstance(value, int) and not isinstance(value, bool) and value >= _LARGE:
            yield str(value)


def _first_date(table: Table) -> str:
    """The date that "since March" means, of the rows of a table."""
    dates = [column.name for column in table.columns if column.family in ("date", "timestamp")]
    return min(dates, key=lateness, default="")
