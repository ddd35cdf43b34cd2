"""One text for the spellings of a query that mean the same whatever the database.

    canonical_text("select name from drivers where 3 < rating and id <> 2 order by name asc", "duckdb")
    "SELECT name FROM drivers WHERE id <> 2 AND rating > 3 ORDER BY name"

These do not count: case of keywords and of names, white space and comments; names of tables inside the query (``AS t``)
and of columns that nothing refers to; the order of conditions, of the values of IN and of the sides of a comparison;
BETWEEN or two comparisons; ``ORDER BY 1`` or the column itself; ``COUNT(1)``; ASC; ``JOIN`` or ``INNER JOIN``; brackets
that change nothing. No schema is looked at, so ``name`` and ``drivers.name`` are the same only in a query of one table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.simplify import simplify_parens

from dstill_sql import refusals
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
    """The canonical text of an answer. Any other text is only stripped."""
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
        _name_tables(changed)
        changed = changed.transform(_lower_name)
        for select in list(changed.find_all(exp.Select)):
            _resolve_places(select)
            _drop_aliases(select)
        changed = changed.transform(_between).transform(_plain)
        for node in reversed(list(changed.walk())):  # leaves first
            _order(node, dialect)
    assert isinstance(changed, exp.Query)
    return changed


# --- names ------------------------------------------------------------------------------


def _name_tables(query: exp.Expr) -> None:
    """Tables are called by their names; where one is read twice in a SELECT, ``t1``, ``t2`` in the order of FROM."""
    for select in query.find_all(exp.Select):
        sources = [one.this for one in _froms(select)]
        renamed = _new_names(sources)
        if len({new.casefold() for new in renamed.values()}) < len(renamed):
            continue
        for column in select.find_all(exp.Column):
            # A subquery may call tables of its own by the same names: those are its own.
            if column.table and (new := renamed.get(column.table.casefold())) and _is_of(column, select):
                column.set("table", exp.to_identifier(new))
        for source in sources:
            _rename(source, renamed.get(source.alias_or_name.casefold(), ""))
        if len(sources) == 1 and isinstance(sources[0], exp.Table) and not _has_inner(select):
            for column in select.find_all(exp.Column):
                if column.table.casefold() == sources[0].alias_or_name.casefold():
                    column.set("table", None)


def _new_names(sources: Sequence[exp.Expr]) -> dict[str, str]:
    counts = Counter(one.name.casefold() for one in sources if isinstance(one, exp.Table))
    return {
        source.alias_or_name.casefold(): source.name if counts[source.name.casefold()] == 1 else f"t{place}"
        for place, source in enumerate(sources, start=1)
        if source.alias_or_name
    }


def _rename(source: exp.Expr, new: str) -> None:
    if isinstance(source, exp.Table) and source.name.casefold() == new.casefold():
        source.set("alias", None)
    elif new:
        source.set("alias", exp.TableAlias(this=exp.to_identifier(new)))


def _froms(select: exp.Select) -> list[exp.Expr]:
    start = select.args.get("from_") or select.args.get("from")
    return [*([start] if start else []), *select.args.get("joins", ())]


def _is_of(column: exp.Column, select: exp.Select) -> bool:
    """Whether the table of a column is one of `select`, not one of a subquery between them."""
    inner = column.parent_select
    while inner is not None and inner is not select:
        if any(one.this.alias_or_name.casefold() == column.table.casefold() for one in _froms(inner)):
            return False
        inner = inner.parent_select
    return inner is select


def _has_inner(select: exp.Select) -> bool:
    return any(one is not select for one in select.find_all(exp.Select))


def _lower_name(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Identifier):
        return exp.to_identifier(node.name.lower(), quoted=not node.name.lower().isidentifier())
    return node


# --- places and aliases -------------------------------------------------------------------


def _resolve_places(select: exp.Select) -> None:
    """``GROUP BY 1`` and ``ORDER BY alias`` as what they stand for."""
    outputs = select.expressions
    by_alias = {one.alias.casefold(): one.this for one in outputs if isinstance(one, exp.Alias)}
    for key in ("group", "order"):
        clause = select.args.get(key)
        for term in clause.expressions if clause else ():
            inner = term.this if isinstance(term, exp.Ordered) else term
            meant = None
            if isinstance(inner, exp.Literal) and inner.is_int and 0 < int(inner.name) <= len(outputs):
                meant = outputs[int(inner.name) - 1].unalias()
            elif isinstance(inner, exp.Column) and not inner.table:
                meant = by_alias.get(inner.name.casefold())
            if meant is not None and not isinstance(meant, exp.Star):
                inner.replace(meant.copy())
    having = select.args.get("having")
    for column in list(having.find_all(exp.Column)) if having else ():
        if not column.table and (meant := by_alias.get(column.name.casefold())) is not None:
            column.replace(meant.copy())


def _drop_aliases(select: exp.Select) -> None:
    """Remove names of columns of the outermost SELECT, which nothing can refer to any more."""
    if select.parent is None:
        select.set("expressions", [one.unalias() for one in select.expressions])


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
    if isinstance(node, exp.Not):
        inner = node.this.unnest()
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
    elif isinstance(node, exp.In) and node.expressions:
        node.set("expressions", sorted(node.expressions, key=lambda one: one.sql(dialect)))
    elif isinstance(node, (exp.And, exp.Or)) and not isinstance(node.parent, type(node)):
        parts = sorted({part.sql(dialect): part for part in node.flatten()}.items())
        joined = exp.and_ if isinstance(node, exp.And) else exp.or_
        node.replace(joined(*(part.copy() for _, part in parts), copy=False))


def _key(side: exp.Expr, dialect: Dialect) -> tuple[bool, str]:
    """Columns come before constants."""
    return side.find(exp.Column, exp.Star) is None, side.sql(dialect)
