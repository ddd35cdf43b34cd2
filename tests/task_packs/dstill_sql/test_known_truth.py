"""Pairs of a gold and an answer of which we know whether they mean the same, and which evaluator says otherwise.

The evaluators are written again below, each in a few lines, so that every case shows their wrong verdict:

- ``exact set``: Spider's exact set match. It compares the parts of the two texts as sets, without values, DISTINCT,
  numbers after LIMIT and conditions of joins.
- ``spider run``: Spider's execution accuracy. It compares the lists of values of each selected column.
- ``suite``: the execution of test-suite accuracy (Zhong, Yu and Klein 2020). It removes DISTINCT from both queries,
  takes two empty results as equal, and compares rows in their order if the gold has ORDER BY.
- ``bird``: BIRD's execution accuracy. It compares the sets of rows.

A case marked ``luck`` has the same result on its data, though it means something else: test databases tell it apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from sqlglot import exp, parse_one
from support.sql_trips import FULL, ROWS, Tables, example, executor, run, task

from dstill.api.protocols import TestDatabases
from dstill.api.records import OutcomeKind
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.statements import read

BOTH: tuple[Dialect, ...] = ("duckdb", "sqlite")
DUCKDB: tuple[Dialect, ...] = ("duckdb",)
SQLITE: tuple[Dialect, ...] = ("sqlite",)


# --- what other evaluators do -------------------------------------------------------------


def exact_set(gold: str, answer: str, dialect: Dialect, rows: Tables) -> bool:
    return parts(gold, dialect) == parts(answer, dialect)


def parts(text: str, dialect: Dialect) -> dict[str, Any]:
    query = parse_one(text, read=dialect)
    aliases = {one.alias: one.name for one in query.find_all(exp.Table) if one.alias}
    for column in query.find_all(exp.Column):
        column.set("table", exp.to_identifier(aliases.get(column.table, column.table)) if column.table else None)
    for distinct in list(query.find_all(exp.Distinct)):
        if distinct.expressions:
            distinct.replace(distinct.expressions[0])
        else:
            distinct.pop()
    for literal in list(query.find_all(exp.Literal)):
        literal.replace(exp.Literal.string("value"))
    found: dict[str, Any] = {"tables": frozenset(one.name for one in query.find_all(exp.Table))}
    for place, select in enumerate(query.find_all(exp.Select)):
        order = select.args.get("order")
        found[f"{place}"] = (
            frozenset(one.unalias().sql() for one in select.expressions),
            *(
                frozenset(one.sql() for one in conditions(clause.this)) if clause else None
                for clause in (select.args.get("where"), select.args.get("having"))
            ),
            frozenset(one.sql() for one in select.args["group"].expressions) if select.args.get("group") else None,
            [(one.this.sql(), bool(one.args.get("desc"))) for one in order.expressions] if order else None,
            select.args.get("limit") is not None,
        )
    found["sets"] = [one.key for one in query.find_all(exp.SetOperation)]
    return found


def conditions(node: exp.Expr) -> list[exp.Expr]:
    return list(node.flatten(unnest=False)) if isinstance(node, exp.Connector) else [node]


def spider_run(gold: str, answer: str, dialect: Dialect, rows: Tables) -> bool:
    def columns(text: str) -> dict[str, list[Any]]:
        found = run(text, dialect, rows)
        names = [one.unalias().sql() for one in read(text, dialect).selects]
        return {name: [row[place] for row in found["rows"]] for place, name in enumerate(names)}

    return columns(gold) == columns(answer)


def suite(gold: str, answer: str, dialect: Dialect, rows: Tables) -> bool:
    def found(text: str) -> list[tuple[Any, ...]]:
        query = parse_one(text, read=dialect)
        for distinct in list(query.find_all(exp.Distinct)):
            if distinct.expressions:
                distinct.replace(distinct.expressions[0])
            else:
                distinct.pop()
        return list(map(tuple, run(query.sql(dialect), dialect, rows)["rows"]))

    want, got = found(gold), found(answer)
    if not want and not got:
        return True
    if len(want) != len(got) or len(want[0]) != len(got[0]):
        return False
    turned = ([tuple(row[place] for place in order) for row in got] for order in permutations(range(len(want[0]))))
    if "order by" in gold.lower():
        return any(one == want for one in turned)
    return any(Counter(one) == Counter(want) for one in turned)


def bird(gold: str, answer: str, dialect: Dialect, rows: Tables) -> bool:
    want, got = (set(map(tuple, run(text, dialect, rows)["rows"])) for text in (gold, answer))
    return want == got


EVALUATORS: dict[str, Callable[[str, str, Dialect, Tables], bool]] = {
    "exact set": exact_set,
    "spider run": spider_run,
    "suite": suite,
    "bird": bird,
}


# --- the cases --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Case:
    kind: str
    gold: str
    answer: str
    same: bool
    wrong: tuple[str, ...] = ()  # the evaluators that say otherwise
    luck: bool = False  # the result on the data is the same by luck
    rows: Tables = field(default_factory=lambda: ROWS)
    on: tuple[Dialect, ...] = BOTH


def right(kind: str, gold: str, answer: str, *wrong: str, **more: Any) -> Case:
    return Case(kind=kind, gold=gold, answer=answer, same=True, wrong=wrong, **more)


def different(kind: str, gold: str, answer: str, *wrong: str, **more: Any) -> Case:
    return Case(kind=kind, gold=gold, answer=answer, same=False, wrong=wrong, **more)


def lucky(kind: str, gold: str, answer: str, *wrong: str, **more: Any) -> Case:
    return Case(kind=kind, gold=gold, answer=answer, same=False, wrong=wrong, luck=True, **more)


NOISE: Tables = {**ROWS, "trips": [[n, 1, "Kim", n / 10, 1, 1, "2024-05-01 00:00:00"] for n in range(1, 8)]}
LARGE_SUMS: Tables = {
    **ROWS,
    "trips": [[1, 1, "Kim", 12345678.91, 1, 1, None], [2, 2, "Lou", 0.22, 1, 1, None], [3, 1, "Kim", 1.0, 1, 1, None]],
}
PAIRS: Tables = {**ROWS, "trips": [[1, 1, "a", 1.0, 1, 2, None], [2, 1, "b", 2.0, 2, 1, None]]}
CODES: Tables = {**ROWS, "trips": [[1, 1, "007", 1.0, 1, 2, None], [2, 1, "011", 2.0, 2, 1, None]]}
HUGE: Tables = {
    **ROWS,
    "trips": [[n, n % 5 + 1, f"r{n % 7}", n / 4, n % 11, n % 3, "2024-05-01 00:00:00"] for n in range(1, 1_001)],
}
EVEN: Tables = {**FULL, "trips": [[n, 1, "Kim", 1.0, 1, 2, "2024-05-01 08:00:00"] for n in range(1, 5)]}

JOINED = "FROM drivers AS d JOIN trips AS t ON t.driver_id = d.id"
LEFT = "FROM drivers AS d LEFT JOIN trips AS t ON t.driver_id = d.id"
CASES = [
    # DISTINCT
    different(
        "distinct", "SELECT DISTINCT city FROM drivers", "SELECT city FROM drivers", "exact set", "suite", "bird"
    ),
    different("distinct", "SELECT rider FROM trips", "SELECT DISTINCT rider FROM trips", "exact set", "suite", "bird"),
    different(
        "distinct", "SELECT COUNT(DISTINCT rider) FROM trips", "SELECT COUNT(rider) FROM trips", "exact set", "suite"
    ),
    right(
        "distinct", "SELECT DISTINCT city FROM drivers", "SELECT city FROM drivers GROUP BY city", "exact set", "suite"
    ),
    right("distinct", "SELECT DISTINCT id FROM drivers", "SELECT id FROM drivers"),
    lucky("distinct", "SELECT DISTINCT name FROM drivers", "SELECT name FROM drivers", "exact set", "suite", "bird"),
    # LIMIT and ties
    right(
        "ties",
        "SELECT name FROM drivers WHERE rating > 0 ORDER BY rating DESC LIMIT 1",
        "SELECT name FROM drivers WHERE rating > 0 ORDER BY rating DESC, id DESC LIMIT 1",
        "exact set",
        "spider run",
        "suite",
        "bird",
        on=SQLITE,
    ),
    right(
        "ties",
        "SELECT name FROM drivers WHERE rating > 0 ORDER BY rating DESC, city LIMIT 1",
        "SELECT name FROM drivers WHERE rating > 0 ORDER BY rating DESC, city, id LIMIT 1",
        "exact set",
        "spider run",
        "suite",
        "bird",
        on=DUCKDB,
    ),
    right(
        "ties",
        "SELECT name FROM drivers WHERE rating IS NOT NULL ORDER BY rating DESC LIMIT 1",
        "SELECT name FROM drivers WHERE rating = (SELECT MAX(rating) FROM drivers)",
        "exact set",
        "spider run",
        "suite",
        "bird",
    ),
    right(
        "ties",
        "SELECT name FROM drivers WHERE rating > 4 ORDER BY rating DESC",
        "SELECT name FROM drivers WHERE rating > 4 ORDER BY rating DESC, id DESC",
        "exact set",
        "spider run",
        "suite",
        on=SQLITE,
    ),
    right(
        "ties",
        "SELECT name FROM drivers WHERE rating > 0 ORDER BY rating DESC LIMIT 1 OFFSET 1",
        "SELECT name FROM drivers WHERE rating > 0 ORDER BY rating DESC, id DESC LIMIT 1 OFFSET 1",
        "exact set",
        "spider run",
        "suite",
        "bird",
        on=SQLITE,
    ),
    different(
        "ties",
        "SELECT name FROM drivers WHERE rating > 0 ORDER BY rating DESC LIMIT 1 OFFSET 1",
        "SELECT name FROM drivers WHERE id = 2",
    ),
    different(
        "ties",
        "SELECT name FROM drivers WHERE rating > 0 ORDER BY rating DESC LIMIT 3",
        "SELECT name FROM drivers WHERE rating > 0 ORDER BY rating DESC LIMIT 2",
        "exact set",
    ),
    lucky(
        "ties",
        "SELECT rider FROM trips WHERE fare = (SELECT MAX(fare) FROM trips)",
        "SELECT rider FROM trips ORDER BY fare DESC LIMIT 1",
        "spider run",
        "suite",
        "bird",
        rows=FULL,
    ),
    right(
        "limit without order",
        "SELECT name FROM drivers LIMIT 2",
        "SELECT name FROM drivers ORDER BY id DESC LIMIT 2",
        "exact set",
        "spider run",
        "suite",
        "bird",
    ),
    different("limit without order", "SELECT name FROM drivers LIMIT 2", "SELECT rider FROM trips LIMIT 2"),
    different("limit without order", "SELECT name FROM drivers LIMIT 2", "SELECT name FROM drivers"),
    lucky(
        "limit without order",
        "SELECT name FROM drivers ORDER BY rating DESC LIMIT 1",
        "SELECT name FROM drivers LIMIT 1",
        "spider run",
        "suite",
        "bird",
        rows=FULL,
    ),
    # ORDER BY
    different("order", "SELECT name FROM drivers ORDER BY name", "SELECT name FROM drivers ORDER BY name DESC", "bird"),
    different(
        "order", "SELECT name FROM drivers ORDER BY name", "SELECT name FROM drivers", "spider run", "suite", "bird"
    ),
    lucky(
        "order",
        "SELECT name FROM drivers WHERE city = 'Oslo' ORDER BY rating DESC",
        "SELECT name FROM drivers WHERE city = 'Oslo' ORDER BY rating",
        "spider run",
        "suite",
        "bird",
    ),
    lucky(
        "order",
        "SELECT name FROM drivers WHERE rating < 4.3 ORDER BY rating",
        "SELECT name FROM drivers WHERE rating < 4.3 ORDER BY rating DESC",
        "spider run",
        "suite",
        "bird",
    ),
    right(
        "order", "SELECT name FROM drivers", "SELECT name FROM drivers ORDER BY name DESC", "exact set", "spider run"
    ),
    different(
        "order by what is not selected",
        "SELECT name FROM drivers WHERE rating > 0 ORDER BY rating",
        "SELECT name FROM drivers WHERE rating > 0 ORDER BY id",
        "bird",
    ),
    right(
        "order by what is not selected",
        "SELECT name FROM drivers WHERE rating > 4.2 ORDER BY rating",
        "SELECT name FROM drivers WHERE rating > 4.2 ORDER BY rating, id DESC",
        "exact set",
        "spider run",
        "suite",
        on=SQLITE,
    ),
    different(
        "order of all columns",
        "SELECT * FROM drivers ORDER BY name",
        "SELECT * FROM drivers ORDER BY name DESC",
        "bird",
    ),
    right(
        "order of all columns",
        "SELECT * FROM drivers ORDER BY city, id",
        "SELECT id, name, city, rating, active, joined FROM drivers ORDER BY 3, 1",
        "exact set",
        "spider run",
    ),
    right(
        "order inside",
        "SELECT name FROM drivers ORDER BY name LIMIT 3",
        "WITH first AS (SELECT name FROM drivers ORDER BY name LIMIT 3) SELECT name FROM first",
        "exact set",
    ),
    right(
        "order by alias",
        "SELECT name, rating * 2 AS r FROM drivers WHERE rating > 0 ORDER BY r + 1, 1",
        "SELECT name, rating + rating FROM drivers WHERE rating > 0 ORDER BY rating, name",
        "exact set",
        "spider run",
    ),
    different(
        "order of distinct",
        "SELECT DISTINCT city FROM drivers WHERE city IS NOT NULL ORDER BY LENGTH(city)",
        "SELECT DISTINCT city FROM drivers WHERE city IS NOT NULL ORDER BY city",
        "bird",
    ),
    different(
        "order of a union",
        "SELECT name FROM drivers UNION SELECT rider FROM trips ORDER BY name",
        "SELECT name FROM drivers UNION SELECT rider FROM trips ORDER BY name DESC",
        "exact set",
        "bird",
    ),
    # NULL ordering
    different(
        "null order",
        "SELECT name FROM drivers ORDER BY rating NULLS LAST, id",
        "SELECT name FROM drivers ORDER BY rating NULLS FIRST, id",
        "exact set",
        "bird",
    ),
    right(
        "null order",
        "SELECT name FROM drivers ORDER BY rating, id",
        "SELECT name FROM drivers ORDER BY rating IS NULL, rating, id",
        "exact set",
        on=DUCKDB,
    ),
    different(
        "null order",
        "SELECT name FROM drivers ORDER BY rating, id",
        "SELECT name FROM drivers ORDER BY rating IS NULL, rating, id",
        "bird",
        on=SQLITE,
    ),
    lucky(
        "null order",
        "SELECT name FROM drivers ORDER BY rating LIMIT 1",
        "SELECT name FROM drivers WHERE rating IS NOT NULL ORDER BY rating LIMIT 1",
        "spider run",
        "suite",
        "bird",
        rows=FULL,
        on=SQLITE,
    ),
    # NULL elsewhere
    lucky(
        "null",
        "SELECT name FROM drivers WHERE rating <> 4.9 OR rating IS NULL",
        "SELECT name FROM drivers WHERE rating <> 4.9",
        "spider run",
        "suite",
        "bird",
        rows=FULL,
    ),
    lucky(
        "null",
        "SELECT name FROM drivers WHERE id NOT IN (SELECT driver_id FROM trips WHERE fare > 8 AND driver_id > 0)",
        "SELECT name FROM drivers WHERE id NOT IN (SELECT driver_id FROM trips WHERE fare > 8)",
        "spider run",
        "suite",
        "bird",
        rows=FULL,
    ),
    different(
        "null", "SELECT city FROM drivers WHERE id = 4", "SELECT COALESCE(city, 'NULL') FROM drivers WHERE id = 4"
    ),
    right(
        "null",
        "SELECT name FROM drivers WHERE city IS NULL",
        "SELECT name FROM drivers WHERE NOT city IS NOT NULL",
        "exact set",
    ),
    # integer division
    different(
        "integer division",
        "SELECT SUM(seats) * 1.0 / COUNT(*) FROM trips",
        "SELECT SUM(seats) / COUNT(*) FROM trips",
        on=SQLITE,
    ),
    lucky(
        "integer division",
        "SELECT SUM(seats) * 1.0 / COUNT(*) FROM trips",
        "SELECT SUM(seats) / COUNT(*) FROM trips",
        "suite",
        "bird",
        rows=EVEN,
        on=SQLITE,
    ),
    right(
        "integer division",
        "SELECT SUM(seats) * 1.0 / COUNT(*) FROM trips",
        "SELECT SUM(seats) / COUNT(*) FROM trips",
        "exact set",
        "spider run",
        on=DUCKDB,
    ),
    right(
        "integer division",
        "SELECT CAST(SUM(seats) AS REAL) / COUNT(seats) FROM trips",
        "SELECT AVG(seats) FROM trips",
        "exact set",
        "spider run",
        on=SQLITE,
    ),
    lucky(
        "integer division",
        "SELECT SUM(seats) / COUNT(*) FROM trips",
        "SELECT SUM(seats) // COUNT(*) FROM trips",
        "suite",
        "bird",
        rows=EVEN,
        on=DUCKDB,
    ),
    # columns
    right("column order", "SELECT name, city FROM drivers", "SELECT city, name FROM drivers", "bird"),
    right(
        "column order",
        "SELECT city, COUNT(*) FROM drivers GROUP BY city",
        "SELECT COUNT(*), city FROM drivers GROUP BY city",
        "bird",
    ),
    right(
        "column order",
        "SELECT id, name, city FROM drivers ORDER BY id",
        "SELECT city, id, name FROM drivers ORDER BY id",
        "bird",
    ),
    right("column names", "SELECT name FROM drivers", "SELECT name AS driver FROM drivers"),
    right("same bags", "SELECT seats, tip FROM trips", "SELECT tip, seats FROM trips", rows=PAIRS),
    different("same bags", "SELECT seats, tip FROM trips", "SELECT seats, seats FROM trips", rows=PAIRS),
    different("extra column", "SELECT name FROM drivers", "SELECT name, city FROM drivers"),
    different("missing column", "SELECT name, city FROM drivers", "SELECT name FROM drivers"),
    # duplicate rows
    different("duplicates", "SELECT rider FROM trips", "SELECT rider FROM trips GROUP BY rider", "bird"),
    different(
        "duplicates",
        "SELECT name FROM drivers WHERE id IN (SELECT driver_id FROM trips)",
        f"SELECT d.name {JOINED}",
        "bird",
    ),
    right(
        "duplicates",
        f"SELECT DISTINCT d.id {JOINED}",
        "SELECT id FROM drivers WHERE id IN (SELECT driver_id FROM trips)",
        "exact set",
        "spider run",
        "suite",
    ),
    different("duplicates", f"SELECT COUNT(*) {JOINED}", f"SELECT COUNT(DISTINCT d.id) {JOINED}", "suite"),
    different(
        "union",
        "SELECT city FROM drivers UNION ALL SELECT rider FROM trips",
        "SELECT city FROM drivers UNION SELECT rider FROM trips",
        "exact set",
        "bird",
    ),
    right(
        "union",
        "SELECT id FROM drivers WHERE city = 'Oslo' OR rating > 4.4",
        "SELECT id FROM drivers WHERE city = 'Oslo' UNION SELECT id FROM drivers WHERE rating > 4.4",
        "exact set",
    ),
    lucky(
        "union",
        "SELECT name FROM drivers WHERE city = 'Oslo' OR rating > 4.4",
        "SELECT name FROM drivers WHERE city = 'Oslo' UNION SELECT name FROM drivers WHERE rating > 4.4",
        "suite",
        "bird",
    ),
    right(
        "intersect",
        "SELECT driver_id FROM trips INTERSECT SELECT id FROM drivers",
        "SELECT DISTINCT driver_id FROM trips WHERE driver_id IN (SELECT id FROM drivers)",
        "exact set",
        "suite",
    ),
    lucky(
        "except",
        "SELECT city FROM drivers EXCEPT SELECT rider FROM trips",
        "SELECT DISTINCT city FROM drivers WHERE city NOT IN (SELECT rider FROM trips)",
        "bird",
        rows=FULL,
    ),
    # empty results
    different(
        "empty",
        "SELECT name FROM drivers WHERE rating > 5",
        "SELECT name, city FROM drivers WHERE rating > 6",
        "suite",
        "bird",
    ),
    lucky(
        "empty",
        "SELECT name FROM drivers WHERE city = 'Paris'",
        "SELECT name FROM drivers WHERE city = 'Rome'",
        "exact set",
        "spider run",
        "suite",
        "bird",
    ),
    lucky(
        "empty",
        "SELECT MAX(fare) FROM trips WHERE rider = 'Zoe'",
        "SELECT MIN(fare) FROM trips WHERE rider = 'Zoe'",
        "suite",
        "bird",
    ),
    different("empty", "SELECT fare FROM trips WHERE rider = 'Zoe'", "SELECT SUM(fare) FROM trips WHERE rider = 'Zoe'"),
    lucky(
        "empty",
        "SELECT COUNT(*) FROM trips WHERE fare > 100",
        "SELECT COUNT(*) FROM trips WHERE tip > 100",
        "spider run",
        "suite",
        "bird",
    ),
    # joins
    different(
        "left join",
        f"SELECT d.name, COUNT(t.id) {LEFT} GROUP BY d.id, d.name",
        f"SELECT d.name, COUNT(t.id) {JOINED} GROUP BY d.id, d.name",
        "exact set",
    ),
    lucky(
        "left join",
        f"SELECT d.name, COUNT(t.id) {LEFT} GROUP BY d.id, d.name",
        f"SELECT d.name, COUNT(t.id) {JOINED} GROUP BY d.id, d.name",
        "exact set",
        "suite",
        "bird",
        rows=FULL,
    ),
    right("left join", f"SELECT d.name {JOINED} WHERE t.fare > 8", f"SELECT d.name {LEFT} WHERE t.fare > 8"),
    different(
        "join condition",
        f"SELECT d.name, t.fare {JOINED}",
        "SELECT d.name, t.fare FROM drivers AS d JOIN trips AS t ON t.id = d.id",
        "exact set",
    ),
    lucky(
        "group",
        f"SELECT d.name, COUNT(*) {JOINED} GROUP BY d.id, d.name",
        f"SELECT d.name, COUNT(*) {JOINED} GROUP BY d.name",
        "suite",
        "bird",
    ),
    # COUNT
    different("count", "SELECT COUNT(*) FROM trips", "SELECT COUNT(tip) FROM trips"),
    lucky("count", "SELECT COUNT(*) FROM trips", "SELECT COUNT(tip) FROM trips", "suite", "bird", rows=FULL),
    right("count", "SELECT COUNT(*) FROM drivers", "SELECT COUNT(id) FROM drivers", "exact set", "spider run"),
    lucky(
        "count",
        f"SELECT d.name, COUNT(t.id) {LEFT} GROUP BY d.id, d.name",
        f"SELECT d.name, COUNT(*) {LEFT} GROUP BY d.id, d.name",
        "suite",
        "bird",
        rows=FULL,
    ),
    # HAVING
    right(
        "having",
        "SELECT rider FROM trips GROUP BY rider HAVING COUNT(*) > 1",
        "SELECT rider FROM trips GROUP BY rider HAVING COUNT(*) >= 2",
        "exact set",
    ),
    different(
        "having",
        "SELECT rider FROM trips GROUP BY rider HAVING COUNT(*) > 2",
        "SELECT rider FROM trips GROUP BY rider HAVING COUNT(*) > 1",
        "exact set",
    ),
    lucky(
        "having",
        "SELECT city FROM drivers GROUP BY city HAVING COUNT(*) > 0 AND MAX(rating) > 4",
        "SELECT city FROM drivers GROUP BY city",
        "suite",
        "bird",
        rows=FULL,
    ),
    different(
        "having",
        "SELECT rider FROM trips GROUP BY rider HAVING SUM(fare) > 10",
        "SELECT rider FROM trips WHERE fare > 10 GROUP BY rider",
    ),
    # dates
    different(
        "between dates",
        "SELECT id FROM trips WHERE started >= '2024-05-01' AND started < '2024-06-01'",
        "SELECT id FROM trips WHERE started BETWEEN '2024-05-01' AND '2024-05-31'",
    ),
    lucky(
        "between dates",
        "SELECT id FROM trips WHERE started >= '2024-05-01' AND started < '2024-06-01'",
        "SELECT id FROM trips WHERE started BETWEEN '2024-05-01' AND '2024-05-31'",
        "spider run",
        "suite",
        "bird",
        rows=FULL,
    ),
    lucky(
        "between dates",
        "SELECT id FROM trips WHERE started >= '2024-05-01' AND started < '2024-06-02'",
        "SELECT id FROM trips WHERE started BETWEEN '2024-05-01' AND '2024-06-02'",
        "spider run",
        "suite",
        "bird",
        rows=FULL,
        on=DUCKDB,
    ),
    right(
        "between",
        "SELECT id FROM trips WHERE fare BETWEEN 7.25 AND 10.5",
        "SELECT id FROM trips WHERE fare >= 7.25 AND 10.5 >= fare",
        "exact set",
    ),
    lucky(
        "between",
        "SELECT id FROM trips WHERE fare BETWEEN 7 AND 21",
        "SELECT id FROM trips WHERE fare > 7 AND fare < 21",
        "spider run",
        "suite",
        "bird",
    ),
    right(
        "between dates",
        "SELECT name FROM drivers WHERE joined BETWEEN '2024-01-01' AND '2024-03-31'",
        "SELECT name FROM drivers WHERE joined < '2024-04-01' AND joined >= '2024-01-01'",
        "exact set",
    ),
    # values
    right(
        "fractions",
        "SELECT SUM(fare) FROM trips",
        "SELECT SUM(fare * 3) / 3 FROM trips",
        "exact set",
        "spider run",
        "suite",
        "bird",
        rows=NOISE,
    ),
    right(
        "fractions",
        "SELECT fare * 3 FROM trips",
        "SELECT fare + fare + fare FROM trips",
        "exact set",
        "spider run",
        rows=NOISE,
    ),
    different(
        "fractions",
        "SELECT SUM(fare) FROM trips WHERE id <= 2",
        "SELECT SUM(fare) FROM trips WHERE id < 2",
        rows=LARGE_SUMS,
    ),
    different(
        "fractions", "SELECT ROUND(AVG(seats), 2) FROM trips", "SELECT ROUND(AVG(seats), 1) FROM trips", "exact set"
    ),
    right(
        "decimals", "SELECT CAST(fare AS DECIMAL(8, 2)) FROM trips", "SELECT fare FROM trips", "exact set", "spider run"
    ),
    right(
        "booleans",
        "SELECT active FROM drivers",
        "SELECT CAST(active AS INTEGER) FROM drivers",
        "exact set",
        "spider run",
    ),
    right(
        "midnight",
        "SELECT joined FROM drivers",
        "SELECT CAST(joined AS TIMESTAMP) FROM drivers",
        "exact set",
        "spider run",
        "suite",
        "bird",
        on=DUCKDB,
    ),
    right(
        "midnight",
        "SELECT joined FROM drivers",
        "SELECT DATETIME(joined) FROM drivers",
        "exact set",
        "spider run",
        "suite",
        "bird",
        on=SQLITE,
    ),
    different("midnight", "SELECT started FROM trips", "SELECT DATE(started) FROM trips", on=SQLITE),
    right(
        "text or number",
        "SELECT CAST(STRFTIME('%Y', joined) AS INTEGER) FROM drivers",
        "SELECT STRFTIME('%Y', joined) FROM drivers",
        "exact set",
        "spider run",
        "suite",
        "bird",
        on=SQLITE,
    ),
    different("text or number", "SELECT rider FROM trips", "SELECT CAST(rider AS INTEGER) FROM trips", rows=CODES),
    different(
        "case",
        "SELECT city FROM drivers WHERE city = 'Oslo'",
        "SELECT city FROM drivers WHERE city = 'oslo'",
        "exact set",
    ),
    different(
        "value",
        "SELECT name FROM drivers WHERE city = 'Oslo'",
        "SELECT name FROM drivers WHERE city = 'Bergen'",
        "exact set",
    ),
    # conditions
    lucky(
        "condition",
        "SELECT name FROM drivers WHERE (city = 'Oslo' OR city = 'Bergen') AND rating > 4",
        "SELECT name FROM drivers WHERE city = 'Oslo' OR city = 'Bergen' AND rating > 4",
        "spider run",
        "suite",
        "bird",
        rows=FULL,
    ),
    lucky(
        "condition",
        "SELECT name FROM drivers WHERE city = 'Oslo' AND rating > 4",
        "SELECT name FROM drivers WHERE city = 'Oslo'",
        "spider run",
        "suite",
        "bird",
    ),
    lucky(
        "condition",
        "SELECT rider FROM trips WHERE fare > 8",
        "SELECT rider FROM trips WHERE fare >= 8",
        "spider run",
        "suite",
        "bird",
    ),
    # many rows
    right(
        "many rows",
        "SELECT id, seats, tip, fare FROM trips",
        "SELECT fare, tip, seats, id FROM trips",
        "bird",
        rows=HUGE,
    ),
    different(
        "many rows", "SELECT seats, tip FROM trips", "SELECT seats, tip FROM trips WHERE id <> 999", "bird", rows=HUGE
    ),
    different("many rows", "SELECT seats, tip FROM trips", "SELECT seats, tip % 10 FROM trips", rows=HUGE),
]
# With the names of kinds, of engines and places, so that a failure names its case.
RUNS = [
    pytest.param(case, dialect, id=f"{dialect}-{place}-{case.kind.replace(' ', '_')}")
    for place, case in enumerate(CASES)
    for dialect in case.on
]


@pytest.mark.parametrize(("case", "dialect"), RUNS)
def test_is_judged_as_it_should_be(case: Case, dialect: Dialect) -> None:
    say = {name: evaluate(case.gold, case.answer, dialect, case.rows) for name, evaluate in EVALUATORS.items()}
    assert {name for name, said in say.items() if said != case.same} >= set(case.wrong)
    got, want = (run(text, dialect, case.rows) for text in (case.answer, case.gold))
    assert task(dialect).same(got, want) == (case.same or case.luck)


def agree_on_test_databases(case: Case, dialect: Dialect) -> bool:
    """Whether the answer has the gold's result on every test database of the gold."""
    gold, judge = example(case.gold), task(dialect)
    for database in TestDatabases.of(judge).test_databases(gold, 5):
        there = replace(gold, context={**gold.context, "test_database": database})
        want, got = (executor(dialect).run(text, there) for text in (case.gold, case.answer))
        assert want.kind is OutcomeKind.OK, want.reason
        if got.kind is not OutcomeKind.OK or not judge.same(got.value, want.value):
            return False
    return True


