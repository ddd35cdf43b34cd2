"""Answers whose verdict is known, for `dstill pack check querydsl`."""

from __future__ import annotations

from collections.abc import Iterable

from dstill.api.protocols import KnownAnswers
from dstill.api.records import Example
from dstill_querydsl.known_answers import DIFFERENT, EQUAL, HOSTILE

__all__ = ["QueryKnownAnswers"]


class QueryKnownAnswers(KnownAnswers):
    """Those of `dstill_querydsl.known_answers`, which are the same for every index."""

    def equal_answers(self, example: Example) -> Iterable[tuple[str, str]]:
        return EQUAL

    def different_answers(self, example: Example) -> Iterable[tuple[str, str]]:
        return DIFFERENT

    def hostile_answers(self, example: Example) -> Iterable[str]:
        return HOSTILE
