"""Databases for the tests of this folder: a PostgreSQL on loopback, one a worker, and files of DuckDB and SQLite."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from support.loopback_postgres import OWNER_PASSWORD, READER_PASSWORD, Postgres, postgres
from support.rides import ROWS, SCHEMA, inserted

__all__ = ["postgres"]  # the fixture

# --- a small database -------------------------------------------------------------------


@pytest.fixture
def sqlite_file(tmp_path: Path) -> Path:
    import sqlite3

    path = tmp_path / "shop.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA)
        for statement, row in inserted(ROWS):
            connection.execute(statement, row)
        connection.commit()
    return path


@pytest.fixture
def duckdb_file(tmp_path: Path) -> Path:
    import duckdb

    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(SCHEMA)
        for statement, row in inserted(ROWS):
            connection.execute(statement, row)
    return path


@pytest.fixture
def files(duckdb_file: Path, sqlite_file: Path) -> dict[str, Path]:
    return {"duckdb": duckdb_file, "sqlite": sqlite_file}


@pytest.fixture(scope="session")
def shop(postgres: Postgres) -> Postgres:
    """The server, with the small database ``shop`` that ``reader`` may read."""
    import psycopg

    postgres.run("CREATE DATABASE shop", f"CREATE ROLE reader LOGIN PASSWORD '{READER_PASSWORD}'")
    postgres.run(
        *filter(str.strip, SCHEMA.split(";")),
        "COMMENT ON TABLE trips IS 'one ride'",
        "COMMENT ON COLUMN trips.km IS 'length in kilometres'",
        "CREATE TABLE hidden (a INTEGER)",
        "GRANT SELECT ON cities, drivers, trips TO reader",
        database="shop",
    )
    with psycopg.connect(
        host="127.0.0.1", port=postgres.port, user="owner", password=OWNER_PASSWORD, dbname="shop"
    ) as connection:
        for statement, row in inserted(ROWS):
            connection.execute(statement.replace("?", "%s"), row)
    return postgres


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Settings of ``[engine]`` for the role that only reads."""
    monkeypatch.setenv("SHOP_LOGIN", f"reader:{READER_PASSWORD}")
    monkeypatch.setenv("OWNER_LOGIN", f"owner:{OWNER_PASSWORD}")
    return {"basic_auth_env": "SHOP_LOGIN"}
