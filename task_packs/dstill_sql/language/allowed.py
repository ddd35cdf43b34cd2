"""The allowed parts of a tree that is printed as text for an engine: lists of nodes, words, functions and types.

    list(unknown(read('SELECT EXTRACT("year" FROM at) FROM t', "duckdb"), "duckdb"))      []
    list(unknown(read('SELECT EXTRACT("x; --" FROM at) FROM t', "duckdb"), "duckdb"))
    [Unknown(kind="unit", text="X; --", node=Var(…))]

sqlglot prints many leaves as they stand: the unit of EXTRACT, the size of a type, a word such as LEFT. So each leaf has
a list, or a form (names in quotes and texts in quotes are escaped by the printer). What is on no list is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from dstill_sql.language.dialects import Dialect

__all__ = ["FUNCTIONS", "UNITS", "Unknown", "is_type", "unknown"]

_SHAPE = (
    exp.Select, exp.Union, exp.Intersect, exp.Except, exp.With, exp.CTE, exp.Subquery, exp.From, exp.Join, exp.Where,
    exp.Group, exp.Having, exp.Qualify, exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Fetch, exp.Distinct,
    exp.Table, exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Star, exp.Literal, exp.Boolean, exp.Null,
    exp.Var, exp.Paren, exp.Tuple, exp.Window, exp.WindowSpec, exp.Filter, exp.WithinGroup, exp.DataType,
    exp.DataTypeParam, exp.Interval, exp.IgnoreNulls, exp.Cast, exp.TryCast, exp.Case, exp.If, exp.AtTimeZone,
)  # fmt: skip
_OPERATORS = (
    exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.NullSafeEQ, exp.NullSafeNEQ, exp.GT, exp.GTE, exp.LT, exp.LTE,
    exp.Is, exp.Between, exp.In, exp.Like, exp.ILike, exp.Escape, exp.Glob, exp.Exists, exp.Any, exp.All, exp.Add,
    exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg, exp.DPipe,
)  # fmt: skip
_FUNCTIONS = (
    # aggregates
    exp.Count, exp.CountIf, exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Median, exp.Mode, exp.PercentileCont,
    exp.PercentileDisc, exp.Quantile, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Variance, exp.VariancePop,
    exp.Corr, exp.ApproxDistinct, exp.AnyValue, exp.First, exp.Last, exp.ArgMax, exp.ArgMin, exp.LogicalOr,
    exp.LogicalAnd, exp.GroupConcat,
    # windows
    exp.RowNumber, exp.Rank, exp.DenseRank, exp.PercentRank, exp.CumeDist, exp.Ntile, exp.Lag, exp.Lead,
    exp.FirstValue, exp.LastValue, exp.NthValue,
    # numbers
    exp.Abs, exp.Round, exp.Floor, exp.Ceil, exp.Trunc, exp.Sqrt, exp.Pow, exp.Exp, exp.Ln, exp.Log, exp.Sign,
    exp.Greatest, exp.Least,
    # texts
    exp.Upper, exp.Lower, exp.Initcap, exp.Length, exp.Trim, exp.Substring, exp.Left, exp.Right, exp.Concat,
    exp.ConcatWs, exp.Replace, exp.StrPosition, exp.StartsWith, exp.EndsWith, exp.Contains, exp.SplitPart,
    exp.Coalesce, exp.Nullif,
    # dates
    exp.CurrentDate, exp.CurrentTimestamp, exp.Localtimestamp, exp.Extract, exp.DateTrunc, exp.TimestampTrunc, exp.Date,
    exp.DateAdd, exp.DateSub, exp.DateDiff, exp.TimestampDiff, exp.DateFromParts, exp.LastDay, exp.Year, exp.Quarter,
    exp.Month, exp.Week, exp.WeekOfYear, exp.Day, exp.DayOfMonth, exp.DayOfWeek, exp.DayOfWeekIso, exp.DayOfYear,
    exp.Hour, exp.Minute, exp.Second, exp.Dayname, exp.Monthname, exp.TimeToStr, exp.TimeToUnix, exp.StrToDate,
    exp.StrToTime, exp.TsOrDsToTimestamp, exp.TsOrDsToDate, exp.Time, exp.Timestamp,
)  # fmt: skip
_NODES = frozenset({*_SHAPE, *_OPERATORS, *_FUNCTIONS})

# Functions that sqlglot has no class for, as the dialects call them.
FUNCTIONS: dict[Dialect, frozenset[str]] = {
    "duckdb": frozenset(
        {"age", "date_part", "now", "weekday", "isoyear", "yearweek", "century", "decade", "ltrim", "rtrim"}
    ),
    "sqlite": frozenset({"date", "datetime", "time", "julianday", "unixepoch", "total", "strftime", "ltrim", "rtrim"}),
    "postgres": frozenset({"age", "date_part", "ltrim", "rtrim"}),
}
# The same, for those that only a translation to the dialect writes.
_OF_TRANSLATIONS: Mapping[Dialect, frozenset[str]] = {
    "duckdb": frozenset(),
    "sqlite": frozenset({"abs", "length", "max", "min", "printf", "round", "sqrt", "substr"}),
    "postgres": frozenset({"length", "make_date", "right"}),
}

UNITS = frozenset(
    {"CENTURY", "DAY", "DAYOFMONTH", "DAYOFWEEK", "DAYOFYEAR", "DECADE", "DOW", "DOY", "EPOCH", "HOUR", "ISODOW",
     "ISOYEAR", "MICROSECOND", "MILLENNIUM", "MILLISECOND", "MINUTE", "MONTH", "QUARTER", "SECOND", "WEEK", "WEEKDAY",
     "YEAR", "YEARWEEK"}
)  # fmt: skip
_UNITS = UNITS | {f"{unit}S" for unit in UNITS}
# Words that sqlglot keeps as texts: (node, part) → the words.
_WORDS: Mapping[tuple[type[exp.Expr], str], frozenset[str]] = {
    (exp.Join, "side"): frozenset({"LEFT", "RIGHT", "FULL"}),
    (exp.Join, "kind"): frozenset({"INNER", "OUTER", "CROSS"}),
    (exp.Join, "method"): frozenset({"NATURAL"}),
    (exp.Trim, "position"): frozenset({"LEADING", "TRAILING", "BOTH"}),
    (exp.Window, "over"): frozenset({"OVER"}),
    (exp.WindowSpec, "kind"): frozenset({"ROWS", "RANGE", "GROUPS"}),
    (exp.WindowSpec, "start"): frozenset({"UNBOUNDED", "CURRENT ROW"}),
    (exp.WindowSpec, "end"): frozenset({"UNBOUNDED", "CURRENT ROW"}),
    (exp.WindowSpec, "start_side"): frozenset({"PRECEDING", "FOLLOWING"}),
    (exp.WindowSpec, "end_side"): frozenset({"PRECEDING", "FOLLOWING"}),
}
_NAME = re.compile(r"[^\W\d][\w$]*")  # without quotes; in SQLite, $1 would be a parameter
# Which PostgreSQL reads as calls where they have no quotes.
_VALUES = frozenset(
    {"user", "current_user", "session_user", "system_user", "current_role", "current_catalog", "current_schema",
     "localtime", "current_time"}
)  # fmt: skip
_NUMBER = re.compile(r"(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,5})?", re.ASCII)
_SIZE = re.compile(r"\d{1,6}", re.ASCII)  # of a type
_SCALARS = frozenset(
    {*exp.DataType.INTEGER_TYPES, *exp.DataType.REAL_TYPES, *exp.DataType.TEXT_TYPES, *exp.DataType.TEMPORAL_TYPES,
     exp.DType.BOOLEAN, exp.DType.UUID, exp.DType.INTERVAL, exp.DType.BPCHAR}
) - {exp.DType.MONEY, exp.DType.SMALLMONEY, exp.DType.NAME}  # fmt: skip
# Of columns, beside these: answers cannot cast to them.
_OF_COLUMNS = frozenset(
    {*_SCALARS, exp.DType.MONEY, exp.DType.SERIAL, exp.DType.BIGSERIAL, exp.DType.SMALLSERIAL, exp.DType.BINARY,
     exp.DType.VARBINARY, exp.DType.BLOB, exp.DType.JSON, exp.DType.JSONB, exp.DType.BIT, exp.DType.INET,
     exp.DType.ARRAY, exp.DType.LIST, exp.DType.MAP, exp.DType.STRUCT, exp.DType.ENUM}
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """A part of a tree that is on no list."""

    kind: str  # construct, function, name, type, unit, number
    text: str
    node: exp.Expr


def unknown(tree: exp.Expr, dialect: Dialect, *, translated: bool = False) -> Iterator[Unknown]:
    """The nodes on no list, in the order of the tree. `translated`: functions that translations write are known."""
    functions = FUNCTIONS[dialect] | (_OF_TRANSLATIONS[dialect] if translated else frozenset())
    for node in tree.walk():
        yield from _unknown(node, dialect, functions)


def is_type(type_: exp.Expr) -> bool:
    """Whether a column may have this type, with all of its sizes and parts."""
    if not isinstance(type_, exp.DataType) or type_.this not in _OF_COLUMNS or type_.args.get("values"):
        return False
    if type_.this is exp.DType.ENUM:
        return bool(type_.expressions) and all(_is_text(part) for part in type_.expressions)
    return all(_is_size(part) or is_type(part) or _is_field(part) for part in type_.expressions)


def _unknown(node: exp.Expr, dialect: Dialect, functions: frozenset[str]) -> Iterator[Unknown]:
    if isinstance(node, exp.Anonymous):
        if node.name.lower() not in functions:
            yield Unknown(kind="function", text=node.name, node=node)
    elif type(node) not in _NODES:
        is_function = isinstance(node, exp.Func)
        text = node.sql_name() if isinstance(node, exp.Func) else node.key.upper()
        yield Unknown(kind="function" if is_function else "construct", text=text, node=node)
    elif isinstance(node, exp.Identifier) and dialect == "postgres" and _is_value(node):
        yield Unknown(kind="name", text=node.name, node=node)
    elif isinstance(node, _LEAVES):
        if kind := _wrong_leaf(node):
            yield Unknown(kind=kind, text=node.sql(dialect) if kind == "type" else node.name, node=node)
    else:
        yield from _unknown_words(node)


_LEAVES = (exp.Identifier, exp.Literal, exp.Var, exp.DataTypeParam, exp.DataType)


def _wrong_leaf(node: exp.Expr) -> str:
    """The form that a leaf would need; empty: it has it."""
    if isinstance(node, exp.Identifier):
        return "" if _is_name(node) else "name"
    if isinstance(node, exp.Literal):
        return "" if node.is_string or _NUMBER.fullmatch(node.name) else "number"
    if isinstance(node, exp.Var):
        return "" if _is_word(node) else "unit"
    if isinstance(node, exp.DataTypeParam):
        return "" if _is_size(node) else "type"
    sizes = all(isinstance(part, exp.DataTypeParam) for part in node.expressions)
    is_plain = node.this in _SCALARS and sizes and not node.args.get("values") and not node.args.get("kind")
    return "" if is_plain else "type"


def _unknown_words(node: exp.Expr) -> Iterator[Unknown]:
    """Parts that are texts beside the tree, and units."""
    for part, value in node.args.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                if item not in _WORDS.get((type(node), part), ()):
                    yield Unknown(kind="construct", text=f"{part.upper()} {item}", node=node)
            elif _is_unit(node, part) and item is not None:
                if not isinstance(item, (exp.Var, exp.Literal)) or item.name.upper() not in _UNITS:
                    yield Unknown(kind="unit", text=item.name, node=node)
            elif not isinstance(item, (exp.Expr, bool, type(None))):
                yield Unknown(kind="construct", text=part.upper(), node=node)


def _is_unit(node: exp.Expr, part: str) -> bool:
    return part == "unit" or (isinstance(node, exp.Extract) and part == "this")


def _is_word(node: exp.Var) -> bool:
    """Whether a word without quotes is a unit, or the ALL of ORDER BY ALL."""
    return node.name.upper() in _UNITS or (node.name.upper() == "ALL" and isinstance(node.parent, exp.Ordered))


def _is_size(node: exp.Expr) -> bool:
    value = node.this if isinstance(node, exp.DataTypeParam) and not node.args.get("expression") else None
    return isinstance(value, exp.Literal) and not value.is_string and _SIZE.fullmatch(value.name) is not None


def _is_field(node: exp.Expr) -> bool:
    """Whether this is a field of a STRUCT: a name and a type."""
    if not isinstance(node, exp.ColumnDef) or node.args.get("constraints"):
        return False
    name, type_ = node.this, node.args.get("kind")
    return isinstance(name, exp.Identifier) and _is_name(name) and type_ is not None and is_type(type_)


def _is_name(node: exp.Identifier) -> bool:
    return isinstance(node.this, str) and (bool(node.args.get("quoted")) or _NAME.fullmatch(node.this) is not None)


def _is_value(node: exp.Identifier) -> bool:
    is_alone = isinstance(node.parent, exp.Column) and not node.parent.table
    return is_alone and not node.args.get("quoted") and node.name.lower() in _VALUES


def _is_text(node: exp.Expr) -> bool:
    return isinstance(node, exp.Literal) and node.is_string
