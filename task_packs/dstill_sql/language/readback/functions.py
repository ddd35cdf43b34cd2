"""Functions, aggregates and windows in plain words."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from dstill.linked.spoken import listed
from dstill_sql.language.readback.expressions import DATES, Expressions, Say, said_args

__all__ = ["FUNCTIONS"]

# Functions of one argument.
_PREFIXES: Mapping[type[exp.Expr], str] = {
    exp.Sum: "the sum of", exp.Avg: "the average of", exp.Median: "the median of", exp.Stddev: "the spread of",
    exp.Variance: "the variance of", exp.Abs: "the size of", exp.Sqrt: "the square root of",
    exp.Length: "the length of", exp.Year: "the year of", exp.Quarter: "the quarter number of",
    exp.Month: "the month number of", exp.Day: "the day number of", exp.Hour: "the hour number of",
    exp.Dayname: "the weekday's name of", exp.Monthname: "the month's name of",
    exp.LastDay: "the last day of the month of",
}  # fmt: skip
_SUFFIXES: Mapping[type[exp.Expr], str] = {
    exp.Upper: "in capital letters", exp.Lower: "in small letters", exp.Trim: "without spaces around it",
    exp.Floor: "rounded down", exp.Ceil: "rounded up",
}  # fmt: skip
_RANKS = {exp.RowNumber: "place", exp.Rank: "rank", exp.DenseRank: "rank without gaps"}


def _negative(say: Expressions, node: exp.Neg) -> str:
    return f"-{say.bare(node.this)}"


def _prefixed(say: Expressions, node: exp.Expr) -> str:
    return f"{_PREFIXES[type(node)]} {say.bare(node.this)}"


def _suffixed(say: Expressions, node: exp.Expr) -> str:
    return f"{say.bare(node.this)} {_SUFFIXES[type(node)]}"


def _rounded(say: Expressions, node: exp.Round) -> str:
    digits = node.args.get("decimals")
    return f"{say.bare(node.this)} rounded{f' to {say.value(digits)} digits' if digits is not None else ''}"


def _coalesce(say: Expressions, node: exp.Coalesce) -> str:
    others = (f", or {say.bare(part)} if that has no value" for part in node.expressions)
    return f"({say.value(node.this)}{''.join(others)})"


def _first_letters(say: Expressions, node: exp.Left) -> str:
    return f"the first {say.bare(node.expression)} letters of {say.bare(node.this)}"


def _case(say: Expressions, node: exp.Case) -> str:
    by, default = node.args.get("this"), node.args.get("default")
    parts = []
    for branch in node.args["ifs"]:
        test = say.condition(branch.this) if by is None else f"it is {say.value(branch.this)}"
        parts.append(f"{say.value(branch.args['true'])} if {test}")
    start = f"by {say.bare(by)}: " if by is not None else ""
    last = f", otherwise {say.value(default)}" if default is not None else ""
    return f"({start}{', '.join(parts)}{last})"


def _count(say: Expressions, node: exp.Count) -> str:
    inner = node.this
    if isinstance(inner, exp.Star) or (isinstance(inner, exp.Literal) and not inner.is_string):
        return "the number of rows"
    if isinstance(inner, exp.Distinct):
        return f"the number of different {listed([say.bare(part) for part in inner.expressions])}"
    place = say.names.place(inner) if isinstance(inner, exp.Column) else None
    source = say.names.source(inner) if isinstance(inner, exp.Column) else None
    if place is not None and source is not None and place.table.key == (place.column.name,):
        say.note(inner)
        return f"the number of {say.names.label(source)}"
    return f"the number of values of {say.bare(inner)}"


def _extreme(say: Expressions, node: exp.Min | exp.Max) -> str:
    least = isinstance(node, exp.Min)
    word = ("earliest" if least else "latest") if say.family(node.this) in DATES else None
    return f"the {word or ('smallest' if least else 'largest')} {say.bare(node.this)}"


def _counted_if(say: Expressions, node: exp.CountIf) -> str:
    return f"the number of rows (where {say.condition(node.this)})"


def _quantile(say: Expressions, node: exp.Expr) -> str:
    return f"the {say.bare(node.expression)} quantile of {say.bare(node.this)}"


def _within_group(say: Expressions, node: exp.WithinGroup) -> str:
    of, order = node.this, node.expression
    if not isinstance(of, exp.PercentileCont) or not said_args(of, "this") or not isinstance(order, exp.Order):
        return ""
    return f"the {say.bare(of.this)} quantile (by {say.in_order(order)})"


def _joined(say: Expressions, node: exp.GroupConcat) -> str:
    separator = node.args.get("separator")
    between = f" with {say.value(separator)} between" if separator is not None else ""
    return f"all values of {say.bare(node.this)}{between}"


def _any(say: Expressions, node: exp.Any | exp.All) -> str:
    word = "any one" if isinstance(node, exp.Any) else "every one"
    return f"{word} of {say.subquery(node.this)}" if isinstance(node.this.unnest(), exp.Query) else ""


def _filtered(say: Expressions, node: exp.Filter) -> str:
    return f"{say.value(node.this)} (only where {say.condition(node.expression.this)})"


def _window(say: Expressions, node: exp.Window) -> str:
    of = node.this
    ranks = type(of) in _RANKS and said_args(of)
    text = f"the {_RANKS[type(of)]}" if ranks else f"{say.value(of)} over the rows"
    parts, order = node.args.get("partition_by") or (), node.args.get("order")
    within = f" within each {listed([say.bare(part) for part in parts])}" if parts else ""
    by = f" by {say.in_order(order)}" if order is not None else ""
    return f"({text}{within}{by})"


def _tuple(say: Expressions, node: exp.Tuple) -> str:
    return f"({listed([say.value(part) for part in node.expressions])})"


def _different(say: Expressions, node: exp.Distinct) -> str:
    return f"each different {listed([say.bare(part) for part in node.expressions])}"


# Kind of node → its words, and the parts that they say.
FUNCTIONS: Mapping[type[exp.Expr], tuple[Say, tuple[str, ...]]] = {
    **dict.fromkeys(_PREFIXES, (_prefixed, ("this",))),
    **dict.fromkeys(_SUFFIXES, (_suffixed, ("this",))),
    **dict.fromkeys((exp.Min, exp.Max), (_extreme, ("this",))),
    **dict.fromkeys((exp.PercentileCont, exp.Quantile), (_quantile, ("this", "expression"))),
    **dict.fromkeys((exp.Any, exp.All), (_any, ("this",))),
    exp.Neg: (_negative, ("this",)),
    exp.Tuple: (_tuple, ("expressions",)),
    exp.Distinct: (_different, ("expressions",)),
    exp.Round: (_rounded, ("this", "decimals")),
    exp.Coalesce: (_coalesce, ("this", "expressions")),
    exp.Left: (_first_letters, ("this", "expression")),
    exp.Case: (_case, ("this", "ifs", "default")),
    exp.Count: (_count, ("this", "big_int")),
    exp.CountIf: (_counted_if, ("this",)),
    exp.WithinGroup: (_within_group, ("this", "expression")),
    exp.GroupConcat: (_joined, ("this", "separator")),
    exp.Filter: (_filtered, ("this", "expression")),
    exp.Window: (_window, ("this", "partition_by", "order", "over")),
}
