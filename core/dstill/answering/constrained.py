"""A student whose answers follow a grammar, one for each example.

    generator = Constrained(run.generator(), run.objective, run.task, examples)
    steps.predict(generator, run.objective, run.task, examples)

Sources must come in the order of the examples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dstill.api.objective import Objective
from dstill.api.records import Example, Grammar, ModelInput
from dstill.api.student import Generation, Generator, Similarity
from dstill.api.task import Task
from dstill.errors import UsageError

__all__ = ["Constrained"]


class Constrained(Generator):
    """A generator for the sources of `examples`, in their order; each answer follows the grammar of its example."""

    def __init__(self, student: Generator, objective: Objective, task: Task, examples: Sequence[Example]) -> None:
        """Raises UsageError when the task has no grammar for any of the examples."""
        self._student = student
        self._grammars = [objective.grammar(task, example) for example in examples]
        if self._grammars and not any(self._grammars):
            raise UsageError(
                f"task '{task.name}' has no grammar for its answers here",
                where="evaluate.constrain = true",
                hint="the task may need a schema of the data; if the pack has no grammars, set it to false",
            )

    def generate(self, sources: Sequence[ModelInput]) -> Iterator[Generation]:
        """The answer to the source of each example, in order."""
        return self._student.generate_constrained(sources, self._grammars)

    def sample(
        self,
        sources: Sequence[ModelInput],
        n: int,
        *,
        temperature: float,
        seed: int,
        grammars: Sequence[Grammar | None] = (),
    ) -> Iterator[tuple[Generation, ...]]:
        """`n` answers to the source of each example, in order; `grammars` is ignored: the examples decide."""
        return self._student.sample(sources, n, temperature=temperature, seed=seed, grammars=self._grammars)

    def similarity(self, sources: Sequence[ModelInput]) -> list[Similarity]:
        """How near each source is to those of training; the grammars do not matter."""
        return self._student.similarity(sources)
