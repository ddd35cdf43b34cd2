"""Texts that a query compares columns with, and the values that the columns have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from dstill.api.protocols import NamedValue, ValueLookup
from dstill.api.records import Example
from dstill_sql.language.database.name_resolution import Place, Scopes
from dstill_sql.language.database.schema import SqlSchema, Table
from dstill_sql.language.statements import read

if TYPE_CHECKING:
    from dstill_sql.pack import Sql

__all__ = ["SqlValueLookup"]


class SqlValueLookup(ValueLookup):
    """Literals of ``=``, ``<>`` and ``IN`` beside a column of texts. Columns beside one are those of its table."""

    task: Sql

    def named_values(self, example: Example, answer: str) -> Iterable[NamedValue]:
        query = read(answer, self.task.config.dialect)
        for place, _, literal in self._compared(example, query):
            yield NamedValue(item=place.name, text=literal.this)

    def items_beside(self, example: Example, item: str) -> Iterable[str]:
        if (table := self._table(example, item)) is not None:
            names = (f"{table.name}.{column.name}" for column in table.columns if column.family == "text")
            yield from (name for name in names if name != item)

    def values_query(self, example: Example, item: str, most: int) -> str:
        table = self._table(example, item)
        if table is None:
            return ""
        column = exp.column(item.removeprefix(f"{table.name}."), quoted=True)
        query = exp.select(column).from_(exp.to_identifier(table.name, quoted=True)).group_by(column)
        return query.order_by(exp.Ordered(this=exp.Count(this=exp.Star()), desc=True)).limit(most).sql(self._dialect)

    def listed_values(self, value: Any) -> Sequence[str]:
        return [row[0] for row in value["rows"] if isinstance(row[0], str)]

    def with_value(self, example: Example, answer: str, old: NamedValue, new: NamedValue) -> str:
        query = read(answer, self.task.config.dialect).copy()
        for place, column, literal in list(self._compared(example, query)):
            if place.name == old.item and literal.this == old.text:
                literal.replace(exp.Literal.string(new.text))
                if new.item != old.item:
                    column.set("this", exp.to_identifier(new.item.removeprefix(f"{place.table.name}."), quoted=True))
        return query.sql(self._dialect)

    @property
    def _dialect(self) -> str:
        return self.task.config.dialect

    def _table(self, example: Example, item: str) -> Table | None:
        tables = self._schema(example).tables
        return next((table for table in tables if item.startswith(f"{table.name}.")), None)

    def _schema(self, example: Example) -> SqlSchema:
        database = self.task.database(example)
        return SqlSchema(tables=()) if database is None else database.schema

    def _compared(self, example: Example, query: exp.Query) -> Iterator[tuple[Place, exp.Column, exp.Literal]]:
        names = Scopes(query, self._schema(example))
        for condition in query.find_all(exp.EQ, exp.NEQ, exp.In):
            column, texts = condition.this, condition.args.get("expressions") or [condition.args.get("expression")]
            place = names.column(column)
            if place is not None and place.column.family == "text":
                literals = (text for text in texts if isinstance(text, exp.Literal) and text.is_string)
                yield from ((place, column, literal) for literal in literals)
