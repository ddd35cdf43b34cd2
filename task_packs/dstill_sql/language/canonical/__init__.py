"""One text for the spellings of a query that mean the same whatever the database.

    canonical_text("select name from drivers where 3 < rating and id <> 2 order by name asc", "duckdb")
    "SELECT name FROM drivers WHERE id <> 2 AND rating > 3 ORDER BY name"

These do not count: case of keywords and of names, white space and comments; names of tables inside the query (``AS t``)
and of columns that nothing refers to; the order of conditions, of joins that may be in any order, of GROUP BY, of the
values of IN and of the sides of a comparison; BETWEEN or two comparisons; ``ORDER BY 1`` or the column itself;
``COUNT(1)``; ``EXISTS (SELECT 1 …)``; ASC; ``JOIN`` or ``INNER JOIN``; brackets that change nothing. No schema is
looked at, so ``name`` and
``drivers.name`` are the same only in a SELECT of one table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.simplify import simplify_parens

from dstill_sql.language import refusals
from dstill_sql.language.bounded_text import text_of
from dstill_sql.language.canonical.joins import order_joins
from dstill_sql.language.database.name_resolution import sources
from dstill_sql.language.database.schema import quoted
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.engine_text import NotPrintable
from dstill_sql.language.statements import NotOneQuery, read

__all__ = ["canonical", "canonical_text"]

_MIRRORED: Mapping[type[exp.Expr], type[exp.Binary]] = {
    exp.GT: exp.LT,
    exp.LT: exp.GT,
    exp.GTE: exp.LTE,
    exp.LTE: exp.GTE,
    exp.EQ: exp.EQ,
    exp.NEQ: exp.NEQ,
}


@lru_cache(maxsize=16_384)  # the answers of a dataset, which several steps compare
def canonical_text(answer: str, dialect: Dialect) -> str:
    """The canonical text of an answer. Any other text is only stripped."""
    if (refusal := refusals.read(answer)) is not None:
        return refusals.write(sorted({word.casefold() for word in refusal.missing}))
    try:
        return canonical(read(answer, dialect), dialect).sql(dialect, comments=False)
    except (NotOneQuery, NotPrintable, SqlglotError, RecursionError):
        return answer.strip()


def canonical(query: exp.Query, dialect: Dialect) -> exp.Query:
    """A copy of the query in canonical form. Raises NotPrintable where its text is too long."""
    text_of(query, dialect)  # of its parts, too, each of which is printed below
    changed: exp.Expr = query.copy()
    for _ in range(2):  # what one change uncovers, the second round sees
        for select in list(changed.find_all(exp.Select)):
            order_joins(select)
        _name_tables(changed)
        changed = changed.transform(_lower_name, copy=False)
        for set_ in list(changed.find_all(exp.SetOperation)):
            _name_places(set_)
        for select in list(changed.find_all(exp.Select)):
            _resolve_places(select)
            _name_outputs(select)
        changed = (
            changed.transform(_between, copy=False)
            .transform(_plain, copy=False)
            .transform(_spelled, dialect, copy=False)
        )
        for node in reversed(list(changed.walk())):  # leaves first
            _order(node, dialect)
    assert isinstance(changed, exp.Query)
    return changed


# --- names ------------------------------------------------------------------------------


def _name_tables(query: exp.Expr) -> None:
    """Tables are called by their names; one that the query reads twice by its place: ``t1``, inside ``t1_1``.

    In a SELECT of one source, its columns are not called by it.
    """
    selects = [(select, _depth(select)) for select in query.find_all(exp.Select)]
    read = [source for select, _ in selects for source in sources(select)]
    counts = Counter(source.name.casefold() for source in read if isinstance(source, exp.Table))
    taken = {*counts, *(cte.alias.casefold() for cte in query.find_all(exp.CTE))}
    columns = [(column, _source(column)) for column in query.find_all(exp.Column) if column.table]
    for select, depth in selects:
        for place, source in enumerate(sources(select), start=1):
            if (alias := source.args.get("alias")) is not None and alias.args.get("columns"):
                continue
            mine = [column for column, of in columns if of is source]
            if len(sources(select)) == 1:
                mine = [column for column in mine if not _unqualify(column, select)]
            new = _new_name(source, place, depth, counts, taken)
            for column in mine:
                column.set("table", exp.to_identifier(new))
            _rename(source, new, named=bool(mine))


def _depth(select: exp.Expr) -> int:
    outer, depth = select.parent_select, 0
    while outer is not None:
        outer, depth = outer.parent_select, depth + 1
    return depth


def _source(column: exp.Column) -> exp.Expr | None:
    """The source that a column is called by, of the nearest SELECT that has it."""
    select = column.parent_select
    while select is not None:
        for source in sources(select):
            if source.alias_or_name.casefold() == column.table.casefold():
                return source
        select = select.parent_select
    return None


def _unqualify(column: exp.Column, select: exp.Expr) -> bool:
    """Take away the table of a column, unless it would be the column of an inner query, or an output of this one."""
    if column.parent_select is not select:
        return False
    outputs = {expression.alias.casefold() for expression in select.expressions if isinstance(expression, exp.Alias)}
    if (
        column.name.casefold() in outputs
        and column.find_ancestor(exp.Ordered, exp.Group, exp.Having, exp.Select) is not select
    ):
        return False
    column.set("table", None)
    return True


def _new_name(source: exp.Expr, place: int, depth: int, counts: Mapping[str, int], taken: Collection[str]) -> str:
    if isinstance(source, exp.Table) and counts[source.name.casefold()] == 1:
        return source.name
    new = f"t{place}_{depth}" if depth else f"t{place}"
    while new in taken:
        new += "_"
    return new


def _rename(source: exp.Expr, new: str, *, named: bool) -> None:
    if isinstance(source, exp.Table) and (source.name.casefold() == new.casefold() or not named):
        source.set("alias", None)
    else:
        source.set("alias", exp.TableAlias(this=exp.to_identifier(new)))


def _lower_name(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Identifier):
        name = node.name.lower()
        return exp.to_identifier(name, quoted=quoted(name, "duckdb") != name)
    return node


# --- places and aliases -------------------------------------------------------------------


def _resolve_places(select: exp.Select) -> None:
    """``GROUP BY 1`` and ``ORDER BY alias`` as what they stand for.

    ORDER BY alone prefers the alias to a column of that name, and only where it is the whole key.
    """
    outputs = select.expressions
    aliases = {output.alias.casefold(): output.this for output in outputs if isinstance(output, exp.Alias)}
    plain = {name: meant for name, meant in aliases.items() if not _has_column(meant, name)}
    for key in ("group", "order"):
        clause = select.args.get(key)
        for term in clause.expressions if clause else ():
            inner = term.this if isinstance(term, exp.Ordered) else term
            meant = None
            if isinstance(inner, exp.Literal) and inner.is_int and 0 < int(inner.name) <= len(outputs):
                meant = outputs[int(inner.name) - 1].unalias()
            elif isinstance(inner, exp.Column) and not inner.table:
                meant = (aliases if key == "order" else plain).get(inner.name.casefold())
            if meant is not None and not isinstance(meant, exp.Star):
                inner.replace(meant.copy())
            elif meant is None:
                _replace_aliases(inner, plain)
    if (having := select.args.get("having")) is not None:
        _replace_aliases(having, plain)


def _has_column(node: exp.Expr, name: str) -> bool:
    return any(column.name.casefold() == name and not column.table for column in node.find_all(exp.Column))


def _replace_aliases(node: exp.Expr, meanings: Mapping[str, exp.Expr]) -> None:
    for column in list(node.find_all(exp.Column)):
        if column is not node and not column.table and (meant := meanings.get(column.name.casefold())) is not None:
            column.replace(exp.paren(meant))


def _name_places(query: exp.SetOperation) -> None:
    """ORDER BY after a set operation names places alone."""
    names = [select.alias_or_name.casefold() for select in query.selects]
    for ordered in query.args["order"].expressions if query.args.get("order") else ():
        term = ordered.this
        if isinstance(term, exp.Column) and not term.table and names.count(term.name.casefold()) == 1:
            term.replace(exp.Literal.number(names.index(term.name.casefold()) + 1))


def _name_outputs(select: exp.Select) -> None:
    """Columns have no name where nothing can refer to it. Those of the only source of FROM are ``c1``, ``c2``."""
    holder = select.parent
    while isinstance(holder, exp.SetOperation):
        holder = holder.parent
    in_from = isinstance(holder, exp.CTE) or (
        isinstance(holder, exp.Subquery) and isinstance(holder.parent, (exp.From, exp.Join))
    )
    if not in_from:
        _drop_aliases(select)
    elif isinstance(holder, exp.Subquery) and holder is select.parent:
        _name_columns_of(select, holder)


def _name_columns_of(inner: exp.Select, holder: exp.Subquery) -> None:
    outer = holder.parent_select
    alias = holder.args.get("alias")
    if outer is None or len(sources(outer)) > 1 or (alias is not None and alias.args.get("columns")):
        return
    starred = any(
        isinstance(expression, exp.Star) or isinstance(expression.this, exp.Star) for expression in inner.expressions
    )
    others = any(select is not outer and select is not inner for select in outer.find_all(exp.Select))
    new = {o.alias_or_name.casefold(): f"c{place}" for place, o in enumerate(inner.expressions, start=1)}
    if starred or others or len(new) < len(inner.expressions):
        return
    inner.set("expressions", [exp.alias_(o.unalias(), f"c{n}") for n, o in enumerate(inner.expressions, start=1)])
    for column in outer.find_all(exp.Column):
        if column.parent_select is outer and (name := new.get(column.name.casefold())):
            column.set("this", exp.to_identifier(name))


def _drop_aliases(select: exp.Select) -> None:
    """Remove the names of columns to which nothing refers any more."""
    terms = []
    for output in select.expressions:
        inside = {id(column) for column in output.find_all(exp.Column)}
        others = (column for column in select.find_all(exp.Column) if id(column) not in inside and not column.table)
        used = any(other.name.casefold() == output.alias.casefold() for other in others)
        terms.append(
            output if used and not _has_column(output.unalias(), output.alias.casefold()) else output.unalias()
        )
    select.set("expressions", terms)


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
    if isinstance(node, exp.Exists):
        outputs = node.this.unnest().expressions
        if outputs and all(isinstance(output, (exp.Literal, exp.Star)) for output in outputs):
            node.this.unnest().set("expressions", [exp.Literal.number(1)])
    if isinstance(node, exp.Not):
        return _negated(node)
    if isinstance(node, exp.Join) and node.args.get("kind") == "INNER":
        node.set("kind", None)
    if isinstance(node, exp.Join) and node.args.get("kind") == "OUTER":
        node.set("kind", None)  # LEFT OUTER JOIN
    if isinstance(node, exp.Ordered) and node.args.get("desc") is None:
        node.set("desc", False)
    if isinstance(node, exp.Paren):
        return simplify_parens(node, None)
    return node


def _negated(node: exp.Not) -> exp.Expr:
    inner = node.this.unnest()
    if isinstance(inner, (exp.Like, exp.ILike)) and not inner.args.get("negate"):
        inner.set("negate", True)
        return inner
    negated = {exp.EQ: exp.NEQ, exp.NEQ: exp.EQ}.get(type(inner))
    return negated(this=inner.this, expression=inner.expression) if negated else node


def _spelled(node: exp.Expr, dialect: Dialect) -> exp.Expr:
    """Of several spellings in a dialect, one."""
    if isinstance(node, exp.ILike) or (isinstance(node, exp.Like) and dialect == "sqlite"):
        _lower_pattern(node.expression)
    if isinstance(node, exp.DateTrunc):  # as sqlglot reads DATE_TRUNC of what is a date for certain
        return exp.TimestampTrunc(this=node.this, unit=exp.var(node.unit.name.upper()))
    if isinstance(node, exp.Year):
        return exp.Extract(this=exp.var("YEAR"), expression=node.this)
    if isinstance(node, exp.Interval) and isinstance(node.unit, exp.Var) and len(node.unit.name) > 1:
        node.set("unit", exp.var(node.unit.name.upper().removesuffix("S")))
    if isinstance(node, exp.Is) and node.args.get("negate"):
        node.set("negate", False)
        return exp.Not(this=node)
    return node


def _lower_pattern(pattern: exp.Expr) -> None:
    """The case of a pattern does not count; in SQLite, that of its ASCII letters."""
    if isinstance(pattern, exp.Literal) and pattern.is_string and pattern.name.isascii():
        pattern.set("this", pattern.name.lower())


def _order(node: exp.Expr, dialect: Dialect) -> None:
    if (turned := _MIRRORED.get(type(node))) and _key(node.this, dialect) > _key(node.expression, dialect):
        node.replace(turned(this=node.expression.copy(), expression=node.this.copy()))
    elif isinstance(node, exp.In) and node.expressions:
        node.set("expressions", sorted(node.expressions, key=lambda expression: expression.sql(dialect)))
    elif isinstance(node, exp.Group) and node.expressions:
        node.set(
            "expressions",
            [
                term
                for _, term in sorted({expression.sql(dialect): expression for expression in node.expressions}.items())
            ],
        )
    elif isinstance(node, (exp.And, exp.Or)) and not isinstance(node.parent, type(node)):
        parts = sorted({part.sql(dialect): part for part in _flat(node)}.items())
        joined = exp.and_ if isinstance(node, exp.And) else exp.or_
        node.replace(joined(*(part.copy() for _, part in parts), copy=False))


def _flat(node: exp.Expr) -> Iterator[exp.Expr]:
    """The conditions between which there is AND, or OR, whatever brackets are around some of them."""
    for part in node.flatten():
        inner = part.unnest()
        if type(inner) is type(node):
            yield from _flat(inner)
        else:
            yield part


def _key(side: exp.Expr, dialect: Dialect) -> tuple[bool, str]:
    """Columns come before constants and subqueries."""
    constant = side.find(exp.Column, exp.Star) is None or side.find(exp.Query) is not None
    return constant, side.sql(dialect)
