"""Predictions → verdicts → scores, of the student and of the systems beside it.

found = judged(setup, examples, {"student": predictions, "untrained": …}, executor)
found.verdicts["student"], found.scores["student"]["test"]["executable_accuracy"].value
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dstill.answering import error_analysis, prompted, steps
from dstill.answering.error_analysis import CauseCount
from dstill.api.executor import Executor
from dstill.api.records import Example, Level, Prediction, Score, Verdict
from dstill.api.task import data_of
from dstill.factory import Setup
from dstill.io.system import peak_memory
from dstill.quality import consistency
from dstill.quality.data_monitor import engine_failures
from dstill.runtime import spooled
from dstill.stages.evaluate.systems import STUDENT

__all__ = ["Judged", "Metrics", "TestSuite", "judged", "scores"]

Metrics = Mapping[str, Score]  # by the name of the metric


@dataclass(frozen=True, kw_only=True)
class TestSuite:
    """The counts of test databases for answers that give the gold answer's result on the data (`TestDatabases`)."""

    n_same_on_data: int  # answers that were run on test databases; a copy of the gold answer is not
    n_killed: int  # of these, answers with another result on a test database
    not_checked: Mapping[str, int]  # reason → answers


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The result of `judged`. Figures without a system are the student's."""

    verdicts: Mapping[str, Sequence[Verdict]]  # by system
    scores: Mapping[str, Mapping[str, Metrics]]  # by system and split
    categories: Mapping[str, Metrics]  # by category, of the first split
    by_data: Mapping[str, Metrics]  # by the name of the data, of the first split; empty: it has one
    causes: Mapping[str, CauseCount]  # by label, the most frequent first
    test_suite: TestSuite
    invalid: str  # why the scores are not to be trusted; empty: they are
    contradictions: Sequence[str]  # signs that the task pack contradicts itself (`dstill.quality.consistency`)
    engine: str  # what ran the answers
    peak_memory: int  # bytes, the largest resident set of this process or of a child that ended


def judged(
    setup: Setup,
    examples: Sequence[Example],
    predictions: Mapping[str, Sequence[Prediction]],
    executor: Executor | None,
) -> Judged:
    """Judge the predictions of every system, and score them. `executor`: an opened one, or None."""
    verdicts: dict[str, Sequence[Verdict]] = {}
    for system, written in predictions.items():
        of_system = verdicts[system] = spooled.verdicts()
        pairs = zip(examples, written, strict=True)
        read = prompted.reader(setup) if prompted.is_prompted(system) else None
        for verdict in steps.judge(setup.plugins, setup.task, pairs, setup.objective, executor, read):
            of_system.append(verdict)
            setup.progress(f"judging {system}", len(of_system), len(examples))
    student = verdicts[STUDENT]
    return Judged(
        verdicts=verdicts,
        scores={system: scores(setup, rows) for system, rows in verdicts.items()},
        categories=_by_category(setup, student),
        by_data=_by_data(setup, examples, student),
        causes=error_analysis.counted(student, error_analysis.labels(setup.task)),
        test_suite=_test_suite(student),
        invalid=engine_failures(student),
        contradictions=consistency.for_verdicts(setup.task, examples, verdicts, executor),
        engine=executor.labels if executor else "not executed",
        peak_memory=peak_memory(),
    )


def scores(setup: Setup, verdicts: Sequence[Verdict]) -> dict[str, Metrics]:
    """The metrics of each split that is evaluated. Only the verdicts of one split are in memory."""
    splits = setup.settings.evaluate.splits
    return {split: _metrics(setup, [v for v in verdicts if v.split == split]) for split in splits}


def _by_category(setup: Setup, verdicts: Sequence[Verdict]) -> dict[str, Metrics]:
    first = setup.settings.evaluate.splits[0]
    categories = sorted({v.category for v in verdicts if v.category})
    of_first = [v for v in verdicts if v.split == first]
    return {c: _metrics(setup, [v for v in of_first if v.category == c]) for c in categories}


def _by_data(setup: Setup, examples: Sequence[Example], verdicts: Sequence[Verdict]) -> dict[str, Metrics]:
    """Of the first split; empty when all of its questions are about the same data."""
    first = setup.settings.evaluate.splits[0]
    several = sorted({data_of(setup.task, e) for e in examples if e.split == first})
    if len(several) < 2:
        return {}
    by_data: dict[str, list[Verdict]] = {name: [] for name in several}
    for example, verdict in zip(examples, verdicts, strict=True):
        if example.split == first:
            by_data[data_of(setup.task, example)].append(verdict)
    return {name: _metrics(setup, of_data) for name, of_data in by_data.items()}


def _metrics(setup: Setup, verdicts: Sequence[Verdict]) -> Metrics:
    return {name: setup.plugins.metric(name)()(verdicts) for name in setup.plugins.names("metrics")}


def _test_suite(verdicts: Sequence[Verdict]) -> TestSuite:
    same, killed, skipped = 0, 0, Counter[str]()
    for verdict in verdicts:
        ran = bool(verdict.n_test_databases)
        same += ran
        killed += ran and verdict.reached is Level.EXECUTED and verdict.checked is Level.CORRECT
        skipped.update([verdict.test_suite_skipped] if verdict.test_suite_skipped else [])
    return TestSuite(n_same_on_data=same, n_killed=killed, not_checked=dict(skipped))
