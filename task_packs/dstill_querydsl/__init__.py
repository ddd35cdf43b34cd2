"""The Query DSL pack: natural language → an Elasticsearch `_search` body, or a refusal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dstill.hookspecs import hookimpl

if TYPE_CHECKING:
    from dstill.api.executor import Executor
    from dstill.api.task import Task

__all__ = ["register_executors", "register_tasks"]


@hookimpl
def register_tasks() -> Iterable[type[Task]]:
    """The task ``querydsl``."""
    from dstill_querydsl.pack import QueryDsl

    yield QueryDsl


@hookimpl
def register_executors() -> Iterable[type[Executor]]:
    """``embedded``: an engine inside this process. ``http``: a server of Elasticsearch or OpenSearch."""
    from dstill_querydsl.engines import Embedded, Http

    yield Embedded
    yield Http
