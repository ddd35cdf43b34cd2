"""The parts of a query that are right or wrong on their own, from its canonical form.

    clauses("SELECT name FROM drivers WHERE rating > 4 ORDER BY rating DESC LIMIT 3", "duckdb")
    ["FROM drivers", "SELECT name", "WHERE rating > 4", "ORDER BY rating DESC", "LIMIT 3"]

Conditions that AND connects are parts of their own; those that OR connects are one. A subquery is ``(…)`` there,
and its own parts come too. A refusal has the words that it says are missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import SqlglotError

from dstill_sql.language import refusals
from dstill_sql.language.canonical import canonical
from dstill_sql.language.database.name_resolution import sources
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.engine_text import NotPrintable
from dstill_sql.language.statements import NotOneQuery, read

__all__ = ["Clause", "clauses", "parts", "terms"]

# Kinds of clauses, in the order of a query.
TABLE, JOIN, SET, OUTPUT, DISTINCT, WHERE, GROUP, HAVING, ORDER, LIMIT = (
    "FROM", "JOIN", "SET", "SELECT", "DISTINCT", "WHERE", "GROUP BY", "HAVING", "ORDER BY", "LIMIT"
)  # fmt: skip


@dataclass(frozen=True)
class Clause:
    """One part of a query."""

    kind: str
    node: exp.Expr
    text: str
    depth: int = 0  # of the SELECT that it is in; 0: the outermost

    def __str__(self) -> str:
        return self.text if self.kind in (JOIN, SET, DISTINCT, LIMIT) else f"{self.kind} {self.text}"


def clauses(answer: str, dialect: Dialect) -> list[str] | None:
    """The parts of an answer as texts. None if it is neither a query nor a refusal."""
    if (refusal := refusals.read(answer)) is not None:
        return ["no answer", *sorted(f"missing {word.casefold()}" for word in refusal.missing)]
    try:
        return [str(part) for part in parts(canonical(read(answer, dialect), dialect), dialect)]
    except (NotOneQuery, NotPrintable, SqlglotError, RecursionError):
        return None


def terms(answer: str, dialect: Dialect) -> list[str]:
    """The names of the tables and columns that an answer uses; empty for other text."""
    try:
        query = read(answer, dialect)
    except NotOneQuery:
        return []
    outputs = [expression for select in query.find_all(exp.Select) for expression in select.expressions]
    own = {
        output.alias
        for output in outputs
        if output.alias not in {column.name for column in output.find_all(exp.Column)}
    }
    own |= {cte.alias for cte in query.find_all(exp.CTE)}
    names = {node.name for node in query.find_all(exp.Table, exp.Column) if not isinstance(node.this, exp.Star)}
    return sorted(name for name in names - own if name)


def parts(query: exp.Query, dialect: Dialect) -> list[Clause]:
    """The parts of a query in canonical form, outer ones first."""
    return list(_query(query, dialect, 0))


def _query(query: exp.Expr, dialect: Dialect, depth: int) -> Iterator[Clause]:
    for cte in query.args["with_"].expressions if query.args.get("with_") else ():
        yield from _query(cte.this, dialect, depth + 1)
    if isinstance(query, exp.SetOperation):
        word = query.key.upper() + ("" if query.args.get("distinct") else " ALL")
        yield Clause(SET, query, word, depth)
        for side in (query.this, query.expression):
            yield from _query(side.unnest(), dialect, depth)
    elif isinstance(query, exp.Select):
        yield from _select(query, dialect, depth)
    yield from _order(query, dialect, depth)


def _select(select: exp.Select, dialect: Dialect, depth: int) -> Iterator[Clause]:
    def clause(kind: str, node: exp.Expr) -> Clause:
        return Clause(kind, node, _short(node, dialect), depth)

    for source in sources(select):
        if isinstance(source, exp.Table):
            yield Clause(TABLE, source, source.name, depth)
    for join in select.args.get("joins") or ():
        yield from _join(join, dialect, depth)
    yield from (clause(OUTPUT, expression.unalias()) for expression in select.expressions)
    if select.args.get("distinct"):
        yield Clause(DISTINCT, select, "DISTINCT", depth)
    for kind in (WHERE, HAVING):
        if (part := select.args.get(kind.lower())) is not None:
            yield from (clause(kind, conjunct) for conjunct in _conjuncts(part.this))
    if (group := select.args.get("group")) is not None:
        yield from (clause(GROUP, expression) for expression in group.expressions)
    for inner in _inner(select):
        yield from _query(inner, dialect, depth + 1)


def _join(join: exp.Join, dialect: Dialect, depth: int) -> Iterator[Clause]:
    words = " ".join(filter(None, (join.method, join.side, join.args.get("kind"), "JOIN")))
    if (on := join.args.get("on")) is None:
        yield Clause(JOIN, join, _short(join, dialect).strip(", "), depth)
        return
    for condition in _conjuncts(on):
        yield Clause(JOIN, condition, f"{words} ON {_short(condition, dialect)}", depth)


def _order(query: exp.Expr, dialect: Dialect, depth: int) -> Iterator[Clause]:
    if (order := query.args.get("order")) is not None:
        for place, term in enumerate(order.expressions):
            text = _short(term.this, dialect) + (" DESC" if term.args.get("desc") else "")
            yield Clause(ORDER, term, text if not place else f"…, {text}", depth)
    for name in ("limit", "offset"):
        if (clause := query.args.get(name)) is not None:
            count = clause.args.get("expression") or clause.args.get("count")
            yield Clause(LIMIT, clause, f"{name.upper()} {count.sql(dialect) if count is not None else ''}", depth)


def _conjuncts(node: exp.Expr) -> list[exp.Expr]:
    node = node.unnest()
    return [part.unnest() for part in node.flatten()] if isinstance(node, exp.And) else [node]


def _inner(select: exp.Select) -> Iterator[exp.Expr]:
    """The subqueries right inside a SELECT, without those of WITH."""
    for node in select.find_all(exp.Select, exp.SetOperation):
        around = node.parent
        while isinstance(around, exp.Subquery):
            around = around.parent
        if node is not select and node.parent_select is select and not isinstance(around, (exp.CTE, exp.SetOperation)):
            yield node


def _short(node: exp.Expr, dialect: Dialect) -> str:
    """The text of a part, with (…) for subqueries."""

    def cut(expr: exp.Expr) -> exp.Expr:
        if isinstance(expr, exp.Query) and expr is not copied:
            hidden = exp.Var(this="…")
            return exp.Paren(this=hidden) if isinstance(expr, exp.Subquery) else hidden
        return expr

    copied = node.copy()
    return copied.transform(cut, copy=False).sql(dialect, comments=False)
