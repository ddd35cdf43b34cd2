"""`dstill init --engine-url`: a live database as the files of a project."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.rides import question

from dstill.api.engine import Engine, ProjectFiles
from dstill.api.protocols import DataProfile
from dstill.api.records import OutcomeKind
from dstill.api.values import Values
from dstill.errors import DataError, ServiceError
from dstill_sql.engines.catalogs import Catalog
from dstill_sql.engines.describe import describe
from dstill_sql.engines.duckdb import DuckDb
from dstill_sql.engines.embedded import Embedded
from dstill_sql.engines.postgresql import PostgresqlSettings
from dstill_sql.engines.reading import Budget, Source, read_values
from dstill_sql.engines.sqlite import Sqlite
from dstill_sql.language.database.database import File
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.engine_text import Statement
from dstill_sql.language.limits import Limits
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings

DENIED = Settings(guard=Limits(denied=("drivers.secret",)))


def values_of(project: ProjectFiles) -> Mapping[str, Any]:
    found = json.loads(project.files["values.json"])
    assert Values.read(found).to_json() == found
    assert isinstance(found, dict)
    return found


def check(project: ProjectFiles, dialect: Any) -> SqlSchema:
    """What every description of the small database has."""
    schema = SqlSchema.read(project.files["schema.sql"], dialect)
    assert [table.name for table in schema.tables] == ["cities", "drivers", "trips"]
    trips = schema.table("trips")
    assert trips.key == ("driver_id", "n")
    name = schema.column("cities", "name")
    assert (name.unique, name.nullable, name.family) == (True, False, "text")
    assert {(one.table, one.columns, one.to) for one in schema.references} == {
        ("drivers", ("home",), "cities"),
        ("trips", ("driver_id",), "drivers"),
    }
    families = {one.name: one.family for table in schema.tables for one in table.columns}
    assert (families["born"], families["km"], families["started"]) == ("date", "number", "timestamp")
    assert schema.column("drivers", "secret") is None
    assert "secret" not in project.files["values.json"]
    values = values_of(project)
    assert sorted(values["cities.name"]) == ["Bergen", "Malmö", "Oslo"]
    assert values["cities.country"] == ["NO", "SE"]  # the most frequent first
    assert (values["trips.n"]["min"], values["trips.n"]["max"]) == (0, 59)
    assert values["drivers.born"]["min"] == "1980-01-01"
    assert project.settings["task.sql.db"] == "shop"
    assert project.settings["task.sql.dialect"] == dialect
    assert project.settings["task.sql.now"].startswith("2024-01-28")
    assert any("guard.denied" in line for line in project.about)
    assert "3 tables, 13 columns" in project.about[0]
    return schema


@pytest.mark.parametrize(("dialect", "executor"), [("duckdb", DuckDb), ("sqlite", Sqlite)])
def test_file(dialect: str, executor: type[Embedded], files: dict[str, Path], tmp_path: Path) -> None:
    engine = Engine(url=f"{dialect}://{files[dialect]}")
    project = DataProfile.of(Sql(DENIED)).describe(engine)
    check(project, dialect)
    for name, text in project.files.items():
        (tmp_path / name).write_text(text)
    given = {key.removeprefix("task.sql."): value for key, value in project.settings.items()}
    own = {key: str(tmp_path / value) for key, value in given.items() if value in project.files}
    with executor().open(Sql(Settings(**{**given, **own})), engine) as opened:
        outcome = opened.run("SELECT COUNT(*) FROM trips WHERE paid", question())
    assert (outcome.kind, outcome.value["rows"]) == (OutcomeKind.OK, [[17]])


@pytest.mark.live
def test_postgresql(shop: Any, login: dict[str, str], tmp_path: Path) -> None:
    engine = shop.engine("shop", **login)
    project = DataProfile.of(Sql(DENIED)).describe(engine, PostgresqlSettings())
    schema = check(project, "postgres")
    trips = schema.table("trips")
    assert trips.comment == "one ride"
    kilometres = trips.column("km")
    assert kilometres.comment == "length in kilometres"
    assert schema.table("hidden") is None  # the role may not read it


@pytest.mark.live
def test_postgresql_with_unusual_columns(shop: Any, login: dict[str, str]) -> None:
    shop.run("CREATE DATABASE odd")
    shop.run(
        "CREATE SCHEMA extra",
        "CREATE TYPE extra.mood AS ENUM ('sad', 'happy')",
        "CREATE TYPE extra.pair AS (a int, b int)",
        "CREATE DOMAIN extra.share AS numeric(4, 1)",
        'CREATE TABLE extra."Odd Table" (id int PRIMARY KEY, "select" text, mood extra.mood, pair extra.pair,'
        " share extra.share, words text[], data jsonb, at timestamptz, long text, empty text, at_time time)",
        """INSERT INTO extra."Odd Table" SELECT n, 'x' || n % 3, 'sad', ROW(1, 2)::extra.pair, n / 10.0, '{a}', '{}',"""
        " now() + n * interval '1 day', repeat('long ', 100), NULL, '10:00' FROM generate_series(1, 500) n",
        'CREATE VIEW extra.seen AS SELECT id, mood FROM extra."Odd Table"',
        'CREATE TABLE extra.parts (id int, "of" int REFERENCES extra."Odd Table" (id)) PARTITION BY RANGE (id)',
        "CREATE TABLE extra.parts_1 PARTITION OF extra.parts FOR VALUES FROM (0) TO (10)",
        database="odd",
    )
    project = describe(
        shop.engine("odd", basic_auth_env="OWNER_LOGIN"),
        PostgresqlSettings(schema_name="extra"),
        Settings(),
    )
    schema = SqlSchema.read(project.files["schema.sql"], "postgres")
    assert [table.name for table in schema.tables] == ["Odd Table", "parts", "seen"]
    families = {one.name: one.family for one in schema.tables[0].columns}
    assert (families["select"], families["mood"], families["share"]) == ("text", "text", "number")
    assert families["words"] == families["data"] == "other"
    assert "pair" not in families
    [reference] = schema.references
    assert (reference.table, reference.to) == ("parts", "Odd Table")
    values = values_of(project)
    assert sorted(values["Odd Table.select"]) == ["x0", "x1", "x2"]
    assert (values["Odd Table.share"]["min"], values["Odd Table.share"]["max"]) == (0.1, 50)
    said = "\n".join(project.about)
    assert "Odd Table.pair" in said
    assert "no values (long texts, or with control characters): Odd Table.long" in said
    assert "no values (no values): Odd Table.empty" in said
    assert "task.sql.now" not in project.settings  # its newest past date is today's


@pytest.mark.parametrize("scheme", ["duckdb", "sqlite"])
def test_database_without_tables(scheme: str, tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    if scheme == "duckdb":
        import duckdb

        duckdb.connect(str(path)).close()
    else:
        path.touch()
    with pytest.raises(DataError, match="has no tables"):
        describe(Engine(url=f"{scheme}://{path}"), None, Settings())


@pytest.mark.parametrize("scheme", ["duckdb", "sqlite"])
def test_file_that_is_no_database(scheme: str, tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("no database" * 1000)
    with pytest.raises(ServiceError, match="cannot open"):
        describe(Engine(url=f"{scheme}://{path}"), None, Settings())
    with pytest.raises(DataError, match="there is no file"):
        describe(Engine(url=f"{scheme}://{tmp_path}/none"), None, Settings())


def described(path: Path, script: str) -> ProjectFiles:
    """A project about what the script makes in SQLite."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
        connection.commit()
    return describe(Engine(url=f"sqlite://{path}"), None, Settings())


