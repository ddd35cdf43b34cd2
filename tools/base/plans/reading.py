"""Plans of the queries that were written for the base of SQL.

    plan_of("SELECT name FROM shops WHERE city = 'Oslo'", subject, schema)      Plan(entity=shops, …)

What `dstill_sql.questions.formal` does not write back as the same query has no plan: that is asked of every result.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlglot import exp
from sqlglot.errors import SqlglotError

from dstill.api.form import NotExpressible
from dstill.synthesis.plans import Aggregate, Comparison, Condition, Existence, Function, Having, Operator, Place, Plan
from dstill.synthesis.subjects import Attribute, Entity, Relation, Subject
from dstill_sql.language.canonical import canonical_text
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.database.schema_check import qualified
from dstill_sql.language.engine_text import NotPrintable
from dstill_sql.language.statements import NotOneQuery, read
from dstill_sql.questions.formal.writing import write

__all__ = ["plan_of"]

_SIGNS: dict[type[exp.Expr], Operator] = {
    exp.EQ: "=", exp.NEQ: "!=", exp.GT: ">", exp.LT: "<", exp.GTE: ">=", exp.LTE: "<=",
}  # fmt: skip
_FUNCTIONS: dict[type[exp.Expr], Function] = {exp.Avg: "avg", exp.Sum: "sum", exp.Min: "min", exp.Max: "max"}
_AVERAGES: dict[str, Operator] = {">": "above_average", "<": "below_average"}
_LIKE: dict[tuple[bool, bool], Operator] = {
    (True, True): "contains", (False, True): "starts", (True, False): "ends", (False, False): "=",
}  # fmt: skip


def plan_of(query: str, subject: Subject, schema: SqlSchema) -> Plan:
    """The plan of a query in DuckDB's dialect. Raises NotExpressible."""
    try:
        plan = _Reader(qualified(read(query, schema.dialect), schema, stars=False), subject).plan()
        back = canonical_text(write(plan, schema), schema.dialect)
        if back != canonical_text(query, schema.dialect):
            raise NotExpressible(f"it comes back as {back}")
    except (KeyError, AttributeError, SqlglotError, NotOneQuery, NotPrintable, ValueError) as error:
        raise NotExpressible(str(error)) from error
    return plan


