"""Changes of what is selected: another column, aggregate or calculation, DISTINCT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlglot import exp

from dstill_sql.language.database.name_resolution import Place, sources
from dstill_sql.language.database.schema import quoted
from dstill_sql.testdata.edits import Edit, Gold, as_kind, inside, put, setting

__all__ = ["KINDS", "column"]

_AGGREGATES: Mapping[type[exp.Expr], tuple[type[exp.Expr], ...]] = {
    exp.Sum: (exp.Avg, exp.Max),
    exp.Avg: (exp.Sum, exp.Max),
    exp.Min: (exp.Max,),
    exp.Max: (exp.Min, exp.Sum),
}
_OTHER_FUNCTIONS: Mapping[type[exp.Expr], tuple[type[exp.Expr], ...]] = {
    exp.Add: (exp.Sub,),
    exp.Sub: (exp.Add,),
    exp.Mul: (exp.Div,),
    exp.Div: (exp.Mul,),
    exp.Any: (exp.All,),
    exp.All: (exp.Any,),
    exp.Floor: (exp.Ceil,),
    exp.Ceil: (exp.Floor,),
    exp.Year: (exp.Month,),
    exp.Month: (exp.Day, exp.Year),
    exp.Day: (exp.Month,),
    exp.RowNumber: (exp.Rank,),
    exp.Rank: (exp.DenseRank, exp.RowNumber),
    exp.DenseRank: (exp.Rank,),
}
_LOST = (exp.Cast, exp.Round, exp.Coalesce, exp.Lower, exp.Upper)
_PARTS = {"YEAR": "MONTH", "MONTH": "YEAR", "DAY": "MONTH", "QUARTER": "MONTH", "WEEK": "MONTH", "HOUR": "DAY"}
_MOST_COLUMNS = 2  # columns of the same table that one is exchanged for


def column(place: Place, source: exp.Expr, *, alone: bool = False) -> exp.Column:
    """A column of a source as a node; `alone`: without the name of the source."""
    name = exp.to_identifier(place.column.name, quoted=quoted(place.column.name, "duckdb") != place.column.name)
    return exp.Column(this=name) if alone else exp.Column(this=name, table=exp.to_identifier(source.alias_or_name))


def _columns(node: exp.Expr, gold: Gold) -> Iterator[Edit]:
    """Another column of the same type: the next ones of its table, and one of the other tables."""
    place = gold.names.column(node)
    if place is None or not isinstance(node, exp.Column) or isinstance(node.parent, exp.Ordered):
        return
    if isinstance(node.parent, exp.Group) and gold.is_determined(node):
        return
    own = gold.names.source(node)
    others = [p for p in gold.beside(node) if p[0].key != place.key and p[0].column.family == place.column.family]
    columns = [column.name for column in place.table.columns]
    start, size = columns.index(place.column.name), len(columns)
    near = sorted(
        (p for p in others if p[1] is own),
        key=lambda other: (columns.index(other[0].column.name) - start) % size,
    )
    far = sorted((p for p in others if p[1] is not own), key=lambda other: other[0].column.name != place.column.name)
    alone = not node.table and len(sources(node.parent_select or node)) == 1
    around = node.find_ancestor(exp.Predicate, exp.AggFunc, exp.Group, exp.Select)
    shown = "SELECT" if isinstance(around, exp.Select) or around is None else gold.text(around)
    for other, source in [*near[:_MOST_COLUMNS], *far[:1]]:
        new = column(other, source, alone=alone)
        yield Edit(name=f"{place.name} → {other.name} in {shown}", node=node, change=put(new))


def _aggregates(node: exp.Expr, gold: Gold) -> Iterator[Edit]:
    for other in _AGGREGATES.get(type(node), ()):
        change = as_kind(other, "this")
        yield Edit(name=f"{other.key.upper()} for {gold.text(node)}", node=node, change=change)
    place = gold.names.column(node.this) if isinstance(node, exp.Count) else None
    if place is not None and place.column.family in ("integer", "number"):
        yield Edit(name=f"SUM for {gold.text(node)}", node=node, change=as_kind(exp.Sum, "this"))


def _counted(node: exp.Expr, gold: Gold) -> Iterator[Edit]:
    """COUNT(*), or COUNT of a column that may be NULL."""
    if not isinstance(node, exp.Count) or isinstance(node.this, exp.Distinct):
        return
    if not isinstance(node.this, (exp.Star, exp.Literal)):
        yield Edit(name=f"COUNT(*) for {gold.text(node)}", node=node, change=setting("this", exp.Star()))
        return
    for place, source in gold.beside(node):
        if place.column.nullable:
            change = setting("this", column(place, source))
            yield Edit(name=f"COUNT({place.name}) for COUNT(*)", node=node, change=change)
            return


def _distinct(node: exp.Expr, gold: Gold) -> Iterator[Edit]:
    if isinstance(node, exp.Select):
        if node.args.get("distinct"):
            yield Edit(name="no DISTINCT", node=node, change=setting("distinct", None))
        elif node.parent is None and not node.args.get("group") and not _is_one_row(node):
            yield Edit(name="DISTINCT", node=node, change=setting("distinct", exp.Distinct()))
    elif isinstance(node, exp.AggFunc) and isinstance(node.this, exp.Distinct):
        if len(node.this.expressions) == 1:
            change = setting("this", node.this.expressions[0].copy())
            yield Edit(name=f"no DISTINCT in {gold.text(node)}", node=node, change=change)
    elif isinstance(node, (exp.Count, exp.Sum, exp.Avg)) and not isinstance(node.this, (exp.Star, exp.Literal)):
        change = setting("this", exp.Distinct(expressions=[node.this.copy()]))
        yield Edit(name=f"DISTINCT in {gold.text(node)}", node=node, change=change)


def _is_one_row(select: exp.Select) -> bool:
    """Whether a SELECT without GROUP BY has one row of aggregates."""
    return all(expression.find(exp.AggFunc) and not expression.find(exp.Window) for expression in select.expressions)


def _calculations(node: exp.Expr, gold: Gold) -> Iterator[Edit]:
    """Another operation, function of a window or part of a date; a function lost, as the cast before a division."""
    for other in _OTHER_FUNCTIONS.get(type(node), ()):
        yield Edit(name=f"{other.key.upper()} for {gold.text(node)}", node=node, change=as_kind(other))
    if isinstance(node, exp.Var) and isinstance(node.parent, (exp.Extract, exp.DateTrunc, exp.TimestampTrunc)):
        if part := _PARTS.get(node.name.upper()):
            yield Edit(name=f"{part} for {node.name}", node=node, change=put(exp.Var(this=part)))
    elif isinstance(node, _LOST):
        yield Edit(name=f"no {node.key.upper()} in {gold.text(node)}", node=node, change=inside)
    elif isinstance(node, exp.Window) and node.args.get("partition_by"):
        yield Edit(name=f"no PARTITION BY in {gold.text(node)}", node=node, change=setting("partition_by", None))


KINDS = (_columns, _aggregates, _counted, _distinct, _calculations)
