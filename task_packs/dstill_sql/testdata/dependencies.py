"""Rules that the data never break, though the schema does not have them: test databases keep them.

    Dependencies(task).of(example, run)
    {"never_null": ["trips.fare"], "unique": ["drivers.name"],
     "together": [{"columns": ["trips.city_code", "trips.city"], "values": [["OSL", "Oslo"], …]}]}

Columns without NULL, texts of which each is there once, and columns that determine each other, such as a code and its
name, with the values that go together. `run` runs a query on the data; what it refuses is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, permutations
from typing import Any

from sqlglot import exp

from dstill.api.records import Example, Outcome, OutcomeKind
from dstill.linked.names import mentions
from dstill_sql.language.database.about_databases import AboutDatabases
from dstill_sql.language.database.database import Rows
from dstill_sql.language.database.name_resolution import Scopes
from dstill_sql.language.database.schema import Column, SqlSchema, Table
from dstill_sql.language.statements import NotOneQuery, read
from dstill_sql.testdata.edits import Gold

__all__ = ["Dependencies", "Partners", "keep", "partners"]

Run = Callable[[str], Outcome]
Facts = Mapping[str, Any]
Partners = tuple[str, str, Mapping[Any, Any]]  # a column, one that it determines, and the values that go together
_FEWEST = 4  # rows that show that texts are unique
_MOST = 200  # values of columns that determine each other


# --- reading them -------------------------------------------------------------------------


class Dependencies:
    """The dependencies of the data of a task; each table is read once."""

    def __init__(self, task: AboutDatabases) -> None:
        self._task = task
        self._of_table: dict[tuple[str, str, str], Facts] = {}

    def of(self, example: Example, run: Callable[[str, Example], Outcome]) -> Facts:
        """Those in the tables that the gold of an example reads."""
        database = self._task.database(example)
        if not self._task.config.test_databases or database is None:
            return {}
        try:
            query = read(example.answer or "", database.schema.dialect)
        except NotOneQuery:
            return {}
        data = self._task.data(example)
        rows = data.digest if isinstance(data, Rows) else ""
        facts: dict[str, list[Any]] = {"never_null": [], "unique": [], "together": []}
        for table in Scopes(query, database.schema).tables(query):
            key = (database.digest, rows, table.name)
            if key not in self._of_table:
                self._of_table[key] = _of(table, database.schema, lambda answer: run(answer, example))
            for name, known in self._of_table[key].items():
                facts[name] += known
        return facts


def _of(table: Table, schema: SqlSchema, run: Run) -> Facts:
    columns = [column for column in table.columns if column.family != "other"]
    counts = [exp.Count(this=part) for c in columns for part in (_node(c), exp.Distinct(expressions=[_node(c)]))]
    rows = _rows(exp.select(exp.Count(this=exp.Star()), *counts).from_(_name(table.name)), schema, run)
    if not rows or not rows[0][0]:
        return {}
    number, *rest = rows[0]
    filled = dict(zip([c.name for c in columns], rest[::2], strict=True))
    distinct = dict(zip([c.name for c in columns], rest[1::2], strict=True))
    whole = [column for column in columns if filled[column.name] == number]
    unique = [c for c in whole if c.family == "text" and distinct[c.name] == number >= _FEWEST]
    fixed = {*table.key, *(name for r in schema.references if r.table == table.name for name in r.columns)}
    repeating = [c for c in whole if 1 < distinct[c.name] < min(number, _MOST) and c.name not in fixed]
    pairs = [pair for pair in combinations(repeating, 2) if len({distinct[column.name] for column in pair}) == 1]
    return {
        "never_null": _names(table, whole),
        "unique": _names(table, unique),
        "together": [
            {"columns": _names(table, pair), "values": values}
            for pair in pairs
            if len(values := _values(table, pair, schema, run)) == distinct[pair[0].name]
        ],
    }


def _names(table: Table, columns: Iterable[Column]) -> list[str]:
    return [f"{table.name}.{column.name}" for column in columns]


def _values(table: Table, pair: Sequence[Column], schema: SqlSchema, run: Run) -> Sequence[Sequence[Any]]:
    """The different values of two columns."""
    return _rows(exp.select(*map(_node, pair)).distinct().from_(_name(table.name)), schema, run)


def _name(name: str) -> exp.Table:
    return exp.Table(this=exp.to_identifier(name, quoted=True))


def _node(column: Column) -> exp.Column:
    return exp.column(exp.to_identifier(column.name, quoted=True))


def _rows(query: exp.Query, schema: SqlSchema, run: Run) -> Sequence[Sequence[Any]]:
    outcome = run(query.sql(schema.dialect))
    return outcome.value["rows"] if outcome.kind is OutcomeKind.OK else []


# --- keeping them -------------------------------------------------------------------------


def keep(schema: SqlSchema, facts: Facts, gold: Gold) -> SqlSchema:
    """The schema as if it declared what the data keep.

    Who asks for groups of a table's rows means that there can be several in one, even if the data have none.
    """
    whole, unique = set(facts.get("never_null", ())), set(facts.get("unique", ()))
    if len(gold.names.tables(gold.query)) == 1:
        grouped = [part for group in gold.query.find_all(exp.Group) for part in gold.names.places(group)]
        unique -= {place.name for place in grouped}

    def declared(table: Table, column: Column) -> Column:
        name = f"{table.name}.{column.name}"
        return replace(column, nullable=column.nullable and name not in whole, unique=column.unique or name in unique)

    tables = (replace(t, columns=tuple(declared(t, column) for column in t.columns)) for t in schema.tables)
    return replace(schema, tables=tuple(tables))


def partners(facts: Facts, used: set[str], question: str) -> Iterator[Partners]:
    """Pairs of a column that the gold uses and one that it does not, which determine each other; and their values.

    Not if the question names the column: then the other one is not what is asked for.
    """
    for pair in facts.get("together", ()):
        for own, other in permutations(range(2)):
            name, partner = pair["columns"][own], pair["columns"][other]
            if (
                name.casefold() in used
                and partner.casefold() not in used
                and not mentions(name.rpartition(".")[2], question)
            ):
                yield name, partner, {values[own]: values[other] for values in pair["values"]}
