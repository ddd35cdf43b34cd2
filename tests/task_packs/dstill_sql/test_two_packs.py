"""Commands where the Query DSL pack and this one are installed: which task they take, and what they say."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstill.runs.run import Run

PACKS = {"querydsl", "sql"}
SERVER = "http://127.0.0.1:1"
BODY = b'{"query":{"match_all":{}}}'


@pytest.fixture
def packs(cli: Callable[..., Any], enable: Callable[..., None]) -> Callable[..., Any]:
    """The command line with both packs."""
    enable(*PACKS)
    return lambda *words, **named: cli(*words, toy=False, **named)


def task_of(folder: Path) -> str:
    return next(line for line in (folder / "dstill.toml").read_text().splitlines() if line.startswith("task = "))


# --- which task -------------------------------------------------------------------------


def test_init_takes_the_task_of_the_address(packs: Callable[..., Any], sqlite_file: Path, duckdb_file: Path) -> None:
    for url in (f"sqlite://{sqlite_file}", f"duckdb://{duckdb_file}"):
        out = Path(url.partition(":")[0])
        ended = packs("init", "--engine-url", url, "--out", out)
        assert ended.code == 0, ended.err
        assert task_of(out) == 'task = "sql"'
        assert "for task 'sql'" in ended.out
    assert "cannot reach an engine" in packs("init", "--engine-url", SERVER, "--index", "x", "--out", "there").err
    assert packs("init", "--out", "none").code == 0
    assert task_of(Path("none")) == 'task = "querydsl"'


def test_default_task_is_marked_in_the_list(packs: Callable[..., Any]) -> None:
    shown = " ".join(packs("pack", "list").out.split())
    assert shown.count("(the default)") == 1
    assert "that executors run. (the default) tasks sql" in shown


def test_path_of_a_file_is_no_address(packs: Callable[..., Any], sqlite_file: Path) -> None:
    ended = packs("ask", "--engine-url", sqlite_file, "how many drivers are there")
    assert ended.code == 2
    assert ended.err.startswith("error: refused address: it is a file, and an address begins with the kind of engine\n")
    address = f"sqlite:///{sqlite_file}"
    assert ended.err.endswith(f"hint: write its kind before its whole path, for example {address}\n")
    assert packs("doctor", "--engine-url", address).code == 0


def test_examples_of_ask_and_adapt_name_what_the_server_needs(packs: Callable[..., Any]) -> None:
    """An address of a search server alone is refused: it has many indices."""
    for command in ("ask", "adapt", "init"):
        examples = packs(command, "--help").out.partition("Examples:\n")[2].splitlines()
        served = [line for line in examples if "http://" in line]
        assert served
        assert all(" --index " in line for line in served)


def test_ask_names_columns_and_writes_all_rows(
    packs: Callable[..., Any], enable: Callable[..., None], sqlite_file: Path
) -> None:
    enable("linked", "torch")
    question = ("how many trips are there per driver", "--limit", "1", "--csv", "trips.csv")
    ended = packs("ask", "--engine-url", f"sqlite://{sqlite_file}", *question)
    assert ended.code == 0, ended.err
    [head] = [line for line in ended.out.splitlines() if line.rstrip().endswith("count")]
    rows = Path("trips.csv").read_text().splitlines()
    assert (len(rows) > 2, rows[0].endswith("COUNT(*)")) == (True, True)
    assert f": --limit {len(rows) - 1} shows all {len(rows) - 1}" in ended.out
    assert "COUNT(*)" not in head


@pytest.mark.slow
def test_project_wins(packs: Callable[..., Any], sqlite_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert packs("init", "--engine-url", f"sqlite://{sqlite_file}", "--out", "mine").code == 0
    assert packs("check", "--format", "answers", stdin=BODY).code == 0
    monkeypatch.chdir("mine")
    assert packs("check", "--format", "answers", stdin=b"SELECT COUNT(*) FROM trips").code == 0
    assert packs("check", "--format", "answers", stdin=BODY).code == 9
    assert "SELECT" in packs("data", "questions", "-n", "1").out
    assert packs("check", "--format", "answers", "--task", "querydsl", stdin=BODY).code == 0
    ended = packs("data", "questions", "-n", "1", "--task", "querydsl", "--out", "q.jsonl")
    assert ended.err.endswith("next: dstill generate --questions q.jsonl --task querydsl\n")


def test_run_keeps_the_task_of_its_address(packs: Callable[..., Any], sqlite_file: Path) -> None:
    made = ("--set", "task.sql.db=shop", "--set", "task.sql.n_questions=12", "--set", "task.sql.dialect=sqlite")
    ended = packs("generate", "--engine-url", f"sqlite://{sqlite_file}", *made, "--out", "mine")
    assert ended.code == 0, ended.err
    assert 'task = "sql"' in Path("mine/config.toml").read_text()
    assert Run.open("mine", flags={"engine.url": SERVER}).task.name == "sql"


# --- options of the pack ----------------------------------------------------------------


def test_schema_of_a_file_is_enough_for_questions(packs: Callable[..., Any]) -> None:
    Path("taxi.sql").write_text("CREATE TABLE drivers (id INT PRIMARY KEY, name TEXT, city TEXT);")
    Path("values.json").write_text('{"drivers.city": ["Oslo", "Bergen"]}')
    words = ("--schema", "taxi.sql", "--values", "values.json", "--dialect", "postgres")
    ended = packs("data", "questions", *words, "-n", "5", "--out", "q.jsonl")
    assert ended.code == 0, ended.err
    assert "generate --questions q.jsonl --task sql --set task.sql.schema=taxi.sql --set task.sql.db=taxi" in ended.err
    rows = [json.loads(line) for line in Path("q.jsonl").read_text().splitlines()]
    assert {row["context"]["db"] for row in rows} == {"taxi"}
    assert "give --schema too" in packs("data", "questions", "--task", "sql", "--values", "values.json").err
    assert "give --mapping too" in packs("data", "questions", "--values", "values.json").err


def test_questions_without_a_database_are_about_the_bundled_ones(packs: Callable[..., Any]) -> None:
    ended = packs("data", "questions", "--task", "sql", "-n", "4", "--json")
    names = {json.loads(line)["context"]["db"] for line in ended.out.splitlines()}
    assert len(names) > 1
    unknown = packs("data", "questions", "--task", "sql", "--set", "task.sql.db=shp")
    assert "the schema of 'shp' is not known. Did you mean 'shop'?" in unknown.err


def test_assumed_task_of_stdin_is_named_if_there_are_errors(packs: Callable[..., Any]) -> None:
    ended = packs("check", "-", stdin=b"SELECT name FROM drivers")
    assert ended.code == 9
    assert "note: task 'querydsl' was assumed: give --task NAME, or --stdin-name FILE, for sql" in ended.err
    for words in (("--task", "sql"), ("--stdin-name", "a.sql")):
        assert "assumed" not in packs("check", "-", *words, stdin=b"SELECT name FROM").err


def test_schema_of_a_file_or_of_a_row_is_checked(packs: Callable[..., Any]) -> None:
    Path("taxi.sql").write_text("CREATE TABLE drivers (id INT, name TEXT);")
    ended = packs("check", "--format", "answers", "--schema", "taxi.sql", stdin=b"SELECT nam FROM drivers")
    assert ended.code == 9
    assert "Did you mean 'name'?" in ended.out
    row = {"id": "a", "query": "SELECT nam FROM drivers", "schema": "CREATE TABLE drivers (nam TEXT)"}
    assert packs("check", "--format", "answers", "--task", "sql", stdin=json.dumps(row).encode()).code == 0
    assert (
        "give --schema" in packs("check", "--format", "answers", "--task", "sql", stdin=b"SELECT name FROM drivers").err
    )


# --- files that are no good -------------------------------------------------------------


def test_doctor_opens_the_file_and_compares_its_tables(
    packs: Callable[..., Any], sqlite_file: Path, duckdb_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "6 of 6 right" in packs("doctor", "--engine-url", f"duckdb://{duckdb_file}").out
    assert packs("init", "--engine-url", f"sqlite://{sqlite_file}", "--out", "mine").code == 0
    monkeypatch.chdir("mine")
    assert "3, as in the settings" in packs("doctor").out
    with sqlite3.connect(sqlite_file) as connection:
        connection.execute("ALTER TABLE trips DROP COLUMN km")
    connection.close()
    ended = packs("doctor")
    assert ended.code == 3
    assert "the schema of the settings is not that of the database: removed trips.km" in ended.err
    sqlite_file.write_bytes(sqlite_file.read_bytes()[:9000])
    ended = packs("doctor")
    assert ended.code == 7
    assert "SQLite cannot" in ended.err


def test_file_of_the_other_engine_is_named(packs: Callable[..., Any], sqlite_file: Path, duckdb_file: Path) -> None:
    ended = packs("init", "--engine-url", f"duckdb://{sqlite_file}", "--out", "mine")
    assert ended.code == 7
    assert "write sqlite:// instead of duckdb://" in ended.err
    assert "write duckdb:// instead" in packs("init", "--engine-url", f"sqlite://{duckdb_file}", "--out", "mine").err


# --- without the extra ------------------------------------------------------------------

WITHOUT = """
import io, sys
from dstill.cli import run
for name in {names}:
    sys.modules[name] = None
