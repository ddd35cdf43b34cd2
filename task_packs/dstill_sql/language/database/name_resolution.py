"""Which column of the schema a name in a query means, without changing the query.

    names = Scopes(read("SELECT d.name FROM drivers AS d", "duckdb"), schema)
    names.column(column)        Place(table=Table("drivers", …), column=Column("name", …))

A column of a subquery or of WITH is traced to the column that it stands for. What is computed has no place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from dstill_sql.language.database.schema import Column, SqlSchema, Table

__all__ = ["Place", "Scopes", "sources"]

_DEEPEST = 20  # subqueries that a column is traced through


@dataclass(frozen=True, kw_only=True)
class Place:
    """A column with its table."""

    table: Table
    column: Column

    @property
    def name(self) -> str:
        """``table.column``, as the keys of known values are."""
        return f"{self.table.name}.{self.column.name}"

    @property
    def key(self) -> str:
        """The name with folded case."""
        return self.name.casefold()


def sources(select: exp.Expr) -> list[exp.Expr]:
    """The tables and subqueries of FROM and JOIN."""
    start = select.args.get("from_") or select.args.get("from")
    return [source.this for source in ([start] if start else []) + list(select.args.get("joins") or ())]


class Scopes:
    """The names of one query."""

    def __init__(self, query: exp.Expr, schema: SqlSchema) -> None:
        self._schema = schema
        self._ctes = {cte.alias.casefold(): cte.this for cte in query.find_all(exp.CTE)}

    def column(self, node: exp.Expr | None) -> Place | None:
        """The place of a column; None: it is computed, or not known."""
        return self._column(node, _DEEPEST) if isinstance(node, exp.Column) else None

    def table(self, source: exp.Expr) -> Table | None:
        """The table of the schema that a source of FROM or JOIN is; None: another source."""
        if not isinstance(source, exp.Table) or source.name.casefold() in self._ctes:
            return None
        return self._schema.table(source.name)

    def tables(self, query: exp.Expr) -> list[Table]:
        """The tables that a query reads, each once, in its order."""
        tables = (self.table(table) for table in query.find_all(exp.Table, bfs=False))
        return list({table.name: table for table in tables if table is not None}.values())

    def places(self, query: exp.Expr) -> Iterator[Place]:
        """The places of the columns of a query, in its order."""
        for node in query.find_all(exp.Column, bfs=False):
            if (place := self.column(node)) is not None:
                yield place

    def meaning(self, node: exp.Column) -> exp.Expr | None:
        """The expression of a column of a subquery or of WITH; None: it is a column of a table, or not known."""
        for _ in range(_DEEPEST):
            source = self.source(node)
            if source is None or self.table(source) is not None:
                return None
            output = self._output(source, node.name.casefold())
            if not isinstance(output, exp.Column):
                return output
            node = output
        return None

    def source(self, node: exp.Column) -> exp.Expr | None:
        """The source of FROM or JOIN that a column belongs to; None: not known."""
        name, alias = node.name.casefold(), node.table.casefold()
        select = node.parent_select
        while select is not None:
            for source in sources(select):
                if alias:
                    if source.alias_or_name.casefold() == alias:
                        return source
                elif self._has(source, name):
                    return source
            select = select.parent_select
        return None

    def query(self, source: exp.Expr) -> exp.Query | None:
        """The query that a source of FROM or JOIN stands for; None: it is a table."""
        query = source.this if isinstance(source, exp.Subquery) else self._ctes.get(source.name.casefold())
        return query if isinstance(query, exp.Query) else None

    def _column(self, node: exp.Column, depth: int) -> Place | None:
        source = self.source(node)
        if source is None or not depth:
            return None
        if (table := self.table(source)) is not None:
            column = table.column(node.name)
            return None if column is None else Place(table=table, column=column)
        output = self._output(source, node.name.casefold())
        return self._column(output, depth - 1) if isinstance(output, exp.Column) else None

    def _has(self, source: exp.Expr, name: str) -> bool:
        if (table := self.table(source)) is not None:
            return table.column(name) is not None
        return self._output(source, name) is not None

    def _output(self, source: exp.Expr, name: str) -> exp.Expr | None:
        """The expression that a subquery, or a query of WITH, calls by the name."""
        query = self.query(source)
        if query is None:
            return None
        return next((select.unalias() for select in query.selects if select.alias_or_name.casefold() == name), None)
