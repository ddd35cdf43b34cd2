"""One SELECT while it is built: its table, the tables joined to it, and its conditions.

    scope = Scope(entity, "duckdb")
    other = scope.join(link, scope.alias)           JOIN drivers ON rides.driver_id = drivers.id
    scope.select(scope.column("fare", scope.alias), where=[…])

Columns name their table while a query is built. `plain` removes the names that are not needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp

from dstill_sql.language.database.schema import quoted
from dstill_sql.language.dialects import Dialect
from dstill_sql.questions.entities import Entity, Link

__all__ = ["Scope", "identifier", "plain"]


def identifier(name: str, dialect: Dialect) -> exp.Identifier:
    """The name, in quotes if it needs them."""
    return exp.to_identifier(name, quoted=quoted(name, dialect) != name)


class Scope:
    """A SELECT of an entity. `outer`: names of tables around it, which its own must not hide."""

    def __init__(self, entity: Entity, dialect: Dialect, outer: Iterable[str] = ()) -> None:
        self.entity, self.dialect = entity, dialect
        self._taken = {name.casefold() for name in outer}
        self.alias = self._free(entity.name, entity.words.noun)
        self._joins: list[exp.Join] = []
        self._joined: dict[tuple[Link, str], str] = {}

    @property
    def names(self) -> frozenset[str]:
        """The names of its tables and those around it."""
        return frozenset(self._taken)

    def column(self, name: str, alias: str) -> exp.Column:
        """A column of one of its tables."""
        return exp.Column(this=identifier(name, self.dialect), table=identifier(alias, self.dialect))

    def star(self) -> exp.Expr:
        """All columns of the entity."""
        if not self._joins:
            return exp.Star()
        return exp.Column(this=exp.Star(), table=identifier(self.alias, self.dialect))

    def join(self, link: Link, alias: str, *, side: str = "") -> str:
        """Join what `alias` refers to by the link, once. Its name in this SELECT."""
        if (link, alias) not in self._joined:
            name = self._free(link.parent, link.words.role)
            pairs = zip(link.reference.columns, link.reference.to_columns, strict=True)
            self._joined[link, alias] = name
            self._add(link.parent, name, [(self.column(a, alias), self.column(b, name)) for a, b in pairs], side)
        return self._joined[link, alias]

    def join_child(self, link: Link, alias: str, *, side: str = "") -> str:
        """Join the rows that refer to `alias` by the link. Their name in this SELECT."""
        name = self._free(link.child, "other")
        pairs = zip(link.reference.columns, link.reference.to_columns, strict=True)
        self._add(link.child, name, [(self.column(a, name), self.column(b, alias)) for a, b in pairs], side)
        return name

    def select(self, *what: exp.Expr, where: Sequence[exp.Expr] = ()) -> exp.Select:
        """The SELECT of these expressions."""
        query = exp.select(*what).from_(self._table(self.entity.name, self.alias))
        for join in self._joins:
            query.append("joins", join.copy())
        return query.where(*(condition.copy() for condition in where), copy=False) if where else query

    def _add(self, table: str, name: str, pairs: Sequence[tuple[exp.Expr, exp.Expr]], side: str) -> None:
        on = exp.and_(*(exp.EQ(this=a, expression=b) for a, b in pairs))
        self._joins.append(exp.Join(this=self._table(table, name), on=on, side=side or None))

    def _table(self, table: str, name: str) -> exp.Table:
        alias = exp.TableAlias(this=identifier(name, self.dialect)) if name != table else None
        return exp.Table(this=identifier(table, self.dialect), alias=alias)

    def _free(self, table: str, role: str) -> str:
        names = [table, "_".join(role.split()).lower(), *(f"{table}_{number}" for number in range(2, 9))]
        name = next(way for way in names if way.casefold() not in self._taken)
        self._taken.add(name.casefold())
        return name


def plain(query: exp.Query) -> exp.Query:
    """Remove the names of tables from the columns of SELECTs that read one table."""
    for select in query.find_all(exp.Select):
        source = select.args.get("from_") or select.args.get("from")
        if source is None or select.args.get("joins"):
            continue
        name = source.this.alias_or_name
        for column in select.find_all(exp.Column):
            if column.table == name and column.parent_select is select and not isinstance(column.this, exp.Star):
                column.set("table", None)
    return query
