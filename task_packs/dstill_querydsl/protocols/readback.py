"""Search bodies in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dstill.api.protocols import Phrase, Readback
from dstill.api.records import Example
from dstill_querydsl.language import strict
from dstill_querydsl.language.readback import Names, read_back
from dstill_querydsl.language.results.refusal import is_refusal

if TYPE_CHECKING:
    from dstill_querydsl.pack import QueryDsl

__all__ = ["QueryReadback"]


class QueryReadback(Readback):
    """Conditions, groups, order and limits. Refusals have no words."""

    task: QueryDsl

    def read_back(self, example: Example, answer: str) -> Sequence[Phrase]:
        body = strict.read(answer).value
        if body is None or is_refusal(body):
            return ()
        profile = self.task.index_profile(example)
        names = Names(None) if profile is None else profile.names
        return read_back(body, names, str(example.context.get("index", self.task.config.index)))
