"""Whatever text the guard lets through does nothing that is not allowed, as the engines themselves read and run it.

Texts come from templates of the engines' grammars with leaves that do not belong there, and from everyday queries with
words changed (`support.sql_texts`). What passes is read by the engine's own parser (`support.sql_labs`), runs on a
database with canaries, and runs in the executor, within its limits.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from support.loopback_postgres import OWNER_PASSWORD, Postgres, postgres
from support.sql_labs import DuckDbLab, EngineRefuses, Lab, PostgresLab, SqliteLab
from support.sql_texts import CANARIES, DENIED, OPEN, Texts, rows, statements

from dstill.errors import DataError
from dstill_sql import known_answers
from dstill_sql.engines import running
from dstill_sql.engines.clock import frozen
from dstill_sql.engines.duckdb import DuckDb
from dstill_sql.engines.embedded import Embedded, EmbeddedSettings
from dstill_sql.engines.sqlite import Sqlite
from dstill_sql.engines.translating import Untranslatable, translated
from dstill_sql.language import guard
from dstill_sql.language.database.database import Rows
from dstill_sql.language.database.schema import SqlSchema
from dstill_sql.language.dialects import DIALECTS, Dialect
from dstill_sql.language.engine_text import NotPrintable
from dstill_sql.language.limits import Limits
from dstill_sql.language.printing import created, settled
from dstill_sql.language.statements import NotOneQuery, read

__all__ = ["postgres"]  # the fixture

SCHEMAS: dict[Dialect, SqlSchema] = {dialect: SqlSchema.read(statements(dialect), dialect) for dialect in DIALECTS}
EVERYDAY = Path(__file__).parents[1] / "task_packs" / "dstill_sql" / "agreement.sql"
NOW = "2024-06-18T12:00:00"  # for the clocks of queries
LONG_ROWS = 300  # of the table on which texts grow
MEGABYTE = 2**20
OWN_MB = 250  # of a process beside its query: Python, the engine, and what it may take beyond its limit
TALLY: Counter[str] = Counter()
COSTLIEST: dict[str, dict[str, Any]] = {}


@cache
def everyday(dialect: Dialect) -> Sequence[str]:
    """Queries in one dialect, among them hostile ones."""
    texts = []
    for line in EVERYDAY.read_text().splitlines():
        if line and not line.startswith("--"):
            texts.append(translated(read(line, "duckdb"), "duckdb", dialect, SCHEMAS["duckdb"]).sql(dialect))
    schema = SCHEMAS[dialect]
    pairs = [*known_answers.equal(schema), *known_answers.different(schema)]
    return [*texts, *known_answers.hostile(schema), *(text for pair in pairs for text in pair)]


@pytest.fixture(scope="module", autouse=True)
def _tally() -> Iterator[None]:
    """With ``DSTILL_FUZZ_TALLY=FILE``, say at the end how many texts were tried, and what the costliest took."""
    yield
    if path := os.environ.get("DSTILL_FUZZ_TALLY"):
        with Path(path).open("a") as file:
            file.write(json.dumps({"tried": TALLY, "costliest": COSTLIEST}) + "\n")


def count(dialect: Dialect, what: str) -> None:
    TALLY[f"{dialect}: {what}"] += 1
    event(what)


# --- queries ----------------------------------------------------------------------------

choices = st.randoms(use_true_random=False)


def statements_of(text: str, limits: Limits, dialect: Dialect, lab: Lab) -> list[str]:
    """The texts that the engine of the lab gets for an answer in a dialect; none if the answer is refused."""
    sent: list[str] = []

    def fetch(statement: Any, most: int) -> tuple[Sequence[str], Sequence[Any]]:
        sent.append(statement.text)
        return [], lab.rows(statement.text)

    try:
        query = read(text, dialect)
        problems = list(guard.check(query, SCHEMAS[dialect], limits, dialect))
    except NotOneQuery:
        count(dialect, "not read")
        return []
    if problems:
        count(dialect, "refused by the guard")
        return []
    try:
        query = frozen(settled(query, dialect), NOW, dialect, SCHEMAS[dialect])
        running.run(translated(query, dialect, lab.dialect, SCHEMAS[dialect]), lab.dialect, fetch)
    except (NotPrintable, Untranslatable):
        count(dialect, "not printed")
    except (EngineRefuses, running.TooManyRows, IndexError, ValueError):  # the lab gives fewer rows than are asked for
        pass
    return sent


def check_text(text: str, denied: Sequence[str], lab: Lab, dialect: Dialect | None = None) -> list[str]:
    """Read, check, print and run an answer. Gives what was sent. `dialect`: that of the answer, if it is translated."""
    dialect = dialect or lab.dialect
    count(dialect, "texts" if dialect == lab.dialect else f"texts for {lab.dialect}")
    limits = Limits(denied=tuple(denied), cross_joins=True)
    sent = statements_of(text, limits, dialect, lab)
    for statement in sent:
        check_statement(statement, denied, lab)
    return sent


def check_statement(statement: str, denied: Sequence[str], lab: Lab) -> None:
    try:
        seen = lab.seen(statement)
        assert not seen.others, (seen.others, statement)
        assert not seen.tables & {"hidden", "sqlite_master", "sqlite_schema"}, (seen.tables, statement)
        if denied == DENIED:
            wraps = "sort_key_0" in statement  # SELECT *, … FROM (the answer), which `engines.running` writes
            assert not seen.columns & (_DENIED_NAMES[lab.dialect] - ({"*"} if wraps else set())), (
                seen.columns,
                statement,
            )
        found = lab.rows(statement)
    except EngineRefuses:
        count(lab.dialect, "refused by the engine")
        return
    count(lab.dialect, "ran")
    shown = repr(found)
    assert not any(canary in shown for canary in CANARIES if canary != CANARIES[0] or denied == DENIED), statement


_DENIED_NAMES = {"sqlite": {"secret"}, "duckdb": {"secret", "deep", "*"}, "postgres": {"secret", "*"}}
LABS: dict[Dialect, type[Lab]] = {"sqlite": SqliteLab, "duckdb": DuckDbLab, "postgres": PostgresLab}


@pytest.fixture(scope="module", params=DIALECTS)
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    opened = LABS[request.param]()
    before = opened.state()
    yield opened
    assert opened.state() == before


@given(choices, st.sampled_from((OPEN, DENIED)), st.booleans())
def test_texts_that_pass_do_only_what_is_allowed(
    lab: Lab, rng: random.Random, denied: Sequence[str], mutates: bool
) -> None:
    texts = Texts(rng, lab.dialect, everyday(lab.dialect))
    check_text(texts.mutant() if mutates else texts.query(), denied, lab)


@given(choices, st.sampled_from((OPEN, DENIED)), st.sampled_from(DIALECTS), st.booleans())
def test_translated_texts_do_only_what_is_allowed(
    lab: Lab, rng: random.Random, denied: Sequence[str], source: Dialect, mutates: bool
) -> None:
    texts = Texts(rng, source, everyday(source))
    check_text(texts.mutant() if mutates else texts.query(), denied, lab, source)


# --- a real PostgreSQL ------------------------------------------------------------------


@pytest.fixture(scope="module")
def live_lab(postgres: Postgres) -> Iterator[PostgresLab]:
    """Answers run as a superuser, who may do anything: only the guard and the printed text hold them back."""
    from dstill_sql.engines.server import Server

    postgres.run("CREATE DATABASE fuzz")
    postgres.run(*filter(str.strip, statements("postgres").split(";")), database="fuzz")
    for table, lines in rows("postgres").items():
        values = ", ".join("(" + ", ".join(map(literal, line)) + ")" for line in lines)
        postgres.run(f"INSERT INTO {table} VALUES {values}", database="fuzz")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUZZ_LOGIN", f"owner:{OWNER_PASSWORD}")
        engine = postgres.engine("fuzz", basic_auth_env="FUZZ_LOGIN")
        with Server(engine, seconds=2.0, memory_mb=16, temporary_mb=100) as server:
            opened = PostgresLab(server, lambda text: postgres.run(text, database="fuzz"))
            before = opened.state()
            yield opened
            assert opened.state() == before


def literal(value: object) -> str:
    if value is None or isinstance(value, (bool, int, float)):
        return {"None": "NULL", "True": "TRUE", "False": "FALSE"}.get(str(value), str(value))
    return "'" + str(value).replace("'", "''") + "'"


@pytest.mark.live
@given(choices, st.sampled_from((OPEN, DENIED)), st.booleans())
def test_texts_that_pass_do_only_what_is_allowed_on_a_postgres_server(
    live_lab: PostgresLab, rng: random.Random, denied: Sequence[str], mutates: bool
) -> None:
    texts = Texts(rng, "postgres", everyday("postgres"))
    for statement in check_text(texts.mutant() if mutates else texts.query(), denied, live_lab):
        assert not live_lab.volatile(statement), statement


# --- schemas ----------------------------------------------------------------------------


@given(choices)
def test_texts_of_schemas_create_only_their_tables(lab: Lab, rng: random.Random) -> None:
    text = Texts(rng, lab.dialect, everyday(lab.dialect)).ddl()
    count(lab.dialect, "schemas")
    try:
        tables = SqlSchema.read(text, lab.dialect).tables
    except DataError:
        count(lab.dialect, "schema not read")
        return
    for table in tables:
        try:
            statement = created(table, lab.dialect).text
            made = lab.columns_of(statement)
        except NotPrintable:
            count(lab.dialect, "schema not printed")
        except EngineRefuses:
            count(lab.dialect, "schema refused by the engine")
        else:
            count(lab.dialect, "schema created")
            assert made == {table.name: [column.name for column in table.columns]}, statement


# --- cost -------------------------------------------------------------------------------

EXECUTORS: dict[Dialect, type[Embedded]] = {"sqlite": Sqlite, "duckdb": DuckDb}


def long_rows(dialect: Dialect) -> Rows:
    """A table with long texts, and the others."""
    content = rows(dialect)
    head = content["emp"][0]
    note = "a long text, " * 80
    content["emp"] = [[n, f"name {n}", *head[2:8], f"{n} {note}", *head[9:]] for n in range(LONG_ROWS)]
    return Rows(schema=SCHEMAS[dialect], read=lambda: content, digest="long")


@pytest.fixture(scope="module", params=EXECUTORS)
def executor(request: pytest.FixtureRequest) -> Iterator[Embedded]:
    kind = EXECUTORS[request.param]
    opened = kind(EmbeddedSettings(seconds=2.0, memory_mb=300))
    yield opened
    opened.close()


def peak_mb(executor: Embedded) -> float:
    """The most memory that the process of the engine had since `forget_peak`; 0 if it ended."""
    process = executor._process._process
    status = Path(f"/proc/{process.pid}/status") if process is not None and process.poll() is None else None
    if status is None or not status.is_file():
        return 0.0
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024


def forget_peak(executor: Embedded) -> None:
    process = executor._process._process
    if process is not None and process.poll() is None and Path(f"/proc/{process.pid}/clear_refs").is_file():
        Path(f"/proc/{process.pid}/clear_refs").write_text("5")


@settings(max_examples=50)
@given(choices)
def test_costly_texts_stay_within_the_limits(executor: Embedded, rng: random.Random) -> None:
    """The memory of the process is measured. Time has no bound here: the executor ends what takes too long."""
    dialect = executor.dialect
    text = Texts(rng, dialect).costly()
    count(dialect, "costly texts")
    try:
        query = read(text, dialect)
    except NotOneQuery:
        return
    if list(guard.check(query, SCHEMAS[dialect], Limits(cross_joins=True), dialect)):
        count(dialect, "costly text refused")
        return
    executor.run_on(read("SELECT 1", dialect), long_rows(dialect))  # the process may have to start, and to load them
    forget_peak(executor)
    cpu = executor._process.cpu
    outcome = executor.run_on(settled(query, dialect), long_rows(dialect))
    memory, seconds = peak_mb(executor), executor._process.cpu - cpu
    count(dialect, f"costly text: {outcome.kind}")
    assert "broke off" not in outcome.reason, (text, outcome.reason)
    assert memory <= executor.config.memory_mb + OWN_MB, text
    for what, cost in (("seconds", seconds), ("MB", memory)):
        if outcome.value is not None and cost > COSTLIEST.get(f"{dialect} {what}", {}).get("cost", 0):
            COSTLIEST[f"{dialect} {what}"] = {"cost": cost, "text": text}
