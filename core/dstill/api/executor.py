"""Executors: they run answers that passed the task's checks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar, Self, final

from dstill.api.engine import Change, CheckResult, Engine
from dstill.api.faults import OWN_ERRORS, about, fault
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
    """Runs answers. A subclass implements `execute`; everyone else calls `run`, which checks the answer first.

    An executor is a context manager. dstill opens it once for all examples of a stage:
    ``with executor.open(task, engine): executor.run(answer, example)``.
    """

    # Of the addresses (``--engine-url``) that it runs answers on: ("http", "https"). Empty: it takes none. An address
    # without a host names a file, as in ``shop:///data/orders.db``.
    url_schemes: ClassVar[tuple[str, ...]] = ()
    parallel: ClassVar[int] = 1  # how many threads may call `run` at once
    task: Task  # set by `open`
    engine: Engine  # set by `open`
    second: Executor | None = None  # the opened executor of ``evaluate.second_executor``, while answers are judged
    _gate: Gate | None = None  # None: not open

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if cls.run is not Executor.run:
            raise TypeError(
                f"{cls.__name__} overrides Executor.run, which checks an answer before anything runs it: "
                "implement execute(answer, example) instead"
            )

    def open(self, task: Task, engine: Engine) -> Self:
        """Connect to the engine, and return itself. Raises ServiceError if the engine cannot be reached."""
        self.task, self.engine, self._gate = task, engine, Gate(task)
        return self

    @final
    def run(self, answer: str, example: Example) -> Outcome:
        """Check `answer` and, if the checks find no error, run it on the data of `example`.

        An answer that the checks refuse gives an INVALID outcome with their errors as `Outcome.problems`. A refusal
        (`Task.is_refusal`) is not run either. Raises UsageError if the executor is not open, else as `execute` does.
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
        except OWN_ERRORS:
            raise
        except Exception as error:
            reason = fault(self.task, f"executor '{self.name}'", error, example.id)
            return Outcome(kind=OutcomeKind.UNSUPPORTED, reason=reason)

    @abstractmethod
    def execute(self, answer: str, example: Example) -> Outcome:
        """Run `answer`, which passed the task's checks, on the data of `example`. Only `run` calls this.

        If ``example.context["test_database"]`` is a `TestDatabase`, run on its data instead. Must not raise because of
        the answer: return an outcome of another kind than OK. Raises ServiceError or AuthError if no answer can be run.
        """

    def missing_claims(self, example: Example) -> frozenset[str]:
        """The claims that its caller lacks, so that `execute` raises AuthError (`dstill.api.rows`); default: none."""
        return frozenset()

    def context(self, example: Example) -> Mapping[str, Any]:
        """Facts that only the engine knows about the data of `example`, such as its schema; default: nothing.

        It is added to the context of the example that `TestDatabases.test_databases` gets.
        """
        return {}

    @property
    def label(self) -> str:
        """Name and version of the engine, shown with every score: ``calculator 2.1``."""
        return self.name

    @final
    @property
    def labels(self) -> str:
        """The label of this executor and that of `second`, if there is one."""
        return self.label if self.second is None else f"{self.label} and {self.second.label}"

    @property
    def data(self) -> str:
        """The name of the data on which the settings say to run every answer. Empty: each example's own data."""
        return ""

    def facts(self, examples: Sequence[Example]) -> Mapping[str, Any]:
        """The current state of the data that answers to `examples` run on, as JSON values for run.json.

        Data name → its facts, such as the schema and the number of rows. Empty: the data cannot change.
        """
        return {}

    def changes(self, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterable[Change]:
        """Changes from `then`, a result of `facts` or `DataProfile.data_facts`, to `now`, a result of `facts`."""
        return ()

    def self_check(self) -> Iterable[CheckResult]:
        """Facts about the engine of this opened executor, and requests with known answers, for `dstill doctor`.

        Must only read, unless ``engine.load_data`` allows writing the task's data. Raises as `open` does.
        """
        return ()

    def close(self) -> None:
        """Release what `open` acquired."""

    def __enter__(self) -> Self:
        if self._gate is None:
            hint = "open it first: with run.executor() as executor, or with executor.open(task, engine)"
            raise UsageError(f"executor '{self.name}' is not open", hint=hint)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
