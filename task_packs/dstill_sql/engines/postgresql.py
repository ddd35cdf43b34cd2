"""The executor ``postgresql``: answers run on a server of the user, which dstill only reads.

    with Postgresql(PostgresqlSettings()).open(task, Engine(url="postgresql://127.0.0.1/shop")) as executor:
        executor.run("SELECT name FROM drivers", example)       # Outcome(kind=ok, value={"columns": ["name"], …})

Answers about test databases are translated and run on the embedded DuckDB, as nothing is written to the server. With
``load_data``, test databases and bundled ones are copied to schemas of dstill's own, which are dropped at the end.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

from dstill.api.engine import Change, CheckResult, Engine
from dstill.api.records import Example, Outcome, OutcomeKind
from dstill.api.setting import setting
from dstill.api.task import Task, data_of
from dstill_sql.declarations import POSTGRESQL
from dstill_sql.engines.connecting import library
from dstill_sql.engines.duckdb import DuckDb
from dstill_sql.engines.server import LARGEST, Away, Server
from dstill_sql.engines.sql_executor import SqlExecutor
from dstill_sql.language.database.about_databases import AboutDatabases
from dstill_sql.language.database.database import Rows
from dstill_sql.language.database.drift import changes
from dstill_sql.language.engine_text import NotPrintable

__all__ = ["Postgresql", "PostgresqlSettings"]


@dataclass(frozen=True, kw_only=True)
class PostgresqlSettings:
    """The section ``[executor.postgresql]``. The server's address, login and CA file are in ``[engine]``."""

    schema_name: str = setting("public", "The schema whose tables questions are about.", trust="reads")
    user: str = setting(
        "", "The role to connect as. Empty: that of engine.basic_auth_env, else your user name.", trust="login"
    )
    plain: bool = setting(
        False,
        "Allow a connection to another machine without TLS: whoever is between can read and change it.",
        trust="limits",
    )
    seconds: float = setting(5.0, "Most seconds that a query may run.", low=0.1, high=3600, trust="limits")
    memory_mb: int = setting(
        64, "Most memory of a sort or a hash table of a query, in MB.", low=1, high=100_000, trust="limits"
    )
    temporary_mb: int = setting(
        1_000,
        "Most disk for temporary files of a query, in MB, if the role may limit it.",
        low=1,
        high=1_000_000,
        trust="limits",
    )

    def server(self, engine: Engine) -> Server:
        """A connection with these limits. Raises ConfigError, ServiceError, AuthError."""
        return Server(
            engine,
            schema_name=self.schema_name,
            user=self.user,
            plain=self.plain,
            seconds=min(self.seconds, engine.timeout),
            memory_mb=self.memory_mb,
            temporary_mb=self.temporary_mb,
        )


class Postgresql(SqlExecutor, declared=POSTGRESQL):
    """Runs answers on the user's PostgreSQL."""

    Config: ClassVar[type] = PostgresqlSettings
    config: PostgresqlSettings
    task: AboutDatabases

    def open(self, task: Task, engine: Engine) -> Self:
        super().open(task, engine)
        self._lock = threading.Lock()
        self.server = self.config.server(engine)
        return self

    @property
    def label(self) -> str:
        return self.server.label

    def execute(self, answer: str, example: Example) -> Outcome:
        from dstill_sql.engines import running
        from dstill_sql.engines.preparing import NOT_PREPARED, prepared, unprepared

        data = self.task.data(example)
        own_schema = ""
        if isinstance(data, Rows):
            if self.engine.load_data:
                own_schema = self._loaded.schema_of(data)
            elif "test_database" in example.context:
                return self._embedded.run(answer, example)
            elif (name := data_of(self.task, example)) not in (self.task.config.db, self.server.address.database):
                there = f"the server has the database '{self.server.address.database}', not '{name}'"
                return Outcome(kind=OutcomeKind.UNSUPPORTED, reason=f"{there}; --load-data copies it there")
        try:
            query = prepared(answer, example, self.task, "postgres")
        except NOT_PREPARED as error:
            return unprepared(error)
        with self._lock:
            try:
                value = running.run(
                    query, "postgres", lambda statement, most: self.server.fetch(statement, most, own_schema=own_schema)
                )
            except (running.TooManyRows, NotPrintable) as error:
                return Outcome(kind=OutcomeKind.INVALID, reason=str(error))
            except MemoryError:
                return Outcome(kind=OutcomeKind.INVALID, reason=f"the result is larger than {LARGEST // 2**20} MB")
            except Away as error:
                return Outcome(kind=OutcomeKind.UNAVAILABLE, reason=f"PostgreSQL: {error}")
            except library().Error as error:
                return self._refused(error)
        return Outcome(kind=OutcomeKind.OK, value=value)

    def _refused(self, error: Any) -> Outcome:
        """The outcome of a query that the server refused, or stopped."""
        state = error.sqlstate or ""
        if state == "57014":
            return Outcome(kind=OutcomeKind.INVALID, reason=f"the query ran for more than {self.server.seconds:g} s")
        if state in ("53200", "53400"):
            return Outcome(kind=OutcomeKind.INVALID, reason="the query needs more memory or disk than it may have")
        lines = str(error).splitlines() or [type(error).__name__]
        kind = OutcomeKind.UNSUPPORTED if state == "42501" else OutcomeKind.INVALID  # 42501: the role may not read it
        return Outcome(kind=kind, reason=lines[0])

    @cached_property
    def _embedded(self) -> DuckDb:
        """Runs test databases."""
        return DuckDb().open(self.task, Engine(timeout=self.engine.timeout))

    @cached_property
    def _loaded(self) -> Any:
        from dstill_sql.engines.loading import Loader

        return Loader(self.engine, user=self.config.user, plain=self.config.plain)

    # --- the data ------------------------------------------------------------------------

    def facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        from dstill_sql.engines.catalogs import facts_of, from_postgresql

        if self.engine.load_data:
            return {}
        names = {data_of(self.task, example) for example in examples if not isinstance(self.task.data(example), Rows)}
        with self._lock:
            facts = facts_of(from_postgresql(self.server).schema) if names else {}
        return dict.fromkeys(sorted(names), facts)

    def changes(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Change]:
        return changes(then, now)

    def self_check(self) -> Iterable[CheckResult]:
        from dstill_sql.engines.self_check import for_server

        known = self.task.own_database()
        return for_server(self.server, None if known is None or known.data is not None else known.schema)

    def close(self) -> None:
        for name in ("_embedded", "_loaded"):
            if name in vars(self):
                vars(self).pop(name).close()
        self.server.close()
