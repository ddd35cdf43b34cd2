"""Test databases keep what the schema declares, tell mutants from their golds, and accept what is right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from support.sizes import first_quick
from support.sql_golds import GOLDS, SCHEMAS
from support.sql_trips import SCHEMA, Tables, example, executor, task

from dstill.api.protocols import NoTestDatabases, TestDatabases
from dstill.api.records import Example, OutcomeKind, TestDatabase
from dstill.api.values import Values
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.statements import read
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings
from dstill_sql.testdata.edits import Gold
from dstill_sql.testdata.mutants import MOST, mutants_of


def names_of(query: str, schema: str = SCHEMA, values: dict[str, Any] | None = None) -> list[str]:
    gold = Gold.of(read(query, "duckdb"), SqlSchema.read(schema, "duckdb"), Values.read(values or {}))
    return [one.name for one in mutants_of(gold)]


def databases(query: str, dialect: Dialect = "sqlite", schema: str = SCHEMA, k: int = 5) -> list[TestDatabase]:
    return list(TestDatabases.of(task(dialect)).test_databases(example(query, None, schema), k))


def survivors(gold: Example, dialect: Dialect) -> tuple[int, list[str]]:
    """The number of mutants, and those that no test database tells from the gold."""
    sql, engine = task(dialect), executor(dialect)
    there = [
        replace(gold, context={**gold.context, "test_database": one})
        for one in TestDatabases.of(sql).test_databases(gold, 5)
    ]
    wanted = [engine.run(gold.answer or "", one) for one in there]
    assert all(want.kind is OutcomeKind.OK for want in wanted), [want.reason for want in wanted]

    def differs(answer: str) -> bool:
        for one, want in zip(there, wanted, strict=True):
            got = engine.run(answer, one)
            if got.kind is not OutcomeKind.OK or not sql.same(got.value, want.value):
                return True
        return False

    mutants = list(TestDatabases.of(sql).mutants(gold))
    return len(mutants), [one.name for one in mutants if not differs(one.answer)]


def check_kill_rate(golds: Iterable[tuple[str, str]], dialect: Dialect) -> None:
    """Goal: 95 % of the mutants; most others mean what their gold means."""
    total, left = 0, []
    for schema, query in golds:
        gold = example(query, None, SCHEMAS[schema])
        count, alive = survivors(gold, dialect)
        total += count
        left += [(query, name) for name in alive]
    print(f"{dialect}: {total - len(left)} of {total} mutants")
    for query, name in left:
        print("  ", name, "|", query)
    assert len(left) <= 0.05 * total


@pytest.mark.slow
def test_tell_mutants_of_some_golds() -> None:
    check_kill_rate(GOLDS[::3], "sqlite")


@pytest.mark.nightly
@pytest.mark.parametrize("dialect", ["duckdb", "sqlite"])
def test_tell_mutants_of_all_golds(dialect: Dialect) -> None:
    check_kill_rate(GOLDS, dialect)


@pytest.mark.parametrize("kind", ["DATE", "TIMESTAMP"])
@pytest.mark.parametrize("value", first_quick(["04/12/2005 03:18", "2024-05", "9999-12-31"]))
def test_unique_dates_may_have_any_form_in_sqlite(kind: str, value: str) -> None:
    schema = f"CREATE TABLE visits (id INTEGER PRIMARY KEY, at {kind} UNIQUE, n INTEGER)"
    gold = example("SELECT n FROM visits WHERE n > 3", None, schema)
    gold = replace(gold, context={**gold.context, "values": {"visits.at": [value]}})
    made = list(TestDatabases.of(task("sqlite")).test_databases(gold, 5))
    assert made
    for one in made:
        days = [row[1] for row in one.data["rows"]["visits"]]
        assert len(set(days)) == len(days) > 1
        assert value in days


# --- mutants ------------------------------------------------------------------------------


def test_mutants_of_every_kind() -> None:
    where = names_of(
        "SELECT name FROM drivers WHERE rating BETWEEN 3 AND 4.5 AND (city IN ('Oslo', 'Bergen') OR name LIKE '%n') "
        "AND joined >= '2024-01-01' AND active",
        values={"drivers.city": ["Oslo", "Rome"]},
    )
    for name in (
        "4.5 → 4.6 in rating BETWEEN 3 AND 4.5",
        "without its end: rating BETWEEN 3 AND 4.5",
        "NOT rating BETWEEN 3 AND 4.5",
        "no city IN ('Oslo', 'Bergen')",
        "no 'Oslo' in city IN ('Oslo', 'Bergen')",
        "'Oslo' → 'Rome' in city IN ('Oslo', 'Bergen')",
        "'Oslo' → 'OSLO' in city IN ('Oslo', 'Bergen')",
        "AND in city IN ('Oslo', 'Bergen') OR name LIKE '%n'",
        "'%n' → '%n%' in name LIKE '%n'",
        ">= → > in joined >= '2024-01-01'",
        "'2024-01-01' → '2024-01-02' in joined >= '2024-01-01'",
        "no WHERE",
        "DISTINCT",
        "drivers.name → drivers.city in SELECT",
    ):
        assert name in where, (name, where)
    rows = names_of(
        "SELECT d.city, COUNT(*), SUM(t.fare) FROM drivers AS d JOIN trips AS t ON t.driver_id = d.id "
        "GROUP BY d.city, t.rider HAVING COUNT(*) > 2 ORDER BY COUNT(*) DESC, d.city LIMIT 3 OFFSET 1"
    )
    for name in (
        "LEFT JOIN t",
        "no d.city in GROUP BY",
        "GROUP BY drivers.id too",
        "no COUNT(*) > 2",
        "2 → 3 in COUNT(*) > 2",
        "AVG for SUM(t.fare)",
        "DISTINCT in SUM(t.fare)",
        "COUNT(drivers.city) for COUNT(*)",
        "the other direction of COUNT(*) DESC",
        "no d.city in ORDER BY",
        "no ORDER BY",
        "LIMIT 4 for LIMIT 3",
        "OFFSET 0 for OFFSET 1",
        "no LIMIT",
        "trips.driver_id → trips.tip in t.driver_id = d.id",
    ):
        assert name in rows, (name, rows)
    assert {"UNION ALL", "INTERSECT for UNION", "only the first query"} <= set(
        names_of("SELECT city FROM drivers UNION SELECT rider FROM trips")
    )
    assert "DIV for tip * 2" in names_of("SELECT tip * 2 FROM trips")
    assert "MONTH for YEAR(joined)" in names_of("SELECT YEAR(joined) FROM drivers")


@pytest.mark.slow
def test_mutants_pass_the_checks_and_are_the_same_each_time() -> None:
    for schema, query in GOLDS[::6]:
        gold = example(query, None, SCHEMAS[schema])
        mutants = list(TestDatabases.of(task("sqlite")).mutants(gold))
        assert mutants == list(TestDatabases.of(Sql(Settings(dialect="sqlite"))).mutants(gold))
        assert 0 < len(mutants) <= MOST
        assert len({one.answer for one in mutants}) == len(mutants)
        assert query not in {one.answer for one in mutants}
        for one in mutants:
            assert executor("sqlite").run(one.answer, example(one.answer, {}, SCHEMAS[schema])).kind is OutcomeKind.OK


def test_what_is_no_query_has_no_mutants_and_no_databases_without_its_schema() -> None:
    sql = task("sqlite")
    assert list(TestDatabases.of(sql).mutants(example("-- no answer"))) == []
    assert list(TestDatabases.of(sql).mutants(example("SELECT missing FROM drivers"))) == []
    assert (
        list(TestDatabases.of(sql).mutants(Example(id="x", question="?", context={"db": "unknown"}, answer="SELECT 1")))
        == []
    )
    unknown = Example(id="x", question="?", context={"db": "unknown"}, answer="SELECT name FROM drivers")
    with pytest.raises(NoTestDatabases, match="the schema of 'unknown' is not known"):
        TestDatabases.of(task("sqlite")).test_databases(unknown, 5)


# --- test databases -----------------------------------------------------------------------

STRICT = """
CREATE TABLE kinds (code VARCHAR(3) PRIMARY KEY, label VARCHAR(5) NOT NULL UNIQUE, open BOOLEAN NOT NULL);
CREATE TABLE "order" (
  id SMALLINT PRIMARY KEY, kind VARCHAR(3) NOT NULL REFERENCES kinds (code), "From" DATE NOT NULL, total DECIMAL(5, 2),
  at TIME, note UUID NOT NULL, mood ENUM('good', 'bad') NOT NULL
);
CREATE TABLE lines (
  order_id SMALLINT NOT NULL REFERENCES "order" (id), number INTEGER NOT NULL, next_order SMALLINT, next_number INTEGER,
  PRIMARY KEY (order_id, number), FOREIGN KEY (next_order, next_number) REFERENCES lines (order_id, number)
);
CREATE TABLE owners (order_id SMALLINT PRIMARY KEY REFERENCES "order" (id), name TEXT);
"""
STRICT_GOLDS = """
SELECT kind, COUNT(*) FROM "order" WHERE total > 998.5 GROUP BY kind HAVING COUNT(*) > 2
SELECT o.id FROM "order" AS o JOIN lines AS l ON l.order_id = o.id WHERE o."From" < '2024-02-01' AND l.number = 7
SELECT k.label FROM kinds AS k WHERE k.open AND NOT EXISTS (SELECT 1 FROM "order" AS o WHERE o.kind = k.code)
SELECT COUNT(*) FROM lines WHERE next_number IS NOT NULL AND order_id > 32766
SELECT w.name FROM owners AS w JOIN "order" AS o ON o.id = w.order_id WHERE o."at" > '12:00:00'
""".strip().splitlines()


@pytest.mark.parametrize("query", first_quick(STRICT_GOLDS))
def test_keep_what_the_schema_declares(query: str) -> None:
    schema = SqlSchema.read(STRICT, "duckdb")
    for database in databases(query, "duckdb", STRICT):
        rows: Tables = database.data["rows"]
        assert set(rows) == {table.name for table in schema.tables}
        by_table = {
            table.name: [dict(zip([one.name for one in table.columns], row, strict=True)) for row in rows[table.name]]
            for table in schema.tables
        }
        for table in schema.tables:
            keys = [tuple(row[name] for name in table.key) for row in by_table[table.name]]
            assert len(set(keys)) == len(keys)
            for column in table.columns:
                values = [row[column.name] for row in by_table[table.name]]
                assert column.nullable or None not in values
                assert not column.unique or len(set(values)) == len(values)
        for one in schema.references:
            there = [tuple(row[name] for name in one.to_columns) for row in by_table[one.to]]
            for row in by_table[one.table]:
                value = tuple(row[name] for name in one.columns)
                assert value in there or None in value
        there = example(query, rows, STRICT)
        assert executor("duckdb").run(query, there).kind is OutcomeKind.OK


def test_are_the_same_each_time_and_few() -> None:
    query = "SELECT city, COUNT(*) FROM drivers WHERE rating > 4 GROUP BY city"
    first = databases(query)
    assert 2 <= len(first) <= 5
    again = TestDatabases.of(Sql(Settings(dialect="sqlite"))).test_databases(example(query), 5)
    assert [(one.name, one.data) for one in again] == [(one.name, one.data) for one in first]
    assert len(databases(query, k=1)) == 1
    assert databases(query, k=0) == []
    assert (
        list(TestDatabases.of(Sql(Settings(dialect="sqlite", test_databases=0))).test_databases(example(query), 5))
        == []
    )
    assert databases("-- no answer") == []


def test_use_known_values() -> None:
    gold = example("SELECT rider FROM trips WHERE fare > 4")
    known = replace(gold, context={**gold.context, "values": {"trips.rider": ["Kari", "Ola"]}})
    riders = {
        row[2] for one in TestDatabases.of(task("sqlite")).test_databases(known, 5) for row in one.data["rows"]["trips"]
    }
    assert riders <= {"Kari", "Ola", None}


WITHOUT = [
    ("SELECT missing FROM drivers", SCHEMA, "not run: schema"),
    ("SELECT name FROM drivers WHERE id < 1 AND id > 1", SCHEMA, "finds nothing"),
    ("SELECT a FROM t", "CREATE TABLE t (a BLOB NOT NULL)", "finds nothing"),
]


@pytest.mark.parametrize(("query", "schema", "reason"), WITHOUT)
def test_say_why_there_are_none(query: str, schema: str, reason: str) -> None:
    with pytest.raises(NoTestDatabases, match=reason):
        databases(query, schema=schema)


def test_of_postgresql_come_from_duckdb() -> None:
    schema = "CREATE TABLE t (id SERIAL PRIMARY KEY, at TIMESTAMPTZ, tags TEXT NOT NULL, n NUMERIC(6,2))"
    query = "SELECT tags FROM t WHERE n > 4.5 AND at >= DATE '2024-05-01' ORDER BY n DESC NULLS LAST LIMIT 2"
    gold = Example(id="x", question="?", context={"db": "toy", "schema": schema}, answer=query)
    assert len(list(TestDatabases.of(Sql(Settings(dialect="postgres"))).test_databases(gold, 5))) >= 2


def test_of_a_large_schema_have_the_tables_near_the_query() -> None:
    schema = "\n".join(
        f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, name TEXT, up INTEGER REFERENCES t{n // 2} (id));"
        for n in range(300)
    )
    made = databases("SELECT name FROM t7 WHERE id > 3", schema=schema)
    assert made
    filled = {name for name, rows in made[0].data["rows"].items() if rows}
    assert {"t7", "t3", "t1", "t0", "t14", "t15"} <= filled
    assert len(filled) <= 60


RIGHT = [
    ("SELECT name FROM drivers WHERE rating > 4", "SELECT d.name FROM drivers AS d WHERE NOT d.rating <= 4"),
    (
        "SELECT name FROM drivers WHERE id IN (SELECT driver_id FROM trips)",
        "SELECT name FROM drivers AS d WHERE EXISTS (SELECT 1 FROM trips AS t WHERE t.driver_id = d.id)",
    ),
    (
        "SELECT t.fare FROM trips AS t WHERE t.driver_id IS NOT NULL",
        "SELECT t.fare FROM trips AS t JOIN drivers AS d ON d.id = t.driver_id",
    ),
    (
        "SELECT name FROM (SELECT name, ROW_NUMBER() OVER (ORDER BY rating) AS n FROM drivers) AS d WHERE n = 1",
        "SELECT name FROM (SELECT name, ROW_NUMBER() OVER (ORDER BY rating, id) AS n FROM drivers) AS d WHERE n = 1",
    ),
    (
        "SELECT SUM(fare) FROM trips WHERE driver_id = (SELECT id FROM drivers ORDER BY rating DESC LIMIT 1)",
        "SELECT SUM(fare) FROM trips WHERE driver_id = (SELECT id FROM drivers ORDER BY rating DESC, id DESC LIMIT 1)",
    ),
    ("SELECT COUNT(*) FROM trips WHERE tip = 1 OR tip = 2", "SELECT COUNT(*) FROM trips WHERE tip IN (2, 1)"),
]


@pytest.mark.parametrize(("query", "answer"), RIGHT)
def test_accept_what_is_right(query: str, answer: str) -> None:
    sql, engine = task("sqlite"), executor("sqlite")
    for database in databases(query):
        there = example(query, database.data["rows"])
        want, got = (engine.run(text, there) for text in (query, answer))
        assert sql.same(got.value, want.value)


WRONG = [  # and no mutants
    (
        "SELECT name FROM products p WHERE price = "
        "(SELECT MAX(price) FROM products x WHERE x.category_id = p.category_id)",
        "SELECT name FROM products WHERE price IN (SELECT MAX(price) FROM products GROUP BY category_id)",
    ),
    (
        "SELECT name FROM products WHERE price > (SELECT AVG(price) FROM products)",
        "SELECT name FROM products WHERE NOT price < (SELECT AVG(price) FROM products)",
    ),
]


@pytest.mark.parametrize(("query", "answer"), WRONG)
def test_tell_what_is_wrong(query: str, answer: str) -> None:
    sql, engine = task("sqlite"), executor("sqlite")
    gold = replace(example(query), context={"db": "shop"})
    there = [
        replace(gold, context={"db": "shop", "test_database": one})
        for one in TestDatabases.of(sql).test_databases(gold, 5)
    ]
    assert not all(sql.same(engine.run(answer, one).value, engine.run(query, one).value) for one in there)
