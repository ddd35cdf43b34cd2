"""The grammar of a database: what it lets through, and what not."""

from __future__ import annotations

import time

import pytest
from support.sql_questions import asked, example

from dstill.api.protocols import ConstrainedOutput, Linked
from dstill.api.records import Example
from dstill_constrain.compiler import Compiler
from dstill_constrain.ebnf import parse
from dstill_constrain.vocabulary import Vocabulary
from dstill_sql.language.dialects import DIALECTS, Dialect
from dstill_sql.language.limits import Limits
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings

BYTES = Vocabulary((*(bytes([byte]) for byte in range(256)), b""), 256, leading_space=False)
COMPILER = Compiler(BYTES)


def reads(text: str, task: Sql, of: Example) -> bool:
    made = ConstrainedOutput.of(task).grammar(of)
    assert made is not None
    state = COMPILER.start(made)
    return state.try_consume(list(text.encode())) and state.complete


@pytest.mark.parametrize("dialect", DIALECTS)
def test_accepts_every_gold_as_written_and_as_the_linked_form_writes_it(dialect: Dialect) -> None:
    task = Sql(Settings(dialect=dialect))
    form = Linked.of(task).form()
    step = 3 if dialect == "duckdb" else 8
    for one in asked(dialect)[::step]:
        of = example(one.database, one.question)
        reading = form.read(of)
        assert reads(form.decode(form.encode(one.query, reading), reading), task, of), one.query
        if " AS total" not in one.query and " AS n " not in one.query:  # columns of a query in FROM have fixed names
            assert reads(one.query, task, of), one.query


@pytest.mark.parametrize(
    "text",
    [
        "SELECT nme FROM drivers",
        "SELECT name FROM driver",
        "SELECT name FROM drivers; DROP TABLE drivers",
        "DELETE FROM drivers",
        "SELECT name FROM read_csv('/etc/passwd')",
        "SELECT REVERSE(name) FROM drivers",
        "SELECT name FROM drivers WHERE",
        "SELECT name FROM drivers WHERE name = 'a",
        "SELECT name FROM drivers LIMIT -1",
        "WITH d AS (SELECT name FROM drivers) SELECT name FROM d",
        "-- no answer\nSELECT name FROM drivers",
        "",
    ],
)
def test_rejects(text: str) -> None:
    assert not reads(text, Sql(Settings()), example("taxi", "x"))


def test_what_is_denied_has_no_name() -> None:
    task = Sql(Settings(guard=Limits(denied=("trips", "drivers.phone"))))
    of = example("taxi", "x")
    assert reads("SELECT name FROM drivers", task, of)
    assert not reads("SELECT phone FROM drivers", task, of)
    assert not reads("SELECT name FROM trips", task, of)


def test_names_that_need_quotes() -> None:
    of = Example(id="1", question="x", context={"db": "x", "schema": 'CREATE TABLE "a b" ("select" INT, "q""x" INT)'})
    for text in ('SELECT "select" FROM "a b"', 'SELECT "a b"."q""x" FROM "a b" WHERE "select" > 3'):
        assert reads(text, Sql(Settings()), of)


@pytest.mark.parametrize("ddl", ["", "CREATE TABLE t (a INT)"])
def test_small_schemas(ddl: str) -> None:
    of = Example(id="1", question="x", context={"db": "x", "schema": ddl})
    assert reads("-- no answer (missing: a, b)", Sql(Settings()), of)
    assert reads("SELECT a FROM t", Sql(Settings()), of) is bool(ddl)


def test_it_is_small_also_for_many_tables() -> None:
    ddl = "".join(f"CREATE TABLE part{n} (id INT, size{n} INT);" for n in range(1_000))
    of = Example(id="1", question="x", context={"db": "x", "schema": ddl})
    task = Sql(Settings())
    made = ConstrainedOutput.of(task).grammar(example("taxi", "x"))
    assert made.ebnf is not None
    assert len(made.ebnf) < 12_000
    assert parse(made.ebnf).longest() is None
    task.database(of)
    started = time.process_time()
    assert reads("SELECT size7 FROM part7", task, of)
    assert time.process_time() - started < 5


def test_without_a_schema_anything_may_be_written() -> None:
    assert ConstrainedOutput.of(Sql(Settings())).grammar(Example(id="1", question="x", context={})) is None
