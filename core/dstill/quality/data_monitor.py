"""Data that changes during a run, and engines that are gone: what this means for the scores.

    monitor = DataMonitor(executor, examples, made_from={"logs": {"documents": 5}})   # DataError where data is missing
    …                                                                                 # answers run
    monitor.report()       # DataReport(data={"logs": {"documents": 5}},
                           #   notes=("while answers ran: documents: 5, now 6; scores are of data that moved",))

    engine_failures(verdicts)     # "the engine could not be asked about 12 of 400 answers, more than 2%"; else ""

Executors describe and compare the data (`Executor.facts`, `Executor.changes`). This module asks them at the right
moments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dstill.api.executor import Executor
from dstill.api.records import Example, OutcomeKind, Verdict
from dstill.errors import DataError
from dstill.io.logs import log

__all__ = ["MOST_LOST", "DataMonitor", "DataReport", "engine_failures"]

MOST_LOST = 0.02  # share of the answers; above it the engine, not the student, decided the scores


@dataclass(frozen=True, kw_only=True)
class DataReport:
    """The state of the data while answers ran, and how it differs from before."""

    data: Mapping[str, Any]  # open: each executor has its own facts; empty: no executor describes its data
    notes: tuple[str, ...] = ()


class DataMonitor:
    """Looks at the data of `examples` now, and again in `report`."""

    def __init__(self, executor: Executor | None, examples: Sequence[Example], *, made_from: Mapping[str, Any]) -> None:
        """`made_from`: the facts of the data that the questions were made from.

        Raises DataError where a change since then leaves questions without an answer.
        """
        opened = () if executor is None else (executor, executor.second)
        self._examples = examples
        self._looks = [_Look(engine, examples, made_from) for engine in opened if engine is not None]

    def report(self) -> DataReport:
        """Look again, and log each change as a warning."""
        data: dict[str, Any] = {}
        for look in self._looks:
            data |= look.facts
        notes: list[str] = []
        for look in reversed(self._looks):
            lines = look.notes(self._examples)
            notes += lines if look.facts else []
            for note in lines:
                log.warning("%s", note)
        return DataReport(data=data, notes=tuple(notes))


class _Look:
    """The facts of one executor about the data before answers run."""

    def __init__(self, executor: Executor, examples: Sequence[Example], made_from: Mapping[str, Any]) -> None:
        self.executor, self.facts = executor, executor.facts(examples)
        self._changes = list(executor.changes(made_from, self.facts))
        for change in self._changes:
            if change.breaks:
                raise DataError(
                    "the data is not what the questions were made from",
                    where=change.message,
                    hint="generate the dataset again, or name the data that it was made from",
                )

    def notes(self, examples: Sequence[Example]) -> list[str]:
        notes = [f"since the dataset was made: {change.message}" for change in self._changes]
        if self.facts:
            moved = self.executor.changes(self.facts, self.executor.facts(examples))
            notes += [f"while answers ran: {change.message}; scores are of data that moved" for change in moved]
        return notes


def engine_failures(verdicts: Sequence[Verdict]) -> str:
    """Why scores are not to be trusted: the engine was away for too many answers or their golds. Else empty."""
    away = OutcomeKind.UNAVAILABLE.value
    count = sum(v.outcome == away or v.gold_error.startswith(f"{away}:") for v in verdicts)
    if count <= MOST_LOST * len(verdicts):
        return ""
    return f"the engine could not be asked about {count} of {len(verdicts)} answers, more than {MOST_LOST:.0%}"
