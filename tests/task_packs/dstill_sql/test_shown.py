"""Results as people see them: headings in words, numbers without noise, and all rows."""

from __future__ import annotations

from typing import Any

import pytest

from dstill.api.records import Table
from dstill_sql.language import refusals
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.results import rendering
from dstill_sql.language.statements import read


def result(columns: list[str], *rows: list[Any]) -> dict[str, Any]:
    return {"columns": columns, "rows": list(rows), "keys": None, "pool": []}


def table(answer: str, *rows: list[Any], dialect: Dialect = "sqlite", whole: bool = False) -> Table:
    query = read(answer, dialect)
    columns = [output.alias_or_name or output.sql(dialect) for output in query.selects]
    return rendering.table(result(columns, *rows), query, dialect, whole=whole)


@pytest.mark.parametrize(
    ("output", "cell", "heading", "shown"),
    [
        ("COUNT(*)", 12345, "#count", "12,345"),
        ("COUNT(1)", 3, "#count", "3"),
        ("COUNT(done_at)", 3, "#count of done_at", "3"),
        ("COUNT(DISTINCT town)", 3, "#different town", "3"),
        ("AVG(labour_eur)", 21.087500000000002, "#average labour_eur", "21.09"),
        ("ROUND(AVG(jobs.labour_eur), 3)", 21.088, "#average labour_eur", "21.09"),
        ("SUM(kg)", 12.5, "#sum of kg", "12.5"),
        ("MAX(kg)", 2000, "#highest kg", "2000"),
        ("MAX(year)", 12000, "#highest year", "12000"),
        ("MAX(done_at)", "2024-05-01 10:30:00", "latest done_at", "2024-05-01 10:30"),
        ("MIN(done_at)", "2024-05-01 00:00:00", "earliest done_at", "2024-05-01"),
        ("100.0 * COUNT(*) FILTER (WHERE kg > 2) / COUNT(*)", 25.133333, "#share", "25.1 %"),
        ("COUNT(CASE WHEN kg > 2 THEN 1 END) * 100.0 / COUNT(*)", 25.133333, "#share", "25.1 %"),
        ("100.0 * SUM(kg) / (SELECT SUM(kg) FROM jobs)", 25.133333, "#share", "25.1 %"),
        ("ROUND(100 * COUNT(*) / 7.0, 1) AS pct", 25.1, "#pct", "25.1 %"),
        ("100 * kg", 12500, "#100 × kg", "12,500"),
        ("DATE(done_at, 'start of month')", "2024-05-01", "month", "2024-05"),
        ("DATE(done_at, 'start of year')", "2024-01-01", "year", "2024"),
        ("DATE(done_at)", "2024-05-01", "day", "2024-05-01"),
        ("STRFTIME('%Y-%m', done_at)", "2024-05", "month", "2024-05"),
        ("CAST(STRFTIME('%Y', done_at) AS INTEGER)", 2024, "#year", "2024"),
        ("CAST(STRFTIME('%H', done_at) AS INTEGER)", 7, "#hour", "7"),
        ("JULIANDAY(done_at) - JULIANDAY(at)", 1.25, "#days from at to done_at", "1.25"),
        ("AVG((JULIANDAY(b) - JULIANDAY(a)) * 24)", 1.25, "#average hours from a to b", "1.25"),
        ("UPPER(town)", "RIBE", "town in capital letters", "RIBE"),
        ("id", 12345, "#id", "12345"),
        ("town", "x" * 501, "town", "x" * 499 + "…"),
        ("kg AS weight", None, "weight", "–"),
    ],
)
def test_column_says_what_it_holds(output: str, cell: Any, heading: str, shown: str) -> None:
    made = table(f"SELECT {output} FROM jobs", [cell])
    assert (made.columns, made.rows) == ((heading,), ((shown,),))


@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
@pytest.mark.parametrize(
    ("output", "cell", "heading", "shown"),
    [
        ("DATE_TRUNC('month', done_at)", "2024-05-01T00:00:00", "month", "2024-05"),
        ("DATE_TRUNC('week', done_at)", "2024-05-06T00:00:00+00:00", "week", "2024-05-06"),
        ("EXTRACT(DOW FROM done_at)", 3, "#weekday number", "3"),
        ("EXTRACT(YEAR FROM done_at)", 2024, "#year", "2024"),
        ("CAST(done_at AS DATE)", "2024-05-01", "day", "2024-05-01"),
        ("MAX(done_at) + INTERVAL '1' DAY", "2024-05-01 00:00:00", None, "2024-05-01"),
    ],
)
def test_periods_of_other_engines(dialect: Dialect, output: str, cell: Any, heading: str, shown: str) -> None:
    made = table(f"SELECT {output} FROM jobs", [cell], dialect=dialect)
    assert heading in (None, made.columns[0])
    assert made.rows == ((shown,),)


def test_columns_of_one_name_have_that_of_their_table() -> None:
    made = table("SELECT a.name, b.name, b.kg FROM a JOIN b ON a.id = b.id", ["x", "y", 1])
    assert made.columns == ("a.name", "b.name", "#kg")


@pytest.mark.parametrize("answer", ["SELECT * FROM jobs", "SELECT a.*, kg FROM a", "SELECT 1 UNION SELECT 2"])
def test_names_of_the_engine_stay_where_the_query_does_not_say_them(answer: str) -> None:
    made = rendering.table(result(["a", "b", "c"], [1, 2, 3]), read(answer, "sqlite"), "sqlite")
    assert made.columns == ("#a", "#b", "#c")


def test_numbers_have_no_noise_and_long_results_stay_whole() -> None:
    [row] = table("SELECT a, b, c, d FROM t", [21.087500000000002, 1e300, None, 52.0]).rows
    assert row == ("21.0875", "1e+300", "–", "52")
    made = table("SELECT n FROM t", *([12345678901234567 + n] for n in range(567)))
    assert (made.columns, made.rows[0], len(made.rows)) == (("#n",), ("12345678901234567",), 567)
    assert table("SELECT n FROM t").rows == ()


def test_whole_table_is_as_the_engine_gives_it() -> None:
    made = table("SELECT AVG(kg), at, b FROM t", [21.087500000000002, "2024-05-01T00:00:00", None], whole=True)
    assert made.columns == ("AVG(kg)", "at", "b")
    assert made.rows == (("21.087500000000002", "2024-05-01T00:00:00", ""),)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("-- no answer: no column holds it (missing: weight, kilos)", "no column holds it (missing: weight, kilos)"),
        ("-- no answer: a change is asked for", "a change is asked for"),
        ("-- no answer (missing: weight)", "(missing: weight)"),
        ("-- no answer", ""),
        ("SELECT 1", ""),
    ],
)
def test_reason_of_a_refusal_names_what_is_missing(answer: str, reason: str) -> None:
    assert refusals.reason(answer) == reason
