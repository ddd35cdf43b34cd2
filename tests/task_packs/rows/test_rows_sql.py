"""Whose rows SQL reads: no answer tells a caller whether the rows of another tenant exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.loopback_postgres import OWNER_PASSWORD, Postgres, postgres
from support.tenants import COLUMNS, OF_TENANT, SCHEMA, VIEW, database, inserts, seen, texts

from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.protocols import ValueLookup
from dstill.api.records import Example, OutcomeKind, TestDatabase
from dstill.api.rows import Caller
from dstill.errors import AuthError, ConfigError
from dstill_sql.engines.duckdb import DuckDb
from dstill_sql.engines.postgresql import Postgresql, PostgresqlSettings
from dstill_sql.engines.sqlite import Sqlite
from dstill_sql.language.database.database import Rows
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.limits import Limits
from dstill_sql.language.printing import created
from dstill_sql.language.statements import read
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings

__all__ = ["postgres"]  # the fixture

ROWS = {**dict.fromkeys(COLUMNS, OF_TENANT), "countries": ""}
ANSWERS = texts("sql")
ASKED = Example(id="1", question="?", context={"db": "shop"})
Pair = tuple[Executor, Executor]  # on the data of both tenants, and on those of one


def task(folder: Path, dialect: Dialect, rows: Mapping[str, str], caller: Mapping[str, Any], file: str = "") -> Sql:
    (folder / "schema.sql").write_text(SCHEMA)
    limits = Limits(cross_joins=True, rows=rows, caller=caller)
    return Sql(Settings(db="shop", dialect=dialect, schema=str(folder / "schema.sql"), database=file, guard=limits))


def opened(
    engine: Dialect,
    folder: Path,
    *,
    shared: bool = True,
    rows: Mapping[str, str] = ROWS,
    caller: Mapping[str, Any] | None = None,
) -> Executor:
    folder.mkdir(exist_ok=True)
    file = folder / f"{'shared' if shared else 'alone'}.{engine}"
    if not file.exists():
        database(folder, engine, shared=shared)
    about = task(folder, engine, rows, {"tenant": "a"} if caller is None else caller, str(file))
    return (DuckDb() if engine == "duckdb" else Sqlite()).open(about, Engine())


@pytest.fixture(scope="module", params=["duckdb", "sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def pair(engine: Dialect, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp(engine)
    with opened(engine, folder) as shared, opened(engine, folder, shared=False) as alone:
        yield shared, alone


@pytest.mark.parametrize("answer", ANSWERS)
def test_rows_of_others_change_nothing_that_a_caller_sees(pair: Pair, answer: str) -> None:
    assert seen(pair[0], answer, ASKED) == seen(pair[1], answer, ASKED)


def test_the_same_answers_see_other_rows_where_there_are_no_conditions(engine: Dialect, tmp_path: Path) -> None:
    with opened(engine, tmp_path, rows={}) as shared, opened(engine, tmp_path, shared=False, rows={}) as alone:
        changed = [answer for answer in ANSWERS if seen(shared, answer, ASKED) != seen(alone, answer, ASKED)]
    assert len(changed) > 60


def test_a_caller_reads_own_rows_and_all_of_a_table_with_an_empty_entry(pair: Pair) -> None:
    joined = "SELECT o.id, k.name FROM orders AS o JOIN countries AS k ON k.code = o.country ORDER BY o.id"
    assert pair[0].run(joined, ASKED).value["rows"] == [[1, "Norway"], [2, "Sweden"], [3, "Norway"]]
    assert pair[0].run("SELECT COUNT(*) FROM countries", ASKED).value["rows"] == [[3]]


def test_a_table_without_an_entry_is_refused_unless_there_is_one_for_the_others(
    engine: Dialect, tmp_path: Path
) -> None:
    with opened(engine, tmp_path) as executor:
        outcome = executor.run("SELECT a FROM secrets", ASKED)
    assert (outcome.kind, outcome.value) == (OutcomeKind.INVALID, None)
    assert outcome.reason == "not run: guard.rows does not say which rows of 'secrets' may be read"
    with opened(engine, tmp_path, rows={"*": OF_TENANT, "secrets": ""}) as executor:
        assert executor.run("SELECT a FROM secrets", ASKED).value["rows"] == [[42]]
        assert executor.run("SELECT tenant FROM tokens", ASKED).value["rows"] == [["a"]]
        refused = executor.run("SELECT code FROM countries", ASKED)
    assert refused.reason == "not run: guard.rows: the table 'countries' has no column 'tenant'."


def test_claims_of_the_caller_win_and_are_values(engine: Dialect, tmp_path: Path) -> None:
    with opened(engine, tmp_path) as executor:
        for tenant, ids in (("b", [0, 4, 8]), ("a", [1, 2, 3]), ("b' OR '1' = '1", []), ("", []), (7, []), (True, [])):
            outcome = executor.run("SELECT id FROM orders ORDER BY id", Caller.asking(ASKED, {"tenant": tenant}))
            assert [row[0] for row in outcome.value["rows"]] == ids


@pytest.mark.parametrize(
    "condition",
    ["lower(tenant) = {caller.tenant}", "{caller.tenant} IN ('x', trim(tenant))", "tenant || '' > {caller.tenant}",
     "CASE WHEN tenant = 'b' THEN note ELSE 'x' END = {caller.tenant}"],
)  # fmt: skip
@pytest.mark.parametrize("claim", [7, 7.5, True])
def test_no_error_of_a_condition_quotes_a_row(
    engine: Dialect, tmp_path: Path, condition: str, claim: float | bool
) -> None:
    with opened(engine, tmp_path, rows={"orders": condition}) as executor:
        outcome = executor.run("SELECT COUNT(*) FROM orders", Caller.asking(ASKED, {"tenant": claim}))
    assert outcome.kind is OutcomeKind.OK, outcome.reason


def test_values_are_looked_up_among_own_rows(pair: Pair) -> None:
    query = ValueLookup.of(pair[0].task).values_query(ASKED, "orders.note", 1_000)
    assert {row[0] for row in pair[0].run(query, ASKED).value["rows"]} == {"7", "12", "2024"}


def test_other_conditions_wait_for_those_of_rows(engine: Dialect, tmp_path: Path) -> None:
    with opened(engine, tmp_path) as executor:
        query = executor.task.row_conditions.within(read("SELECT tenant FROM tokens", engine), ASKED, None, engine)  # type: ignore[attr-defined]
    end = "LIMIT -1" if engine == "sqlite" else "OFFSET 0"
    inside = f"SELECT * FROM tokens AS own_rows WHERE own_rows.tenant = 'a' {end}"
    assert query.sql(engine) == f"SELECT tenant FROM ({inside}) AS tokens"


def test_without_the_claim_nothing_runs(engine: Dialect, tmp_path: Path) -> None:
    with opened(engine, tmp_path, caller={}) as executor:
        for asked in (ASKED, Caller.asking(ASKED, {"user": "x"}), Caller.asking(ASKED, {})):
            assert executor.missing_claims(asked) == {"tenant"}
            with pytest.raises(AuthError, match="no claim 'tenant'"):
                executor.run("SELECT code FROM countries", asked)
    with opened(engine, tmp_path) as executor, pytest.raises(AuthError):
        executor.run("SELECT code FROM countries", Caller.asking(ASKED, {}))  # those of the configuration do not count


def test_a_row_of_a_file_is_no_caller(engine: Dialect, tmp_path: Path) -> None:
    spoofed = Example(id="1", question="?", context={**ASKED.context, "caller": {"claims": {"tenant": "b"}}})
    with opened(engine, tmp_path) as executor:
        assert executor.run("SELECT tenant FROM tokens", spoofed).value["rows"] == [["a"]]


def test_test_databases_have_made_up_rows_that_all_may_read(engine: Dialect, tmp_path: Path) -> None:
    data = {"schema": SCHEMA, "rows": {"tokens": [["b"]]}}
    made_up = Example(id="1", question="?", context={"db": "shop", "test_database": TestDatabase(name="t", data=data)})
    with opened(engine, tmp_path, caller={}) as executor:
        assert executor.run("SELECT tenant FROM tokens", made_up).value["rows"] == [["b"]]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ({"orders": "tenat = 'a'"}, "has no column 'tenat'. Did you mean 'tenant'?"),
        ({"orders": OF_TENANT, "Orders": ""}, "guard.rows has a name twice: orders, Orders"),
        ({"order": "tenant = 'a'"}, "there is no table 'order'. Did you mean 'orders'?"),
        ({"orders": "tenant ="}, "not SQL"),
        ({"orders": "tenant = 'a') OR (1 = 1"}, "not SQL"),
        ({"orders": "tenant = '{caller.tenant}'"}, "write {caller.NAME} without quotes"),
        ({"orders": "tenant IN (SELECT tenant FROM tokens)"}, "may not contain a query"),
        ({"orders": "EXISTS (SELECT 1)"}, "may not contain a query"),
        ({"orders": "tenant IN tokens"}, "may not contain a query"),
        ({"orders": "COUNT(*) > 1"}, "may not contain a query, an aggregate"),
        ({"orders": "ROW_NUMBER() OVER () = 1"}, "may not contain a query, an aggregate or a window"),
        ({"orders": "TRUE ORDER BY id"}, "more than a condition"),
        ({"orders": "TRUE UNION SELECT 2"}, "more than a condition"),
        ({"orders": "TRUE; DROP TABLE orders"}, "2 statements"),
        ({"orders": "customers.tenant = 'a'"}, "is not a column of the table"),
        ({"orders": "read_text('/etc/passwd') = tenant"}, "read_text is not allowed"),
        ({"*": "tenant = "}, "not SQL"),
    ],
)
def test_other_conditions_are_an_error_when_the_engine_is_opened(
    rows: dict[str, str], why: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as error:
        opened("duckdb", tmp_path, rows=rows)
    assert why in error.value.what
    assert next(iter(rows)) in str(error.value)


# --- the pack's own answers --------------------------------------------------------------


@cache
def golds() -> list[Example]:
    return [example for example in Sql(Settings(db="shop", n_questions=600)).examples("test") if example.answer]


@pytest.fixture(scope="module")
def bundled_pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The bundled database, whose caller may see the rows of about a half of each table, and those rows alone."""
    import duckdb

    from dstill_sql.bundle import database as bundled

    known = bundled("shop", "duckdb")
    assert isinstance(known.data, Rows)
    folder = tmp_path_factory.mktemp("shop")
    (folder / "bundled.sql").write_text(known.schema.ddl())
    columns = {table.name: table.columns[0].name for table in known.schema.tables}
    rows = {name: f"length(CAST({column} AS VARCHAR)) % 2 = {{caller.odd}}" for name, column in columns.items()}
    limits = Limits(rows=rows, caller={"odd": 1})
    with ExitStack() as stack:
        executors = []
        for shared in (True, False):
            file = folder / f"{shared}.duckdb"
            with closing(duckdb.connect(str(file))) as connection:
                for table in known.schema.tables:
                    connection.execute(created(table, "duckdb").text)  # without references
                    cells = known.data.read()[table.name]
                    kept = [row for row in cells if shared or len(str(row[0])) % 2 == 1]
                    places = ", ".join("?" * len(table.columns))
                    connection.executemany(f"INSERT INTO {table.name} VALUES ({places})", kept)
            settings = Settings(db="shop", schema=str(folder / "bundled.sql"), database=str(file), guard=limits)
            executors.append(stack.enter_context(DuckDb().open(Sql(settings), Engine())))
        yield executors[0], executors[1]


