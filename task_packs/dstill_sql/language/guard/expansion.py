"""How often a query repeats one value within another: engines copy expressions, and texts grow, by as much.

    growth(read("WITH a AS (SELECT x || x AS x FROM t) SELECT x || x FROM a", "duckdb"))      4

Ten such steps of ten make a query of a few lines fill any memory: before it runs, so no limit of time stops it. What
counts is how many columns one expression has, wherever it stands, each with what stands behind it: another output of
the same SELECT, or one of a query that it reads. Of a condition, each side counts alone. REPLACE counts by how much
longer its texts are, CONCAT_WS by its separators, and ``a || b || c`` by its steps: DuckDB keeps the text of each, for
2,048 rows, and counts none of them as memory. `joined` counts its columns anywhere in a query.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

__all__ = ["MOST_GROWTH", "MOST_JOINED", "growth", "joined"]

MOST_GROWTH = 200
MOST_JOINED = 20  # columns
_CAP = 10**9  # no need to count on
_LONG = 100  # characters of a literal that count as a value


def growth(query: exp.Expr, above: Mapping[str, int] | None = None) -> int:
    """The growth of the largest expression of a query. `above`: that of the WITH queries around it, by folded name."""
    known = dict(above or {})
    for cte in query.args["with_"].expressions if query.args.get("with_") else ():
        known[cte.alias_or_name.casefold()] = growth(cte.this, known)
    if isinstance(query, exp.SetOperation):
        return max(growth(side, known) for side in (query.this, query.expression))
    if isinstance(query, (exp.Subquery, exp.Paren)):
        return growth(query.this, known)
    if not isinstance(query, exp.Select):
        return 1
    return min(_own(query) * _behind(query, known), _CAP)


def joined(node: exp.Expr) -> int:
    """The most columns that one ``a || b || c`` holds."""
    parts = (pipe for pipe in node.find_all(exp.DPipe) if not isinstance(pipe.parent, exp.DPipe))
    return max((sum(1 for _ in part.find_all(exp.Column)) for part in parts), default=0)


def _own(select: exp.Select) -> int:
    """The size of the largest expression, with those of the outputs that it names."""
    sizes: dict[str, int] = {}
    largest = 1
    for output in select.expressions:
        size = _size(output, sizes)
        if isinstance(output, exp.Alias):
            sizes[output.alias.casefold()] = size
        largest = max(largest, size)
    clauses = [part for part in select.iter_expressions() if part.arg_key not in ("expressions", "with_")]
    return max([largest, *(_size(part, sizes) for clause in clauses for part in _sides(clause))])


# Nodes of which each side is on its own: no text comes of them.
_SPLIT = (
    exp.Connector, exp.Not, exp.Predicate, exp.Paren, exp.Tuple, exp.Where, exp.Having, exp.Qualify, exp.Group,
    exp.Order, exp.Ordered, exp.Distinct, exp.Join, exp.From, exp.Limit, exp.Offset, exp.Window,
)  # fmt: skip


def _sides(clause: exp.Expr) -> Iterator[exp.Expr]:
    """The expressions of a clause, without nested queries and without what compares them."""
    parts = [clause]
    while parts:
        part = parts.pop()
        if isinstance(part, _SPLIT):
            parts += part.iter_expressions()
        elif not isinstance(part, (exp.Query, exp.Table)):
            yield part


def _size(expression: exp.Expr, sizes: Mapping[str, int]) -> int:
    """How many values an expression holds, as texts grow. `sizes`: of the outputs that it may name."""
    totals: dict[int, int] = {}
    nodes = list(expression.walk(prune=lambda node: isinstance(node, exp.Query)))
    for node in reversed(nodes):  # each after its parts
        parts = [totals[id(part)] for part in node.iter_expressions() if id(part) in totals]
        totals[id(node)] = min(_own_size(node, parts, sizes), _CAP)
    return max(1, totals[id(expression)])


def _own_size(node: exp.Expr, parts: list[int], sizes: Mapping[str, int]) -> int:
    if isinstance(node, exp.Query):
        return 1
    if isinstance(node, exp.Column):
        return sizes.get(node.name.casefold(), 1) if not node.table else 1
    if isinstance(node, exp.Literal):
        return len(node.name) // _LONG
    if isinstance(node, exp.ConcatWs):  # the separator comes first
        return sum(parts) + parts[0] * max(0, len(parts) - 3) if parts else 0
    if isinstance(node, exp.Replace):
        return max(1, sum(parts)) * _longer(node)
    if isinstance(node, exp.DPipe) and not isinstance(node.parent, exp.DPipe):
        return sum(parts) * max(1, (joined(node) + 1) // 2)
    return sum(parts)


def _longer(node: exp.Replace) -> int:
    """By how much REPLACE makes a text longer."""
    old, new = node.expression, node.args.get("replacement")
    if new is None:
        return 1
    if not isinstance(new, exp.Literal) or not isinstance(old, exp.Literal):
        return MOST_GROWTH
    return max(1, -(-len(new.name) // max(1, len(old.name))))


def _behind(select: exp.Select, known: Mapping[str, int]) -> int:
    """The growth of the largest query that this one reads, in FROM or anywhere within."""
    largest = 1
    for node in select.walk(prune=lambda child: isinstance(child, exp.Query) and child is not select):
        if isinstance(node, exp.Table):
            largest = max(largest, known.get(node.name.casefold(), 1))
        elif isinstance(node, exp.Query) and node is not select:
            largest = max(largest, growth(node, known))
    return largest
