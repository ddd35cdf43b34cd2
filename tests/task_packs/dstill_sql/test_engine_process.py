"""The process of an engine: it is ended in time, nothing of it is left, and dstill does not trust what it says."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import hostile_files
from support.rides import ROWS, on_rows, question
from support.sizes import first_quick
from support.sql_raw import fetched, made

from dstill.api.engine import Engine
from dstill.api.records import OutcomeKind
from dstill.errors import ServiceError
from dstill_sql.engines import planning, process, steps
from dstill_sql.engines.duckdb import DuckDb, DuckDbSettings
from dstill_sql.engines.embedded import Embedded
from dstill_sql.engines.process import Crashed, EngineError, EngineProcess, InMemory, Name, Stopped
from dstill_sql.engines.sqlite import Sqlite, SqliteSettings
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.database.schema_check import check
from dstill_sql.language.engine_text import fixed
from dstill_sql.language.limits import Limits
from dstill_sql.language.statements import read
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings

BOTH: tuple[Name, ...] = ("duckdb", "sqlite")
TEXTS = made("sqlite", "CREATE TABLE texts (body TEXT)", "texts", [["x" * 1_000_000]] * 2)
STUCK = f"SELECT {hostile_files.slow_steps()} FROM texts AS a, texts AS b"
NUMBERS = {engine: made(engine, "CREATE TABLE t (a INTEGER)", "t", [[n] for n in range(200)]) for engine in BOTH}
ENDLESS = {
    "duckdb": "SELECT SUM(n.range) FROM range(1000000000000) AS n",
    "sqlite": "SELECT COUNT(*) FROM t a, t b, t c, t d, t e, t f",
}
KILL_LIMIT = 60  # seconds for what ends at once
needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")

Started = Callable[..., EngineProcess]


@pytest.fixture
def started() -> Iterator[Started]:
    """``started("sqlite", seconds=1)``: a process, ended at the end."""
    processes: list[EngineProcess] = []

    def start(engine: Name, *, seconds: float = 20.0, memory_mb: int = 200) -> EngineProcess:
        processes.append(EngineProcess(engine, seconds=seconds, memory_mb=memory_mb))
        return processes[-1]

    yield start
    for one in processes:
        one.close()


def pid(one: EngineProcess) -> int:
    return one._process.pid


def is_gone(number: int) -> bool:
    """Whether a process ends."""
    for _ in range(KILL_LIMIT * 20):
        try:
            if Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


# --- limits -------------------------------------------------------------------------------


def test_step_that_no_interrupt_ends_is_ended(started: Started) -> None:
    one = started("sqlite", seconds=0.3)
    one.make("texts", TEXTS)
    with pytest.raises(Stopped):
        fetched(one, "texts", STUCK, 10)
    assert not one.has("texts")  # it was killed
    one.make("texts", TEXTS)
    assert fetched(one, "texts", "SELECT COUNT(*) FROM texts", 10) == (["COUNT(*)"], [[2]])


def test_answer_with_a_step_without_end_is_invalid() -> None:
    task = Sql(Settings(dialect="sqlite", guard=Limits(cross_joins=True)))
    data = on_rows(rows={**ROWS, "cities": [[n, f"{'x' * 1_000_000}{n}", "NO"] for n in range(2)]})
    with Sqlite(SqliteSettings(seconds=0.3)).open(task, Engine()) as executor:
        outcome = executor.run(f"SELECT {hostile_files.slow_steps('name')} FROM cities a CROSS JOIN cities b", data)
        assert (outcome.kind, outcome.reason) == (OutcomeKind.INVALID, "the query ran for more than 0.3 s")
        assert executor.run("SELECT COUNT(*) FROM cities", data).value["rows"] == [[2]]


@pytest.mark.parametrize("engine", BOTH)
def test_query_that_can_be_stopped_keeps_its_process(engine: Name, started: Started) -> None:
    one = started(engine, seconds=0.3)
    one.make("t", NUMBERS[engine])
    number = pid(one)
    with pytest.raises(Stopped):
        fetched(one, "t", ENDLESS[engine], 10)
    assert fetched(one, "t", "SELECT COUNT(*) AS n FROM t", 10) == (["n"], [[200]])
    assert pid(one) == number


@needs_proc
def test_texts_of_duckdb_count_as_memory(started: Started) -> None:
    """They escape its own limit: REPEAT makes 1.2 GB for one vector."""
    one = started("duckdb", memory_mb=100)
    one.make("t", NUMBERS["duckdb"])
    with pytest.raises(MemoryError):
        fetched(one, "t", "SELECT SUM(LENGTH(REPEAT('x', 6000000 + a) || 'y')) FROM t", 10)
    one.make("t", NUMBERS["duckdb"])
    assert fetched(one, "t", "SELECT SUM(LENGTH(REPEAT('x', 1000 + a))) AS n FROM t", 10)[1] == [[219_900]]


@pytest.mark.parametrize("engine", BOTH)
def test_database_that_cannot_be_made_closes_no_other(engine: Name, started: Started) -> None:
    one = started(engine)
    for n in range(36):
        one.make(f"t{n}", NUMBERS[engine])
    with pytest.raises(EngineError):
        one.make("wrong", made(engine, "CREATE TABLE", "t", []))
    assert not one.has("wrong")
    assert [n for n in range(36) if one.has(f"t{n}")] == list(range(1, 36))
    assert fetched(one, "t1", "SELECT COUNT(*) AS n FROM t", 10)[1] == [[200]]


@pytest.mark.parametrize("engine", BOTH)
def test_rows_that_do_not_fit_are_no_fault_of_the_answer(engine: Name) -> None:
    kind = DuckDb if engine == "duckdb" else Sqlite
    with kind().open(Sql(Settings(dialect=engine)), Engine()) as executor:
        outcome = executor.run("SELECT id FROM cities", on_rows(rows={**ROWS, "cities": [[1, "Oslo", "NO", "more"]]}))
        assert outcome.kind is OutcomeKind.UNAVAILABLE


@needs_proc
def test_many_databases_leave_each_query_its_memory(started: Started) -> None:
    one = started("duckdb", memory_mb=50)
    for n in range(50):
        one.make(f"t{n}", NUMBERS["duckdb"])
    assert not one.has("t0")
    assert fetched(one, "t49", "SELECT SUM(LENGTH(REPEAT('x', 100000 + a))) AS n FROM t", 10)[1] == [[20_019_900]]


# --- files --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("hostile")
    return {
        "sqlite": hostile_files.sqlite_file(folder / "hostile.db"),
        "duckdb": hostile_files.duckdb_file(folder / "hostile.duckdb"),
    }


VIEWS = """
CREATE TABLE t (a INTEGER, secret TEXT);
INSERT INTO t VALUES (1, 'x'), (2, 'y');
CREATE VIEW several AS WITH s AS (SELECT a AS n, secret FROM t) SELECT n, UPPER(secret) AS said FROM s;
CREATE VIEW nested AS WITH u AS (SELECT n FROM several) SELECT n FROM u;
CREATE VIEW counted AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 10) SELECT n FROM r;
CREATE VIEW endless AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT n FROM r;
"""


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("SELECT said FROM several ORDER BY n", [["X"], ["Y"]]),
        ("SELECT SUM(n) FROM nested", [[3]]),
        ("SELECT COUNT(*) FROM counted", [[10]]),
        ("WITH s AS (SELECT n FROM counted) SELECT MAX(n) FROM s", [[10]]),
        ("SELECT MAX(n) FROM endless", "the query ran for more than 0.5 s"),
    ],
)
def test_views_of_a_file_may_have_a_with(query: str, rows: Any, tmp_path: Path) -> None:
    path = tmp_path / "views.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(VIEWS)
    schema = "CREATE TABLE t (a INTEGER); CREATE TABLE several (n INTEGER, said TEXT); " + "".join(
        f"CREATE TABLE {name} (n INTEGER);" for name in ("nested", "counted", "endless")
    )
    task = Sql(Settings(dialect="sqlite"))
    with Sqlite(SqliteSettings(seconds=0.5)).open(task, Engine(url=f"sqlite://{path}")) as executor:
        outcome = executor.run(query, question(schema=schema))
    if isinstance(rows, list):
        assert outcome.value["rows"] == rows, outcome.reason
    else:
        assert (outcome.kind, outcome.reason) == (OutcomeKind.INVALID, rows)


def test_with_of_a_query_reads_no_more_than_the_query_names(started: Started) -> None:
    """Though it is called as one in a view, and the query reads that view."""
    one = started("sqlite")
    texts = [text for text in VIEWS.split(";\n") if text.strip()]
    one.make("t", InMemory(steps=[steps.run(fixed(text, "sqlite")) for text in texts], sealed=True))
    reads = {"tables": ["counted", "r", "t"], "inner": ["r"], "columns": ["a", "n"]}
    for text in (
        "WITH r AS (SELECT secret FROM t) SELECT MAX(n) FROM counted, r",
        "WITH r AS (SELECT n FROM several) SELECT MAX(n) FROM counted, r",
        "SELECT MAX(x.secret) FROM counted, (SELECT secret FROM t) AS x",
        "SELECT MAX(n) FROM counted WHERE n < (SELECT MAX(secret) FROM t AS x)",
    ):
        with pytest.raises(EngineError, match="prohibited"):
            one.ask([{"do": "fetch", "key": "t", "text": text, "most": 9, "values": [], "reads": reads}])


@pytest.mark.parametrize("engine", first_quick(BOTH))
def test_query_about_a_hostile_file_is_ended(engine: Name, hostile: dict[str, Path]) -> None:
    kind, of = (DuckDb, DuckDbSettings) if engine == "duckdb" else (Sqlite, SqliteSettings)
    url = f"{engine}://{hostile[engine]}"
    executor: Embedded = kind(of(seconds=0.5, memory_mb=100)).open(Sql(Settings(dialect=engine)), Engine(url=url))
    asked = question(schema="CREATE TABLE drivers (id BIGINT, city TEXT); CREATE TABLE texts (id INT, body TEXT);")
    with executor:
        outcome = executor.run("SELECT COUNT(*) FROM drivers", asked)
        assert (outcome.kind, outcome.reason) == (OutcomeKind.INVALID, "the query ran for more than 0.5 s")
        if engine == "duckdb":
            outcome = executor.run("SELECT MAX(body) FROM texts", asked)
            assert outcome.kind is OutcomeKind.INVALID
            assert outcome.reason in (
                "the query needs more memory than it may have",
                "the query ran for more than 0.5 s",
            )
        assert executor.run("SELECT MIN(id) FROM texts", asked).value["rows"] == [[0]]


@pytest.mark.parametrize("engine", first_quick(BOTH))
def test_commands_end_on_a_hostile_file(
    engine: Name, hostile: dict[str, Path], cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DSTILL_DISABLE")
    limits = ("--set", f"executor.{engine}.seconds=0.3", "--set", f"executor.{engine}.memory_mb=100")
    url = f"{engine}://{hostile[engine]}"
    ended = cli("init", "--task", "sql", "--engine-url", url, "--out", "mine", *limits, toy=False)
    assert ended.code == 0, ended.err
    assert "drivers.id" in ended.out.partition("no values (takes too long): ")[2]
    ended = cli("doctor", "--task", "sql", "--engine-url", url, *limits, toy=False)
    assert "6 of 6 right" in ended.out
    ended = cli("ask", "--task", "sql", "--engine-url", url, *limits, "how many drivers are there", toy=False)
    assert "the query ran for more than 0.3 s" in ended.out + ended.err


# --- planning -----------------------------------------------------------------------------

STEP = ", 'x', 'xxxxxxxxxx')"
GROWING = f"SELECT {'REPLACE(' * 9}'xxxxxxxxxx'{STEP * 9} AS grown FROM t"  # PREPARE computes it


def test_planning_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = SqlSchema.read("CREATE TABLE t (a INTEGER)", "duckdb")
    with monkeypatch.context() as patch:
        patch.setattr(planning, "SECONDS", 0.1)
        patch.setattr(planning, "_POOLS", {"duckdb": process.Pool("duckdb", seconds=0.1, memory_mb=500)})
        [problem] = check(read(GROWING, "duckdb"), schema)
    assert (problem.code, problem.message) == ("not_planned", "DuckDB takes more than 0.1 s to plan the query")
    assert list(check(read("SELECT a FROM t", "duckdb"), schema)) == []


@pytest.mark.parametrize("engine", BOTH)
def test_planner_in_use_holds_up_no_other_thread(engine: Name) -> None:
    schema = SqlSchema.read("CREATE TABLE t (a INTEGER)", engine)
    with planning._POOLS[engine].taken() as busy:
        found: list[str] = []
        thread = threading.Thread(
            target=lambda: found.append(planning.refusal(read("SELECT b FROM t", schema.dialect), schema))
        )
        thread.start()
        thread.join(KILL_LIMIT)
        assert len(found) == 1
        assert "b" in found[0]
        assert busy is not planning._POOLS[engine]._idle[-1]


def test_planner_that_was_killed_is_started_again() -> None:
    schema = SqlSchema.read("CREATE TABLE t (a INTEGER)", "sqlite")
    assert planning.refusal(read("SELECT a FROM t", schema.dialect), schema) == ""
    with planning._POOLS["sqlite"].taken() as one:
        os.kill(pid(one), signal.SIGKILL)
    assert planning.refusal(read("SELECT a FROM t", schema.dialect), schema) == ""
    assert planning.refusal(read("SELECT b FROM t", schema.dialect), schema) == "no such column: b"


@pytest.mark.parametrize("engine", BOTH)
def test_request_about_a_database_that_went_with_its_process(engine: Name, started: Started) -> None:
    running = started(engine)
    running.make("t", NUMBERS[engine])
    os.kill(pid(running), signal.SIGKILL)
    os.waitid(os.P_PID, pid(running), os.WEXITED | os.WNOWAIT)
    with pytest.raises(Crashed, match="holds the database no more") as raised:
        fetched(running, "t", "SELECT 1 AS a", 2)
    assert raised.value.of_file
    running.make("t", NUMBERS[engine])
    assert fetched(running, "t", "SELECT 1 AS a", 2)[1] == [[1]]


# --- its end ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("engine", "how", "of_file"),
    [("duckdb", "SIGKILL", True), ("sqlite", "SIGKILL", True), ("sqlite", "SIGSEGV", False)],
)
def test_process_that_is_killed_says_nothing_about_the_query_and_one_that_crashes_does(
    engine: Name, how: str, of_file: bool, started: Started
) -> None:
    one = started(engine)
    one.make("t", NUMBERS[engine])
    killer = threading.Timer(0.5, os.kill, (pid(one), getattr(signal, how)))
    killer.start()
    with pytest.raises(Crashed, match=f"broke off: {how}") as caught:
        fetched(one, "t", ENDLESS[engine], 10)
    killer.join()
    assert caught.value.of_file is of_file
    one.make("t", NUMBERS[engine])
    assert fetched(one, "t", "SELECT COUNT(*) AS n FROM t", 10)[1] == [[200]]


PARENT = f"""
import sys
sys.path.insert(0, {str(Path(hostile_files.__file__).parents[1])!r})
from dstill_sql.engines.process import EngineProcess
from support.sql_raw import fetched, made
one = EngineProcess(sys.argv[1], seconds=600.0, memory_mb=200)
one.make("t", made(sys.argv[1], "CREATE TABLE t (a INTEGER)", "t", [[n] for n in range(200)]))
print(one._process.pid, flush=True)
fetched(one, "t", {ENDLESS!r}[sys.argv[1]], 10)
"""


@needs_proc
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("engine", BOTH)
def test_no_process_is_left(engine: Name, how: signal.Signals) -> None:
    """Ctrl-C goes to the group of dstill, in which the engine is not; a kill reaches dstill alone."""
    command = [sys.executable, "-c", PARENT, engine]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0)
    child = int(parent.stdout.readline())
    time.sleep(0.3)  # the query runs
    os.killpg(parent.pid, how)
    _, told = parent.communicate(timeout=KILL_LIMIT)
    assert is_gone(child)
    assert (b"KeyboardInterrupt" in told) == (how == signal.SIGINT)


@needs_proc
def test_process_gets_no_secret(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_LOGIN", "reader:secret")
    one = started("sqlite")
    one.make("t", NUMBERS["sqlite"])
    assert b"SHOP_LOGIN" not in Path(f"/proc/{pid(one)}/environ").read_bytes()


def test_process_that_cannot_start_is_named(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(ServiceError, match="cannot start a process for SQLite"):
        started("sqlite").make("t", NUMBERS["sqlite"])


# --- messages -----------------------------------------------------------------------------


def framed(body: bytes) -> bytes:
    return struct.pack("!I", len(body)) + body


WRONG = {
    "nothing": b"",
    "half a message": framed(b'{"columns": []')[:-3],
    "no JSON": framed(b"cos\nsystem\n(S'id'\ntR."),
    "deep": framed(b"[" * 200_000),
    "no object": framed(b"[1]"),
    "rows that are none": framed(b'{"columns": ["a"], "rows": 5, "cpu": 0.1}'),
    "a row that is too wide": framed(b'{"columns": ["a"], "rows": [[1, 2]], "cpu": 0.1}'),
    "a cell that is no value": framed(b'{"columns": ["a"], "rows": [[{"a": 1}]], "cpu": 0.1}'),
    "columns without names": framed(b'{"columns": [1], "rows": [[1]], "cpu": 0.1}'),
    "more rows than asked for": framed(b'{"rows": [[1], [2], [3]]}'),
    "an error without a message": framed(b'{"error": 5, "message": null}'),
    "no time": framed(b'{"columns": [], "rows": []}'),
}


@pytest.fixture
def answering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: Started) -> Callable[[bytes], EngineProcess]:
    """A process that answers every request with these bytes, and ends."""

    def make(answer: bytes) -> EngineProcess:
        (tmp_path / "answer").write_bytes(answer)
        text = f"import os, sys; os.read(0, 9); os.write(1, open({str(tmp_path / 'answer')!r}, 'rb').read())"
        (tmp_path / "worker.py").write_text(text)
        monkeypatch.setattr(process, "_WORKER", tmp_path / "worker.py")
        answerer = started("sqlite")
        answerer.start()
        answerer._keys["t"] = None  # as if it had made a database
        return answerer

    return make


@pytest.mark.parametrize("kind", WRONG)
def test_message_of_another_form_is_refused(kind: str, answering: Callable[[bytes], EngineProcess]) -> None:
    with pytest.raises(Crashed, match="SQLite broke off: its answer cannot be read"):
        fetched(answering(WRONG[kind]), "t", "SELECT 1", 2)


def test_message_that_is_too_long_is_not_read(answering: Callable[[bytes], EngineProcess]) -> None:
    with pytest.raises(MemoryError):
        fetched(answering(struct.pack("!I", 2**32 - 1)), "t", "SELECT 1", 2)


@pytest.mark.parametrize("engine", BOTH)
def test_text_that_is_no_unicode_is_an_error_of_the_query(engine: Name, started: Started) -> None:
    one = started(engine)
    one.make("t", NUMBERS[engine])
    with pytest.raises(EngineError):
        fetched(one, "t", "SELECT '\ud800'", 2)
    assert fetched(one, "t", "SELECT 'é\U0001f600' AS a", 2)[1] == [["é\U0001f600"]]