@given(data=st.data())
def test_rows_of_others_change_no_answer_of_the_pack(bundled_pair: Pair, data: st.DataObject) -> None:
    gold = data.draw(st.sampled_from(golds()))
    assert seen(bundled_pair[0], gold.answer or "", gold) == seen(bundled_pair[1], gold.answer or "", gold)


def test_answers_of_the_pack_run(bundled_pair: Pair) -> None:
    outcomes = [bundled_pair[0].run(gold.answer or "", gold) for gold in golds()]
    assert sum(outcome.kind is OutcomeKind.OK for outcome in outcomes) > 0.8 * len(outcomes)


# --- a server ---------------------------------------------------------------------------


COSTLY = "lower(upper(lower(tenant))) = {caller.tenant}"  # which a planner would rather evaluate last


@pytest.fixture(scope="module")
def servers(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Pair]]:
    """Condition for orders → the databases."""
    folder = tmp_path_factory.mktemp("postgres")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("OWNER_LOGIN", f"owner:{OWNER_PASSWORD}")
        for name, shared in (("shared", True), ("alone", False)):
            postgres.run(f"CREATE DATABASE {name}")
            postgres.run(*filter(str.strip, SCHEMA.split(";")), VIEW, database=name)
            for table, row in inserts(shared=shared):
                values = ", ".join("NULL" if cell is None else "'" + str(cell).replace("'", "''") + "'" for cell in row)
                postgres.run(f"INSERT INTO {table} VALUES ({values})", database=name)
            postgres.run("ANALYZE", database=name)

        def reached(name: str, condition: str) -> Executor:
            about = task(folder, "postgres", {**ROWS, "orders": condition}, {"tenant": "a"})
            server = postgres.engine(name, basic_auth_env="OWNER_LOGIN")
            return stack.enter_context(Postgresql(PostgresqlSettings()).open(about, server))

        yield {text: (reached("shared", text), reached("alone", text)) for text in (OF_TENANT, COSTLY)}


