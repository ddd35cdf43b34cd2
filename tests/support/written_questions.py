"""What holds for every set of questions that were written one by one, with their golds.

assert_checked(task, rows)           every gold passes all checks
empty(task, rows, executor)          ["loans-d024", …], the golds that run and find nothing
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dstill.api.checking import find_problems
from dstill.api.protocols import ResultProperties
from dstill.api.records import Draft, Example, OutcomeKind


def assert_checked(task: Any, rows: Sequence[Example]) -> None:
    for row in rows:
        problems = find_problems(task, row, Draft(answer=row.answer or ""))
        assert not [str(problem) for problem in problems if problem.is_error], row.id


def empty(task: Any, rows: Sequence[Example], executor: Any) -> list[str]:
    """The ids of the golds that find nothing. All golds that are no refusals must run, with one possible result."""
    found = []
    for row in rows:
        if task.is_refusal(row.answer or ""):
            continue
        outcome = executor.run(row.answer or "", row)
        assert outcome.kind is OutcomeKind.OK, (row.id, outcome.reason)
        assert not ResultProperties.of(task).is_nondeterministic(outcome.value, row), row.id
        if ResultProperties.of(task).is_trivial(outcome.value, row):
            found.append(row.id)
    return found
