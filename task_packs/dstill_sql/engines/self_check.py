"""The checks of `dstill doctor` on an engine: what it is, what a role may do, and queries whose results are known.

    for_server(server, schema)       version, connection, role, limits, tables, known answers of a PostgreSQL
    for_file(catalog, schema)        tables of a database file of DuckDB or SQLite
    known_answers("duckdb", ask)    `ask` gives the first row of a query

They only read. One of them tries to write to a server, in a transaction that reads and is rolled back: it must refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dstill.api.engine import CheckResult
from dstill.errors import FailedItems
from dstill_sql.engines.catalogs import facts_of, from_postgresql
from dstill_sql.engines.connecting import library
from dstill_sql.engines.server import Away, Server
from dstill_sql.language.database.drift import compared
from dstill_sql.language.database.schema import SqlSchema, quoted
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.engine_text import Statement, fixed
from dstill_sql.language.printing import printed
from dstill_sql.language.results.compare import cell
from dstill_sql.language.statements import read

__all__ = ["Role", "for_file", "for_server", "known_answers", "role_of"]

TESTED = (15,)  # major versions that dstill was tested with
_ATTRIBUTES = """
SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,
  has_database_privilege(current_database(), 'CREATE'), has_database_privilege(current_database(), 'TEMP')
FROM pg_catalog.pg_roles WHERE rolname = current_user"""
_MEMBER = """
SELECT rolname FROM pg_catalog.pg_roles
WHERE rolname = ANY(%s) AND pg_has_role(current_user, oid, 'MEMBER') ORDER BY rolname"""
_FUNCTIONS = """
SELECT DISTINCT proname FROM pg_catalog.pg_proc
WHERE proname = ANY(%s) AND has_function_privilege(oid, 'EXECUTE') ORDER BY proname"""
_TABLES = """
SELECT c.relname, has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT'),
  has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') OR has_any_column_privilege(c.oid, 'INSERT, UPDATE')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY c.relname"""
_SCHEMA = """
SELECT has_schema_privilege(oid, 'USAGE'), has_schema_privilege(oid, 'CREATE')
FROM pg_catalog.pg_namespace WHERE nspname = %s"""
# Roles of PostgreSQL that may do more than read tables.
_POWER_ROLES = (
    "pg_write_all_data",
    "pg_read_server_files",
    "pg_write_server_files",
    "pg_execute_server_program",
    "pg_signal_backend",
    "pg_maintain",
    "pg_create_subscription",
)
# Functions that reach outside of the tables. The guard allows none of them; a role that only reads has none either.
_FILES = ("pg_read_file", "pg_read_binary_file", "pg_ls_dir", "lo_import", "lo_export", "dblink", "dblink_exec")
_WRITE = "CREATE TEMPORARY TABLE dstill_may_not_write (a integer)"


@dataclass(frozen=True, kw_only=True)
class Role:
    """The rights of a connection's role. ``str()`` is a sentence for people."""

    name: str
    powers: tuple[str, ...] = ()  # beyond reading tables
    lacks: tuple[str, ...] = ()  # what reading needs

    def __str__(self) -> str:
        may = (
            f"'{self.name}' can do more than read: {', '.join(self.powers)}"
            if self.powers
            else f"'{self.name}' only reads"
        )
        return f"{may}; lacks {', '.join(self.lacks)}" if self.lacks else may


def role_of(server: Server) -> Role:
    """Ask the server what the role of the connection may do. Raises ServiceError."""
    ((name, *attributes),) = server.ask(fixed(_ATTRIBUTES, "postgres"))
    if attributes[0]:
        return Role(name=str(name), powers=("it is a superuser, who may also read and write files of the server",))
    named = ("", "CREATEROLE", "CREATEDB", "REPLICATION", "BYPASSRLS", "CREATE on the database", "")
    powers = [power for power, has in zip(named, attributes, strict=True) if has and power]
    powers += [f"member of {group}" for (group,) in server.ask(fixed(_MEMBER, "postgres"), (list(_POWER_ROLES),))]
    if functions := [function for (function,) in server.ask(fixed(_FUNCTIONS, "postgres"), (list(_FILES),))]:
        powers.append(f"may call {', '.join(functions)}")
    schema = server.ask(fixed(_SCHEMA, "postgres"), (server.schema_name,))
    tables = server.ask(fixed(_TABLES, "postgres"), (server.schema_name,))
    if schema and schema[0][1]:
        powers.append(f"CREATE on the schema '{server.schema_name}'")
    if written := [table for table, _, writes in tables if writes]:
        powers.append(f"writes {_named(written)}")
    lacks = []
    if not schema:
        lacks.append(f"a schema '{server.schema_name}'")
    elif not schema[0][0]:
        lacks.append(f"USAGE on the schema '{server.schema_name}'")
    if not any(reads for _, reads, _ in tables):
        lacks.append("SELECT on any table of it")
    return Role(name=str(name), powers=tuple(powers), lacks=tuple(lacks))


def for_server(server: Server, known: SqlSchema | None) -> Iterator[CheckResult]:
    """Every check. `known`: the schema that the settings have; it should be the server's."""
    major = int(server.version.partition(".")[0]) if server.version[:1].isdigit() else 0
    is_tested = server.product == "PostgreSQL" and major in TESTED
    others = ", ".join(map(str, TESTED))
    tested = "tested with dstill" if is_tested else f"not tested with dstill; tested: {others}"
    yield CheckResult(name="version", found=f"{server.label}, {tested}")
    yield CheckResult(
        name="connection", found="TLS" if server.encrypted else "plain, on this machine or as `plain` allows"
    )
    role = role_of(server)
    problem = None
    if role.lacks:
        what = f"the role '{role.name}' lacks {', '.join(role.lacks)}"
        problem = FailedItems(what, where=server.engine.url, hint="see the statements above for a role that reads")
    advice = _advice(server) if role.powers or role.lacks else ""
    yield CheckResult(name="role", found=str(role), problem=problem, advice=advice)
    bounded = "temporary files" if server.bounds_files else "not temporary files: the role may not set temp_file_limit"
    yield CheckResult(name="limits", found=f"{server.seconds:g} s, memory of a sort, and {bounded}")
    if known is not None:
        yield _tables(from_postgresql(server).schema, known)
    yield _compared("a write", _refusal(server), "read-only", "postgres")
    yield from known_answers("postgres", lambda query: server.fetch(query, 1)[1][0])


