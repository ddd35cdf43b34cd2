"""How good the teacher itself is: its answers against golds that were there before it was asked.

    unmeasured(plugins, "synthetic", golds)  →  "the teacher 'synthetic' repeats golds"; empty: it can be measured
    judged(setup, golds, rows, executor)     →  a Verdict on the teacher's answer to each of `golds`, in order

A student learns what its teacher answers, and is scored against that too, so it can hardly do better. A reply that
the checks refused counts as it stands; a row that the curation left out, as a duplicate, says nothing of the teacher.
"""

from __future__ import annotations

from typing import Iterable, Iterator, Sequence

from dstill.api.executor import Executor
from dstill.api.records import Draft, Example, Record, Rejection, Verdict
from dstill.api.task import Task
from dstill.factory import Setup
from dstill.plugins import Plugins
from dstill.teacher import fence

__all__ = ["judged", "unmeasured"]


def unmeasured(plugins: Plugins, teacher: str, golds: Sequence[Example]) -> str:
    """Why nothing can be said of the teacher; empty: it can.

    `golds`: questions of the scored splits that had an answer before the teacher was asked.
    """
    if teacher in plugins.names("teachers") and plugins.teacher(teacher).is_lookup:
        return f"the teacher '{teacher}' repeats golds"
    return "" if golds else "no question that is scored had a gold before the teacher was asked"


def judged(
    setup: Setup, golds: Iterable[Example], rows: Iterable[Record | Rejection], executor: Executor | None
) -> Iterator[Verdict]:
    """A verdict on each of `golds` to which `rows` hold the teacher's answer."""
    by_id = {row.id: row for row in rows}
    for example in golds:
        row = by_id.get(example.id)
        if row is not None and not _is_of_curation(row):
            draft = _draft(setup.plugins, setup.task, example, row)
            yield setup.plugins.judge_answer(setup.task, example, draft, executor)


def _is_of_curation(row: Record | Rejection) -> bool:
    return isinstance(row, Rejection) and any(problem.layer == "curation" for problem in row.problems)


def _draft(plugins: Plugins, task: Task, example: Example, row: Record | Rejection) -> Draft | None:
    if isinstance(row, Record):
        return Draft(answer=row.answer, rationale=row.rationale)
    if any(problem.layer == "engine" for problem in row.problems):
        return Draft(answer=row.text)  # what the engine refused is kept as it was run
    return plugins.parse_reply(task, fence.removed(row.text, example)[0])
