"""DuckDB and SQLite in processes of their own: limits, files in every state, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.rides import ROWS, SCHEMA, on_rows, question
from support.sql_raw import fetched

from dstill.api.engine import Engine
from dstill.api.records import Example, Outcome, OutcomeKind
from dstill.errors import DataError, ServiceError, UsageError
from dstill_sql.engines import planning, running
from dstill_sql.engines.duckdb import DuckDb, DuckDbSettings
from dstill_sql.engines.embedded import Embedded
from dstill_sql.engines.process import EngineError
from dstill_sql.engines.sqlite import Sqlite, SqliteSettings
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.limits import Limits
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings

BOTH: tuple[Dialect, ...] = ("duckdb", "sqlite")
LOOSE = Limits(cross_joins=True, joins=20)
Opened = Callable[..., Embedded]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """``opened("sqlite", url=…, seconds=…)``: an executor, closed at the end."""
    executors: list[Embedded] = []

    def make(dialect: Dialect, *, url: str = "", **given: Any) -> Embedded:
        kind, of = (DuckDb, DuckDbSettings) if dialect == "duckdb" else (Sqlite, SqliteSettings)
        task = Sql(Settings(dialect=dialect, guard=LOOSE))
        executors.append(kind(of(**given)).open(task, Engine(url=url)))
        return executors[-1]

    yield make
    for executor in executors:
        executor.close()


@pytest.fixture
def pair(opened: Opened) -> dict[str, Embedded]:
    """An executor of each."""
    return {dialect: opened(dialect, seconds=1.0) for dialect in BOTH}


def rows(outcome: Outcome) -> Any:
    assert outcome.kind is OutcomeKind.OK, outcome.reason
    return outcome.value["rows"]


def on_file(text: str, executor: Embedded) -> Outcome:
    return executor.run(text, question(schema=SCHEMA))


def is_away(text: str, executor: Embedded) -> bool:
    """Whether the file cannot be opened or read."""
    try:
        return on_file(text, executor).kind is OutcomeKind.UNAVAILABLE
    except ServiceError:
        return True


# --- results and limits -------------------------------------------------------------------


@pytest.mark.parametrize("dialect", BOTH)
def test_runs_on_the_rows_of_a_test_database(dialect: Dialect, opened: Opened) -> None:
    executor = opened(dialect)
    assert rows(executor.run("SELECT name FROM cities ORDER BY name", on_rows())) == [["Bergen"], ["Malmö"], ["Oslo"]]
    other = on_rows(rows={**ROWS, "cities": [[1, "Rome", "IT"]]})
    assert rows(executor.run("SELECT name FROM cities", other)) == [["Rome"]]


@pytest.mark.parametrize("dialect", BOTH)
def test_runaway_query_is_stopped_and_is_the_answers_fault(dialect: Dialect, opened: Opened) -> None:
    executor = opened(dialect, seconds=0.5)
    text = f"SELECT COUNT(*) FROM trips t0{''.join(f' CROSS JOIN trips t{n}' for n in range(1, 9))}"
    started = time.monotonic()
    outcome = executor.run(text, on_rows())
    assert time.monotonic() - started < 8
    assert outcome.kind is OutcomeKind.INVALID
    assert outcome.reason == "the query ran for more than 0.5 s"
    assert rows(executor.run("SELECT COUNT(*) FROM cities", on_rows())) == [[3]]  # the next one is not affected


def test_memory_of_duckdb_is_limited(opened: Opened) -> None:
    executor = opened("duckdb", memory_mb=50, seconds=30)
    text = (
        "SELECT COUNT(*) FROM (SELECT DISTINCT a.n AS a, b.n AS b, c.n AS c, d.n AS d"
        " FROM trips a CROSS JOIN trips b CROSS JOIN trips c CROSS JOIN trips d) AS s"
    )
    outcome = executor.run(text, on_rows())
    assert outcome.kind is OutcomeKind.INVALID
    assert "memory" in outcome.reason.lower()


def test_texts_of_sqlite_are_limited(opened: Opened) -> None:
    executor = opened("sqlite")
    data = on_rows(rows={**ROWS, "cities": [[1, "x" * 600_000, "NO"]]})
    outcome = executor.run("SELECT LENGTH(name || name) FROM cities", data)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.INVALID, "string or blob too big")
    outcome = executor.run(f"SELECT name LIKE '%{'x' * 6_000}y%' FROM cities", data)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.INVALID, "LIKE or GLOB pattern too complex")
    assert rows(executor.run("SELECT name LIKE '%xy%' FROM cities", data)) == [[0]]


def test_memory_of_a_result_of_duckdb_is_limited(opened: Opened) -> None:
    """Its own limit does not count a result, which it gives row by row."""
    executor = opened("duckdb", memory_mb=50, seconds=30)
    data = on_rows(rows={**ROWS, "cities": [[1, "x" * 5_000_000, "NO"]]})
    outcome = executor.run("SELECT name FROM cities CROSS JOIN trips", data)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.INVALID, "the query needs more memory than it may have")
    assert rows(executor.run("SELECT LENGTH(name) FROM cities", data)) == [[5_000_000]]


LONG = " || ".join(["a.email"] * 15)
GREEDY = (
    f"SELECT COUNT(DISTINCT {LONG} || b.id || c.id)"
    " FROM customers AS a JOIN reviews AS b ON a.id <> b.id JOIN orders AS c ON c.id <> b.id",
    f"SELECT GROUP_CONCAT({LONG}) OVER (ORDER BY a.id, b.id) FROM customers AS a JOIN orders AS b ON a.id <> b.id",
    f"SELECT {', '.join(['a.id * 1.5'] * 150)} FROM customers AS a JOIN reviews AS b ON a.id <> b.id"
    " JOIN orders AS c ON c.id <> b.id",
)


@pytest.mark.parametrize("text", GREEDY)
def test_memory_of_sqlite_is_limited(text: str, opened: Opened) -> None:
    executor = opened("sqlite", memory_mb=50, seconds=60)
    example = Example(id="1", question="?", context={"db": "shop"})
    outcome = executor.run(text, example)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.INVALID, "the query needs more memory than it may have")
    assert executor.run("SELECT COUNT(*) FROM customers", example).kind is OutcomeKind.OK


@pytest.mark.parametrize("dialect", BOTH)
def test_result_has_a_limit_of_rows(dialect: Dialect, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MOST_ROWS", 1_500)
    executor = opened(dialect)
    outcome = executor.run("SELECT a.n FROM trips a CROSS JOIN trips b", on_rows())  # 3,600
    assert (outcome.kind, "more than" in outcome.reason) == (OutcomeKind.INVALID, True)
    assert len(rows(executor.run("SELECT a.n FROM trips a CROSS JOIN trips b LIMIT 100", on_rows()))) == 100


@pytest.mark.parametrize("dialect", BOTH)
def test_error_of_the_query_is_the_answers_fault(dialect: Dialect, opened: Opened) -> None:
    outcome = opened(dialect).run("SELECT nothing FROM cities", on_rows())
    assert outcome.kind is OutcomeKind.INVALID
    assert outcome.reason.startswith("not run: schema")


@pytest.mark.parametrize("dialect", BOTH)
def test_missing_data_says_nothing_about_the_answer(dialect: Dialect, opened: Opened) -> None:
    outcome = opened(dialect).run("SELECT id FROM cities", question(schema=SCHEMA))
    assert outcome.kind is OutcomeKind.UNSUPPORTED
    assert outcome.reason.startswith("there are no rows of the database 'shop' here: name its file")
    assert "--engine-url" in outcome.reason


# --- files --------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", BOTH)
def test_file_of_the_user_is_only_read(dialect: Dialect, files: dict[str, Path], opened: Opened) -> None:
    before = files[dialect].read_bytes()
    executor = opened(dialect, url=f"{dialect}://{files[dialect]}")
    assert rows(on_file("SELECT COUNT(*) FROM trips", executor)) == [[60]]
    for text in ("INSERT INTO cities VALUES (9, 'x', 'y')", "DROP TABLE trips", "CREATE TABLE z (a INT)"):
        assert on_file(text, executor).kind is OutcomeKind.INVALID
    executor.close()
    assert files[dialect].read_bytes() == before
    assert list(files[dialect].parent.glob(f"{files[dialect].name}?*")) == []


@pytest.mark.parametrize("dialect", BOTH)
def test_missing_file_is_named(
    dialect: Dialect, tmp_path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="there is no file") as caught:
        opened(dialect, url=f"{dialect}://{tmp_path}/none.db")
    assert caught.value.hint == ""
    with pytest.raises(DataError, match="is a folder"):
        opened(dialect, url=f"{dialect}://{tmp_path}")
    with pytest.raises(UsageError, match="does not name a file"):
        opened(dialect, url=f"{dialect}://shop.db")
    assert not (tmp_path / "none.db").exists()
    for relative in ("none.db", "no_such_folder/none.db", "./none.db", "../none.db"):
        with pytest.raises(DataError, match="there is no file") as caught:
            opened(dialect, url=f"{dialect}:///{relative}")
        assert caught.value.hint == f"write its whole path: {dialect}:///PATH"
    with pytest.raises(DataError, match="there is no file") as caught:
        opened(dialect, url=f"{dialect}:////no_such_folder/none.db")
    assert caught.value.hint == ""
    monkeypatch.chdir(tmp_path)
    Path("shop here.db").touch()
    with pytest.raises(DataError, match="there is no file /shop here") as caught:
        opened(dialect, url=f"{dialect}:///shop%20here.db")
    assert caught.value.hint == f"write its whole path: {dialect}://{tmp_path}/shop%20here.db"


@pytest.mark.parametrize("dialect", BOTH)
def test_file_of_another_kind_is_refused(dialect: Dialect, tmp_path: Path, opened: Opened) -> None:
    path = tmp_path / "shop.db"
    path.write_bytes(b"not a database at all, but some text\n" * 500)
    executor = opened(dialect, url=f"{dialect}://{path}")
    with pytest.raises(ServiceError, match="cannot open the database") as caught:
        on_file("SELECT id FROM cities", executor)
    assert caught.value.where == str(path)


@pytest.mark.parametrize("dialect", BOTH)
def test_truncated_file_is_no_fault_of_the_answer(dialect: Dialect, files: dict[str, Path], opened: Opened) -> None:
    path = files[dialect]
    os.truncate(path, path.stat().st_size // 2)
    executor = opened(dialect, url=f"{dialect}://{path}")
    assert is_away("SELECT COUNT(*), SUM(km) FROM trips", executor)


def test_locked_sqlite_file_is_no_fault_of_the_answer(sqlite_file: Path, opened: Opened) -> None:
    executor = opened("sqlite", url=f"sqlite://{sqlite_file}")
    assert rows(on_file("SELECT COUNT(*) FROM cities", executor)) == [[3]]
    with closing(sqlite3.connect(sqlite_file, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        outcome = on_file("SELECT COUNT(*) FROM cities", executor)
        assert outcome.kind is OutcomeKind.UNAVAILABLE
        assert "database is locked" in outcome.reason
        writer.execute("ROLLBACK")
    assert rows(on_file("SELECT COUNT(*) FROM cities", executor)) == [[3]]


@contextlib.contextmanager
def another_process(script: str, says: bytes) -> Iterator[None]:
    """It has what it opened until the end."""
    command = [sys.executable, "-c", f"{script}; import sys; sys.stdin.read()"]
    one: Any = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert one.stdout.readline() == says
        yield
    finally:
        one.stdin.close()
        one.wait(20)
        one.stdout.close()


def test_duckdb_file_that_another_process_writes(duckdb_file: Path, opened: Opened) -> None:
    script = f"import duckdb; c = duckdb.connect({str(duckdb_file)!r}); print('open', flush=True)"
    with another_process(script, b"open\n"):
        executor = opened("duckdb", url=f"duckdb://{duckdb_file}")
        with pytest.raises(ServiceError, match="lock"):
            on_file("SELECT COUNT(*) FROM cities", executor)
    assert rows(on_file("SELECT COUNT(*) FROM cities", executor)) == [[3]]


@pytest.mark.parametrize("dialect", BOTH)
def test_two_processes_read_one_file(dialect: Dialect, files: dict[str, Path], opened: Opened) -> None:
    script = {
        "duckdb": f"import duckdb; c = duckdb.connect({str(files['duckdb'])!r}, read_only=True)",
        "sqlite": f"import sqlite3; c = sqlite3.connect('file:{files['sqlite']}?mode=ro', uri=True)",
    }[dialect]
    script += "; print(c.execute('SELECT COUNT(*) FROM trips').fetchone()[0], flush=True)"
    with another_process(script, b"60\n"):
        executor = opened(dialect, url=f"{dialect}://{files[dialect]}")
        assert rows(on_file("SELECT COUNT(*) FROM trips", executor)) == [[60]]


# --- what the guard lets through ----------------------------------------------------------


REFUSED: dict[Dialect, tuple[str, ...]] = {
    "sqlite": (
        "DELETE FROM trips",
        "CREATE TEMP TABLE z (a INT)",
        "ATTACH ':memory:' AS z",
        "PRAGMA journal_mode = WAL",
        "VACUUM INTO '/tmp/dstill-z.db'",
        "SELECT load_extension('x')",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT n FROM r",
    ),
    "duckdb": (
        "DELETE FROM trips",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "COPY trips TO '/tmp/dstill-z.csv'",
        "ATTACH '/tmp/dstill-z.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
        "SELECT * FROM library",  # DuckDB would find a variable of this name
    ),
}


@pytest.mark.parametrize("dialect", BOTH)
def test_connection_itself_refuses_writes_files_and_recursion(
    dialect: Dialect, files: dict[str, Path], opened: Opened
) -> None:
    """Without the guard."""
    executor = opened(dialect, url=f"{dialect}://{files[dialect]}")
    key = executor._opened(executor._file)  # type: ignore[arg-type]
    for text in REFUSED[dialect]:
        with pytest.raises(EngineError):
            fetched(executor._process, key, text)


PIECES = (
    "SELECT FROM WHERE GROUP BY ORDER LIMIT JOIN ON WITH AS UNION ALL DISTINCT ( ) ( ) , . * = < + || 1 'x'",
    "trips cities drivers n km name id paid started COUNT SUM REPLACE UPPER DATE INSERT INTO VALUES DELETE UPDATE SET",
    "DROP TABLE CREATE TEMP COPY TO ATTACH PRAGMA ; -- RETURNING CASE WHEN THEN END",
)
PIECE = st.sampled_from([word for line in PIECES for word in line.split()])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.lists(PIECE, min_size=2, max_size=20).map(" ".join), dialect=st.sampled_from(BOTH))
def test_what_passes_the_checks_never_writes(text: str, dialect: Dialect, pair: dict[str, Embedded]) -> None:
    outcome = pair[dialect].run(text if text.startswith("SELECT") else f"SELECT {text}", on_rows())
    assert outcome.kind in (OutcomeKind.OK, OutcomeKind.INVALID)
    counts = "SELECT (SELECT COUNT(*) FROM trips), (SELECT COUNT(*) FROM cities), (SELECT SUM(n) FROM trips)"
    assert rows(pair[dialect].run(counts, on_rows())) == [[60, 3, sum(range(60))]]


# --- what is left -------------------------------------------------------------------------


def open_files(executor: Embedded) -> set[str]:
    """The files that the process of an engine has open."""
    process = executor._process._process
    folder, found = Path(f"/proc/{process.pid}/fd"), set()
    for name in os.listdir(folder):
        with contextlib.suppress(OSError):
            found.add(os.readlink(folder / name))
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
@pytest.mark.parametrize("dialect", BOTH)
def test_no_file_no_process_and_no_thread_is_left_after_close(
    dialect: Dialect, files: dict[str, Path], opened: Opened
) -> None:
    planning.close()
    threads = threading.active_count()
    executor = opened(dialect, url=f"{dialect}://{files[dialect]}", seconds=0.2)
    assert rows(on_file("SELECT COUNT(*) FROM trips", executor)) == [[60]]
    on_file("SELECT COUNT(*) FROM trips a CROSS JOIN trips b CROSS JOIN trips c CROSS JOIN trips d", executor)
    for n in range(40):  # more databases than are kept open
        executor.run("SELECT id FROM cities", on_rows(rows={**ROWS, "cities": [[n, "x", "y"]]}))
    assert str(files[dialect]) not in open_files(executor)  # it was the first, and is closed
    on_file("SELECT COUNT(*) FROM trips", executor)
    assert str(files[dialect]) in open_files(executor)
    process = executor._process._process
    executor.close()
    planning.close()
    assert process.returncode == 0
    assert threading.active_count() == threads


@pytest.mark.parametrize("dialect", BOTH)
def test_file_that_is_replaced_is_read_again_after_an_error(
    dialect: Dialect, files: dict[str, Path], tmp_path: Path, opened: Opened
) -> None:
    good, path = files[dialect], tmp_path / "used.db"
    shutil.copy(good, path)
    data = bytearray(path.read_bytes())
    for place in range(4_200, len(data), 61):
        data[place] ^= 0xFF
    path.write_bytes(data)
    executor = opened(dialect, url=f"{dialect}://{path}")
    assert is_away("SELECT COUNT(*), SUM(km), MAX(started) FROM trips", executor)
    shutil.copy(good, path)
    assert rows(on_file("SELECT COUNT(*) FROM trips", executor)) == [[60]]
