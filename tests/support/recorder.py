"""The toy with an engine that writes down what reaches it (``ran.txt``), and a guard that refuses 66 in any answer.

Watched: every gold has a neighbour with 66, and a corpus
Stranger: a teacher that says the gold, and does not repeat it, so that its own score is measured
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from support.toy import Abacus, Memorizer, Parrot, Recall, Toy

from dstill import Check, Task, hookimpl
from dstill.api.executor import Executor
from dstill.api.protocols import TestDatabases
from dstill.api.records import Example, Grammar, ModelInput, Mutant, Outcome, Problem, TestDatabase
from dstill.api.student import Generation, Generator, Student
from dstill.api.teacher import Teacher

RAN = "ran.txt"
HOSTILE = "66+1"


def guard(example: Example, answer: str) -> Iterable[Problem]:
    if re.search("66", answer):
        yield Problem(layer="guard", code="hostile", message="66 is not allowed")


class WatchedDatabases(TestDatabases):
    def mutants(self, example: Example) -> Iterable[Mutant]:
        yield Mutant(name="hostile", answer=HOSTILE)
        yield Mutant(name="turned", answer="1+8")

    def test_databases(self, example: Example, k: int) -> Iterator[TestDatabase]:
        yield TestDatabase(name="the same", data={})


class Watched(Toy):
    name = "watched"
    executors = ("recorder",)
    checks = (*Toy.checks, Check("guard", guard))
    protocols: ClassVar = {**Toy.protocols, TestDatabases: WatchedDatabases}


class Recorder(Abacus):
    name = "recorder"

    def execute(self, answer: str, example: Example) -> Outcome:
        with Path(RAN).open("a") as file:
            file.write(f"{answer}\n")
        return super().execute(answer, example)


class Stranger(Parrot):
    name = "stranger"
    is_lookup = False


class Trained(Memorizer):
    """Takes its own accuracy once, where training asks for it."""

    name = "trained"

    def fit(self, job: Any) -> Any:
        fitted = super().fit(job)
        if job.score is not None:
            job.score(self.load(job.folder))
        return fitted

    def load(self, folder: Path, *, trained: bool = True) -> Generator:
        return Drawing(super().load(folder, trained=trained).pairs)  # type: ignore[attr-defined]


class Drawing(Recall):
    def sample(
        self,
        sources: Sequence[ModelInput],
        n: int,
        *,
        temperature: float,
        seed: int,
        grammars: Sequence[Grammar | None] = (),
    ) -> Iterator[tuple[Generation, ...]]:
        """A hostile answer among the others."""
        for known in self.generate(sources):
            yield (replace(known, text=HOSTILE), *([known] * (n - 1)))


@hookimpl
def register_tasks() -> Iterable[type[Task]]:
    yield Watched


@hookimpl
def register_executors() -> Iterable[type[Executor]]:
    yield Recorder


@hookimpl
def register_teachers() -> Iterable[type[Teacher]]:
    yield Stranger


@hookimpl
def register_students() -> Iterable[type[Student]]:
    yield Trained