for words in {calls}:
    sys.stdin = io.TextIOWrapper(io.BytesIO({body}))
    sys.stderr = io.StringIO()
    sys.stdout = io.StringIO()
    code, told = run(words), sys.stderr.getvalue()
    sys.stdout = sys.__stdout__
    print(code, told.splitlines()[0] if told else "", flush=True)
"""


def without(names: list[str], *calls: list[str]) -> list[str]:
    """The exit code of each call and the first line of its errors, in a process that lacks these libraries."""
    text = WITHOUT.format(names=names, calls=calls, body=BODY)
    ended = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    return ended.stdout.splitlines()


@pytest.mark.slow
def test_without_the_extra_the_other_pack_works(packs: Callable[..., Any], sqlite_file: Path) -> None:
    missing = "2 error: the SQL pack needs the extra 'sql' (sqlglot is not installed)"
    found = without(
        ["sqlglot", "duckdb", "psycopg"],
        ["pack", "list"],
        ["init", "--out", "here"],
        ["check", "--format", "answers"],
        ["data", "questions", "-n", "1", "--out", "q.jsonl"],
        ["init", "--engine-url", f"sqlite://{sqlite_file}", "--out", "there"],
        ["init", "--task", "sql", "--out", "there"],
        ["check", "--format", "answers", "--task", "sql"],
        ["data", "questions", "--task", "sql"],
        ["pack", "check", "sql"],
        ["demo", "--task", "sql"],
    )
    assert [line[:1] for line in found[:4]] == ["0"] * 4, found
    assert found[4:] == [missing] * 6
    assert not Path("there").exists()


@pytest.mark.slow
def test_an_engine_that_is_not_installed_is_named(packs: Callable[..., Any], sqlite_file: Path) -> None:
    found = without(
        ["duckdb", "psycopg"],
        ["init", "--engine-url", "postgresql://127.0.0.1:1/shop"],
        ["doctor", "--engine-url", "postgresql://127.0.0.1:1/shop"],
        ["data", "questions", "--task", "sql"],
        ["init", "--engine-url", f"sqlite://{sqlite_file}"],
    )
    assert found == [
        *["2 error: the executor postgresql needs the extra 'postgresql' (psycopg is not installed)"] * 2,
        "2 error: the executor duckdb needs the extra 'sql' (duckdb is not installed)",
        "0 ",
    ]


def test_parser_does_not_print_answers() -> None:
    text = (
        "from dstill_sql.language.statements import read\ntry: read('LOAD httpfs', 'duckdb')\nexcept ValueError: pass"
    )
    ended = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert ended.stdout + ended.stderr == ""
