"""Keys that are used as numbers, or compared with keys of something else.

SELECT SUM(driver_id) FROM trips                                → key_as_number
SELECT … FROM trips JOIN drivers ON trips.car_id = drivers.id   → other_key
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from dstill.api.records import Problem
from dstill.api.sense import warning
from dstill_sql.language.database.name_resolution import Place, Scopes
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.statements import place

__all__ = ["check"]

_DEEPEST = 5  # references that are followed: tables may refer to each other in a circle


def check(node: exp.Expr, scopes: Scopes, schema: SqlSchema) -> Iterator[Problem]:
    """What is wrong with the keys in a sum, an average, or a comparison with ``=`` or IN."""
    keys = [_target(at, schema) for side in _sides(node) if (at := scopes.column(side)) is not None]
    if isinstance(node, (exp.Sum, exp.Avg)) and keys and keys[0]:
        yield warning("key_as_number", f"{node.this.name!r} is a key, no quantity", place(node), "is COUNT meant?")
        return
    if len(keys) < 2 or not all(keys) or keys[0] == keys[1]:
        return
    one, other = (side.name for side in _sides(node))
    if one.casefold() != other.casefold():  # of one name: a schema may declare the wrong reference
        message = f"{one!r} and {other!r} are keys of different tables"
        yield warning("other_key", message, place(node), "compare a key with what refers to it")


def _sides(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.In):
        query = node.args.get("query")
        selected = query.selects if isinstance(query, exp.Query) else []
        return [node.this, selected[0].unalias()] if len(selected) == 1 else []
    return [node.this, node.expression] if isinstance(node, exp.EQ) else [node.this]


def _target(at: Place, schema: SqlSchema) -> tuple[str, str] | None:
    """Table and column of the key that a column is or refers to; None: it is neither."""
    table, column = at.table.name, at.column.name
    for _ in range(_DEEPEST):
        to = next((r for r in schema.references if r.table == table and r.columns == (column,)), None)
        if to is None:
            break
        table, column = to.to, to.to_columns[0]
    is_key = at.table.key == (column,) or table != at.table.name
    return (table, column) if is_key else None
