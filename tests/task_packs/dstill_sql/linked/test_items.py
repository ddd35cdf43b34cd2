"""Tables and columns as items, and how references lead from one to another."""

from __future__ import annotations

import time

import pytest
from support.sql_questions import SCHEMAS, example

from dstill.api.protocols import Linked
from dstill.api.records import Example
from dstill.api.values import Values
from dstill_sql.form.items import FEATURES, Tables
from dstill_sql.form.joins import Joins
from dstill_sql.form.sql_form import MOST_ITEMS, SqlForm
from dstill_sql.language.database.database import Database
from dstill_sql.language.database.schema import Reference, SqlSchema
from dstill_sql.language.limits import Limits
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings


def tables(ddl: str, values: dict[str, object] | None = None, **options: object) -> Tables:
    schema = SqlSchema.read(ddl, options.pop("dialect", "duckdb"))  # type: ignore[arg-type]
    return Tables(Database(name="x", schema=schema, values=Values.read(values or {})), **options)  # type: ignore[arg-type]


def test_items_are_tables_with_their_columns() -> None:
    found = tables(
        "CREATE TABLE driver_trips (id INT PRIMARY KEY, driver INT NOT NULL REFERENCES drivers (id), -- who drove\n"
        "  startedAt TIMESTAMP, payment VARCHAR); CREATE TABLE drivers (id INT PRIMARY KEY)",
        {"driver_trips.payment": ["cash"]},
    )
    items = {item.name: item for item in found.items}
    assert list(items)[:3] == ["driver_trips", "driver_trips.id", "driver_trips.driver"]
    assert items["driver_trips"].kind == "table"
    assert items["driver_trips"].needs == ("driver_trips.startedAt",)
    driver = items["driver_trips.driver"]
    assert (driver.words, driver.above, driver.kind) == (("driver",), ("driver", "trip"), "integer")
    assert set(driver.features) == {"refers", "to=driver"}
    assert driver.description == ("who", "drove")
    assert set(items["driver_trips.id"].features) == {"key", "unique"}
    assert "first date" in items["driver_trips.startedAt"].features
    assert items["driver_trips.payment"].values == ("cash",)
    own = {feature for item in found.items for feature in item.features if "=" not in feature}
    assert own <= set(FEATURES)
    assert {f"type:{item.kind}" for item in found.items} <= set(FEATURES)


def test_kinds_tell_more_than_families() -> None:
    ddl = "CREATE TABLE t (a UUID, b ENUM('x'), c INT[], d BIT, e DATE, f TEXT)"
    assert [item.kind for item in tables(ddl).items[1:]] == ["uuid", "enum", "other", "other", "date", "text"]
    known = {"t.f": {"examples": ["2024-05-01"]}}
    assert tables("CREATE TABLE t (f TEXT)", known, dialect="sqlite").items[1].kind == "date"
    assert tables("CREATE TABLE t (f TEXT)", known).items[1].kind == "text"


def test_names_are_unique_and_what_is_denied_is_no_item() -> None:
    found = tables('CREATE TABLE "a.b" (c INT); CREATE TABLE a (b INT, secret INT); CREATE TABLE hidden (x INT)',
                   limits=Limits(denied=("hidden", "A.Secret")))  # fmt: skip
    assert [item.name for item in found.items] == ["a.b", "a.b.c", "a", "a.b'"]
    assert found.hides_columns


@pytest.mark.parametrize("ddl", ["", "CREATE TABLE t (a INT)"])
def test_schemas_of_no_table_and_one(ddl: str) -> None:
    form = Linked.of(Sql(Settings())).form()
    reading = form.read(Example(id="1", question="how many", context={"db": "x", "schema": ddl}))
    cursor = form.start(reading)
    assert cursor.allows("count") is bool(ddl)
    assert cursor.allows("refuse")


def test_a_wide_schema_is_ranked() -> None:
    ddl = "".join(f"CREATE TABLE part{n} (id INT PRIMARY KEY, size{n} INT, made_on DATE);" for n in range(700))
    ddl += "CREATE TABLE harbours (id INT PRIMARY KEY, depth INT, opened DATE, owner_id INT REFERENCES part3 (id));"
    form = Linked.of(Sql(Settings())).form()
    started = time.process_time()
    reading = form.read(Example(id="1", question="the deepest harbours since May", context={"db": "w", "schema": ddl}))
    assert len(reading.items) == MOST_ITEMS
    assert {"harbours", "harbours.depth", "harbours.opened"} <= {item.name for item in reading.items}
    assert time.process_time() - started < 10


def test_databases_that_were_read_last_are_kept() -> None:
    form = Linked.of(Sql(Settings())).form()
    assert isinstance(form, SqlForm)
    one = form.read(example("taxi", "trips"))
    assert form.read(example("taxi", "drivers")).schema is one.schema
    assert form.read(example("shop", "orders")).schema is not one.schema


# --- joins -------------------------------------------------------------------------------


def joins(name: str) -> Joins:
    schema = SqlSchema.read(SCHEMAS[name], "duckdb")
    return Joins(schema, schema.references)


def test_the_shortest_way_joins_tables() -> None:
    found = joins("shop").tree({"customers", "products"})
    assert found is not None
    # Both have reviews, so orders are not needed.
    assert [(step.table, step.to) for step in found] == [("reviews", "customers"), ("products", "reviews")]
    assert not any(step.left for step in found)
    found = joins("shop").tree({"customers", "order_items"}, {"order_items"})
    assert found is not None
    assert [(step.table, step.left) for step in found] == [("orders", True), ("order_items", True)]
    schema = SqlSchema.read("CREATE TABLE a (x INT); CREATE TABLE b (x INT)", "duckdb")
    assert Joins(schema, ()).tree({"a", "b"}) is None
    assert not Joins(schema, ()).are_linked("a", "b")
    guessed = Reference(table="a", columns=("x",), to="b", to_columns=("x",))
    assert Joins(schema, (guessed,)).tree({"a", "b"}) is not None


def test_several_references_between_two_tables_are_roles() -> None:
    taxi, clinic = joins("taxi"), joins("clinic")
    assert taxi.role("trips", "PICKUP_zone_id") is not None
    assert taxi.role("trips", "driver_id") is None
    assert clinic.role("doctors", "supervisor_id") is not None
    assert clinic.role("doctors", "department_id") is None
    assert list(taxi.roles_of("trips")) == ["pickup_zone_id", "dropoff_zone_id"]
