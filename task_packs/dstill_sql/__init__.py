"""The SQL pack: natural language → one query that reads, or a refusal."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dstill.hookspecs import hookimpl

if TYPE_CHECKING:
    from dstill.api.executor import Executor
    from dstill.api.task import Task

__all__ = ["register_executors", "register_tasks"]

# sqlglot warns about text that it only half understands. Answers are any text, and the checks say what is wrong.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())


@hookimpl
def register_tasks() -> Iterable[type[Task]]:
    """The task ``sql``."""
    from dstill_sql.pack import Sql

    yield Sql


@hookimpl
def register_executors() -> Iterable[type[Executor]]:
    """``duckdb`` and ``sqlite``: engines that dstill starts. ``postgresql``: a server."""
    from dstill_sql.engines.duckdb import DuckDb
    from dstill_sql.engines.postgresql import Postgresql
    from dstill_sql.engines.sqlite import Sqlite

    yield DuckDb
    yield Sqlite
    yield Postgresql
