r"""Results and schemas for people.

render({"columns": ["name", "n"], "rows": [["Ann", 3]], …})     "name | n\nAnn | 3\n1 row"
diff(got, want)                                                 what only one of two results has
excerpt(database, query)                                        the columns that a query uses, then the others
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlglot import exp

from dstill.api.records import RelevantSchema, ResultDiff
from dstill.api.records import Table as ResultTable
from dstill.api.values import Known
from dstill.io.readable import exact, is_number, readable
from dstill_sql.language.database.database import Database
from dstill_sql.language.database.name_resolution import Place, Scopes
from dstill_sql.language.database.schema import Column, Table, walk_columns
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.results.compare import same
from dstill_sql.language.results.headings import headings

__all__ = ["diff", "excerpt", "render", "table"]

_MOST = 8  # rows that are shown
_WIDEST = 200  # characters of a line
_REST = 300  # columns shown that the answer does not use
_VALUES = 8  # of one column

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_EXTREMES = {"lowest": "earliest", "highest": "latest"}

Value = Mapping[str, Any]


def render(value: Value) -> str:
    """A result as a few lines."""
    lines = [_line(value["columns"]), *map(_line, value["rows"][:_MOST]), _count(value)]
    return "\n".join(lines)


def table(value: Value, query: exp.Query | None, dialect: Dialect, *, whole: bool = False) -> ResultTable:
    """A result as a table. `query`: None if it is not known. `whole`: as the engine gives it, for a program."""
    if whole:
        return ResultTable(columns=tuple(value["columns"]), rows=tuple(tuple(map(exact, row)) for row in value["rows"]))
    named, rows = headings(query, value["columns"], dialect), value["rows"]
    columns = list(zip(*rows, strict=True)) or [()] * len(named)
    shown = [readable(column, heading.kind) for heading, column in zip(named, columns, strict=True)]
    return ResultTable(
        columns=tuple(_marked(heading.text, column) for heading, column in zip(named, columns, strict=True)),
        rows=tuple(zip(*shown, strict=True)) if rows else (),
    )


def _marked(heading: str, column: Sequence[Any]) -> str:
    """The heading, marked if the column has numbers; the lowest and highest of dates are called otherwise."""
    there = [cell for cell in column if cell is not None]
    if there and all(map(is_number, there)):
        return f"#{heading}"
    word, _, of = heading.partition(" ")
    dates = there and all(isinstance(cell, str) and _DATE.match(cell) for cell in there)
    return f"{_EXTREMES[word]} {of}" if word in _EXTREMES and of and dates else heading


def diff(got: Value, want: Value, test_database: str = "") -> ResultDiff:
    """How two results differ: the rows that only one has, or, if these are alike, all with their places."""
    rows = [[_line(row) for row in value["rows"]] for value in (want, got)]
    if rows[0] == rows[1] and len(want["columns"]) == len(got["columns"]) and not same(got, want):
        gold, answer = ["sorted"], ["the same rows, but not sorted"]  # an order by luck
    elif Counter(rows[0]) == Counter(rows[1]):
        gold, answer = ([f"{place}. {line}" for place, line in enumerate(side[:_MOST], 1)] for side in rows)
    else:
        gold, answer = (list(_only_here(*sides)) for sides in (rows, rows[::-1]))
    shown = [[_line(value["columns"]), *side, _count(value)] for value, side in ((want, gold), (got, answer))]
    return ResultDiff(gold="\n".join(shown[0]), answer="\n".join(shown[1]), test_database=test_database)


def _only_here(side: Sequence[str], other: Sequence[str]) -> Iterator[str]:
    only = list((Counter(side) - Counter(other)).elements())
    yield from only[:_MOST]
    if len(only) > _MOST:
        yield f"… {len(only) - _MOST:,} more that the other does not have"
    if alike := len(side) - len(only):
        yield f"{alike:,} {'row' if alike == 1 else 'rows'} alike"


def _count(value: Value) -> str:
    number = len(value["rows"])
    return f"{number:,} {'row' if number == 1 else 'rows'}"


def _line(cells: Sequence[Any]) -> str:
    text = " | ".join("NULL" if cell is None else str(cell) for cell in cells)
    return text if len(text) <= _WIDEST else f"{text[:_WIDEST]}…"


# --- schemas ------------------------------------------------------------------------------


def excerpt(database: Database, query: exp.Query | None) -> RelevantSchema:
    """The columns that a query uses, in its order, and the other columns of the database."""
    used: dict[str, Place] = {}
    if query is not None:
        used = {place.key: place for place in Scopes(query, database.schema).places(query)}
    others = [
        place
        for table, column in walk_columns(database.schema)
        if (place := Place(table=table, column=column)).key not in used
    ]
    rest = [(place.name, _words(place, database)) for place in others[:_REST]]
    if len(others) > _REST:
        rest.append(("…", f"{len(others) - _REST:,} more"))
    return RelevantSchema(
        title=f"columns of {database.name or 'the database'}",
        used=tuple((place.name, _words(place, database)) for place in used.values()),
        rest=tuple(rest),
    )


def _words(place: Place, database: Database) -> str:
    notes = list(_notes(place.table, place.column, database))
    return f"{place.column.type}: {'; '.join(notes)}" if notes else place.column.type


def _notes(table: Table, column: Column, database: Database) -> Iterator[str]:
    if column.comment:
        yield column.comment
    if column.name in table.key:
        yield "key"
    for reference in database.schema.references:
        if reference.table == table.name and column.name in reference.columns:
            yield f"refers to {reference.to}.{reference.to_columns[reference.columns.index(column.name)]}"
    if (known := database.values.get(f"{table.name}.{column.name}")) is not None and (text := _known(known)):
        yield text


def _known(known: Known) -> str:
    if known.low is not None and known.high is not None:
        return f"{known.low} to {known.high}"
    values = ", ".join(str(value) for value in known.values[:_VALUES])
    more = "" if known.complete and len(known.values) <= _VALUES else " …"
    return f"{'' if known.complete else 'as '}{values}{more}" if values else ""
