"""Questions about the user's own index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dstill.api.protocols import QuestionBrief, Synthesis
from dstill.api.records import Example
from dstill.errors import UsageError
from dstill_querydsl.prompting import question_brief
from dstill_querydsl.questions.example_splits import rules_of
from dstill_querydsl.questions.templates import Tally, questions
from dstill_querydsl.questions.templates.focus_weights import FocusWeights

if TYPE_CHECKING:
    from dstill.api.task import Task
    from dstill_querydsl.pack import QueryDsl

__all__ = ["QuerySynthesis"]


class QuerySynthesis(Synthesis):
    """Questions from templates, or from a teacher."""

    task: QueryDsl

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self._tally = Tally()  # of the last call of `synthesize`

    def synthesize(self, context: Mapping[str, Any], n: int, seed: int) -> Iterable[Example]:
        context = self._about(context)
        index = self.task.index(Example(id="", question="", context=context))
        if index is None:
            raise UsageError(
                f"'{context.get('index')}' is not a bundled index", hint="give --mapping to make questions about it"
            )
        self._tally = Tally()
        return questions(index, n, seed, rules_of(self.task.config), self._tally, FocusWeights.of(context))

    def warnings(self) -> Iterable[str]:
        return self._tally.remarks()

    def question_brief(self, context: Mapping[str, Any]) -> QuestionBrief:
        example = Example(id="", question="", context=self._about(context))
        profile = self.task.index_profile(example)
        if profile is None:
            raise UsageError(f"the mapping of '{example.context['index']}' is not known", hint="give --mapping")
        return QuestionBrief(
            about=question_brief.about(profile, self.task.config),
            answers=question_brief.ANSWERS,
            categories=question_brief.categories(profile.index.mapping),
            context={"index": example.context["index"]},
            topics=question_brief.topics(profile),
            values=profile.values.texts_in(question_brief.values(profile, self.task.config)),
        )

    def _about(self, context: Mapping[str, Any]) -> Mapping[str, Any]:
        """The context of questions: the user's own index if one is given, else the index of the settings."""
        if "values" in context and "mapping" not in context:
            raise UsageError("--values needs the mapping of the index", where="--values", hint="give --mapping too")
        return {"index": self.task.config.index, **context}