@pytest.mark.live
@pytest.mark.parametrize("condition", [OF_TENANT, COSTLY])
@pytest.mark.parametrize("answer", ANSWERS)
def test_rows_of_others_change_nothing_on_a_server(servers: Mapping[str, Pair], condition: str, answer: str) -> None:
    shared, alone = servers[condition]
    assert seen(shared, answer, ASKED) == seen(alone, answer, ASKED)


@pytest.mark.live
def test_a_caller_reads_own_rows_of_a_server(servers: Mapping[str, Pair]) -> None:
    outcome = servers[COSTLY][0].run("SELECT id FROM orders ORDER BY id", ASKED)
    assert outcome.value["rows"] == [[1], [2], [3]]


@pytest.mark.parametrize(("rows", "shown"), [(ROWS, {"countries.name"}), ({}, {"countries.name", "customers.email"})])
def test_known_values_of_what_has_a_condition_are_hidden(rows: Mapping[str, str], shown: set[str]) -> None:
    values = {"customers.email": ["eve@b", "ann@a"], "countries.name": ["Norway"]}
    context = {"db": "shop", "schema": SCHEMA, "values": values}
    known = Sql(Settings(guard=Limits(rows=rows))).database(Example(id="1", question="?", context=context))
    assert known is not None
    assert set(known.values) == shown