def test_page_lists_the_kinds_with_their_wrong_verdicts(root: Path) -> None:
    counts: dict[str, list[int]] = {}
    for case in CASES:
        found = [int(name in case.wrong) for name in EVALUATORS]
        for kind in (case.kind, "all"):
            counts[kind] = [a + b for a, b in zip(counts.get(kind, [0] * 5), [1, *found], strict=True)]
    lines = (root / "docs" / "sql_scores.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.count("|") == 8]
    listed = {kind: [int(one.replace("–", "0")) for one in numbers] for kind, _, *numbers in rows[2:]}
    assert listed == {kind: of for kind, of in counts.items() if any(of[1:])}


LUCKY = [one for one in RUNS if one.values[0].luck]  # type: ignore[union-attr]


@pytest.mark.slow
@pytest.mark.parametrize(("case", "dialect"), [one for one in LUCKY if one.values[1] == "sqlite"])
def test_luck_ends_on_test_databases(case: Case, dialect: Dialect) -> None:
    assert not agree_on_test_databases(case, dialect)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "dialect"), [one for one in LUCKY if one.values[1] == "duckdb"])
def test_luck_ends_on_test_databases_of_duckdb(case: Case, dialect: Dialect) -> None:
    assert not agree_on_test_databases(case, dialect)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "dialect"), [one for one in RUNS if one.values[0].same and one.values[1] == "sqlite"])  # type: ignore[union-attr]
def test_right_answers_agree_on_test_databases(case: Case, dialect: Dialect) -> None:
    assert agree_on_test_databases(case, dialect)