def for_file(there: SqlSchema, known: SqlSchema | None) -> Iterator[CheckResult]:
    """The tables of a database file. `known`: the schema that the settings have; it should be that of the file."""
    if known is None:
        yield CheckResult(name="tables", found=f"{len(there.tables):,}")
    else:
        yield _tables(there, known)


# --- known answers ----------------------------------------------------------------------


_NULL_ORDER = "SELECT a FROM (SELECT 1 AS a, NULL AS b UNION ALL SELECT 2, 5) AS t ORDER BY b LIMIT 1"
_KNOWN: Mapping[Dialect, Sequence[tuple[str, str, str]]] = {
    "postgres": (
        ("division of integers", "SELECT 7 / 2", "3"),
        ("NULLs are sorted last", _NULL_ORDER, "2"),
        ("a backslash is a letter", r"SELECT length('a\')", "2"),
        ("LIKE and case", "SELECT 'Oslo' LIKE 'oslo'", "False"),
        ("an empty text is not NULL", "SELECT '' IS NULL", "False"),
        ("months", "SELECT DATE '2024-01-31' + INTERVAL '1 month'", "2024-02-29 00:00:00"),
        ("half of an odd number", "SELECT round(2.5)::int, round(CAST(2.5 AS double precision))::int", "3, 2"),
    ),
    "duckdb": (
        ("division of integers", "SELECT 7 / 2, 7 // 2", "3.5, 3"),
        ("NULLs are sorted last", _NULL_ORDER, "2"),
        ("a backslash is a letter", r"SELECT length('a\')", "2"),
        ("LIKE and case", "SELECT 'Oslo' LIKE 'oslo'", "False"),
        ("months", "SELECT DATE '2024-01-31' + INTERVAL '1 month'", "2024-02-29 00:00:00"),
        ("half of an odd number", "SELECT round(2.5)::int, round(CAST(2.5 AS double))::int", "3, 3"),
    ),
    "sqlite": (
        ("division of integers", "SELECT 7 / 2", "3"),
        ("NULLs are sorted first", _NULL_ORDER, "1"),
        ("a backslash is a letter", r"SELECT length('a\')", "2"),
        ("LIKE and case", "SELECT 'Oslo' LIKE 'oslo', 'Oslo' GLOB 'oslo'", "1, 0"),
        ("months", "SELECT date('2024-01-31', '+1 month')", "2024-03-02"),
        ("half of an odd number", "SELECT CAST(round(2.5) AS INTEGER)", "3"),
    ),
}


def known_answers(dialect: Dialect, ask: Callable[[Statement], Sequence[Any]]) -> Iterator[CheckResult]:
    """Queries whose results translations rely on. `ask`: the first row of a query; what it raises is the answer."""
    for name, text, expected in _KNOWN[dialect]:
        try:
            answer = ", ".join(str(cell(value)) for value in ask(printed(read(text, dialect), dialect)))
        except Exception as error:  # of the engine's library, or that it is gone
            answer = str(error).splitlines()[0]
        yield _compared(name, answer, expected, dialect)


def _refusal(server: Server) -> str:
    """The refusal of a statement that writes."""
    try:
        server.run_alone(fixed(_WRITE, "postgres"))
    except (Away, library().Error) as error:
        state = getattr(error, "sqlstate", None)
        return "read-only" if state == "25006" else str(error).splitlines()[0]
    return "it was not refused"


def _compared(name: str, answer: str, expected: str, dialect: Dialect) -> CheckResult:
    problem = None
    if answer != expected:
        where = {"postgres": "PostgreSQL", "duckdb": "DuckDB", "sqlite": "SQLite"}[dialect]
        problem = FailedItems(f"{name}: got {answer}", where=where, hint=f"expected {expected}")
    return CheckResult(name=name, found=answer, expected=expected, problem=problem)


def _tables(there: SqlSchema, known: SqlSchema) -> CheckResult:
    change = compared(facts_of(known)["columns"], facts_of(there)["columns"])
    problem = None
    if change.breaks:
        problem = FailedItems(
            f"the schema of the settings is not that of the database: {change}",
            where="task.sql.schema",
            hint="run `dstill init` again in a new folder",
        )
    return CheckResult(
        name="tables", found=str(change) or f"{len(there.tables):,}, as in the settings", problem=problem
    )


def _advice(server: Server) -> str:
    schema, database = (quoted(name, "postgres") for name in (server.schema_name, server.address.database))
    return "\n".join(
        [
            "A role that only reads these tables (choose a password of your own):",
            "  CREATE ROLE dstill_reader LOGIN PASSWORD '…';",
            f"  GRANT CONNECT ON DATABASE {database} TO dstill_reader;",
            f"  GRANT USAGE ON SCHEMA {schema} TO dstill_reader;",
            f"  GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO dstill_reader;",
            "  ALTER ROLE dstill_reader SET default_transaction_read_only = on;",
            "then: export SHOP_LOGIN='dstill_reader:…', and --set engine.basic_auth_env=SHOP_LOGIN",
        ]
    )


def _named(names: list[str]) -> str:
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
