"""Queries in users' files, for `dstill check`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dstill.api.answer_files import FileAnswer, Fix
from dstill.api.protocols import AnswerFiles
from dstill.api.records import Example, Problem
from dstill_sql.files import reading
from dstill_sql.files.codes import CODES

if TYPE_CHECKING:
    from dstill_sql.pack import Sql

__all__ = ["SqlFiles"]


class SqlFiles(AnswerFiles):
    """Files of SQL."""

    task: Sql
    suffixes = reading.SUFFIXES
    problem_codes = CODES

    def has_answers(self, text: str, suffix: str) -> bool:
        return reading.has_answers(text, self.task.config.dialect)

    def file_answers(self, text: str, suffix: str) -> Iterable[FileAnswer]:
        return reading.answers(text, self.task.config.dialect)

    def answer_fixes(self, example: Example, answer: str, problems: Sequence[Problem]) -> Iterable[Fix]:
        from dstill_sql.files.fixes import fixes

        database = self.task.database(example)
        return fixes(answer, problems, database.schema if database else None, self.task.config.dialect)
