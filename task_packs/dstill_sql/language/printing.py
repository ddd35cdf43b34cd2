"""The one printer: the texts that an engine may get. Every other part of the pack hands a `Statement` to its engine.

    printed(read("SELECT EXTRACT(year FROM at) FROM t", "duckdb"), "duckdb")
    Statement(text="SELECT EXTRACT(YEAR FROM at) FROM t", dialect="duckdb", tree=Select(…))

A text is printed from a tree whose leaves are all on a list (`language.allowed`), and read again: it must be one query,
and the same tree. The engine's own parser then reads it once more, before it runs (`engines.parsers`).
"""

from __future__ import annotations

from typing import LiteralString

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dstill_sql.language.allowed import is_type, unknown
from dstill_sql.language.bounded_text import text_of
from dstill_sql.language.database.schema import Column, Table
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.engine_text import NotPrintable, Statement
from dstill_sql.language.statements import NotOneQuery, first_line, parsed

__all__ = ["about", "created", "emptied", "filled", "printed", "settled"]


def printed(query: exp.Query, dialect: Dialect) -> Statement:
    """The text of a query. Raises NotPrintable."""
    text, again = _read_again(query, dialect)
    if not _are_same(query, again):
        raise NotPrintable("its text is read as another query")
    return Statement(text=text, dialect=dialect, tree=again)


def settled(query: exp.Query, dialect: Dialect) -> exp.Query:
    """The query as its printed text is read: sqlglot writes some calls as others. Raises NotPrintable."""
    return _read_again(query, dialect)[1]


def about(template: LiteralString, dialect: Dialect, *values: str | int | float) -> Statement:
    """A query of dstill's own: each ``{}`` of its template stands for a name, which is quoted, or for a number.

    Raises NotPrintable.
    """
    names = [part for part in values if isinstance(part, str)]
    parts = [_name(part).sql(dialect) if isinstance(part, str) else f"{part:.12g}" for part in values]
    text = template.format(*parts)
    try:
        (query,) = sqlglot.parse(text, read=dialect)
    except (SqlglotError, ValueError) as error:
        raise NotPrintable(f"{names} cannot be quoted: {error}") from None
    if (
        not isinstance(query, exp.Query)
        or [part.name for part in query.find_all(exp.Identifier) if part.quoted] != names
    ):
        raise NotPrintable(f"{names} cannot be quoted")
    return Statement(text=text, dialect=dialect)


def created(table: Table, dialect: Dialect) -> Statement:
    """CREATE TABLE, with its keys and without references and comments. Raises NotPrintable."""
    parts: list[exp.Expr] = [_column(column, table, dialect) for column in table.columns]
    if len(table.key) > 1:
        parts.append(exp.PrimaryKey(expressions=[_name(name) for name in table.key]))
    tree = exp.Create(this=exp.Schema(this=exp.Table(this=_name(table.name)), expressions=parts), kind="TABLE")
    return _statement(tree, dialect)


def filled(table: Table, dialect: Dialect) -> Statement:
    """INSERT of rows: SQLite gets them one by one, DuckDB column by column. Raises NotPrintable."""
    places = range(1, len(table.columns) + 1)
    if dialect == "sqlite":
        values = exp.Values(expressions=[exp.Tuple(expressions=[exp.Placeholder() for _ in places])])
        return _statement(exp.Insert(this=exp.Table(this=_name(table.name)), expression=values), dialect)
    columns = [exp.Unnest(expressions=[exp.Parameter(this=exp.Literal.number(place))]) for place in places]
    return _statement(exp.Insert(this=exp.Table(this=_name(table.name)), expression=exp.select(*columns)), dialect)


def emptied(table: Table, dialect: Dialect) -> Statement:
    """DELETE of all rows. Raises NotPrintable."""
    return _statement(exp.Delete(this=exp.Table(this=_name(table.name))), dialect)


# --- printing and reading again ---------------------------------------------------------


def _read_again(query: exp.Query, dialect: Dialect) -> tuple[str, exp.Query]:
    """The text of a query, and the tree that it is. Raises NotPrintable."""
    _check(query, dialect)
    try:
        text = text_of(query, dialect)
        again = parsed(text, dialect)
    except NotOneQuery as error:
        raise NotPrintable(f"its text is not read as one query: {error}") from None
    except NotPrintable:
        raise
    except Exception as error:  # what sqlglot does not foresee raises anything
        raise NotPrintable(f"sqlglot cannot print it: {first_line(error)}") from None
    _check(again, dialect)
    if text_of(again, dialect) != text:
        raise NotPrintable("its text is read as another query")
    return text, again


def _check(query: exp.Query, dialect: Dialect) -> None:
    for part in unknown(query, dialect, translated=True):
        raise NotPrintable(f"the {part.kind} {part.text} is not allowed")


def _statement(tree: exp.Expr, dialect: Dialect) -> Statement:
    """A statement of dstill's own about one table. Raises NotPrintable."""
    try:
        text = tree.sql(dialect, comments=False)
        statements = sqlglot.parse(text, read=dialect)
    except (SqlglotError, ValueError) as error:
        raise NotPrintable(f"its text is not SQL: {error}") from None
    if len(statements) != 1 or statements[0] is None or statements[0].sql(dialect, comments=False) != text:
        raise NotPrintable("its text is read as another statement")
    if [name.name for name in statements[0].find_all(exp.Identifier)] != [
        name.name for name in tree.find_all(exp.Identifier)
    ]:
        raise NotPrintable("its text names other things")
    return Statement(text=text, dialect=dialect, tree=tree)


def _are_same(query: exp.Query, again: exp.Query) -> bool:
    """Whether two trees are equal, but for quotes that the printer added to a name."""
    return query == again or _all_quoted(query) == _all_quoted(again)


def _all_quoted(query: exp.Query) -> exp.Query:
    copy = query.copy()
    for name in copy.find_all(exp.Identifier):
        name.set("quoted", True)
    return copy


def _name(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def _column(column: Column, table: Table, dialect: Dialect) -> exp.ColumnDef:
    try:
        type_ = exp.DataType.build(column.type, dialect=dialect)
    except SqlglotError:
        type_ = None
    if type_ is None or not is_type(type_):
        raise NotPrintable(f"the type of '{table.name}.{column.name}' is not supported: {column.type}")
    constraints: list[exp.Expr] = []
    if table.key == (column.name,):
        constraints.append(exp.PrimaryKeyColumnConstraint())
    elif column.unique:
        constraints.append(exp.UniqueColumnConstraint())
    if not column.nullable and table.key != (column.name,):
        constraints.append(exp.NotNullColumnConstraint())
    wrapped = [exp.ColumnConstraint(kind=constraint) for constraint in constraints]
    return exp.ColumnDef(this=_name(column.name), kind=type_, constraints=wrapped)
