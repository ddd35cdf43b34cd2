"""One text for the spellings of a query that mean the same whatever the database.

    canonical_text("select name from drivers where 3 < rating and id <> 2 order by name asc", "duckdb")
    "SELECT name FROM drivers WHERE id <> 2 AND rating > 3 ORDER BY name"

These do not count: case of keywords and of names, white space and comments; names of tables inside the query (``AS t``)
and of columns; the order of conditions, of inner joins, of GROUP BY, of the values of IN and of the sides of a
comparison; BETWEEN or two comparisons; ``ORDER BY 1`` or the column itself; ``COUNT(1)``; ASC; ``JOIN`` or ``INNER
JOIN``; brackets that change nothing. No schema is looked at, so ``name`` and ``drivers.name`` are the same only in a
SELECT of one table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.simplify import simplify_parens

from dstill_sql import refusals
from dstill_sql.canonical_sources import froms, name_tables, order_joins
from dstill_sql.schema import Dialect
from dstill_sql.statements import NotOneQuery, read

__all__ = ["canonical", "canonical_text"]

_TURNED: Mapping[type[exp.Expr], type[exp.Binary]] = {
    exp.GT: exp.LT,
    exp.LT: exp.GT,
    exp.GTE: exp.LTE,
    exp.LTE: exp.GTE,
    exp.EQ: exp.EQ,
    exp.NEQ: exp.NEQ,
}


@lru_cache(maxsize=4096)
def canonical_text(answer: str, dialect: Dialect) -> str:
    """The canonical text of an answer. What is no query is only stripped."""
    if (refusal := refusals.read(answer)) is not None:
        return refusals.write(sorted({word.casefold() for word in refusal.missing}))
    try:
        return canonical(read(answer, dialect), dialect).sql(dialect, comments=False)
    except (NotOneQuery, SqlglotError, RecursionError):
        return answer.strip()


def canonical(query: exp.Query, dialect: Dialect) -> exp.Query:
    """A copy of the query in canonical form."""
    changed: exp.Expr = query.copy()
    for _ in range(2):  # what one change uncovers, the second round sees
        changed = changed.transform(_lower_name, copy=False)
        for query_ in list(changed.find_all(exp.Select, exp.SetOperation)):
            _resolve_places(query_)
        for select in list(changed.find_all(exp.Select)):
            _name_outputs(select)
            order_joins(select)
        name_tables(changed)
        changed = changed.transform(_between, copy=False).transform(_plain, copy=False)
        for node in reversed(list(changed.walk())):  # leaves first
            _order(node, dialect)
    assert isinstance(changed, exp.Query)
    return changed


# --- names ------------------------------------------------------------------------------


def _lower_name(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Identifier):
        return exp.to_identifier(node.name.lower(), quoted=not node.name.lower().isidentifier())
    return node


# --- places and aliases -------------------------------------------------------------------


def _resolve_places(query: exp.Query) -> None:
    """``GROUP BY 1`` and ``ORDER BY alias`` as what they stand for. What follows a UNION names places alone."""
    outputs = query.selects
    by_alias = {one.alias.casefold(): one.this for one in outputs if isinstance(one, exp.Alias)}
    for key in ("group", "order"):
        clause = query.args.get(key)
        for term in clause.expressions if clause else ():
            inner = term.this if isinstance(term, exp.Ordered) else term
            if isinstance(query, exp.SetOperation):
                _name_place(inner, outputs)
                continue
            meant = None
            if isinstance(inner, exp.Literal) and inner.is_int and 0 < int(inner.name) <= len(outputs):
                meant = outputs[int(inner.name) - 1].unalias()
            elif isinstance(inner, exp.Column) and not inner.table:
                meant = by_alias.get(inner.name.casefold())
            if meant is not None and not isinstance(meant, exp.Star):
                inner.replace(meant.copy())
    having = query.args.get("having")
    for column in list(having.find_all(exp.Column)) if having else ():
        if not column.table and (meant := by_alias.get(column.name.casefold())) is not None:
            column.replace(meant.copy())


def _name_place(term: exp.Expr, outputs: Sequence[exp.Expr]) -> None:
    names = [one.alias_or_name.casefold() for one in outputs]
    if isinstance(term, exp.Column) and not term.table and names.count(term.name.casefold()) == 1:
        term.replace(exp.Literal.number(names.index(term.name.casefold()) + 1))


def _name_outputs(select: exp.Select) -> None:
    """Remove names of columns that nothing can refer to. Those of a FROM with one subquery are ``c1``, ``c2``."""
    holder = select.parent
    while isinstance(holder, exp.SetOperation):
        holder = holder.parent
    if isinstance(holder, exp.Subquery):
        holder = holder.parent if not isinstance(holder.parent, (exp.From, exp.Join)) else holder
    if not isinstance(holder, (exp.Subquery, exp.CTE)):
        select.set("expressions", [one.unalias() for one in select.expressions])
    elif isinstance(holder, exp.Subquery) and holder is select.parent:
        _name_columns_of(select, holder)


def _name_columns_of(inner: exp.Select, holder: exp.Subquery) -> None:
    outer = holder.parent_select
    if (
        outer is None
        or len(froms(outer)) > 1
        or any(one.find(exp.Star) in (one, one.this) for one in inner.expressions)
    ):
        return
    new = {one.alias_or_name.casefold(): f"c{place}" for place, one in enumerate(inner.expressions, start=1)}
    if len(new) < len(inner.expressions) or any(
        one is not outer and one is not inner for one in outer.find_all(exp.Select)
    ):
        return
    inner.set("expressions", [exp.alias_(one.unalias(), f"c{n}") for n, one in enumerate(inner.expressions, start=1)])
    for column in outer.find_all(exp.Column):
        if column.parent_select is outer and (name := new.get(column.name.casefold())):
            column.set("this", exp.to_identifier(name))


# --- expressions -----------------------------------------------------------------------


def _between(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Between) and not node.args.get("symmetric"):
        low = exp.GTE(this=node.this.copy(), expression=node.args["low"])
        both = exp.And(this=low, expression=exp.LTE(this=node.this, expression=node.args["high"]))
        return exp.Paren(this=both) if isinstance(node.parent, (exp.Not, exp.Or)) else both
    return node


def _plain(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Count) and isinstance(node.this, exp.Literal):
        return exp.Count(this=exp.Star())
    if isinstance(node, exp.Interval) and isinstance(node.unit, exp.Var) and len(node.unit.name) > 1:
        node.set("unit", exp.var(node.unit.name.upper().removesuffix("S")))
    if isinstance(node, exp.Year):
        return exp.Extract(this=exp.var("YEAR"), expression=node.this)
    if isinstance(node, exp.Not):
        inner = node.this.unnest()
        if isinstance(inner, (exp.Like, exp.ILike)) and not inner.args.get("negate"):
            inner.set("negate", True)
            return inner
        negated = {exp.EQ: exp.NEQ, exp.NEQ: exp.EQ}.get(type(inner))
        if negated:
            return negated(this=inner.this, expression=inner.expression)
    if isinstance(node, exp.Join) and node.args.get("kind") == "INNER":
        node.set("kind", None)
    if isinstance(node, exp.Join) and node.args.get("side"):
        node.set("kind", None)  # LEFT OUTER JOIN
    if isinstance(node, exp.Ordered) and node.args.get("desc") is None:
        node.set("desc", False)
    if isinstance(node, exp.Paren):
        return simplify_parens(node, None)
    return node


def _order(node: exp.Expr, dialect: Dialect) -> None:
    if (turned := _TURNED.get(type(node))) and _key(node.this, dialect) > _key(node.expression, dialect):
        node.replace(turned(this=node.expression.copy(), expression=node.this.copy()))
    elif (isinstance(node, exp.In) and node.expressions) or (isinstance(node, exp.Group) and node.expressions):
        node.set("expressions", [one for _, one in sorted({one.sql(dialect): one for one in node.expressions}.items())])
    elif isinstance(node, (exp.And, exp.Or)) and not isinstance(node.parent, type(node)):
        parts = sorted({part.sql(dialect): part for part in node.flatten()}.items())
        joined = exp.and_ if isinstance(node, exp.And) else exp.or_
        node.replace(joined(*(part.copy() for _, part in parts), copy=False))


def _key(side: exp.Expr, dialect: Dialect) -> tuple[bool, str]:
    """Columns come before constants."""
    return side.find(exp.Column, exp.Star) is None, side.sql(dialect)
