"""The tables of a SELECT as an answer's tokens name them, and whether its FROM follows from them.

scope = Scope.of(select, tables, parent)
scope.instance("t2")           the instance that the query calls t2
scope.follows(used)            whether FROM follows if the SELECT has columns of these instances
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from dstill.linked.tokens import NotExpressible
from dstill_sql.form.items import Tables
from dstill_sql.form.writing import Instance
from dstill_sql.language.database.schema import Reference

__all__ = ["Scope", "Source"]


@dataclass(frozen=True, kw_only=True)
class Source:
    """One source of FROM, as it is written."""

    name: str  # as the query calls it, in lower case
    table: str  # with the spelling of the schema
    left: bool
    on: exp.Expr | None


@dataclass(frozen=True, kw_only=True)
class _Edge:
    """A join by a reference."""

    reference: Reference
    child: str  # names of sources
    parent: str
    new: str
    left: bool


@dataclass(kw_only=True, eq=False)
class Scope:
    """One SELECT and those around it."""

    select: exp.Select
    tables: Tables
    parent: Scope | None
    sources: Sequence[Source] = ()  # empty: a query in FROM
    derived: exp.Query | None = None
    instances: dict[str, Instance] = field(default_factory=dict)  # by the name that the query has
    explicit: bool = False  # FROM is written out
    edges: Sequence[_Edge] = ()
    used: dict[Instance, None] = field(default_factory=dict)  # what its columns are of

    @classmethod
    def of(cls, select: exp.Select, tables: Tables, parent: Scope | None) -> Scope:
        """Raises NotExpressible."""
        scope = cls(select=select, tables=tables, parent=parent)
        start = select.args.get("from_") or select.args.get("from")
        joins = select.args.get("joins") or []
        if start is None:
            raise NotExpressible("a query without FROM")
        if isinstance(start.this, exp.Subquery):
            if joins:
                raise NotExpressible("a join with a query in FROM")
            scope.derived = start.this.this
            scope.instances = {start.this.alias_or_name.casefold(): Instance(table="")}
            return scope
        scope.sources = [scope._source(join) for join in (start, *joins)]
        scope.explicit = not (scope._find_edges() and scope._name_ways())
        if scope.explicit:
            scope.write_out()
        return scope

    def _source(self, expr: exp.Expr) -> Source:
        table = expr.this
        known = self.tables.database.schema.table(table.name) if isinstance(table, exp.Table) else None
        if known is None:
            raise NotExpressible(f"{table.sql()[:60]} is not a table of the schema")
        join = isinstance(expr, exp.Join)
        side = (expr.args.get("side") or "") if join else ""
        unusual = expr.args.get("kind") or expr.args.get("method") or expr.args.get("using") or side not in ("", "LEFT")
        if join and (unusual or expr.args.get("on") is None):
            raise NotExpressible(f"the join {expr.sql()[:60]}")
        return Source(
            name=table.alias_or_name.casefold(), table=known.name, left=side == "LEFT", on=expr.args.get("on")
        )

    # --- references ---------------------------------------------------------------------

    def _find_edges(self) -> bool:
        """Whether every join is by a reference."""
        table_of = {self.sources[0].name: self.sources[0].table}
        edges = []
        for source in self.sources[1:]:
            table_of[source.name] = source.table
            edge = self._edge(source, table_of)
            if edge is None:
                return False
            edges.append(edge)
        self.edges = edges
        return True

    def _edge(self, source: Source, table_of: dict[str, str]) -> _Edge | None:
        pairs = list(_pairs(source.on))
        names = {name for pair in pairs if pair for name, _ in pair}
        if None in pairs or len(names) != 2 or source.name not in names:
            return None
        (other,) = names - {source.name}
        if other not in table_of:
            return None
        for child, parent in ((source.name, other), (other, source.name)):
            own = {
                tuple(column for name, column in sorted(pair, key=lambda side: side[0] != child))
                for pair in pairs
                if pair
            }
            for reference in self.tables.joins.references:
                wanted = {
                    (column.casefold(), to.casefold())
                    for column, to in zip(reference.columns, reference.to_columns, strict=True)
                }
                if reference.table == table_of[child] and reference.to == table_of[parent] and wanted == own:
                    return _Edge(reference=reference, child=child, parent=parent, new=source.name, left=source.left)
        return None

    def _name_ways(self) -> bool:
        """Give each source its instance; False: ways do not say which is which."""
        paths = self._ways()
        if paths is None:
            return False
        table_of = {source.name: source.table for source in self.sources}
        for name, table in table_of.items():
            way: tuple[Reference, ...] = ()
            at = name
            while at in paths and len(way) < len(table_of):
                way = (paths[at].reference, *way)
                at = paths[at].child
            self.instances[name] = Instance(table=table, way=way)
        # A table at the end of a way leads nowhere else but by further ways.
        for edge in self.edges:
            if edge not in paths.values() and any(self.instances[end].way for end in (edge.child, edge.parent)):
                return False
        return len(set(self.instances.values())) == len(table_of)

    def _ways(self) -> dict[str, _Edge] | None:
        """The join that leads to each source at the end of a way; None: ways do not say which is which."""
        roles = [edge for edge in self.edges if self.tables.joins.is_role(edge.reference)]
        edges = {edge.parent: edge for edge in roles}
        if len(edges) < len(roles) or any(edge.left and edge.new == edge.child for edge in roles):
            return None
        for _ in self.edges:  # a way goes on by any reference
            for edge in self.edges:
                if edge.child in edges and (edge.new == edge.parent or not edge.left):
                    edges.setdefault(edge.parent, edge)
        return edges

    def write_out(self) -> None:
        """Write FROM out, although it might follow."""
        self.explicit = True
        counts: Counter[str] = Counter()
        for source in self.sources:
            counts[source.table] += 1
            self.instances[source.name] = Instance(table=source.table, copy=counts[source.table])

    # --- names --------------------------------------------------------------------------

    def owner(self, column: exp.Column) -> tuple[Scope, str] | None:
        """The scope that a column is of, and the name of its source there."""
        scope: Scope | None = self
        while scope is not None:
            if (name := scope._own(column)) is not None:
                return scope, name
            scope = scope.parent
        return None

    def _own(self, column: exp.Column) -> str | None:
        if column.table:
            name = column.table.casefold()
            return name if name in self.instances else None
        if self.derived is not None:
            names = [select.alias_or_name.casefold() for select in self.derived.selects]
            return next(iter(self.instances)) if column.name.casefold() in names else None
        schema = self.tables.database.schema
        having = [source.name for source in self.sources if schema.column(source.table, column.name) is not None]
        return having[0] if len(having) == 1 else None

    # --- whether FROM follows -----------------------------------------------------------

    def left(self) -> list[Instance]:
        """The instances that are joined with LEFT JOIN."""
        return [self.instances[edge.new] for edge in self.edges if edge.left]

    def missing(self) -> list[Instance] | None:
        """The instances that must be named besides `used` so that FROM follows; None: it does not follow."""
        mains = [instance for instance in self.instances.values() if not instance.way]
        instances = [instance for instance in self.instances.values() if instance.way]
        unused = [main for main in mains if main not in self.used and main not in self.left()]
        unused_ways = [way for way in instances if not any(_begins(way, other) for other in self.used if other.way)]
        for extra in ([], *([instance] for instance in unused), unused):
            if self._follows([*extra, *unused_ways]):
                return [*extra, *unused_ways]
        return None

    def _follows(self, extra: Sequence[Instance]) -> bool:
        named = {*self.used, *extra, *self.left()}
        tables = {instance.way[0].table if instance.way else instance.table for instance in named}
        left = {instance.table for instance in self.left() if not instance.way}
        steps = self.tables.joins.tree(tables, left) if tables else None
        if steps is None:
            return False
        joined = {(step.reference, step.table, step.left) for step in steps}
        wanted = set()
        for edge in self.edges:
            new = self.instances[edge.new]
            if not (new.way or self.instances[edge.parent].way):
                wanted.add((edge.reference, None if not edge.left else new.table, edge.left))
        followed = {(reference, table if is_left else None, is_left) for reference, table, is_left in joined}
        return followed == wanted and len(tables) + sum(1 for _ in steps) > 0

    def child_table(self) -> Instance | None:
        """The table whose rows COUNT(*) counts: one that no other table of FROM refers to."""
        mains = {name: row for name, row in self.instances.items() if not row.way and row.copy == 1 and row.table}
        parents = {edge.parent for edge in self.edges}
        lefts = {edge.new for edge in self.edges if edge.left}
        best = [row for name, row in mains.items() if name not in parents | lefts] or [
            row for name, row in mains.items() if name not in lefts
        ]
        return min(best, key=lambda row: self.tables.joins.place(row.table), default=None)


def _begins(instance: Instance, other: Instance) -> bool:
    return other.way[: len(instance.way)] == instance.way


def _pairs(condition: exp.Expr | None) -> Iterator[tuple[tuple[str, str], tuple[str, str]] | None]:
    """The columns that a condition says are equal, with their tables; None for any other condition."""
    if condition is None:
        return
    inner = condition.unnest()
    for part in inner.flatten() if isinstance(inner, exp.And) else (inner,):
        sides = (part.this, part.expression) if isinstance(part, exp.EQ) else ()
        if len(sides) == 2 and all(isinstance(side, exp.Column) and side.table for side in sides):
            own, other = ((side.table.casefold(), side.name.casefold()) for side in sides)
            yield own, other
        else:
            yield None
