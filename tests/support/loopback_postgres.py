"""A PostgreSQL on loopback, for tests marked live: one a worker.

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

from dstill.api.engine import Engine

__all__ = ["OWNER_PASSWORD", "READER_PASSWORD", "Postgres", "postgres"]

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
