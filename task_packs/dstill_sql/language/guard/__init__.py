"""The guard: which queries may run. It allows what it knows, and refuses everything else.

    list(check(read("SELECT * FROM read_csv('/etc/passwd')", "duckdb"), schema, Limits(), "duckdb"))
    [Problem(code="table_function", message="a query reads tables, not functions: read_csv", …)]

A query reads tables of its schema and its own WITH, by expressions and functions of `language.allowed`. The engine runs
the text that is printed from the checked tree, not the text of the answer (`language.printing`). What a query may take
while it runs, in seconds, memory and rows, is up to the executor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from dstill.api.records import Problem
from dstill.errors import did_you_mean
from dstill_sql.language.allowed import unknown
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.engine_text import NotPrintable
from dstill_sql.language.guard.expansion import MOST_GROWTH, MOST_JOINED, growth, joined
from dstill_sql.language.guard.join_conditions import compares, is_related
from dstill_sql.language.limits import Limits
from dstill_sql.language.printing import settled
from dstill_sql.language.statements import place

__all__ = ["check", "cte_of", "may_be_another"]

# Parts of a SELECT and of a table that sqlglot keeps beside their expressions.
_UNUSUAL_OF_SELECT = (
    "into", "locks", "laterals", "pivots", "sample", "connect", "match", "settings", "format", "hint", "prewhere"
)  # fmt: skip
_CATALOGS = ("pg_", "sqlite_", "duckdb_", "information_schema")  # tables of the engine itself, and settings
_UNUSUAL_OF_TABLE = ("sample", "pivots", "version", "when", "joins", "laterals", "hints")


def check(query: exp.Query, schema: SqlSchema | None, limits: Limits, dialect: Dialect) -> Iterator[Problem]:
    """Problems with what a query does. `schema`: the tables that it may read; None: not known, so any without a path.

    What runs is the printed text of the query, so its tree is checked, too, where it is another one.
    """
    problems = list(_checked(query, schema, limits, dialect))
    if not problems:
        try:
            runs = settled(query, dialect)
        except NotPrintable as error:
            problems.append(_problem("not_printed", f"the query cannot be passed on: {error}"))
        else:
            problems += () if runs == query else _checked(runs, schema, limits, dialect)
    yield from problems


def _checked(query: exp.Query, schema: SqlSchema | None, limits: Limits, dialect: Dialect) -> Iterator[Problem]:
    yield from _unknown(query, dialect)
    size = joins = selects = 0
    for node in query.walk():
        size += 1
        selects += isinstance(node, exp.Select)
        joins += isinstance(node, exp.Join)
        yield from _node(node, limits)
    for count, most, what in (
        (size, limits.nodes, "parts"),
        (joins, limits.joins, "joins"),
        (selects, limits.selects, "SELECTs"),
    ):
        if count > most:
            yield _problem("too_large", f"the query has {count:,} {what} (limit {most:,})")
    if (count := joined(query)) > MOST_JOINED:
        yield _problem("too_large", f"the query joins {count} columns with || (limit {MOST_JOINED})")
    if size <= limits.nodes and growth(query) > MOST_GROWTH:
        yield _problem("too_large", f"the query repeats values more than {MOST_GROWTH} times within another")
    for table in query.find_all(exp.Table):
        yield from _table(table, schema, limits)
    if dialect == "postgres" and schema is not None:
        yield from _called_columns(query, schema)
    if limits.denied_columns and schema is None:
        yield _problem("denied", "some columns may not be read, and it is not known which ones the tables have")
    elif limits.denied_columns:
        yield from _denied_columns(query, limits.denied_columns, schema)


def _node(node: exp.Expr, limits: Limits) -> Iterator[Problem]:
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


def _unknown(query: exp.Query, dialect: Dialect) -> Iterator[Problem]:
    """Functions, constructs, types, units and names that are not on the lists."""
    for part in unknown(query, dialect):
        if part.kind == "name":
            yield _problem("name", f"'{part.text}' is not a name", "write it in double quotes", part.node)
        elif part.kind == "unit":
            yield _problem("unit", f"'{part.text}' is not a unit of time", "write YEAR, MONTH, DAY, HOUR, …", part.node)
        elif part.kind == "number":
            yield _problem("number", f"'{part.text}' is not a number", at=part.node)
        else:
            yield _problem(part.kind, f"the {part.kind} {part.text} is not allowed", at=part.node)


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


def _table(table: exp.Table, schema: SqlSchema | None, limits: Limits) -> Iterator[Problem]:
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
    if limits.denies(name):
        yield _problem("denied", f"the table '{table.name}' may not be read", at=table)
    elif (cte := cte_of(table)) is not None:
        if may_be_another(table, cte):
            told = f"'{table.name}' may be another table than '{cte.alias}' of WITH"
            yield _problem("unknown_table", told, "write both in the same way", table)
    elif schema is None and (not name.replace("_", "").isalnum() or name.startswith(_CATALOGS)):
        yield _problem("other_schema", f"'{table.name}' is not the name of a table", at=table)
    elif schema is not None and schema.table(table.name) is None:
        near = did_you_mean(table.name, [table.name for table in schema.tables])
        yield _problem("unknown_table", f"there is no table '{table.name}'.{near}", at=table)


def cte_of(table: exp.Table) -> exp.CTE | None:
    """The nearest query of WITH with the folded name of a table: of the queries around it, and those before it.

    Of WITH RECURSIVE all of them, its own too. None: the table is one of the database.
    """
    name = table.name.casefold()
    node: exp.Expr = table
    while (parent := node.parent) is not None:
        visible: list[exp.CTE] = []
        if isinstance(parent, exp.With):
            visible = parent.expressions if parent.recursive else parent.expressions[: node.index]
        elif isinstance(parent, exp.Query) and not isinstance(node, exp.With):
            visible = parent.ctes
        for cte in visible:
            if cte.alias.casefold() == name:
                return cte
        node = parent
    return None


def may_be_another(table: exp.Table, cte: exp.CTE) -> bool:
    """Whether some engine reads another table for the name of a query of WITH.

    To PostgreSQL, a name in quotes is not the same in another case, and no engine folds other letters than ASCII.
    """
    return _in_postgres(table.this) != _in_postgres(cte.args["alias"].this)


def _in_postgres(name: exp.Identifier) -> str:
    return name.name if name.quoted else name.name.encode().lower().decode()


# --- columns that may not be read -------------------------------------------------------


def _denied_columns(query: exp.Query, hidden: frozenset[str], schema: SqlSchema | None) -> Iterator[Problem]:
    """Columns of these names, and what reads columns without their names."""
    for column in query.find_all(exp.Column):
        # DuckDB reads `secret.part`, a part of a column, as it reads `table.column`
        if name := next((part.name for part in column.parts if part.name.casefold() in hidden), ""):
            yield _problem("denied", f"the column '{name}' may not be read", at=column)
    if any(not isinstance(star.parent, exp.Count) for star in query.find_all(exp.Star)):
        yield _problem("denied", "* also reads columns that may not be read", "name the columns")
    for join in query.find_all(exp.Join):
        if join.method == "NATURAL" or any(column.name.casefold() in hidden for column in join.args.get("using") or ()):
            yield _problem("denied", "the join compares columns that may not be read", "write JOIN … ON …", join)
    for source in query.find_all(exp.Table, exp.Subquery):  # sqlglot reads (t) AS s(a, b) as a query in brackets
        table = source.unnest() if isinstance(source, exp.Subquery) else source
        if isinstance(table, exp.Table) and source.alias_column_names:
            yield _problem("denied", f"'{table.name}' may not get other names for its columns", at=table)
    # In DuckDB and PostgreSQL, the name of a table as a column is its whole row; in DuckDB, `main.table` is it, too.
    sources = {node.alias_or_name.casefold() for node in query.find_all(exp.Table, exp.Subquery, exp.CTE)}
    for column in query.find_all(exp.Column):
        if column.name.casefold() in sources and not _is_of_table(column, schema):
            hint = f"write {column.name}.COLUMN"
            yield _problem(
                "denied", f"'{column.name}' may be a whole row, with columns that may not be read", hint, column
            )


def _is_of_table(column: exp.Column, schema: SqlSchema | None) -> bool:
    """Whether a column is one of the source before it, which FROM or JOIN of its own SELECT names."""
    select = column.parent_select
    if select is None or len(column.parts) != 2:
        return False
    parts = (select.args.get("from_"), *(select.args.get("joins") or ()))
    sources = (part.this for part in parts if part is not None)
    return any(
        source.alias_or_name.casefold() == column.table.casefold()
        and column.name.casefold() in _columns_of(source, schema)
        for source in sources
    )


def _columns_of(source: exp.Expr, schema: SqlSchema | None) -> set[str]:
    """The folded names of the columns of a table, a query of WITH, or a nested query, as far as they are known."""
    if isinstance(source, exp.Table) and (cte := cte_of(source)) is not None:
        return _columns_of(cte, schema)
    if isinstance(source, (exp.CTE, exp.Subquery)):
        return {name.casefold() for name in source.alias_column_names or source.this.named_selects}
    table = schema.table(source.name) if schema is not None and isinstance(source, exp.Table) else None
    return {column.name.casefold() for column in table.columns} if table is not None else set()


def _called_columns(query: exp.Query, schema: SqlSchema) -> Iterator[Problem]:
    """Names behind a table that are no columns of it: PostgreSQL reads ``emp.to_json`` as ``to_json(emp)``."""
    columns: dict[str, set[str]] = {}  # folded name of a table in the query → names of its columns
    for table in query.find_all(exp.Table):
        listed = schema.table(table.name)
        if listed is not None and cte_of(table) is None:
            names = columns.setdefault(table.alias_or_name.casefold(), set())
            names |= {column.name.casefold() for column in listed.columns}
            names |= {name.casefold() for name in table.alias_column_names}
    for column in query.find_all(exp.Column):
        known = columns.get(column.table.casefold())
        if known is not None and not isinstance(column.this, exp.Star) and column.name.casefold() not in known:
            yield _problem("function", f"'{column.table}' has no column '{column.name}'", at=column)


def _problem(code: str, message: str, hint: str = "", at: exp.Expr | None = None) -> Problem:
    return Problem(layer="guard", code=code, message=message, pointer=place(at) if at is not None else "", hint=hint)
