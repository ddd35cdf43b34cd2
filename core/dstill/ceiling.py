"""How good the teacher itself is: its answers against golds that were there before it was asked.

    unmeasured(run)            →  "the teacher 'synthetic' repeats golds"; empty: it can be measured
    judged(run, executor)      →  a Verdict on the teacher's answer to each question that had a gold, in order

A student learns what its teacher answers, and is scored against that too, so it can hardly do better. A reply that
the checks refused counts as it stands; a row that the curation left out, as a duplicate, says nothing of the teacher.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator

from dstill.curating import ASKED
from dstill.parts import Executor
from dstill.records import Draft, Example, Inquiry, Record, Rejection, Verdict

if TYPE_CHECKING:
    from dstill.run import Run

__all__ = ["judged", "unmeasured"]


def unmeasured(run: Run) -> str:
    """Why nothing can be said of the teacher; empty: it can."""
    teacher = run.manifest["stages"].get("generate", {}).get("teacher", "")
    if teacher in run.plugins.names("teachers") and run.plugins.teacher(teacher).repeats:
        return f"the teacher '{teacher}' repeats golds"
    return "" if any(_with_gold(run)) else "no question that is scored had a gold before the teacher was asked"


def judged(run: Run, executor: Executor | None) -> Iterator[Verdict]:
    rows: dict[str, Record | Rejection] = {row.id: row for row in run.rejections()}
    rows.update((row.id, row) for split in run.settings.evaluate.splits for row in run.records(split, raw=True))
    for example in _with_gold(run):
        row = rows.get(example.id)
        if row is not None and not _is_of_curation(row):
            yield run.plugins.judge_answer(run.task, example, _draft(run, row), executor)


def _with_gold(run: Run) -> Iterator[Example]:
    for example in (inquiry.example for inquiry in run.load(Inquiry, ASKED)):
        if example.answer is not None and example.split in run.settings.evaluate.splits:
            yield example


def _is_of_curation(row: Record | Rejection) -> bool:
    return isinstance(row, Rejection) and any(problem.layer == "curation" for problem in row.problems)


def _draft(run: Run, row: Record | Rejection) -> Draft | None:
    if isinstance(row, Record):
        return Draft(answer=row.answer, rationale=row.rationale)
    if any(problem.layer == "engine" for problem in row.problems):
        return Draft(answer=row.text)  # what the engine refused is kept as it was run
    return run.plugins.parse_reply(run.task, row.text)
