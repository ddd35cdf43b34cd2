"""Clocks of queries are stopped at the time of their database."""

from __future__ import annotations

import pytest

from dstill_sql.engines.clock import frozen
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.statements import read

NOW = "2024-06-18T12:30:00"


@pytest.mark.parametrize(
    ("dialect", "clock", "stopped"),
    [
        ("duckdb", "CURRENT_DATE", "CAST('2024-06-18' AS DATE)"),
        ("duckdb", "now()", "CAST('2024-06-18 12:30:00' AS TIMESTAMP)"),
        ("postgres", "CURRENT_DATE - INTERVAL '7 days'", "CAST('2024-06-18' AS DATE) - INTERVAL '7 DAYS'"),
        ("postgres", "LOCALTIMESTAMP", "CAST('2024-06-18 12:30:00' AS TIMESTAMP)"),
        ("sqlite", "CURRENT_DATE", "'2024-06-18'"),
        ("sqlite", "DATE('now', '-7 days')", "DATE('2024-06-18 12:30:00', '-7 days')"),
        ("sqlite", "DATE()", "DATE('2024-06-18 12:30:00')"),
        ("sqlite", "DATETIME('now')", "DATETIME('2024-06-18 12:30:00')"),
        ("sqlite", "JULIANDAY()", "JULIANDAY('2024-06-18 12:30:00')"),
        ("sqlite", "STRFTIME('%Y')", "STRFTIME('%Y', '2024-06-18 12:30:00')"),
        ("sqlite", "STRFTIME('%Y', 'now')", "STRFTIME('%Y', '2024-06-18 12:30:00')"),
        ("sqlite", "CAST('now' AS DATE)", "DATE('2024-06-18 12:30:00')"),
        ("sqlite", "'now'", "'now'"),  # a text, no clock
        ("sqlite", "COALESCE(a, 'now')", "COALESCE(a, 'now')"),
        ("duckdb", "AGE(d)", "AGE(CAST('2024-06-18' AS TIMESTAMP), d)"),
        ("duckdb", "AGE(now())", "AGE(CAST('2024-06-18' AS TIMESTAMP), CAST('2024-06-18 12:30:00' AS TIMESTAMP))"),
        ("postgres", "AGE(d, e)", "AGE(d, e)"),
        ("postgres", "DATE 'yesterday'", "CAST('2024-06-17' AS DATE)"),
        ("postgres", "'now'::timestamp", "CAST('2024-06-18 12:30:00' AS TIMESTAMP)"),
        ("postgres", "CAST('2024-01-01' AS DATE)", "CAST('2024-01-01' AS DATE)"),
    ],
)
def test_a_clock_is_a_constant(dialect: Dialect, clock: str, stopped: str) -> None:
    query = read(f"SELECT a FROM t WHERE d >= {clock}", dialect)
    assert frozen(query, NOW, dialect).sql(dialect) == f"SELECT a FROM t WHERE d >= {stopped}"


def test_without_a_time_the_query_stays() -> None:
    query = read("SELECT a FROM t WHERE d = CURRENT_DATE", "duckdb")
    assert frozen(query, "", "duckdb") is query


@pytest.mark.parametrize(
    ("condition", "stopped"),
    [
        ("day >= 'yesterday'", "day >= '2024-06-17'"),
        ("'Today' = t.day", "'2024-06-18' = t.day"),
        ("seen < ' now '", "seen < '2024-06-18 12:30:00'"),
        ("seen BETWEEN 'yesterday 10:00' AND 'today'", "seen BETWEEN '2024-06-17 10:00' AND '2024-06-18'"),
        ("day IN ('today', 'tomorrow')", "day IN ('2024-06-18', '2024-06-19')"),
        ("'today' - day > 3", "'2024-06-18' - day > 3"),
        ("COALESCE(day, 'today') > day", "COALESCE(day, '2024-06-18') > day"),
        ("(SELECT MAX(day) FROM t) = 'today'", "(SELECT MAX(day) FROM t) = '2024-06-18'"),
        ("name = 'today'", "name = 'today'"),  # a text
        ("name LIKE 'now'", "name LIKE 'now'"),
        ("day > '2024-01-01'", "day > '2024-01-01'"),
    ],
)
def test_postgresql_reads_texts_compared_with_dates_as_times(condition: str, stopped: str) -> None:
    schema = SqlSchema.read("CREATE TABLE t (day DATE, seen TIMESTAMP, name TEXT)", "postgres")
    query = read(f"SELECT name FROM t WHERE {condition}", "postgres")
    assert frozen(query, NOW, "postgres", schema).sql("postgres") == f"SELECT name FROM t WHERE {stopped}"
