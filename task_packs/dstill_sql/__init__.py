"""The SQL pack: natural language → one query that reads, or a refusal."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dstill.hookspecs import hookimpl

if TYPE_CHECKING:
    from dstill.api.part import Declaration

__all__ = ["register_executors", "register_tasks"]

# sqlglot warns about text that it only half understands. Answers are any text, and the checks say what is wrong.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())


@hookimpl
def register_tasks() -> Iterable[Declaration]:
    """The task ``sql``."""
    from dstill_sql.declarations import TASK

    yield TASK


@hookimpl
def register_executors() -> Iterable[Declaration]:
    """``duckdb`` and ``sqlite``: engines that dstill starts. ``postgresql``: a server."""
    from dstill_sql.declarations import DUCKDB, POSTGRESQL, SQLITE

    return [DUCKDB, SQLITE, POSTGRESQL]
