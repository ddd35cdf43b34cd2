"""A real PostgreSQL: answers only read, within limits; what the role may do is told; faults have the right owner."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.certificates import Authority
from support.rides import ROWS, SCHEMA, on_rows, question

from dstill.api.protocols import DataProfile
from dstill.api.records import Outcome, OutcomeKind
from dstill.errors import AuthError, DataError, ServiceError
from dstill_sql.engines import server
from dstill_sql.engines.postgresql import Postgresql, PostgresqlSettings
from dstill_sql.engines.self_check import role_of
from dstill_sql.language.engine_text import fixed
from dstill_sql.language.limits import Limits
from dstill_sql.pack import Sql
from dstill_sql.settings import Settings

pytestmark = pytest.mark.live
Opened = Callable[..., Postgresql]


@pytest.fixture
def opened(shop: Any, login: dict[str, str]) -> Iterator[Opened]:
    """``opened(seconds=…)``: the executor on the database ``shop``, as a role that only reads."""
    executors: list[Postgresql] = []

    def make(
        *, database: str = "shop", engine: dict[str, Any] | None = None, guard: Limits | None = None, **given: Any
    ) -> Postgresql:
        task = Sql(Settings(dialect="postgres", db="shop", guard=guard or Limits(cross_joins=True)))
        reached = shop.engine(database, **{**login, **(engine or {})})
        executors.append(Postgresql(PostgresqlSettings(**given)).open(task, reached))
        return executors[-1]

    yield make
    for executor in executors:
        executor.close()


def ask(executor: Postgresql, text: str) -> Outcome:
    return executor.run(text, question(schema=SCHEMA))


def rows(outcome: Outcome) -> Any:
    assert outcome.kind is OutcomeKind.OK, outcome.reason
    return outcome.value["rows"]


# --- results ------------------------------------------------------------------------------


def test_answers_run_on_the_server(opened: Opened) -> None:
    executor = opened()
    assert executor.label.startswith("PostgreSQL 1")
    assert rows(ask(executor, "SELECT name FROM cities ORDER BY name")) == [["Bergen"], ["Malmö"], ["Oslo"]]
    outcome = ask(executor, "SELECT id AS number FROM cities WHERE id > 100")
    assert (rows(outcome), outcome.value["columns"]) == ([], ["number"])
    assert rows(ask(executor, "SELECT COUNT(*) FROM drivers WHERE name LIKE '%\\%%' OR name = 'a%s'")) == [[0]]


def test_values_that_python_has_no_type_for_are_texts(opened: Opened) -> None:
    executor = opened()
    texts = ("'infinity'::timestamp", "'20000-01-01'::date", "'24:00'::time", "'-infinity'::date")
    assert rows(ask(executor, f"SELECT {', '.join(texts)}")) == [
        ["infinity", "20000-01-01", "24:00:00", "-infinity"],
    ]


def test_test_databases_run_on_the_embedded_engine(opened: Opened, shop: Any) -> None:
    executor = opened()
    text = "SELECT name, id / 2 AS half FROM cities ORDER BY id LIMIT 1"
    data = on_rows(rows={**ROWS, "cities": [[3, "Rome", "IT"]]})
    assert rows(executor.run(text, data)) == [["Rome", 1]]  # PostgreSQL's division
    assert rows(ask(executor, text)) == [["Oslo", 0]]


def test_load_data_copies_test_databases_and_drops_them(opened: Opened, shop: Any) -> None:
    schemas = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'dstill%'"
    executor = opened(engine={"load_data": True, "basic_auth_env": "OWNER_LOGIN"})
    for country in ("IT", "FR"):
        data = on_rows(rows={**ROWS, "cities": [[3, "Rome", country]]})
        assert rows(executor.run("SELECT country FROM cities", data)) == [[country]]
        assert rows(executor.run("SELECT COUNT(*) FROM trips WHERE paid IS NULL", data)) == [[9]]
    assert len(shop.run(schemas, database="shop")) == 2
    executor.close()
    assert shop.run(schemas, database="shop") == []


def test_load_data_needs_a_role_that_may_create(opened: Opened) -> None:
    executor = opened(engine={"load_data": True})
    with pytest.raises(ServiceError, match="cannot copy data to PostgreSQL: permission denied"):
        executor.run("SELECT id FROM cities", on_rows())


# --- limits -------------------------------------------------------------------------------


def test_runaway_query_is_the_answers_fault(opened: Opened) -> None:
    executor = opened(seconds=0.5)
    started = time.monotonic()
    outcome = ask(executor, f"SELECT COUNT(*) FROM trips t0{''.join(f' CROSS JOIN trips t{n}' for n in range(1, 7))}")
    assert time.monotonic() - started < 5
    assert (outcome.kind, outcome.reason) == (OutcomeKind.INVALID, "the query ran for more than 0.5 s")
    assert rows(ask(executor, "SELECT COUNT(*) FROM cities")) == [[3]]


def test_result_has_a_limit_of_rows(opened: Opened) -> None:
    outcome = ask(opened(), "SELECT a.n FROM trips a CROSS JOIN trips b CROSS JOIN trips c")
    assert (outcome.kind, "more than" in outcome.reason) == (OutcomeKind.INVALID, True)


def test_result_has_a_limit_of_bytes(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LARGEST", 100_000)
    executor = opened()
    long = " || ".join(["d.name"] * 20)
    outcome = ask(executor, f"SELECT {long} FROM drivers d CROSS JOIN trips a CROSS JOIN trips b")
    assert (outcome.kind, "the result is larger than" in outcome.reason) == (OutcomeKind.INVALID, True)
    assert rows(ask(executor, "SELECT COUNT(*) FROM cities")) == [[3]]
    assert not executor.server._connection.closed


def test_temporary_files_are_limited_if_the_role_may(opened: Opened) -> None:
    executor = opened(engine={"basic_auth_env": "OWNER_LOGIN"}, memory_mb=1, temporary_mb=1, seconds=30)
    assert executor.server.bounds_files
    text = (
        "SELECT COUNT(*) FROM (SELECT DISTINCT a.n AS a, b.n AS b, c.n AS c, d.n AS d"
        " FROM trips a CROSS JOIN trips b CROSS JOIN trips c JOIN trips d ON d.n < 20) AS s"
    )
    outcome = ask(executor, text)
    assert (outcome.kind, outcome.reason) == (
        OutcomeKind.INVALID,
        "the query needs more memory or disk than it may have",
    )
    assert not opened().server.bounds_files


def test_errors_of_a_query_are_the_answers_fault(opened: Opened) -> None:
    executor = opened()
    assert ask(executor, "SELECT id / 0 FROM cities").reason == "division by zero"
    assert ask(executor, "SELECT name + 1 FROM cities").kind is OutcomeKind.INVALID
    assert rows(ask(executor, "SELECT COUNT(*) FROM cities")) == [[3]]


# --- reading only -------------------------------------------------------------------------


def test_server_refuses_writes_without_the_guard(opened: Opened, shop: Any) -> None:
    """As a superuser, by the transaction alone."""
    import psycopg

    server = opened(engine={"basic_auth_env": "OWNER_LOGIN"}).server
    before = shop.run("SELECT COUNT(*) FROM trips", database="shop")
    for text in (
        "DELETE FROM trips",
        "SELECT 1; DELETE FROM trips",
        "WITH d AS (DELETE FROM trips RETURNING n) SELECT n FROM d",
        "SELECT nextval('s')",
        "SELECT n FROM trips FOR UPDATE",
        "SELECT n INTO z FROM trips",
        "CREATE TEMP TABLE z (a INT)",
        "COMMIT",
        "SELECT set_config('transaction_read_only', 'off', true), lo_create(0)",
    ):
        with pytest.raises(psycopg.Error):
            server.fetch(fixed(text, "postgres"), 10)
    assert shop.run("SELECT COUNT(*) FROM trips", database="shop") == before
    assert server.fetch(fixed("SELECT 1", "postgres"), 10) == (["?column?"], [(1,)])


def test_settings_of_the_role_do_not_change_how_a_text_is_read(opened: Opened, shop: Any) -> None:
    shop.run(
        "CREATE SCHEMA IF NOT EXISTS evil",
        "CREATE TABLE IF NOT EXISTS evil.cities (id INTEGER, name TEXT)",
        "GRANT USAGE ON SCHEMA evil TO reader",
        "GRANT SELECT ON evil.cities TO reader",
        *(
            f"ALTER ROLE reader SET {setting}"
            for setting in (
                "standard_conforming_strings = off",
                "search_path = evil",
                "datestyle = 'SQL, DMY'",
                "statement_timeout = 0",
                "timezone = 'Asia/Tokyo'",
            )
        ),
        database="shop",
    )
    try:
        executor = opened(seconds=0.5)
        assert rows(ask(executor, "SELECT COUNT(*) FROM cities WHERE name <> 'a\\'")) == [[3]]
        assert rows(ask(executor, "SELECT born FROM drivers WHERE id = 2")) == [["1980-01-02"]]
        assert ask(executor, "SELECT COUNT(*) FROM trips a, trips b, trips c, trips d, trips e").reason.startswith(
            "the qu"
        )
    finally:
        shop.run("ALTER ROLE reader RESET ALL", "DROP SCHEMA evil CASCADE", database="shop")


def test_table_that_the_role_may_not_read(opened: Opened) -> None:
    outcome = opened().run("SELECT COUNT(*) FROM hidden", question(schema=SCHEMA + "CREATE TABLE hidden (a INTEGER);"))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.UNSUPPORTED, "permission denied for table hidden")


# --- lost connections ---------------------------------------------------------------------


def pid_of(executor: Postgresql) -> int:
    return int(executor.server.ask(fixed("SELECT pg_backend_pid()", "postgres"))[0][0])


def test_connection_that_the_server_ended_is_opened_again(opened: Opened, shop: Any) -> None:
    executor = opened()
    shop.run(f"SELECT pg_terminate_backend({pid_of(executor)})")
    time.sleep(0.2)
    assert rows(ask(executor, "SELECT COUNT(*) FROM cities")) == [[3]]


def test_connection_that_is_lost_during_a_query_is_no_fault_of_the_answer(opened: Opened, shop: Any) -> None:
    executor = opened(seconds=20)
    pid = pid_of(executor)
    killer = threading.Timer(0.7, lambda: shop.run(f"SELECT pg_terminate_backend({pid})"))
    killer.start()
    outcome = ask(executor, f"SELECT COUNT(*) FROM trips t0{''.join(f' CROSS JOIN trips t{n}' for n in range(1, 7))}")
    killer.join()
    assert outcome.kind is OutcomeKind.UNAVAILABLE
    assert "terminating connection" in outcome.reason
    assert rows(ask(executor, "SELECT COUNT(*) FROM cities")) == [[3]]


def test_server_that_hangs_is_given_up(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dstill_sql.engines.server.GRACE", 0.5)
    executor = opened(seconds=0.5)
    pid = pid_of(executor)
    os.kill(pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        outcome = ask(executor, "SELECT COUNT(*) FROM cities")
        assert time.monotonic() - started < 10
        assert (outcome.kind, outcome.reason) == (OutcomeKind.UNAVAILABLE, "PostgreSQL: no answer for 1 s")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert rows(ask(executor, "SELECT COUNT(*) FROM cities")) == [[3]]


def test_table_that_is_locked_is_no_fault_of_the_answer(opened: Opened, shop: Any) -> None:
    import psycopg

    executor = opened(seconds=0.6)
    url = f"host=127.0.0.1 port={shop.port} user=owner password=owner-password-1 dbname=shop"
    with psycopg.connect(url) as other:
        other.execute("LOCK TABLE cities IN ACCESS EXCLUSIVE MODE")
        outcome = ask(executor, "SELECT COUNT(*) FROM cities")
        other.rollback()
    assert outcome.kind is not OutcomeKind.OK
    assert "lock timeout" in outcome.reason or "0.6 s" in outcome.reason
    assert rows(ask(executor, "SELECT COUNT(*) FROM cities")) == [[3]]


def test_no_connection_is_left_after_close(opened: Opened, shop: Any) -> None:
    executor = opened()
    ask(executor, "SELECT COUNT(*) FROM cities")
    executor.close()
    for _ in range(50):
        left = shop.run("SELECT COUNT(*) FROM pg_stat_activity WHERE usename = 'reader'")
        if left == [(0,)]:
            break
        time.sleep(0.05)
    assert left == [(0,)]


# --- logins and TLS -----------------------------------------------------------------------


def test_wrong_password_and_unknown_role(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("reader:wrong-password-1", "nobody:wrong-password-1"):
        monkeypatch.setenv("WRONG", text)
        with pytest.raises(AuthError, match="refused the login") as caught:
            opened(engine={"basic_auth_env": "WRONG"})
        assert "wrong-password-1" not in str(caught.value)
        assert "engine.basic_auth_env" in caught.value.hint


def test_database_or_schema_that_is_not_there(opened: Opened) -> None:
    with pytest.raises(ServiceError, match="has no database 'shopp'"):
        opened(database="shopp")
    from dstill_sql.engines.catalogs import from_postgresql

    with pytest.raises(DataError, match="the schema 'none' of 'shop' has no table") as caught:
        from_postgresql(opened(schema_name="none").server)
    assert "--schema-name" in caught.value.hint


def test_certificate_is_checked(opened: Opened, shop: Any, tmp_path: Path) -> None:
    authority, other = Authority.make("here"), Authority.make("elsewhere")
    file, wrong = authority.file(tmp_path), other.file(tmp_path)
    authority.server(tmp_path)
    for name, content in (("server.crt", tmp_path / "here-server.pem"), ("server.key", tmp_path / "here-server.pem")):
        target = shop.folder / "data" / name
        target.write_bytes(content.read_bytes())
        target.chmod(0o600)
        owner = (shop.folder / "data").stat()
        os.chown(target, owner.st_uid, owner.st_gid)
    shop.run("ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()")
    try:
        time.sleep(0.3)
        executor = opened(engine={"ca_certs": str(file)})
        assert executor.server.encrypted
        assert rows(ask(executor, "SELECT COUNT(*) FROM cities")) == [[3]]
        with pytest.raises(ServiceError, match="cannot be trusted") as caught:
            opened(engine={"ca_certs": str(wrong)})
        assert "engine.ca_certs" in caught.value.hint
    finally:
        shop.run("ALTER SYSTEM RESET ssl", "SELECT pg_reload_conf()")


# --- checks -------------------------------------------------------------------------------


def test_role_that_only_reads(opened: Opened) -> None:
    role = role_of(opened().server)
    assert (role.name, role.lacks) == ("reader", ())
    assert str(role) == "'reader' only reads"


def test_report_names_powers_beyond_reading(opened: Opened, shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.run(
        "CREATE ROLE writer LOGIN PASSWORD 'writer-password-1' CREATEDB",
        "GRANT SELECT, INSERT ON trips TO writer",
        "GRANT UPDATE (name) ON cities TO writer",
        "GRANT pg_read_server_files TO writer",
        "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO writer",
        database="shop",
    )
    monkeypatch.setenv("WRITER", "writer:writer-password-1")
    said = str(role_of(opened(engine={"basic_auth_env": "WRITER"}).server))
    for power in ("CREATEDB", "member of pg_read_server_files", "may call pg_read_file", "writes cities, trips"):
        assert power in said
    owner = role_of(opened(engine={"basic_auth_env": "OWNER_LOGIN"}).server)
    assert "superuser" in str(owner)
    assert "no table" not in str(owner)


def test_self_check_gives_facts_and_known_answers(opened: Opened) -> None:
    checks = list(opened().self_check())
    assert [one.name for one in checks if one.problem] == []
    found = {one.name: one.found for one in checks}
    assert found["a write"] == "read-only"
    assert found["role"] == "'reader' only reads"
    assert "PostgreSQL" in found["version"]
    assert len([one for one in checks if one.expected]) >= 6
    lacking = list(opened(schema_name="none").self_check())
    [problem] = [one.problem for one in lacking if one.problem]
    assert "lacks a schema 'none'" in problem.what
    [advice] = [one.advice for one in lacking if one.advice]
    assert "GRANT SELECT ON ALL TABLES IN SCHEMA" in advice


def test_self_check_compares_the_schema_of_the_settings(shop: Any, login: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "schema.sql"
    file.write_text("CREATE TABLE cities (id INT, name VARCHAR(40), mayor TEXT);")
    task = Sql(Settings(dialect="postgres", db="shop", schema=str(file)))
    with Postgresql(PostgresqlSettings()).open(task, shop.engine("shop", **login)) as executor:
        [tables] = [one for one in executor.self_check() if one.name == "tables"]
    assert "removed cities.mayor" in tables.problem.what


def test_facts_tell_columns_that_are_gone(opened: Opened, shop: Any) -> None:
    executor, mine = opened(), replace(question(), context={"db": "mine"})
    shop.run("CREATE TABLE IF NOT EXISTS brief (a INT, b TEXT)", "GRANT SELECT ON brief TO reader", database="shop")
    then = executor.facts([mine])
    shop.run("ALTER TABLE brief DROP COLUMN b", "ALTER TABLE brief ADD COLUMN c DATE", database="shop")
    now = executor.facts([mine])
    shop.run("DROP TABLE brief", database="shop")
    [change] = executor.changes(then, now)
    assert change.breaks
    assert change.message == "the columns of 'mine' differ: added brief.c; removed brief.b"
    assert list(DataProfile.of(executor.task).drift(then, now)) == ["columns that the student learnt are gone: brief.b"]
    assert not list(executor.changes(then, then))


def test_role_of_the_compose_file_only_reads(opened: Opened, shop: Any, root: Path, monkeypatch: Any) -> None:
    shop.run("CREATE DATABASE garage")
    _, _, password = os.environ["OWNER_LOGIN"].partition(":")
    server = {"PGHOST": "127.0.0.1", "PGPORT": str(shop.port), "PGPASSWORD": password, "POSTGRES_USER": "owner"}
    subprocess.run(
        ["sh", root / "deploy" / "postgresql" / "reader.sh"],
        env={**os.environ, **server, "POSTGRES_DB": "garage", "READER_PASSWORD": "it's-a-password-1"},
        check=True,
        timeout=60,
    )
    shop.run("CREATE TABLE cars (name TEXT)", "INSERT INTO cars VALUES ('Amazon')", database="garage")
    monkeypatch.setenv("DATABASE_LOGIN", "dstill_reader:it's-a-password-1")
    executor = opened(database="garage", engine={"basic_auth_env": "DATABASE_LOGIN"})
    assert str(role_of(executor.server)) == "'dstill_reader' only reads"
    cars = executor.run("SELECT name FROM cars", question(schema="CREATE TABLE cars (name TEXT);"))
    assert rows(cars) == [["Amazon"]]
