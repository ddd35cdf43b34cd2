"""Search bodies in users' files, for `dstill check`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dstill.api.answer_files import FileAnswer, Fix
from dstill.api.protocols import AnswerFiles
from dstill.api.records import Example, Problem
from dstill_querydsl.files import reading
from dstill_querydsl.files.codes import CODES

__all__ = ["QueryFiles"]


class QueryFiles(AnswerFiles):
    """Files of JSON, of requests, and of programs."""

    suffixes = reading.SUFFIXES
    problem_codes = CODES

    def has_answers(self, text: str, suffix: str) -> bool:
        return reading.has_answers(text, suffix)

    def file_answers(self, text: str, suffix: str) -> Iterable[FileAnswer]:
        return reading.answers(text, suffix)

    def answer_fixes(self, example: Example, answer: str, problems: Sequence[Problem]) -> Iterable[Fix]:
        from dstill_querydsl.files.fixes import fixes

        return fixes(answer, problems)
