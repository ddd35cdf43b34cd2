"""Canonical texts keep what a query means, stay as they are, and are the same for spellings of one query."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sizes import first_quick
from support.sql_golds import GOLDS
from support.sql_trips import run, task
from support.tables import rows

from dstill_sql.language.canonical import canonical_text
from dstill_sql.language.dialects import Dialect

# Names that mean different things inside and outside, aliases that are columns, quotes, brackets that count.
TRAPS = """
SELECT name FROM drivers AS d WHERE rating = (SELECT MAX(rating) FROM drivers AS e WHERE e.city = d.city)
SELECT name FROM drivers WHERE rating = (SELECT MAX(e.rating) FROM drivers AS e WHERE e.city = drivers.city)
SELECT d.name FROM drivers AS d WHERE EXISTS (SELECT 1 FROM drivers AS e WHERE e.city = d.city AND e.id <> d.id)
SELECT d.name, e.name FROM drivers AS d JOIN drivers AS e ON d.city = e.city AND d.id < e.id
SELECT trips.id FROM trips AS t JOIN drivers AS trips ON t.driver_id = trips.id
SELECT t1.name FROM drivers AS t2 JOIN drivers AS t1 ON t1.id = t2.id + 1
SELECT name FROM drivers AS t WHERE id IN (SELECT driver_id FROM trips AS t WHERE t.fare > 8)
SELECT x.n FROM (SELECT COUNT(*) AS n, driver_id AS d FROM trips GROUP BY 2) AS x JOIN drivers AS d ON d.id = x.d
SELECT id FROM drivers WHERE 10 - (id - 3) > 8
SELECT id FROM drivers WHERE NOT (id = 1 OR id = 2)
SELECT id FROM drivers WHERE NOT (id BETWEEN 2 AND 3)
SELECT id FROM drivers WHERE id BETWEEN 1 AND 3 OR id = 5
SELECT id FROM drivers WHERE (id = 1 OR id = 2) AND (id = 2 OR id = 3)
SELECT id FROM drivers WHERE NOT (rating = 4.9)
SELECT -rating AS rating FROM drivers ORDER BY rating
SELECT -rating AS r FROM drivers WHERE rating > 0 ORDER BY r + 1
SELECT name AS city, rating FROM drivers ORDER BY city
SELECT UPPER(city) AS city, COUNT(*) FROM drivers GROUP BY city
SELECT UPPER(city) AS c, COUNT(*) AS n FROM drivers GROUP BY c HAVING n > 1 ORDER BY n, c
SELECT city, COUNT(*) FROM drivers GROUP BY 1 ORDER BY 2 DESC, 1
SELECT rider AS "order", fare AS "Group" FROM trips ORDER BY "Group", "order", id
SELECT "name" FROM "drivers" WHERE "city" = 'Oslo'
SELECT d.*, t.fare FROM drivers AS d JOIN trips AS t ON d.id = t.driver_id
SELECT * FROM drivers AS d WHERE d.id > 2
SELECT COUNT(1), COUNT(*), COUNT(tip) FROM trips
SELECT name FROM drivers EXCEPT SELECT name FROM drivers WHERE id = 1 UNION SELECT rider FROM trips ORDER BY 1
SELECT d.name FROM drivers d LEFT OUTER JOIN trips t ON d.id = t.driver_id AND t.fare > 8 WHERE t.id IS NULL
SELECT CASE WHEN rating > 4.5 THEN 1 ELSE 0 END AS top, COUNT(*) FROM drivers GROUP BY top ORDER BY top
SELECT name, RANK() OVER (PARTITION BY city ORDER BY rating DESC) AS place FROM drivers
WITH best AS (SELECT name, rating AS r FROM drivers) SELECT name FROM best WHERE r > 4.2
WITH drivers AS (SELECT 1 AS id, 'x' AS name) SELECT name FROM drivers
SELECT name FROM drivers WHERE city IN ('Oslo', 'Bergen', NULL)
SELECT SUM(fare) FILTER (WHERE tip > 0) FROM trips
SELECT DISTINCT city FROM drivers AS d ORDER BY d.city
""".strip().splitlines()
QUERIES = [*TRAPS, *(gold for schema, gold in GOLDS if schema == "trips")]


@pytest.mark.parametrize("dialect", first_quick(["duckdb", "sqlite"]))
def test_means_the_same(dialect: Dialect) -> None:
    for query in QUERIES:
        got, want = run(canonical_text(query, dialect), dialect), run(query, dialect)
        assert task(dialect).same(got, want), (query, canonical_text(query, dialect))
        assert task(dialect).same(want, got), (query, canonical_text(query, dialect))
        assert (got["keys"] is None) == (want["keys"] is None)


@pytest.mark.parametrize("dialect", ["duckdb", "sqlite", "postgres"])
def test_stays_as_it_is(dialect: Dialect) -> None:
    for query in [*QUERIES, *(gold for _, gold in GOLDS)]:
        text = canonical_text(query, dialect)
        assert canonical_text(text, dialect) == text, query


SPELLINGS = [
    ("SELECT name FROM drivers", "select  d.NAME from Drivers d -- all"),
    ("SELECT name FROM drivers WHERE rating > 4 AND id <> 2", "SELECT name FROM drivers WHERE 2 != id AND 4 < rating"),
    ("SELECT id FROM trips WHERE fare BETWEEN 1 AND 2", "SELECT id FROM trips WHERE fare >= 1 AND fare <= 2"),
    (
        "SELECT id FROM drivers WHERE EXISTS (SELECT 1 FROM trips)",
        "SELECT id FROM drivers WHERE EXISTS (SELECT * FROM trips)",
    ),
    ("SELECT city, COUNT(*) FROM drivers GROUP BY city", "SELECT city AS c, COUNT(1) AS n FROM drivers GROUP BY 1"),
    (
        "SELECT d.name FROM drivers d JOIN trips t ON t.driver_id = d.id",
        "SELECT a.name FROM drivers AS a INNER JOIN trips AS b ON (a.id = b.driver_id)",
    ),
    (
        "SELECT name FROM drivers AS x WHERE rating > (SELECT AVG(y.rating) FROM drivers AS y WHERE y.city = x.city)",
        "SELECT d.name FROM drivers d WHERE d.rating > (SELECT AVG(rating) FROM drivers e WHERE d.city = e.city)",
    ),
    ("SELECT name FROM drivers ORDER BY rating ASC", "SELECT name AS n FROM drivers ORDER BY drivers.rating"),
    ("SELECT name FROM drivers WHERE NOT id = 1", "SELECT name FROM drivers WHERE id <> 1"),
]


# Names of tables and the order of joins do not count; which table a column is of does.
SPELLINGS += rows(__file__, "joins_same.jsonl")


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_is_one_for_spellings(one: str, other: str) -> None:
    assert canonical_text(one, "duckdb") == canonical_text(other, "duckdb") == twice(one) == twice(other)


DIFFERENT = [
    ("SELECT name FROM drivers", "SELECT DISTINCT name FROM drivers"),
    ("SELECT id FROM drivers WHERE id = 1", "SELECT id FROM drivers WHERE id = '1'"),
    (
        "SELECT a.id FROM drivers a, drivers b WHERE a.id < b.id",
        "SELECT b.id FROM drivers a, drivers b WHERE a.id < b.id",
    ),
    ("SELECT name FROM drivers WHERE city = 'Oslo'", "SELECT name FROM drivers WHERE city = 'oslo'"),
    ("SELECT a FROM t WHERE a > 1 OR b > 2 AND c > 3", "SELECT a FROM t WHERE (a > 1 OR b > 2) AND c > 3"),
    ("SELECT a FROM t ANTI JOIN u ON t.a = u.a", "SELECT a FROM t JOIN u ON t.a = u.a"),
]


DIFFERENT += rows(__file__, "joins_other.jsonl")


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_differs_where_the_meaning_does(one: str, other: str) -> None:
    assert (canonical_text(one, "duckdb"), canonical_text(other, "duckdb")) == (twice(one), twice(other))
    assert twice(one) != twice(other)


def twice(text: str) -> str:
    return canonical_text(canonical_text(text, "duckdb"), "duckdb")


PIECES = st.sampled_from(
    ["SELECT", "FROM", "t", "WHERE", "(", ")", "a", "1", "'x", "'", '"', ",", "*", "GROUP BY", "ORDER BY", "2", "UNION",
     "AS", "AND", "NOT", "BETWEEN", "--", ";", "IN", "JOIN", "ON", "=", "LIMIT", "\0", "é", "CASE", "WITH"]
)  # fmt: skip


@given(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=14).map(lambda words: "SELECT " + " ".join(words))))
def test_reads_any_text(text: str) -> None:
    for dialect in ("duckdb", "sqlite", "postgres"):
        assert isinstance(canonical_text(text, dialect), str)
