"""Questions about the user's own database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dstill.api.protocols import QuestionBrief, Synthesis
from dstill.api.records import Example
from dstill_sql.prompting import question_brief
from dstill_sql.questions.example_splits import synthesized
from dstill_sql.questions.tally import Tally

if TYPE_CHECKING:
    from dstill.api.task import Task
    from dstill_sql.pack import Sql

__all__ = ["SqlSynthesis"]


class SqlSynthesis(Synthesis):
    """Questions from templates, or from a teacher."""

    task: Sql

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self._tally = Tally()  # of the last call of `synthesize`

    def synthesize(self, context: Mapping[str, Any], n: int, seed: int) -> Iterable[Example]:
        self._tally = Tally()
        return synthesized(self._about(context), self.task.config, n, seed, self._tally)

    def warnings(self) -> Iterable[str]:
        return self._tally.lines()

    def question_brief(self, context: Mapping[str, Any]) -> QuestionBrief:
        example = Example(id="", question="", context=self._about(context))
        return question_brief(example, self.task.database(example))

    def _about(self, context: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"db": self.task.config.db, **context}
