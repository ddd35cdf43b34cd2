"""How good the teacher is: its answers against gold answers that existed before it was asked.

    found = scored(setup, TeacherRows(name="openai", asked=…, answers=…, rejections=…), executor)
    found.why                                →  "the teacher 'synthetic' repeats reference answers"; empty: scored
    judged(setup, golds, answers, executor)  →  a Verdict on the teacher's answer to each of `golds`, in order

A reply that failed a check is judged as it is. A row that the curation removed, as a duplicate, is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dstill.api.executor import Executor
from dstill.api.records import Example, Prediction, Rejection, Verdict
from dstill.factory import Setup
from dstill.inputs import given
from dstill.plugins import Plugins
from dstill.runtime import spooled
from dstill.stages.evaluate.judging import Metrics, scores

__all__ = ["TeacherRows", "TeacherScores", "judged", "scored"]


@dataclass(frozen=True, kw_only=True)
class TeacherRows:
    """The result of asking the teacher."""

    name: str  # of the teacher; empty: none was asked
    asked: Iterable[Example]
    answers: Iterable[Prediction]  # `dstill.stages.evaluate.teacher_answers`
    rejections: Iterable[Rejection]


@dataclass(frozen=True, kw_only=True)
class TeacherScores:
    """The scores of the teacher, or why it has none."""

    why: str = ""  # the teacher was not scored; empty: it was
    scores: Mapping[str, Metrics] = field(default_factory=dict)  # by split
    verdicts: Sequence[Verdict] = ()


def scored(setup: Setup, rows: TeacherRows, executor: Executor | None) -> TeacherScores:
    """Score the teacher where that is possible."""
    splits = setup.settings.evaluate.splits
    examples = [example for example in rows.asked if not given.explains(example, setup.settings.generate)]
    golds = [example for example in examples if example.answer is not None and example.split in splits]
    if why := _unmeasured(setup.plugins, rows.name, golds):
        return TeacherScores(why=why)
    verdicts = spooled.verdicts(judged(setup, golds, rows.answers, rows.rejections, executor))
    return TeacherScores(scores=scores(setup, verdicts), verdicts=verdicts)


def _unmeasured(plugins: Plugins, teacher: str, golds: Sequence[Example]) -> str:
    """Why the teacher cannot be scored; empty: it can.

    `golds`: questions of the scored splits that had an answer before the teacher was asked.
    """
    if plugins.is_lookup(teacher):
        return f"the teacher '{teacher}' repeats reference answers"
    return "" if golds else "no question that is scored had a reference answer before the teacher was asked"


def judged(
    setup: Setup,
    golds: Iterable[Example],
    answers: Iterable[Prediction],
    rejections: Iterable[Rejection],
    executor: Executor | None,
) -> Iterator[Verdict]:
    """A verdict on each of `golds` that the teacher answered, and that the curation did not remove (`rejections`)."""
    texts = {answer.id: answer.text for answer in answers}
    removed = {row.id for row in rejections if any(problem.layer == "curation" for problem in row.problems)}
    for example in golds:
        if example.id in texts and example.id not in removed:
            draft = setup.plugins.parse_reply(setup.task, texts[example.id])
            yield setup.plugins.judge_answer(setup.task, example, draft, executor)
