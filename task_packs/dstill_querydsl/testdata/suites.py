"""Test databases and mutants of a gold that pass the checks of its task.

    suites = Suites(task, task.config, profiles)
    suites.databases(example, 5)    → [TestDatabase(name="boundaries", …), …]
    suites.mutants(example)         → [Mutant(name="gte→gt at /query/range/took", …), …]

A body that the checks refuse is never run, whether gold or mutant.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dstill.api.gate import Gate
from dstill.api.protocols import NoTestDatabases
from dstill.api.records import Example, Mutant, TestDatabase
from dstill.api.task import Task
from dstill_querydsl.language import strict
from dstill_querydsl.language.mapping.index_profiles import IndexProfiles
from dstill_querydsl.language.results import compare
from dstill_querydsl.settings import Settings
from dstill_querydsl.testdata.dependencies import Keeper
from dstill_querydsl.testdata.make import DatabaseMaker, IndexSchema
from dstill_querydsl.testdata.mutants import compact, mutants_of

__all__ = ["Suites"]


class Suites:
    """Mutants and test databases for the examples of a task."""

    def __init__(self, task: Task, config: Settings, profiles: IndexProfiles) -> None:
        self._gate, self._config, self._profiles = Gate(task), config, profiles
        self._maker = DatabaseMaker(compare.same, compare.is_empty, rules=repr([config.dialect, config.guard]))

    def mutants(self, example: Example) -> Iterable[Mutant]:
        """The mutants of an example's gold. None if its mapping is not known or the gold is not run."""
        profile, gold = self._profiles.of(example), _body(example)
        if profile is None or gold is None or self._not_run(example.answer or "", example):
            return ()
        return mutants_of(gold, profile.layout, lambda answer: not self._not_run(answer, example))

    def databases(self, example: Example, k: int) -> Iterable[TestDatabase]:
        """At most `k` test databases of an example's gold. Raises NoTestDatabases if there cannot be any."""
        profile, gold = self._profiles.of(example), _body(example)
        most = min(k, self._config.corpora)
        if gold is None or not most:
            return ()
        if reason := self._not_run(example.answer or "", example):
            raise NoTestDatabases(reason)
        if profile is None:
            raise NoTestDatabases(f"the mapping of '{example.context.get('index', '')}' is not known")
        settings = example.context.get("settings", profile.index.settings)
        return self._maker.databases(
            gold,
            IndexSchema(mapping=profile.index.mapping, settings=settings, now=profile.index.now),
            profile.layout,
            lambda: self.mutants(example),
            lambda body: self._not_run(compact(body), example),
            most,
            Keeper(example.context.get("dependencies", {}), gold, example.question, profile.layout),
        )

    def _not_run(self, answer: str, example: Example) -> str:
        """Why `answer` must not be run. Empty if it can be run."""
        return next((f"not run: {error.layer}: {error.message}" for error in self._gate.errors(answer, example)), "")


def _body(example: Example) -> dict[str, Any] | None:
    """The gold as a body. None if it is a refusal or cannot be parsed."""
    gold = strict.read(example.answer or "").value
    return None if gold is None or "refusal" in gold else gold
