"""Whether the tables of a join are compared with each other: rows multiply otherwise.

compares(…, "y")      `…`: the condition of ``FROM t AS x JOIN t AS y ON …``
    x.a = y.a AND y.b > 0       True
    x.a > 0                     False: one table
    x.a = y.a OR 1 = 1          False: one side of OR is enough for a row

is_related(…)         `…`: the join with y, which has no condition
    FROM x, y WHERE x.a = y.a                       True
    FROM x JOIN y JOIN z ON x.a = z.a AND y.b = z.b True: over z
    FROM x, y, z WHERE y.b = z.b                    False: every row of x is with each of them
"""

from __future__ import annotations

from collections.abc import Iterator, Set

from sqlglot import exp

__all__ = ["compares", "is_related"]


def compares(condition: exp.Expr, name: str, *, negated: bool = False) -> bool:
    """Whether all rows for which a condition holds are compared between the table `name` and another one.

    Columns without a table may be of any.
    """
    node = condition.unnest()
    if isinstance(node, exp.Not):
        return compares(node.this, name, negated=not negated)
    if isinstance(node, (exp.And, exp.Or)):
        sides = (compares(side, name, negated=negated) for side in node.flatten())
        return any(sides) if isinstance(node, exp.And) is not negated else all(sides)
    columns = set(node.find_all(exp.Column))
    tables = {column.table.casefold() for column in columns}
    open_ = "" in tables
    tables.discard("")
    named = name.casefold() in tables or open_
    return len(columns) > 1 and named and (len(tables) > 1 or open_)


def is_related(join: exp.Join) -> bool:
    """Whether other conditions compare the table of a join with those before it, perhaps over a table behind it.

    They are those of WHERE, and of the joins that follow.
    """
    owner = join.parent
    if owner is None:
        return False
    joins: list[exp.Join] = owner.args["joins"]
    from_ = owner.args.get("from_")
    reached = {_name(owner if from_ is None else from_)}
    left = list(range(len(joins)))
    while hits := [n for n in left if _reaches(joins, n, reached, in_order=n == left[0])]:
        reached.add(_name(joins[hits[0]]))
        left.remove(hits[0])
    return not any(joins[n] is join for n in left)


def _reaches(joins: list[exp.Join], number: int, reached: Set[str], *, in_order: bool) -> bool:
    """Whether the table of a join is compared with a table of `reached`. `in_order`: all tables before it are there."""
    join = joins[number]
    on = join.args.get("on")
    if in_order and (join.args.get("using") or join.method == "NATURAL" or (on is not None and _is_open(on))):
        return True
    conditions = [*([] if on is None else [on]), *_later(joins, number)]
    return any(_links(condition, _name(join), reached) for condition in conditions)


def _later(joins: list[exp.Join], number: int) -> Iterator[exp.Expr]:
    """Conditions that every row of the joins up to `number` has to fulfil: those of an outer join may not hold."""
    for join in joins[number + 1 :]:
        if (on := join.args.get("on")) is not None and join.side in ("", "RIGHT") and join.kind in ("", "INNER"):
            yield on
    select = joins[number].parent_select
    if select is not None and (where := select.args.get("where")) is not None:
        yield where.this


def _links(condition: exp.Expr, name: str, others: Set[str], *, negated: bool = False) -> bool:
    """Whether all rows for which a condition holds are compared between the table `name` and one of `others`."""
    node = condition.unnest()
    if isinstance(node, exp.Not):
        return _links(node.this, name, others, negated=not negated)
    if isinstance(node, (exp.And, exp.Or)):
        sides = (_links(side, name, others, negated=negated) for side in node.flatten())
        return any(sides) if isinstance(node, exp.And) is not negated else all(sides)
    tables = {column.table.casefold() for column in node.find_all(exp.Column)}
    return name in tables and not tables.isdisjoint(others)


def _is_open(condition: exp.Expr) -> bool:
    """Whether a column has no table."""
    return any(not column.table for column in condition.find_all(exp.Column))


def _name(joined: exp.Expr) -> str:
    """The folded name of the table of a join or of FROM."""
    table = joined.this if isinstance(joined, (exp.Join, exp.From)) else joined
    return table.alias_or_name.casefold()
