"""The teacher ``replay``: answers and rationales from a file.

    [teacher.replay]
    file = "answers.csv"        # prompt,rationale,dsl; or what else dstill.inputs.question_files reads

The reply to a prompt is the row with the example's id, or else the row with exactly its question. From a row without
rationale, a student learns the answer alone. Beside ``answers.csv``, ``answers.aliases.json`` may have other names of
values, for `adapt`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from dstill.api.records import Example, Prompt, Reply
from dstill.api.setting import setting
from dstill.api.task import Task
from dstill.api.teacher import Teacher
from dstill.errors import ConfigError, DataError
from dstill.io.plain_files import read_bounded
from dstill_teachers.synthetic import digest

__all__ = ["Replay", "ReplayConfig"]

_MOST_BYTES = 2**20  # of a file with other names; a teacher's reply is a tenth of it


class NotInFile(DataError):
    """The file has no answer to the question."""

    code = "not_in_file"


class SeveralAnswers(DataError):
    """The file has different answers to the question."""

    code = "several_answers"


@dataclass(frozen=True, kw_only=True)
class ReplayConfig:
    """The teacher `replay`: answers that you already have."""

    file: str = setting("", "Answers, in what `generate --questions` reads.", trust="data set")


class Replay(Teacher):
    """Looks up answers in the file teacher.replay.file."""

    name = "replay"
    is_lookup = True
    choice = "file"
    Config = ReplayConfig

    def open(self, task: Task) -> Self:
        # imported late: plugins load at every start of the command line
        from dstill.inputs.question_files import read_questions
        from dstill.io.spool import Positions

        if not self.config.file:
            raise ConfigError(
                "the teacher 'replay' needs a file with answers",
                where="teacher.replay.file",
                hint="--teacher replay:answers.csv",
            )
        rows = self._answers = read_questions(self.config.file, parse=task.parse)
        self._by_id = Positions(None if row.answer is None else row.id for row in rows)
        self._by_question = Positions(None if row.answer is None else row.question for row in rows)
        if all(row.answer is None for row in rows):
            raise DataError("no row has an answer", where=self.config.file)
        return super().open(task)

    def questions(self) -> Sequence[Example]:
        return self._answers

    def other_names(self) -> str:
        file = Path(self.config.file).with_suffix(".aliases.json")  # as packs bring them
        return read_bounded(file, _MOST_BYTES).decode(errors="replace") if file.is_file() else ""

    def identity(self, prompt: Prompt) -> Mapping[str, Any]:
        rows = self._rows(prompt.example)
        return {"teacher": self.name, "answers": [digest(row.answer, row.rationale) for row in rows]}

    async def ask(self, prompt: Prompt) -> Reply:
        example = prompt.example
        rows = self._rows(example)
        if not rows:
            raise NotInFile("the file has no answer to the question", where=f"{self.config.file}, id {example.id}")
        if len({(row.answer, row.rationale) for row in rows}) > 1:
            ids = ", ".join(row.id for row in rows[:3])
            raise SeveralAnswers(
                f"the file has {len(rows)} different answers to the question ({ids})",
                where=f"{self.config.file}, id {example.id}",
                hint="set the ids of the rows to those of the questions",
            )
        row = rows[0]
        return Reply(id=example.id, text=self.task.reply_text(row.rationale or "", row.answer or ""), model=self.name)

    def _rows(self, example: Example) -> list[Example]:
        rows = [self._answers[at] for at in self._by_id.find(example.id)]
        if not rows or rows[0].question != example.question:
            rows = [self._answers[at] for at in self._by_question.find(example.question)] or rows
        return rows
