"""How good the teacher is: its answers against gold answers that existed before it was asked.

    unmeasured(plugins, "synthetic", golds)  →  "the teacher 'synthetic' repeats reference answers"; empty: it can be
    judged(setup, golds, rows, executor)     →  a Verdict on the teacher's answer to each of `golds`, in order

A student learns the teacher's answers and is scored against them, so it can hardly do better. A reply that failed a
check is judged as it is. A row that the curation removed, as a duplicate, is not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from dstill.api.executor import Executor
from dstill.api.records import Draft, Example, Record, Rejection, Verdict
from dstill.api.task import Task
from dstill.factory import Setup
from dstill.pipeline.evaluate import Metrics
from dstill.plugins import Plugins
from dstill.teacher import fence

__all__ = ["TeacherScores", "judged", "unmeasured"]


@dataclass(frozen=True, kw_only=True)
class TeacherScores:
    """The scores of the teacher, or why it has none."""

    why: str = ""  # the teacher was not scored; empty: it was
    scores: Mapping[str, Metrics] = field(default_factory=dict)  # by split


def unmeasured(plugins: Plugins, teacher: str, golds: Sequence[Example]) -> str:
    """Why the teacher cannot be scored; empty: it can.

    `golds`: questions of the scored splits that had an answer before the teacher was asked.
    """
    if teacher in plugins.names("teachers") and plugins.teacher(teacher).is_lookup:
        return f"the teacher '{teacher}' repeats reference answers"
    return "" if golds else "no question that is scored had a reference answer before the teacher was asked"


def judged(
    setup: Setup, golds: Iterable[Example], rows: Iterable[Record | Rejection], executor: Executor | None
) -> Iterator[Verdict]:
    """A verdict on each of `golds` for which `rows` has the teacher's answer."""
    by_id = {row.id: row for row in rows}
    for example in golds:
        row = by_id.get(example.id)
        if row is not None and not _removed_by_curation(row):
            draft = _draft(setup.plugins, setup.task, example, row)
            yield setup.plugins.judge_answer(setup.task, example, draft, executor)


def _removed_by_curation(row: Record | Rejection) -> bool:
    return isinstance(row, Rejection) and any(problem.layer == "curation" for problem in row.problems)


def _draft(plugins: Plugins, task: Task, example: Example, row: Record | Rejection) -> Draft | None:
    if isinstance(row, Record):
        return Draft(answer=row.answer, rationale=row.rationale)
    if any(problem.layer == "engine" for problem in row.problems):
        return Draft(answer=row.text)  # the answer alone: it was parsed before it was run
    return plugins.parse_reply(task, fence.removed(row.text, example)[0])
