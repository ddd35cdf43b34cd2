"""Whether the condition of a join compares the joined table with another one: its rows multiply otherwise.

compares(…, "y")      `…`: the condition of ``FROM t AS x JOIN t AS y ON …``
    x.a = y.a AND y.b > 0       True
    x.a > 0                     False: one table
    x.a = y.a OR 1 = 1          False: one side of OR is enough for a row
"""

from __future__ import annotations

from sqlglot import exp

__all__ = ["compares"]


def compares(condition: exp.Expr, name: str, *, negated: bool = False, qualified: bool = False) -> bool:
    """Whether all rows for which a condition holds are compared between the table `name` and another one.

    Columns without a table may be of any, unless they must be `qualified`.
    """
    node = condition.unnest()
    if isinstance(node, exp.Not):
        return compares(node.this, name, negated=not negated, qualified=qualified)
    if isinstance(node, (exp.And, exp.Or)):
        sides = (compares(side, name, negated=negated, qualified=qualified) for side in node.flatten())
        return any(sides) if isinstance(node, exp.And) is not negated else all(sides)
    columns = set(node.find_all(exp.Column))
    tables = {column.table.casefold() for column in columns}
    open_ = "" in tables and not qualified
    tables.discard("")
    named = name.casefold() in tables or open_
    return len(columns) > 1 and named and (len(tables) > 1 or open_)
