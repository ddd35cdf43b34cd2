"""A student whose answers are held to the grammars of what it is asked.

    writer = Constrained(run.writer(), run.objective, run.task, examples)
    stages.predict(writer, run.objective, run.task, examples)

Of the examples in order: what it is asked to write for is theirs, and nothing else.
"""

from __future__ import annotations

from typing import Iterator, Sequence

from dstill.api.objective import Objective
from dstill.api.records import Example, Grammar
from dstill.api.student import Closeness, Writer, Written
from dstill.api.task import Task
from dstill.errors import UsageError

__all__ = ["Constrained"]


class Constrained(Writer):
    def __init__(self, writer: Writer, objective: Objective, task: Task, examples: Sequence[Example]) -> None:
        """Raises UsageError where the task has no grammar for any of them."""
        self._writer = writer
        self._grammars = [objective.grammar(task, example) for example in examples]
        if self._grammars and not any(self._grammars):
            raise UsageError(
                f"task '{task.name}' has no grammar for its answers here",
                where="evaluate.constrain = true",
                hint="it may lack what the questions are about (a schema); else the pack writes none: set it to false",
            )

    def write(self, sources: Sequence[str]) -> Iterator[Written]:
        """As many as there were examples, in their order."""
        return self._writer.write_within(sources, self._grammars)

    def sample(
        self,
        sources: Sequence[str],
        n: int,
        *,
        temperature: float,
        seed: int,
        grammars: Sequence[Grammar | None] = (),
    ) -> Iterator[tuple[Written, ...]]:
        """Likewise; `grammars` are those of the examples."""
        return self._writer.sample(sources, n, temperature=temperature, seed=seed, grammars=self._grammars)

    def closeness(self, sources: Sequence[str]) -> list[Closeness]:
        return self._writer.closeness(sources)
