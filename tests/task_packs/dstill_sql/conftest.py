"""Databases for the tests of this folder: a PostgreSQL on loopback, one a worker, and files of DuckDB and SQLite.

The server runs as another user if the tests run as root, on a folder of its own, and ends with the tests. Without
PostgreSQL its tests are skipped; ``DSTILL_REQUIRE_LIVE=1`` (set in CI) makes that a failure.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.rides import ROWS, SCHEMA, inserted

from dstill.api.engine import Engine

OWNER_PASSWORD = "owner-password-1"
READER_PASSWORD = "reader-password-1"


@dataclass
class Postgres:
    """A server. Its owner is a superuser; ``reader`` may only read what a test grants."""

    folder: Path
    port: int
    process: Any = field(repr=False, default=None)

    def engine(self, database: str, **more: Any) -> Engine:
        return Engine(url=f"postgresql://127.0.0.1:{self.port}/{database}", **more)

    def run(self, *statements: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run statements as the owner; the rows of the last one."""
        import psycopg

        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="owner", password=OWNER_PASSWORD, dbname=database, autocommit=True
        ) as connection:
            for statement in statements:
                found = connection.execute(statement)
            return found.fetchall() if found.description else []

    def signal(self, pid: int, number: signal.Signals) -> None:
        os.kill(pid, number)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not programs:
        require = os.environ.get("DSTILL_REQUIRE_LIVE") == "1"
        (pytest.fail if require else pytest.skip)("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="dstill-postgres-"))
    try:
        server = _started(programs[-1].parent, folder)
        try:
            yield server
        finally:
            server.process.send_signal(signal.SIGQUIT)
            server.process.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _started(programs: Path, folder: Path) -> Postgres:
    user: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        found = pwd.getpwnam("postgres")
        user = {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
        os.chown(folder, found.pw_uid, found.pw_gid)
    password = folder / "password"
    password.write_text(OWNER_PASSWORD)
    password.chmod(0o644)
    data = folder / "data"
    options = ["--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "owner", *options], check=True, capture_output=True, cwd=folder, **user
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": folder,
        "fsync": "off",
        "shared_buffers": "16MB",
        "max_connections": "20",
    }
    words = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, *words], stdout=log, stderr=log, cwd=folder, **user
        )
    server = Postgres(folder=folder, port=port, process=process)
    for _ in range(200):
        with contextlib.suppress(Exception):
            server.run("SELECT 1")
            return server
        time.sleep(0.05)
    pytest.fail((folder / "log").read_text(errors="replace")[-2000:])


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
