"""How often a query repeats one value within another: engines copy expressions, and texts grow, by as much.

    growth(read("WITH a AS (SELECT x || x AS x FROM t) SELECT x || x FROM a", "duckdb"))      4

Ten such steps of ten make a query of a few lines fill any memory: before it runs, so no limit of time stops it. What
counts is how many columns one output has, each with what stands behind it: another output of the same SELECT, or one
of a query that it reads. REPLACE counts by how much longer its texts are, ``a || b || c`` by its steps: DuckDB keeps
the text of each, for 2,048 rows, and counts none of them as memory. `joined` counts its columns anywhere in a query.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

__all__ = ["MOST_GROWTH", "MOST_JOINED", "growth", "joined"]

MOST_GROWTH = 200
MOST_JOINED = 20  # columns
_CAP = 10**9  # no need to count on


def growth(query: exp.Expr, above: Mapping[str, int] | None = None) -> int:
    """The growth of the largest output of a query. `above`: that of the WITH queries around it, by folded name."""
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
    parts = (one for one in node.find_all(exp.DPipe) if not isinstance(one.parent, exp.DPipe))
    return max((sum(1 for _ in one.find_all(exp.Column)) for one in parts), default=0)


def _own(select: exp.Select) -> int:
    """The columns of the largest output, with those of other outputs that it names."""
    sizes: dict[str, int] = {}
    largest = 1
    for output in select.expressions:
        size = sum(sizes.get(one.name.casefold(), 1) if not one.table else 1 for one in output.find_all(exp.Column))
        size = min(size * _longer(output), _CAP)
        if isinstance(output, exp.Alias):
            sizes[output.alias.casefold()] = size
        largest = max(largest, size)
    return largest


def _longer(output: exp.Expr) -> int:
    factor = max(1, (joined(output) + 1) // 2)
    for one in output.find_all(exp.Replace):
        new, old = one.args.get("replacement"), one.expression
        if new is None:
            continue
        known = isinstance(new, exp.Literal) and isinstance(old, exp.Literal)
        factor = min(factor * (max(1, -(-len(new.name) // max(1, len(old.name)))) if known else MOST_GROWTH), _CAP)
    return factor


def _behind(select: exp.Select, known: Mapping[str, int]) -> int:
    """The growth of the largest query that this one reads, in FROM or anywhere within."""
    largest = 1
    for node in select.walk(prune=lambda one: isinstance(one, exp.Query) and one is not select):
        if isinstance(node, exp.Table):
            largest = max(largest, known.get(node.name.casefold(), 1))
        elif isinstance(node, exp.Query) and node is not select:
            largest = max(largest, growth(node, known))
    return largest
