"""The task and the executors of this pack, for those who do not use them: their modules are imported on use."""

from __future__ import annotations

from dstill.api.option import Option
from dstill.api.part import declare, on_use

__all__ = ["DUCKDB", "POSTGRESQL", "SQLITE", "TASK"]

TASK = declare(
    "sql",
    "dstill_sql.pack:Sql",
    base="base:sql",
    data_noun="database",
    executors=("duckdb", "sqlite", "postgresql"),
    options=(
        Option(
            name="--schema-name",
            commands=("init", "ask", "adapt", "doctor", "serve"),
            help="The schema of a PostgreSQL server whose tables questions are about. Default: public.",
            read=on_use("dstill_sql.options:schema_name"),
        ),
        Option(
            name="--schema",
            commands=("data questions",),
            metavar="FILE",
            help="The CREATE TABLE statements of your own database.",
            read=on_use("dstill_sql.options:own_database"),
        ),
        Option(
            name="--values",
            commands=("data questions",),
            metavar="FILE",
            help="Known values of its columns, as the values.json that `dstill init` writes. Needs --schema.",
            read=on_use("dstill_sql.options:values"),
        ),
        Option(
            name="--schema",
            commands=("check",),
            metavar="FILE",
            help="CREATE TABLE statements of your database. Without them, and without --data, the layer schema is "
            "skipped; form and guard are not. A row may have a schema of its own.",
            read=on_use("dstill_sql.options:schema"),
            column=on_use("dstill_sql.options:column"),
        ),
        Option(
            name="--dialect",
            commands=("data questions",),
            help="The dialect of SQL: duckdb, sqlite or postgres. Default: task.sql.dialect, which is duckdb unless "
            "set.",
            read=on_use("dstill_sql.options:dialect"),
        ),
        Option(
            name="--sql-dialect",  # files of several tasks are checked at once
            commands=("check",),
            help="The dialect of SQL: duckdb, sqlite or postgres. Default: task.sql.dialect, which is duckdb unless "
            "set.",
            read=on_use("dstill_sql.options:dialect"),
        ),
    ),
)
DUCKDB = declare(
    "duckdb", "dstill_sql.engines.duckdb:DuckDb", url_schemes=("duckdb",), distributions=("duckdb", "sqlglot")
)
SQLITE = declare("sqlite", "dstill_sql.engines.sqlite:Sqlite", url_schemes=("sqlite",), distributions=("sqlglot",))
POSTGRESQL = declare(
    "postgresql",
    "dstill_sql.engines.postgresql:Postgresql",
    url_schemes=("postgresql", "postgres"),
    distributions=("psycopg", "sqlglot"),
)
