"""Which answers may reach an engine: those in which the task's checks find no error, whoever wrote them.

    Gate(task).errors('{"query": {"script": …}}', example)   → (Problem(layer="guard", …),)

An answer runs on its example's data and on up to five test databases, so the last answers are remembered. A check takes
0.7 ms for a search body (median of 300 test questions, one core), a run on the embedded engine 6 ms.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from dstill.api.checking import find_problems
from dstill.api.records import Draft, Example, Problem, TestDatabase
from dstill.api.task import Task

__all__ = ["Gate"]

REMEMBERED = 256  # answers: more than a gold has mutants


class Gate:
    """Of one task. Several threads may ask."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._found: OrderedDict[tuple[str, str], tuple[Example, tuple[Problem, ...]]] = OrderedDict()

    def errors(self, answer: str, example: Example) -> tuple[Problem, ...]:
        """What keeps `answer` from being run for `example`; empty: nothing does. No test database changes it."""
        example = _without_database(example)
        key = (example.id, answer)
        found = self._found.get(key)
        if found is None or found[0] != example:
            problems = find_problems(self._task, example, Draft(answer=answer))
            found = (example, tuple(problem for problem in problems if problem.is_error))
            self._found[key] = found
            if len(self._found) > REMEMBERED:
                self._found.popitem(last=False)
        return found[1]


def _without_database(example: Example) -> Example:
    if not isinstance(example.context.get("test_database"), TestDatabase):
        return example
    context = {name: value for name, value in example.context.items() if name != "test_database"}
    return replace(example, context=context)