ODD = '''
CREATE TABLE "a b" (
  "x ""y""" NVARCHAR(20), -- how it is called
  untyped, "when" DATETIME, n SOMETHING_INT, z FLOATING, ok BOOLEAN
);
CREATE TABLE child (id INTEGER PRIMARY KEY, parent REFERENCES child, gone REFERENCES nowhere (id));
CREATE VIEW v AS SELECT n FROM "a b";
CREATE VIRTUAL TABLE words USING fts5 (body);
INSERT INTO "a b" VALUES ('q', 1, '2024-01-01 10:00:00', 5, 0.5, 1), ('q', 'mixed', NULL, 'text', 1e999, 0);
'''


def test_unusual_sqlite_schema(tmp_path: Path) -> None:
    project = described(tmp_path / "odd.db", ODD)
    schema = SqlSchema.read(project.files["schema.sql"], "sqlite")
    odd = schema.table("a b")
    assert [(one.name, one.family) for one in odd.columns] == [
        ('x "y"', "text"),
        ("untyped", "other"),
        ("when", "timestamp"),
        ("n", "integer"),
        ("z", "number"),
        ("ok", "boolean"),
    ]
    [reference] = schema.references
    assert (reference.table, reference.to, reference.to_columns) == ("child", "child", ("id",))
    assert schema.table("v") is not None
    assert values_of(project)['a b.x "y"'] == ["q"]


