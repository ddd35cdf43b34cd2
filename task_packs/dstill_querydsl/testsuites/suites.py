"""Test databases and mutants of a gold, under the checks of its task.

    suites = Suites(task, task.config, task.studies)
    suites.databases(example, 5)    → [TestDatabase(name="boundaries", …), …]
    suites.mutants(example)         → [Mutant(name="gte→gt at /query/range/took", …), …]

What the checks refuse is neither a gold that is run nor a mutant.
"""

from __future__ import annotations

from typing import Any, Iterable

from dstill.api.gate import Gate
from dstill.api.protocols import NoTestDatabases
from dstill.api.records import Example, Mutant, TestDatabase
from dstill.api.task import Task
from dstill_querydsl.language import strict
from dstill_querydsl.results import compare
from dstill_querydsl.settings import Settings
from dstill_querydsl.studies import Studies
from dstill_querydsl.testsuites.make import Maker, Place
from dstill_querydsl.testsuites.mutants import compact, mutants_of

__all__ = ["Suites"]


class Suites:
    def __init__(self, task: Task, config: Settings, studies: Studies) -> None:
        self._gate, self._config, self._studies = Gate(task), config, studies
        self._maker = Maker(compare.same, compare.empty, rules=repr([config.dialect, config.guard]))

    def mutants(self, example: Example) -> Iterable[Mutant]:
        study, gold = self._studies.of(example), _body(example)
        if study is None or gold is None or self._not_run(example.answer or "", example):
            return ()
        return mutants_of(gold, study.layout, lambda answer: not self._not_run(answer, example))

    def databases(self, example: Example, k: int) -> Iterable[TestDatabase]:
        """Raises NoTestDatabases."""
        study, gold = self._studies.of(example), _body(example)
        most = min(k, self._config.corpora)
        if gold is None or not most:
            return ()
        if reason := self._not_run(example.answer or "", example):
            raise NoTestDatabases(reason)
        if study is None:
            raise NoTestDatabases(f"the mapping of '{example.context.get('index', '')}' is not known")
        settings = example.context.get("settings", study.index.settings)
        return self._maker.corpora(
            gold,
            Place(mapping=study.index.mapping, settings=settings, now=study.index.now),
            study.layout,
            lambda: self.mutants(example),
            lambda body: self._not_run(compact(body), example),
            most,
        )

    def _not_run(self, answer: str, example: Example) -> str:
        """Why `answer` must not be run; empty: it may be."""
        return next((f"not run: {one.layer}: {one.message}" for one in self._gate.errors(answer, example)), "")


def _body(example: Example) -> dict[str, Any] | None:
    """The gold as a body; None where it is none, or a refusal."""
    gold = strict.read(example.answer or "").value
    return None if gold is None or "refusal" in gold else gold
