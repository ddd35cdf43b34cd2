"""The guard: which queries may run. It allows what it knows, and refuses everything else.

    list(check(read("SELECT * FROM read_csv('/etc/passwd')", "duckdb"), schema, Limits(), "duckdb"))
    [Problem(code="table_function", message="a query reads tables, not functions: read_csv", …)]

A query reads tables of its schema and its own WITH, by expressions and functions of the lists below. The engine runs
the text that sqlglot prints of the checked tree, not the text of the answer, so that both cannot be read differently.
What a query may take while it runs, in seconds, memory and rows, is up to the executor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sqlglot import exp

from dstill.api.records import Problem
from dstill.errors import did_you_mean
from dstill_sql.dialects import Dialect
from dstill_sql.growth import MOST_GROWTH, MOST_JOINED, growth, joined
from dstill_sql.join_conditions import compares, is_related
from dstill_sql.limits import Limits
from dstill_sql.schema import Schema
from dstill_sql.statements import place

__all__ = ["FUNCTIONS", "check"]


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
_ALLOWED = frozenset({*_SHAPE, *_OPERATORS, *_FUNCTIONS})
# Functions that sqlglot has no class for, as the dialects call them.
FUNCTIONS: dict[Dialect, frozenset[str]] = {
    "duckdb": frozenset(
        {"age", "date_part", "now", "weekday", "isoyear", "yearweek", "century", "decade", "ltrim", "rtrim"}
    ),
    "sqlite": frozenset({"date", "datetime", "time", "julianday", "unixepoch", "total", "strftime", "ltrim", "rtrim"}),
    "postgres": frozenset({"age", "date_part", "ltrim", "rtrim"}),
}

# Parts of a SELECT and of a table that sqlglot keeps beside their expressions.
_UNUSUAL_OF_SELECT = (
    "into", "locks", "laterals", "pivots", "sample", "connect", "match", "settings", "format", "hint", "prewhere"
)  # fmt: skip
_NAME = re.compile(r"[^\W\d][\w$]*")  # without quotes; in SQLite, $1 would be a parameter
_CATALOGS = ("pg_", "sqlite_", "duckdb_", "information_schema")  # tables of the engine itself, and settings
_UNUSUAL_OF_TABLE = ("sample", "pivots", "version", "when", "joins", "laterals", "hints")


def check(query: exp.Query, schema: Schema | None, limits: Limits, dialect: Dialect) -> Iterator[Problem]:
    """What the query may not do. `schema`: the tables that it may read; None: not known, so any without a path."""
    size = joins = selects = 0
    for node in query.walk():
        size += 1
        selects += isinstance(node, exp.Select)
        joins += isinstance(node, exp.Join)
        yield from _node(node, limits, dialect)
    for found, most, what in (
        (size, limits.nodes, "parts"),
        (joins, limits.joins, "joins"),
        (selects, limits.selects, "SELECTs"),
    ):
        if found > most:
            yield _problem("too_large", f"the query has {found:,} {what} (limit {most:,})")
    if (found := joined(query)) > MOST_JOINED:
        yield _problem("too_large", f"the query joins {found} columns with || (limit {MOST_JOINED})")
    if size <= limits.nodes and growth(query) > MOST_GROWTH:
        yield _problem("too_large", f"the query repeats values more than {MOST_GROWTH} times within another")
    denied = {name.casefold() for name in limits.denied}
    for table in query.find_all(exp.Table):
        yield from _table(table, schema, denied)
    if any("." in name for name in denied):
        yield from _denied_columns(query, {name.rpartition(".")[2] for name in denied if "." in name})


def _node(node: exp.Expr, limits: Limits, dialect: Dialect) -> Iterator[Problem]:
    if isinstance(node, exp.With) and node.recursive:
        yield _problem("recursive", "WITH RECURSIVE may never end", "write a query without recursion", node)
    elif isinstance(node, exp.Select):
        yield from _unusual(node, _UNUSUAL_OF_SELECT)
    elif isinstance(node, exp.Join) and not limits.cross_joins:
        yield from _join(node)
    elif isinstance(node, exp.In):
        if len(node.expressions) > limits.values:
            yield _problem("too_large", f"IN has {len(node.expressions):,} values (limit {limits.values:,})", at=node)
        if node.args.get("field") is not None:  # in SQLite, a table
            yield _problem("construct", "IN needs a list of values or a SELECT", "write IN (…)", node)
    else:
        yield from _unknown(node, dialect)


def _unknown(node: exp.Expr, dialect: Dialect) -> Iterator[Problem]:
    """Functions, constructs, types and names that are not on the lists."""
    if isinstance(node, exp.Anonymous):
        if node.name.lower() not in FUNCTIONS[dialect]:
            yield _problem("function", f"the function {node.name} is not allowed", at=node)
    elif isinstance(node, exp.Identifier):
        if not node.quoted and not _NAME.fullmatch(node.name):
            yield _problem("name", f"'{node.name}' is not a name", "write it in double quotes", node)
    elif type(node) not in _ALLOWED:
        kind, named = ("function", node.sql_name()) if isinstance(node, exp.Func) else ("construct", node.key.upper())
        yield _problem(kind, f"the {kind} {named} is not allowed", at=node)
    elif isinstance(node, exp.DataType) and node.this in (exp.DType.USERDEFINED, exp.DType.UNKNOWN):
        yield _problem("type", f"the type {node.sql(dialect)} is not allowed", at=node)


def _unusual(node: exp.Expr, names: Sequence[str]) -> Iterator[Problem]:
    for name in names:
        if node.args.get(name):
            yield _problem("construct", f"the construct {name.rstrip('s').upper()} is not allowed", at=node)


def _join(join: exp.Join) -> Iterator[Problem]:
    on, name = join.args.get("on"), join.this.alias_or_name
    if on is not None and on != exp.true():  # which sqlglot writes for SQLite where there is no condition
        if not compares(on, name):
            told = f"the condition of the join with {name} does not always compare {name} with another table"
            yield _problem("cross_join", told, f"write ON {name}.COLUMN = …", join)
    elif not join.args.get("using") and join.method != "NATURAL" and not is_related(join):
        yield _problem("cross_join", f"the join with {name} has no condition", "write JOIN … ON …", join)


def _table(table: exp.Table, schema: Schema | None, denied: set[str]) -> Iterator[Problem]:
    if not isinstance(table.this, exp.Identifier):
        yield _problem(
            "table_function", f"a query reads tables, not functions: {table.name or table.this.sql()}", at=table
        )
        return
    if table.args.get("db") is not None or table.args.get("catalog") is not None:
        yield _problem(
            "other_schema", f"a table is named without a schema: '{table.sql()}'", f"write {table.name}", table
        )
        return
    yield from _unusual(table, _UNUSUAL_OF_TABLE)
    name = table.name.casefold()
    if name in denied:
        yield _problem("denied", f"the table '{table.name}' may not be read", at=table)
    elif name in _visible_ctes(table):
        return
    elif schema is None and (not name.replace("_", "").isalnum() or name.startswith(_CATALOGS)):
        yield _problem("other_schema", f"'{table.name}' is not the name of a table", at=table)
    elif schema is not None and schema.table(table.name) is None:
        near = did_you_mean(table.name, [one.name for one in schema.tables])
        yield _problem("unknown_table", f"there is no table '{table.name}'.{near}", at=table)


def _visible_ctes(table: exp.Table) -> set[str]:
    """The names of WITH that a table may stand for: of the queries around it, and of its own WITH those before it.

    Of WITH RECURSIVE all of them, its own too.
    """
    names: set[str] = set()
    node: exp.Expr = table
    while (parent := node.parent) is not None:
        if isinstance(parent, exp.With):
            for cte in parent.expressions:
                if cte is node and not parent.recursive:
                    break
                names.add(cte.alias_or_name.casefold())
        elif isinstance(parent, exp.Query) and not isinstance(node, exp.With):
            names |= {cte.alias_or_name.casefold() for cte in parent.ctes}
        node = parent
    return names


# --- columns that may not be read -------------------------------------------------------


def _denied_columns(query: exp.Query, hidden: set[str]) -> Iterator[Problem]:
    """Columns of these names, and what reads columns without their names."""
    for column in query.find_all(exp.Column):
        if column.name.casefold() in hidden:
            yield _problem("denied", f"the column '{column.name}' may not be read", at=column)
    if any(isinstance(star.parent, (exp.Select, exp.Column)) for star in query.find_all(exp.Star)):
        yield _problem("denied", "* also reads columns that may not be read", "name the columns")
    for join in query.find_all(exp.Join):
        if join.method == "NATURAL" or any(one.name.casefold() in hidden for one in join.args.get("using") or ()):
            yield _problem("denied", "the join compares columns that may not be read", "write JOIN … ON …", join)
    for table in query.find_all(exp.Table):
        alias = table.args.get("alias")
        if alias is not None and alias.args.get("columns"):
            yield _problem("denied", f"'{table.name}' may not get other names for its columns", at=table)
    # In DuckDB and PostgreSQL, the name of a table as a column is its whole row.
    sources = {one.alias_or_name.casefold() for one in query.find_all(exp.Table, exp.Subquery, exp.CTE)}
    for column in query.find_all(exp.Column):
        if not column.table and column.name.casefold() in sources:
            hint = f"write {column.name}.COLUMN"
            yield _problem(
                "denied", f"'{column.name}' may be a whole row, with columns that may not be read", hint, column
            )


def _problem(code: str, message: str, hint: str = "", at: exp.Expr | None = None) -> Problem:
    return Problem(layer="guard", code=code, message=message, pointer=place(at) if at is not None else "", hint=hint)
