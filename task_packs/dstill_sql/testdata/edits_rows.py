"""Changes of which rows there are and in which order: joins, groups, set operations, ORDER BY, LIMIT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from dstill_sql.testdata.edits import Change, Edit, Gold, as_kind, remove, setting
from dstill_sql.testdata.edits_outputs import column

__all__ = ["KINDS"]

_SETS: Mapping[type[exp.Expr], tuple[type[exp.Expr], ...]] = {
    exp.Intersect: (exp.Except, exp.Union),
    exp.Except: (exp.Intersect, exp.Union),
    exp.Union: (exp.Intersect,),
}


def _sorts(node: exp.Expr, gold: Gold) -> Iterator[Edit]:
    if isinstance(node, exp.Order) and isinstance(node.parent, exp.Query):
        yield Edit(name="no ORDER BY", node=node, change=remove)
    if not isinstance(node, exp.Ordered):
        return
    shown = gold.text(node)
    yield Edit(name=f"the other direction of {shown}", node=node, change=setting("desc", not node.args.get("desc")))
    if isinstance(node.parent, exp.Order) and len(node.parent.expressions) > 1:
        yield Edit(name=f"no {shown} in ORDER BY", node=node, change=remove)
    if (place := gold.names.column(node.this)) is None:
        return
    if place.column.nullable:
        change = setting("nulls_first", not node.args.get("nulls_first"))
        yield Edit(name=f"NULL at the other end of {shown}", node=node, change=change)
    for other, source in gold.beside(node):
        if other.key != place.key and other.column.family == place.column.family:
            yield Edit(name=f"{other.name} for {shown}", node=node, change=setting("this", column(other, source)))
            return


def _limits(node: exp.Expr, _: Gold) -> Iterator[Edit]:
    if not isinstance(node, (exp.Limit, exp.Offset)) or not isinstance(node.expression, exp.Literal):
        return
    most, word = int(node.expression.name), node.key.upper()
    for new in (most + 1, most - 1):
        if new > 0 or (not new and isinstance(node, exp.Offset)):
            change = setting("expression", exp.Literal.number(new))
            yield Edit(name=f"{word} {new} for {word} {most}", node=node, change=change)
    yield Edit(name=f"no {word}", node=node, change=remove)


def _joins(node: exp.Expr, _: Gold) -> Iterator[Edit]:
    if not isinstance(node, exp.Join) or not (node.args.get("on") or node.args.get("using")):
        return
    table = node.this.alias_or_name
    if node.side == "LEFT":
        yield Edit(name=f"JOIN {table} for LEFT JOIN", node=node, change=setting("side", None))
    elif not node.side and node.args.get("kind") in (None, "", "INNER"):
        yield Edit(name=f"LEFT JOIN {table}", node=node, change=setting("side", "LEFT"))
        if not _is_used(node, table):
            yield Edit(name=f"no JOIN {table}", node=node, change=remove)


def _is_used(join: exp.Join, table: str) -> bool:
    """Whether anything outside of a join names its table, or could without saying so."""
    select = join.parent_select
    columns = [
        inner for inner in (select.find_all(exp.Column) if select else ()) if inner.find_ancestor(exp.Join) is not join
    ]
    return any(column.table.casefold() in ("", table.casefold()) for column in columns)


def _groups(node: exp.Expr, gold: Gold) -> Iterator[Edit]:
    if isinstance(node, exp.Group) and node.expressions:
        yield Edit(name="no GROUP BY", node=node, change=remove)
        grouped = {place.key for expression in node.expressions if (place := gold.names.column(expression))}
        for place, source in gold.beside(node):
            if place.key not in grouped and not gold.has_key(place, grouped):
                change = _also(column(place, source))
                yield Edit(name=f"GROUP BY {place.name} too", node=node, change=change)
                return
    elif isinstance(node.parent, exp.Group) and len(node.parent.expressions) > 1 and not gold.is_determined(node):
        yield Edit(name=f"no {gold.text(node)} in GROUP BY", node=node, change=remove)


def _also(new: exp.Expr) -> Change:
    return lambda node: node.append("expressions", new)


def _set_operations(node: exp.Expr, _: Gold) -> Iterator[Edit]:
    if not isinstance(node, exp.SetOperation):
        return
    if isinstance(node, exp.Union):
        word = "UNION ALL" if node.args.get("distinct") else "UNION"
        yield Edit(name=word, node=node, change=setting("distinct", not node.args.get("distinct")))
    for other in _SETS[type(node)]:
        yield Edit(name=f"{other.key.upper()} for {node.key.upper()}", node=node, change=_as_set(other))
    if not node.args.get("order"):
        yield Edit(name="only the first query", node=node, change=lambda tree: tree.this.copy().unnest())
        yield Edit(name="only the second query", node=node, change=lambda tree: tree.expression.copy().unnest())


def _as_set(kind: type[exp.Expr]) -> Change:
    def change(node: exp.Expr) -> exp.Expr:
        other = as_kind(kind)(node)
        assert other is not None
        other.set("distinct", True)
        return other

    return change


KINDS = (_sorts, _limits, _joins, _groups, _set_operations)