class _Reader:
    """Reads one SELECT, whose columns all name their table."""

    def __init__(self, tree: exp.Expr, subject: Subject, entity: Entity | None = None) -> None:
        """`entity`: of the only table; None: it is that from which references lead to all the others."""
        if not isinstance(tree, exp.Select):
            raise NotExpressible("no SELECT")
        self.tree, self.subject = tree, subject
        self.joins = tree.args.get("joins") or []
        sources = [tree.args["from_"].this, *(join.this for join in self.joins)]
        self.tables = {source.alias_or_name: _named(subject, source.name) for source in sources}
        self.entity = entity or self._main({table.name for table in self.tables.values()}, len(sources))

    def _main(self, tables: set[str], count: int) -> Entity:
        for name in sorted(tables) if len(tables) == count else ():
            if tables - {name} <= {relation.parent for relation in self.subject.up(name)}:
                return self.subject.entity(name)
        raise NotExpressible("no table refers to all the others")

    def plan(self) -> Plan:
        tree = self.tree
        where, group, having, order, limit = (
            tree.args.get(key) for key in ("where", "group", "having", "order", "limit")
        )
        if order and len(order.expressions) > 1:
            raise NotExpressible("two orders")
        ordered = order.expressions[0] if order else None
        return Plan(
            subject=self.subject,
            entity=self.entity,
            shown=tuple(self._shown(one.unalias()) for one in tree.expressions),
            distinct=tree.args.get("distinct") is not None,
            conditions=tuple(self._condition(part) for part in _parts(where, exp.And, exp.Or)),
            any_of=where is not None and isinstance(where.this, exp.Or),
            group=tuple(self._place(one) for one in group.expressions) if group else (),
            having=self._having(having.this) if having else None,
            order=self._shown(ordered.this) if ordered else None,
            descending=bool(ordered and ordered.args.get("desc")),
            limit=int(limit.expression.name) if limit else None,
        )

    def _shown(self, node: exp.Expr) -> Place | Aggregate:
        if isinstance(node, exp.Count):
            if isinstance(node.this, exp.Distinct):
                return Aggregate("count_distinct", self._place(node.this.expressions[0]))
            return Aggregate("count")
        function = _FUNCTIONS.get(type(node))
        return Aggregate(function, self._place(node.this)) if function else self._place(node)

    def _place(self, node: exp.Expr) -> Place:
        if not isinstance(node, exp.Column):
            raise NotExpressible(f"{node.sql()} is no column")
        entity = self.tables[node.table]
        attribute = _attribute(entity, node.name)
        return Place(attribute) if entity is self.entity else Place(attribute, (self._via(entity.name),))

    def _via(self, parent: str) -> Relation:
        joined = {column.name.casefold() for join in self.joins for column in join.find_all(exp.Column)}
        known = (one for one in self.subject.up(self.entity.name) if one.parent == parent)
        relation: Relation = _first(one for one in known if one.column.casefold() in joined)
        return relation

    def _having(self, node: exp.Expr) -> Having:
        measure = self._shown(node.this)
        if not isinstance(measure, Aggregate):
            raise NotExpressible("HAVING without a function")
        return Having(measure, _SIGNS[type(node)], float(node.expression.name))

    # --- conditions ---------------------------------------------------------------------

    def _condition(self, node: exp.Expr) -> Condition:
        inner = node.unnest()
        negated = isinstance(inner, exp.Not)
        inner = inner.this.unnest() if negated else inner
        if isinstance(inner, exp.Exists) or inner.args.get("query") is not None:
            query = inner.this if isinstance(inner, exp.Exists) else inner.args["query"].this
            return self._existence(query, negated)
        if isinstance(inner, exp.Column):
            return Comparison(self._place(inner), "no" if negated else "yes")
        if isinstance(inner, exp.Is):
            return Comparison(self._place(inner.this), "not_null" if negated else "is_null")
        if negated:
            raise NotExpressible("a negation")
        return self._compared(self._place(inner.this), inner)

    def _compared(self, place: Place, node: exp.Expr) -> Comparison:
        if isinstance(node, exp.In):
            return Comparison(place, "in", tuple(map(_value, node.expressions)))
        if isinstance(node, exp.Between):
            return Comparison(place, "between", (_value(node.args["low"]), _value(node.args["high"])))
        if isinstance(node, exp.ILike):
            pattern = node.expression.name
            return Comparison(place, _LIKE[pattern.startswith("%"), pattern.endswith("%")], (pattern.strip("%"),))
        operator = _SIGNS[type(node)]
        if isinstance(node.expression, exp.Subquery):
            return Comparison(place, _AVERAGES[operator])
        if isinstance(node.expression, exp.Column):
            return Comparison(place, operator, other=self._place(node.expression))
        return Comparison(place, operator, (_value(node.expression),))

    def _existence(self, query: exp.Select, negated: bool) -> Existence:
        """Whether the entity has children: IN (SELECT key FROM child …), or EXISTS."""
        if query.args.get("joins"):
            raise NotExpressible("a join in a condition")
        child = _named(self.subject, query.args["from_"].this.name)
        names = {column.name.casefold() for column in query.find_all(exp.Column)}
        known = (one for one in self.subject.down(self.entity.name) if one.child == child.name)
        relation = _first(one for one in known if one.column.casefold() in names)
        inside = _Reader(query, self.subject, child)
        own = [
            part
            for part in _parts(query.args.get("where"), exp.And)
            if all(column.table in inside.tables for column in part.find_all(exp.Column))
        ]
        conditions = [inside._condition(part) for part in own]
        if len(conditions) > 1 or any(isinstance(one, Existence) for one in conditions):
            raise NotExpressible("several conditions on children")
        first = conditions[0] if conditions else None
        return Existence(relation, negated, first if isinstance(first, Comparison) else None)


def _first(found: Iterable[Any]) -> Any:
    for one in found:
        return one
    raise NotExpressible("not in the subject")


def _named(subject: Subject, name: str) -> Entity:
    entity: Entity = _first(entity for entity in subject.entities if entity.name.casefold() == name.casefold())
    return entity


def _attribute(entity: Entity, name: str) -> Attribute:
    known = [*entity.attributes, *([entity.key] if entity.key else [])]
    attribute: Attribute = _first(one for one in known if one.name.casefold() == name.casefold())
    return attribute


def _parts(where: exp.Where | None, *kinds: type[exp.Expr]) -> list[exp.Expr]:
    if where is None:
        return []
    return list(where.this.flatten()) if isinstance(where.this, kinds) else [where.this]


def _value(node: exp.Expr) -> Any:
    if isinstance(node, exp.Neg):
        return -_value(node.this)
    if not isinstance(node, exp.Literal):
        raise NotExpressible(f"{node.sql()} is no literal")
    if node.is_string:
        return node.name
    return float(node.name) if "." in node.name else int(node.name)
