"""DuckDB, SQLite and PostgreSQL give the same results for one query, apart from differences that are named here.

`agreement.sql` has the queries in DuckDB's dialect. Each engine gets its own form of them (`engines.translating`). A
query whose form an engine cannot plan is refused by the checks, so nobody is misled by it: it is counted apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.rides import on_rows
from support.staff import ROWS, SCHEMA

from dstill.api.engine import Engine
from dstill.api.records import Outcome, OutcomeKind
from dstill_sql.engines.duckdb import DuckDb
from dstill_sql.engines.postgresql import Postgresql, PostgresqlSettings
from dstill_sql.engines.sqlite import Sqlite
from dstill_sql.engines.translating import translated
from dstill_sql.language import guard
from dstill_sql.language.database import schema_check
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.results.compare import same
from dstill_sql.language.statements import read
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings

QUERIES = [
    line
    for line in (Path(__file__).parent / "agreement.sql").read_text().splitlines()
    if line and not line.startswith("--")
]
LOOSE = guard.Limits(cross_joins=True)
SCHEMAS: dict[Dialect, SqlSchema] = {
    dialect: SqlSchema.read(SCHEMA, "duckdb").in_dialect(dialect) for dialect in ("duckdb", "sqlite", "postgres")
}
STAFF = on_rows(SCHEMA, ROWS)
# Division by zero is infinite in DuckDB, NULL in SQLite, and an error in PostgreSQL; that of integers is an error in
# DuckDB too.
DIFFERENT = {
    "SELECT id / (dept_id - 1) FROM emp",
    "SELECT id % (dept_id - 1) FROM emp",
    "SELECT id // (dept_id - 1) FROM emp",
}
# SQLite has no median; its texts are joined in an order since 3.44 only.
LACKING = {
    "SELECT MEDIAN(salary) FROM emp",
    "SELECT STRING_AGG(name, ',' ORDER BY name) FROM emp WHERE dept_id = 1",
    "SELECT dept_id, STRING_AGG(name, '; ' ORDER BY id) FROM emp GROUP BY dept_id",
}


def task(dialect: Dialect) -> Sql:
    return Sql(Settings(dialect=dialect, guard=LOOSE))


def form(text: str, dialect: Dialect) -> str:
    """The query as an engine gets it."""
    return translated(read(text, "duckdb"), "duckdb", dialect, SCHEMAS["duckdb"]).sql(dialect)


def is_planned(text: str, dialect: Dialect) -> bool:
    """Whether the engine knows what the query has."""
    return not any(schema_check.check(read(text, dialect), SCHEMAS[dialect]))


def equal(one: Outcome, other: Outcome) -> bool:
    if one.kind is not OutcomeKind.OK or other.kind is not OutcomeKind.OK:
        return one.kind is other.kind
    return same(one.value, other.value) and same(other.value, one.value)


@pytest.fixture(scope="module")
def of_duckdb() -> Iterator[dict[str, Outcome]]:
    """Query → what DuckDB gives."""
    executor = DuckDb().open(task("duckdb"), Engine())
    yield {text: executor.run(text, STAFF) for text in QUERIES}
    executor.close()


def test_there_are_enough_queries() -> None:
    assert len(QUERIES) == len(set(QUERIES)) >= 300


@pytest.mark.slow
def test_sqlite_agrees_with_duckdb(of_duckdb: dict[str, Outcome]) -> None:
    executor = Sqlite().open(task("duckdb"), Engine())
    refused = {text for text in QUERIES if not is_planned(form(text, "sqlite"), "sqlite")}
    assert refused <= LACKING  # none with a newer SQLite
    differ = {t for t in QUERIES if t not in LACKING and not equal(executor.run(t, STAFF), of_duckdb[t])}
    executor.close()
    assert differ == DIFFERENT
    assert len(differ) <= 0.01 * len(QUERIES)


@pytest.mark.live
def test_postgresql_agrees_with_duckdb(of_duckdb: dict[str, Outcome], postgres: Any, login: dict[str, str]) -> None:
    with Postgresql(PostgresqlSettings()).open(task("duckdb"), owner(postgres)) as executor:
        differ = {text for text in QUERIES if not equal(executor.run(text, STAFF), of_duckdb[text])}
    assert differ == {"SELECT id / (dept_id - 1) FROM emp"}


@pytest.mark.live
def test_answers_for_postgresql_mean_the_same_on_test_databases(postgres: Any, login: dict[str, str]) -> None:
    """Which run on the embedded DuckDB: PostgreSQL's own text on PostgreSQL, and translated."""
    texts = [form(text, "postgres") for text in QUERIES]
    staff = on_rows(SCHEMAS["postgres"].ddl(), ROWS)
    embedded = DuckDb().open(task("postgres"), Engine())
    with Postgresql(PostgresqlSettings()).open(task("postgres"), owner(postgres)) as executor:
        differ = [text for text in texts if not equal(executor.run(text, staff), embedded.run(text, staff))]
    embedded.close()
    assert [text.count("/") for text in differ] == [1]  # division by zero
    assert len(differ) <= 0.01 * len(texts)


def owner(postgres: Any) -> Engine:
    engine: Engine = postgres.engine("postgres", basic_auth_env="OWNER_LOGIN", load_data=True)
    return engine


def test_what_is_written_out_for_other_engines() -> None:
    """An example of each kind."""
    cases = {
        ("SELECT name FROM emp ORDER BY salary", "sqlite"): "salary NULLS LAST",
        ("SELECT name FROM emp ORDER BY salary DESC", "postgres"): "DESC NULLS LAST",
        ("SELECT id / 2 FROM emp", "sqlite"): "CAST(emp.id AS REAL) / 2",
        ("SELECT id / 2 FROM emp", "postgres"): "CAST(emp.id AS DOUBLE PRECISION) / 2",
        ("SELECT name FROM emp WHERE name LIKE 'A_[%'", "sqlite"): "GLOB 'A?[[]*'",
        ("SELECT name FROM emp WHERE name ILIKE 'a%'", "sqlite"): "LIKE LOWER('a%')",
        ("SELECT YEAR(hired) FROM emp", "sqlite"): "CAST(STRFTIME('%Y', emp.hired) AS INTEGER)",
        ("SELECT hired + INTERVAL 1 MONTH FROM emp", "sqlite"): "MIN(DATE(emp.hired, '+1 months'), DATE(",
        ("SELECT name FROM emp WHERE seen <= '2024-03-31'", "sqlite"): "'2024-03-31 00:00:00'",
        ("SELECT CONTAINS(name, 'o') FROM emp", "postgres"): "> 0",
        ("SELECT ROUND(rating) FROM emp", "postgres"): "ROUND(CAST(emp.rating AS DECIMAL))",
    }
    for (text, dialect), part in cases.items():
        assert part in form(text, dialect), (text, form(text, dialect))  # type: ignore[arg-type]
