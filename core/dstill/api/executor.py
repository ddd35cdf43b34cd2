"""Executors: what runs answers, after the task's checks let them pass."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, ClassVar, Iterable, Mapping, Self, Sequence, final

from dstill.api.engine import Change, CheckResult, Engine
from dstill.api.faults import PASSING, about, fault
from dstill.api.gate import Gate
from dstill.api.part import Part
from dstill.api.records import (
    Example,
    Outcome,
    OutcomeKind,
)
from dstill.api.task import Task
from dstill.errors import UsageError

__all__ = ["Executor"]


class Executor(Part, ABC):
    """Runs answers. A context manager, opened once for all examples of a stage.

    A subclass implements `execute`; everyone else calls `run`, which checks an answer first.
    """

    takes_url: ClassVar[bool] = False  # reaches a server of the user's (``--engine-url``)
    parallel: ClassVar[int] = 1  # how many threads may call `run` at once
    task: Task
    engine: Engine
    second: Executor | None = None  # judges beside this one, opened too (``evaluate.second_executor``)
    _gate: Gate | None = None  # None: not open

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if cls.run is not Executor.run:
            raise TypeError(
                f"{cls.__name__} overrides Executor.run, which checks an answer before anything runs it: "
                "implement execute(answer, example) instead"
            )

    def open(self, task: Task, engine: Engine) -> Self:
        """Make ready to run answers of `task`. Raises ServiceError where an engine is not there."""
        self.task, self.engine, self._gate = task, engine, Gate(task)
        return self

    @final
    def run(self, answer: str, example: Example) -> Outcome:
        """Check `answer`, whoever wrote it, and run it on the example's data if no check finds an error in it.

        What the checks refuse is INVALID, with their errors as `Outcome.problems`. Refusals are not run either.
        """
        if self._gate is None:
            raise UsageError(f"executor '{self.name}' is not open", hint="call executor.open(task, engine) first")
        if errors := self._gate.errors(answer, example):
            reason = f"not run: {errors[0].layer}: {errors[0].message}"
            return Outcome(kind=OutcomeKind.INVALID, reason=reason, problems=errors)
        with about(example.id):
            if self.task.is_refusal(answer):
                return Outcome(kind=OutcomeKind.INVALID, reason="not run: it is a refusal")
        try:
            return self.execute(answer, example)
        except PASSING:
            raise
        except Exception as error:
            reason = fault(self.task, f"executor '{self.name}'", error, example.id)
            return Outcome(kind=OutcomeKind.UNSUPPORTED, reason=reason)

    @abstractmethod
    def execute(self, answer: str, example: Example) -> Outcome:
        """Run `answer`, which passed the task's checks, on the example's data. Only `run` calls this.

        Must not raise for what an answer does. Raises ServiceError or AuthError where no answer could be run.
        """

    def context(self, example: Example) -> Mapping[str, Any]:
        """What only the engine knows of the example's data, for `TestDatabases.test_databases`; nothing by default."""
        return {}

    @property
    def label(self) -> str:
        """Engine and version, for every score: ``embedded postgres 17.2``."""
        return self.name

    @final
    @property
    def labels(self) -> str:
        """Every engine that judges: this one's label, and the label of `second` where there is one."""
        return self.label if self.second is None else f"{self.label} and {self.second.label}"

    @property
    def data(self) -> str:
        """The name of the data that every answer runs on, where the settings name one; empty: the example's own."""
        return ""

    def facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        """What the data that answers to `examples` run on is like now, for run.json; empty where it cannot move."""
        return {}

    def changes(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Change]:
        """How two results of `facts` differ, or one of `DataProfile.data_facts` and one of `facts`."""
        return ()

    def self_check(self) -> Iterable[CheckResult]:
        """What can be said of the engine behind this opened executor: facts, and requests with known answers.

        Reads only, unless ``engine.load_data`` allows data of the task's own. Raises what `open` may raise.
        """
        return ()

    def close(self) -> None:
        """Let go of whatever `open` took."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