def test_unreadable_view_is_skipped(tmp_path: Path) -> None:
    script = "CREATE TABLE t (a INTEGER); CREATE VIEW broken AS SELECT nope FROM gone;"
    project = described(tmp_path / "broken.db", script)
    assert [table.name for table in SqlSchema.read(project.files["schema.sql"], "sqlite").tables] == ["t"]
    skipped = "skipped, as the database cannot read them: broken (no such table: main.gone)"
    assert skipped in project.about
    assert skipped in project.brief


@pytest.mark.slow
def test_a_wide_database_is_read_within_a_budget(tmp_path: Path) -> None:
    """2,000 tables: the schema is whole, values are read while there is time."""
    tables = "".join(f"CREATE TABLE t{n} (id INTEGER PRIMARY KEY, kind TEXT);" for n in range(2_000))
    project = described(tmp_path / "wide.db", f"BEGIN; {tables} INSERT INTO t0 VALUES (1, 'x'); COMMIT;")
    assert len(SqlSchema.read(project.files["schema.sql"], "sqlite").tables) == 2_000
    assert values_of(project)["t0.kind"] == ["x"]


def test_reading_stops_when_its_time_is_over(sqlite_file: Path) -> None:
    asked: list[str] = []

    def ask(query: Statement, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        asked.append(query.text)
        raise ServiceError("canceling statement due to statement timeout")

    with contextlib.closing(Sqlite()) as executor:
        catalog = executor.catalog(File(path=sqlite_file))
    source = Source(label="slow", name="shop", dialect="sqlite", ask=ask)
    read = read_values(source, catalog, Budget(seconds=0))
    assert (asked, set(read.unread.values()), bool(read.values)) == ([], {"no time left"}, False)
    read = read_values(source, catalog, Budget())
    assert set(read.unread.values()) == {"takes too long"}


def test_large_postgresql_tables_are_sampled() -> None:
    schema = SqlSchema.read("CREATE TABLE t (kind TEXT)", "postgres")
    asked: list[str] = []

    def ask(query: Statement, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        asked.append(query.text)
        return [(100_001,)] if query.text.startswith("SELECT COUNT(*)") else [("x", 3)]

    source = Source(label="large", name="shop", dialect="postgres", ask=ask)
    read = read_values(source, Catalog(schema=schema, rows={"t": 10_000_000}), Budget())
    assert "TABLESAMPLE SYSTEM (1)" in asked[0]
    assert all("LIMIT 10000" in text for text in asked)
    known = read.values.get("t.kind")
    assert (known.values, known.complete) == (("x",), False)  # other values may be in the rest


def test_facts_and_drift_of_a_schema() -> None:
    task = Sql(Settings())
    old = question(schema="CREATE TABLE t (a INT, b VARCHAR)")
    new = question(schema="CREATE TABLE T (A INT, b DATE, c INT)")
    then, now = DataProfile.of(task).data_facts([old]), DataProfile.of(task).data_facts([new])
    assert then["shop"]["columns"] == {"t.a": "INT", "t.b": "TEXT"}
    assert list(DataProfile.of(task).drift(then, now)) == [
        "columns that the student learnt are changed: t.b (TEXT, now DATE)"
    ]
    assert list(DataProfile.of(task).drift(then, then)) == []
    assert list(DataProfile.of(task).drift(then, {"renamed": now["shop"]})) != []
    assert DataProfile.of(task).licences([old]) == {"shop": "unknown"}
