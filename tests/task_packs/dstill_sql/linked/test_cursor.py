"""What the cursor allows: every gold, and nothing that the checks refuse."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import pytest
from support.cursor_walks import walk
from support.sizes import size
from support.sql_questions import SCHEMAS, asked, example
from support.sql_schemas import random_schema

from dstill.api.checking import find_problems
from dstill.api.form import Cursor, Token
from dstill.api.protocols import Linked
from dstill.api.records import Draft, Example
from dstill.linked import Reading
from dstill_sql.form.tokens import tokens
from dstill_sql.language.dialects import DIALECTS, Dialect
from dstill_sql.language.limits import Limits
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings

TASK = Sql(Settings())
FORM = Linked.of(TASK).form()
QUESTIONS = (
    "how many users of Oslo in May 2024 with more than 5 orders over 1,000 since 3 March 2023",
    "list it",
    "Ünïcode 日本 'quoted' \"text here\" 50% 2024-05-01T10:00:00Z 10:30 page 3 20 each",
    "12 3.5 -7 two hundred a-b 00000000-0000-4000-8000-000000000001 true a",
)


def read(database: str, question: str) -> Reading:
    return FORM.read(example(database, question))


def after(reading: Reading, text: str) -> Cursor:
    """The cursor after tokens, of which names of items and words are pointers."""
    places = {word.text: place for place, word in enumerate(reading.words)}
    places |= {item.name: reading.position(number) for number, item in enumerate(reading.items)}
    cursor = FORM.start(reading)
    for part in text.split():
        token = part if part in tokens() else places[part]
        assert cursor.allows(token), (text, part)
        cursor = cursor.push(token)
    return cursor


def names(cursor: Cursor, reading: Reading) -> set[str]:
    """The items and words that may come next."""
    return {reading.text(token) for token in cursor.allowed() if isinstance(token, int)}


def test_an_answer_begins_with_a_column_or_a_refusal() -> None:
    reading = read("taxi", "trips of Ann")
    start = FORM.start(reading)
    assert {"refuse", "count", "distinct", "of", "from", "sum"} <= set(start.allowed())
    assert not {"where", "has", "", ")", "#1", "order", "outer"} & set(start.allowed())
    assert {"drivers", "drivers.name"} <= names(start, reading)
    assert {"", 0} <= set(after(reading, "refuse").allowed())


def test_only_columns_whose_kind_fits() -> None:
    reading = read("taxi", "average of 5 in Oslo since May 2024")
    assert names(after(reading, "avg"), reading) <= {
        item.name for item in reading.items if item.kind in ("integer", "number")
    }
    assert "drivers.name" in names(after(reading, "drivers.id where has"), reading)
    assert "drivers.rating" not in names(after(reading, "drivers.id where has"), reading)
    number = after(reading, "drivers.id where gt drivers.rating")
    assert {"5", "Oslo"} & names(number, reading) == {"5"}
    date = after(reading, "drivers.id where ge drivers.hired_on")
    assert {"5", "Oslo", "2024-05"} & names(date, reading) == {"2024-05"}
    assert not date.push(reading.words.index(next(one for one in reading.words if one.kind == "month"))).allows("")
    assert after(reading, "drivers.id where is vehicles.is_electric").allows("true")


def test_only_tables_that_references_lead_to() -> None:
    ddl = SCHEMAS["taxi"] + "CREATE TABLE islands (id INT, name VARCHAR);"
    reading = FORM.read(Example(id="1", question="x", context={"db": "x", "schema": ddl}))
    assert "islands.name" in names(after(reading, ""), reading)
    assert "islands.name" not in names(after(reading, "drivers.name"), reading)
    assert "vehicles.brand" in names(after(reading, "drivers.name"), reading)
    assert names(after(reading, "via"), reading) == {"trips.pickup_zone_id", "trips.dropoff_zone_id"}
    assert names(after(reading, "via trips.pickup_zone_id"), reading) == {"zones.id", "zones.name", "zones.borough"}


def test_the_outer_query_has_only_tables_that_are_there() -> None:
    reading = read("taxi", "drivers without trips")
    inner = after(reading, "drivers.name where not exists trips where eq trips.driver_id")
    assert inner.allows("outer")
    assert {one.partition(".")[0] for one in names(inner.push("outer"), reading)} == {"drivers"}


def test_groups_follow_from_the_columns() -> None:
    reading = read("taxi", "trips per driver")
    assert not after(reading, "drivers.name count trips order").allows(after_place(reading, "drivers.city"))
    assert after(reading, "drivers.name order").allows(after_place(reading, "drivers.city"))
    assert not after(reading, "drivers").allows("having")  # all columns of a table
    assert after(reading, "drivers.name").allows("having")
    assert not after(reading, "sub sum trips.fare").allows(after_place(reading, "trips.tip"))
    assert not after(reading, "drivers.name window rank order drivers.rating ) ").allows("count")
    assert not after(reading, "distinct drivers.name order").allows(after_place(reading, "drivers.city"))


def after_place(reading: Reading, name: str) -> int:
    return reading.position([item.name for item in reading.items].index(name))


def test_set_operations_have_columns_that_fit() -> None:
    reading = read("taxi", "drivers and zones")
    second = after(reading, "drivers.name union")
    assert "zones.name" in names(second, reading)
    assert "drivers.rating" not in names(second, reading)
    whole = second.push(after_place(reading, "zones.name"))
    assert whole.allows("")
    assert not whole.allows("count")
    assert not whole.allows("intersect")


def test_limits_of_the_guard_are_kept() -> None:
    task = Sql(Settings(guard=Limits(joins=1, selects=1, denied=("trips", "drivers.phone"))))
    form = Linked.of(task).form()
    reading = form.read(example("taxi", "x"))
    assert {item.name for item in reading.items}.isdisjoint({"trips", "trips.fare", "drivers.phone"})
    cursor = form.start(reading)
    place = {item.name: reading.position(number) for number, item in enumerate(reading.items)}
    inner = cursor.push(place["drivers.name"]).push("where")
    assert not inner.allows("exists")
    assert not cursor.allows(place["drivers"])  # all columns, of which one is denied
    chain = "CREATE TABLE a (id INT PRIMARY KEY); CREATE TABLE b (id INT PRIMARY KEY, a INT REFERENCES a (id));"
    chain += "CREATE TABLE c (id INT, b INT REFERENCES b (id))"
    reading = form.read(Example(id="1", question="x", context={"db": "x", "schema": chain}))
    place = {item.name: reading.position(number) for number, item in enumerate(reading.items)}
    cursor = form.start(reading)
    assert cursor.push(place["a.id"]).allows(place["b.id"])
    assert not cursor.push(place["a.id"]).allows(place["c.id"])


def test_a_cursor_never_changes_and_refuses_what_is_not_allowed() -> None:
    reading = read("taxi", "trips of Ann")
    cursor = after(reading, "count trips")
    before = set(cursor.allowed())
    cursor.push("where").push("eq")
    assert set(cursor.allowed()) == before
    with pytest.raises(ValueError, match="is not allowed here"):
        cursor.push("between")


def test_one_token_is_allowed_if_it_is_among_all_that_are() -> None:
    reading = read("taxi", "trips of Ann since 2024")
    candidates: list[Token] = ["", *tokens(), *range(len(reading) + 1)]  # the last one is the padding of a batch
    start = FORM.start(reading)
    written = walk(start, 3)
    assert written is not None
    alone, together = start, FORM.start(reading)
    for token in written:
        allowed = together.allowed()
        assert [one for one in candidates if alone.allows(one) is not (one in allowed)] == []
        alone, together = alone.push(token), together.push(token)


# --- golds and walks ---------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
def test_golds_are_allowed(dialect: Dialect) -> None:
    task = Sql(Settings(dialect=dialect))
    form = Linked.of(task).form()
    step = 1 if size("GOLDS", ci=0, nightly=1) else 5 if dialect == "duckdb" else 9
    for one in asked(dialect)[::step]:
        reading = form.read(example(one.database, one.question))
        cursor = form.start(reading)
        for token in form.encode(one.query, reading):
            assert cursor.allows(token), (one.query, token)
            cursor = cursor.push(token)
        assert cursor.allows(""), one.query


def walked(count: int, seed: int) -> Counter[str]:
    """What became of random walks over random schemas."""
    counts = Counter[str]()
    tasks = {dialect: Sql(Settings(dialect=dialect)) for dialect in DIALECTS}
    forms = {dialect: Linked.of(task).form() for dialect, task in tasks.items()}
    for number in range(seed, seed + count):
        random = Random(number)
        dialect = random.choice(DIALECTS)
        context: dict[str, Any] = {"db": "x", "schema": random_schema(random, dialect)}
        asked_ = Example(id="1", question=random.choice(QUESTIONS), context=context)
        reading = forms[dialect].read(asked_)
        cursor = forms[dialect].start(reading)
        written = walk(cursor, number)
        if written is None:
            counts[f"{number}: no end"] += 1
            continue
        answer = forms[dialect].decode(written, reading)
        errors = [one for one in find_problems(tasks[dialect], asked_, Draft(answer=answer)) if one.is_error]
        counts[f"{number}: {errors[0].message}: {answer}" if errors else "valid"] += 1
    return counts


@pytest.mark.slow
def test_random_walks_pass_every_check() -> None:
    """DuckDB and SQLite also plan the queries."""
    assert walked(16, 0) == {"valid": 16}


@pytest.mark.nightly
def test_many_random_walks_pass_every_check() -> None:
    count = size("WALKS", ci=150, nightly=2_000)
    assert walked(count, 100_000) == {"valid": count}
