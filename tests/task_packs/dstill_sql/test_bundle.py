"""The bundled databases, and the hand-written questions about those that are held out."""

from __future__ import annotations

import gzip
import json

import pytest
from support.recorded_names import assert_names_of_values

from dstill.api import find_problems
from dstill.api.engine import Engine
from dstill.api.records import Draft, Example
from dstill.errors import UsageError
from dstill_sql import bundle
from dstill_sql.bundle.handwritten import HANDWRITTEN, handwritten
from dstill_sql.engines.duckdb import DuckDb, DuckDbSettings
from dstill_sql.engines.sqlite import Sqlite, SqliteSettings
from dstill_sql.language import refusals
from dstill_sql.language.database.database import Rows
from dstill_sql.language.dialects import DIALECTS
from dstill_sql.language.results import compare
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings


def rows_of(name: str) -> dict[str, list[list[object]]]:
    data = bundle.database(name, "duckdb").data
    assert isinstance(data, Rows)
    return {table: [list(row) for row in rows] for table, rows in data.read().items()}


@pytest.mark.parametrize("name", bundle.NAMES)
def test_a_bundled_database_has_tables_that_refer_and_rows_that_do_not(name: str) -> None:
    schema = bundle.database(name, "duckdb").schema
    rows = rows_of(name)
    assert 3 <= len(schema.tables) <= 10
    unused = nulls = 0
    for one in schema.references:
        parent, child = schema.table(one.to), schema.table(one.table)
        there = {row[[c.name for c in parent.columns].index(one.to_columns[0])] for row in rows[one.to]}
        used = {row[[c.name for c in child.columns].index(one.columns[0])] for row in rows[one.table]}
        assert used - {None} <= there
        unused += len(there - used)
    nulls = sum(cell is None for table in rows.values() for row in table for cell in row)
    assert schema.references
    assert unused
    assert nulls
    assert any(column.family in ("date", "timestamp") for table in schema.tables for column in table.columns)


def test_the_files_are_small() -> None:
    files = list(bundle.FOLDER.glob("*.json.gz"))
    assert {path.name.split(".")[0] for path in files} == set(bundle.NAMES)
    assert sum(path.stat().st_size for path in files) < 300_000
    rows = [json.loads(gzip.decompress(path.read_bytes()))["rows"] for path in files]
    assert sum(len(columns[0]) for one in rows for columns in one.values()) < 20_000


def test_another_naming_has_the_same_rows() -> None:
    usual, other = bundle.database("shop", "duckdb"), bundle.database("shop/2", "duckdb")
    assert list(rows_of("shop").values()) == list(rows_of("shop/2").values())
    assert usual.schema.ddl() != other.schema.ddl()
    assert usual.digest != other.digest


@pytest.mark.parametrize("name", ["shop/0", "shop/02", "shop/99", "flights/1", "shop/x", "nothing", "", "../shop"])
def test_what_is_not_bundled_is_not_found(name: str) -> None:
    assert not bundle.is_bundled(name)
    with pytest.raises(KeyError):
        bundle.database(name, "duckdb")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_types_are_those_of_the_dialect(dialect: str) -> None:
    schema = bundle.database("flights", dialect).schema  # type: ignore[arg-type]
    assert schema.dialect == dialect
    assert ("DOUBLE PRECISION" in schema.ddl()) == (dialect == "postgres")


def test_a_hundred_hand_written_questions_are_about_held_out_databases() -> None:
    found = [one for name in HANDWRITTEN for one in handwritten(name)]
    assert set(HANDWRITTEN) == set(bundle.HELD_OUT)
    assert len(found) >= 100
    assert len({one.id for one in found}) == len({one.question.casefold() for one in found}) == len(found)
    assert sum(refusals.read(one.answer or "") is not None for one in found) >= 0.15 * len(found)
    with pytest.raises(UsageError, match="no hand-written questions about 'shop'"):
        handwritten("shop")


@pytest.mark.parametrize("name", bundle.HELD_OUT)
def test_recorded_names_are_of_values_that_the_data_have(name: str) -> None:
    aliases = json.loads((bundle.FOLDER / "recorded" / f"{name}.aliases.json").read_text())
    assert_names_of_values(aliases, bundle.database(name, "duckdb").values)


def test_missing_words_of_hand_written_refusals_are_in_their_questions() -> None:
    for name in HANDWRITTEN:
        for one in handwritten(name):
            refusal = refusals.read(one.answer or "")
            assert all(word in one.question.lower() for word in (refusal.missing if refusal else ()))


@pytest.mark.parametrize("name", HANDWRITTEN)
@pytest.mark.parametrize("dialect", ["duckdb", "sqlite"])
def test_golds_of_hand_written_questions_pass_the_checks_and_find_something(name: str, dialect: str) -> None:
    task = Sql(Settings(dialect=dialect))  # type: ignore[arg-type]
    executor = DuckDb(DuckDbSettings()) if dialect == "duckdb" else Sqlite(SqliteSettings())
    executor.open(task, Engine())
    skipped = 0
    for one in handwritten(name, dialect):  # type: ignore[arg-type]
        answer = one.answer or ""
        if dialect == "sqlite" and any(word in answer for word in ("PERCENTILE", "EXTRACT", "INTERVAL", "CURRENT")):
            skipped += 1  # sqlglot cannot say it in SQLite's dialect
            continue
        assert not [p for p in find_problems(task, one, Draft(answer=answer)) if p.is_error], one.question
        if refusals.read(answer) is None:
            value = executor.execute(answer, one).value
            assert not compare.is_empty(value), one.question
            assert not compare.is_nondeterministic(value), one.question
    assert skipped <= (0 if dialect == "duckdb" else 5)
    executor.close()


def test_today_is_the_day_of_the_database() -> None:
    task, executor = Sql(Settings()), DuckDb(DuckDbSettings())
    executor.open(task, Engine())
    example = Example(id="1", question="what day is it", context={"db": "shop"})
    outcome = executor.execute("SELECT CURRENT_DATE FROM categories LIMIT 1", example)
    assert outcome.value["rows"] == [["2024-06-18"]]
    executor.close()
