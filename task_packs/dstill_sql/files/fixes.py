"""Spellings that a query must not have, and the ones that mean the same.

    list(fixes("SELECT a FROM main.b", problems, None, "duckdb"))     [Fix(edits=(Edit(start=14, end=19, …),), …)]

    FROM main.drivers                     FROM drivers: the schema that an engine looks in anyway
    WITH RECURSIVE a AS (SELECT 1) …      WITH a AS (SELECT 1) …, if no part reads itself or a later one
    city = "Oslo"                         city = 'Oslo', in SQLite, where no column has that name

The tests run both spellings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlglot import Dialect as Grammar
from sqlglot import TokenType, exp

from dstill.api.answer_files import Edit, Fix
from dstill.api.records import Problem
from dstill_sql.language.database.schema import SqlSchema, walk_columns
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.statements import NotOneQuery, place, read

__all__ = ["fixes"]

_DEFAULT_SCHEMA: Mapping[Dialect, str] = {"duckdb": "main", "sqlite": "main", "postgres": "public"}
_ROW_IDS = {"rowid", "oid", "_rowid_"}  # columns of every table in SQLite


def fixes(answer: str, problems: Sequence[Problem], schema: SqlSchema | None, dialect: Dialect) -> Iterator[Fix]:
    """The repairs of `answer`, in which the checks found `problems`. `schema`: None if it is not known."""
    try:
        query = read(answer, dialect)
    except NotOneQuery:
        return
    for problem in problems:
        if problem.code == "other_schema":
            edits = _without_schema(query, problem.pointer, dialect)
        elif problem.code == "recursive":
            edits = _not_recursive(answer, query, dialect)
        elif problem.code == "unknown_column" and dialect == "sqlite" and schema is not None:
            edits = _quoted_texts(answer, query, schema)
        else:
            continue
        if edits:
            yield Fix(edits=tuple(edits), problem=problem, same_meaning=True)


def _without_schema(query: exp.Query, pointer: str, dialect: Dialect) -> list[Edit]:
    """Take away the schema that the dialect looks in by itself, unless a WITH has the table's name."""
    taken = {cte.alias_or_name.casefold() for cte in query.find_all(exp.CTE)}
    for table in query.find_all(exp.Table):
        named, name = table.args.get("db"), table.this
        if place(table) != pointer or table.args.get("catalog") is not None or not isinstance(named, exp.Identifier):
            continue
        if named.name.casefold() == _DEFAULT_SCHEMA[dialect] and table.name.casefold() not in taken:
            return [Edit(start=named.meta["start"], end=name.meta["start"], text="")]
    return []


def _not_recursive(answer: str, query: exp.Query, dialect: Dialect) -> list[Edit]:
    """Take away RECURSIVE where nothing is."""
    tokens = Grammar.get_or_raise(dialect).tokenize(answer)
    words = [number for number, token in enumerate(tokens) if token.token_type is TokenType.RECURSIVE]
    withs = list(query.find_all(exp.With))
    if len(words) != 1 or len([clause for clause in withs if clause.recursive]) != 1 or any(map(_reads_ahead, withs)):
        return []
    (number,) = words
    return [Edit(start=tokens[number].start, end=tokens[number + 1].start, text="")]


def _reads_ahead(clause: exp.With) -> bool:
    """Whether a part reads itself or a later part, which without RECURSIVE would be a table of that name."""
    names = [cte.alias_or_name.casefold() for cte in clause.expressions]
    return any(
        table.name.casefold() in names[number:]
        for number, cte in enumerate(clause.expressions)
        for table in cte.find_all(exp.Table)
    )


def _quoted_texts(answer: str, query: exp.Query, schema: SqlSchema) -> list[Edit]:
    """SQLite reads a name in double quotes that no column has as a text."""
    known = {column.name.casefold() for _, column in walk_columns(schema)} | _ROW_IDS
    known |= {node.alias.casefold() for node in query.find_all(exp.Alias, exp.TableAlias)}
    known |= {name.name.casefold() for alias in query.find_all(exp.TableAlias) for name in alias.columns}
    edits = []
    for column in query.find_all(exp.Column):
        meta = column.this.meta if isinstance(column.this, exp.Identifier) else {}
        shown = answer[meta["start"] : meta["end"] + 1] if "start" in meta else ""
        if not column.table and column.name.casefold() not in known and len(shown) > 1 and shown[0] == shown[-1] == '"':
            text = column.name.replace("'", "''")
            edits.append(Edit(start=meta["start"], end=meta["end"] + 1, text=f"'{text}'"))
    return edits
