"""The Query DSL pack: natural language → an Elasticsearch `_search` body, or a refusal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dstill.hookspecs import hookimpl

if TYPE_CHECKING:
    from dstill.api.part import Declaration

__all__ = ["register_executors", "register_tasks"]


@hookimpl
def register_tasks() -> Iterable[Declaration]:
    """The task ``querydsl``."""
    from dstill_querydsl.declarations import TASK

    yield TASK


@hookimpl
def register_executors() -> Iterable[Declaration]:
    """``embedded``: an engine inside this process. ``http``: a server of Elasticsearch or OpenSearch."""
    from dstill_querydsl.declarations import EMBEDDED, HTTP

    return [EMBEDDED, HTTP]
