"""Predictions → verdicts → scores, of the student and of the baselines. Writes no file.

    predictions = predicted(setup, generator, "student", examples, done={}, save=…)   # block by block
    evaluation = evaluate(setup, examples, {"student": predictions, "untrained": …}, executor)
    evaluation.verdicts["student"], evaluation.scores["student"]["test"]["executable_accuracy"].value

`scoring` measures the accuracy of a student during its training.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dstill.api.executor import Executor
from dstill.api.records import SPLITS, Example, Level, Prediction, Record, Score, Verdict
from dstill.api.student import Generator, TrainingJob
from dstill.api.task import data_of
from dstill.config import Evaluate
from dstill.errors import ConfigError, DataError, ServiceError, did_you_mean
from dstill.factory import Setup, modalities
from dstill.io.system import peak_memory
from dstill.pipeline import consistency, error_analysis, prompted, spooled, steps
from dstill.pipeline.calibration import with_agreement
from dstill.pipeline.constrained import Constrained
from dstill.pipeline.data_monitor import engine_failures
from dstill.pipeline.error_analysis import CauseCount
from dstill.runtime import distributed, hardware

__all__ = [
    "BLOCK",
    "Evaluation",
    "Metrics",
    "TestSuite",
    "baseline_job",
    "baselines",
    "evaluate",
    "predicted",
    "require_splits",
    "scores",
    "scoring",
]

BLOCK = 256  # answers that are saved at once

Metrics = Mapping[str, Score]  # by the name of the metric


@dataclass(frozen=True, kw_only=True)
class TestSuite:
    """What test databases said of answers that give the gold answer's result on the data (`TestDatabases`)."""

    n_same_on_data: int  # answers that were run on test databases; a copy of the gold answer is not
    n_killed: int  # of these, answers with another result on a test database
    not_checked: Mapping[str, int]  # reason → answers


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What `evaluate` returns. Figures without a system are the student's."""

    verdicts: Mapping[str, Sequence[Verdict]]  # by system
    scores: Mapping[str, Mapping[str, Metrics]]  # by system and split
    categories: Mapping[str, Metrics]  # by category, of the first split
    by_data: Mapping[str, Metrics]  # by the name of the data, of the first split; empty: it has one
    causes: Mapping[str, CauseCount]  # by label, the most frequent first
    test_suite: TestSuite
    invalid: str  # why the scores are not to be trusted; empty: they are
    contradictions: Sequence[str]  # signs that the task pack contradicts itself (`dstill.pipeline.consistency`)
    engine: str  # what ran the answers
    peak_memory: int  # bytes, the largest resident set of this process or of a child that ended


def require_splits(splits: Sequence[str]) -> None:
    """Raises ConfigError for a name that is not a split."""
    for split in splits:
        if split not in SPLITS:
            raise ConfigError(
                f"no split '{split}'.{did_you_mean(split, SPLITS)}",
                where="evaluate.splits",
                hint=f"there are {', '.join(SPLITS)}",
            )


def baselines(setup: Setup) -> list[str]:
    """The systems that are scored beside the student. Raises ConfigError for an unknown name.

    ``auto`` stands for the installed baselines that are scored by default.
    """
    asked, installed = setup.settings.evaluate.baselines, setup.plugins.names("baselines")
    usual = setup.plugins.default_baselines()
    asked = tuple(name for one in asked for name in (usual if one == Evaluate().baselines[0] else (one,)))
    for name in asked:
        if prompted.is_prompted(name):
            prompted.require(setup.plugins, name)
        elif name not in installed:
            raise ConfigError(
                f"no baseline called '{name}'.{did_you_mean(name, installed)}",
                where="evaluate.baselines",
                hint=f"there are {', '.join(installed) or 'none'}, and models to prompt as TEACHER:MODEL; "
                "[] scores the student alone",
            )
    return list(dict.fromkeys(asked))


def predicted(
    setup: Setup,
    generator: Generator,
    system: str,
    examples: Sequence[Example],
    *,
    done: Mapping[str, Prediction],
    save: Callable[[Sequence[Prediction]], None],
) -> Sequence[Prediction]:
    """What `generator` answers to each example, in blocks of `BLOCK`.

    `done`: predictions of a stopped evaluation, by id; a block is skipped when it has all of them. `save` gets the
    predictions of each block that was written. With ``evaluate.constrain``, grammars constrain the student;
    with ``evaluate.agreement``, it draws more answers, which are compared with the first.
    """
    constrained = system == "student" and setup.settings.evaluate.constrain
    draws = setup.settings.evaluate.agreement if system == "student" else 0
    predictions = spooled.predictions()
    for start in range(0, len(examples), BLOCK):
        block = examples[start : start + BLOCK]
        if done.keys() >= {e.id for e in block}:
            predictions.extend(done[e.id] for e in block)
            continue
        writer = Constrained(generator, setup.objective, setup.task, block) if constrained else generator
        written: list[Prediction] = []
        for prediction in steps.predict(writer, setup.objective, setup.task, block):
            written.append(prediction)
            setup.progress(f"answering ({system})", start + len(written), len(examples))
        if draws:
            seed = setup.settings.project.seed
            written = list(with_agreement(writer, setup.objective, setup.task, block, written, draws=draws, seed=seed))
        save(written)
        predictions.extend(written)
    return predictions


def evaluate(
    setup: Setup,
    examples: Sequence[Example],
    predictions: Mapping[str, Sequence[Prediction]],
    executor: Executor | None,
) -> Evaluation:
    """Judge the predictions of every system, and score them. `executor`: an opened one, or None."""
    verdicts: dict[str, Sequence[Verdict]] = {}
    for system, written in predictions.items():
        judged = verdicts[system] = spooled.verdicts()
        pairs = zip(examples, written, strict=True)
        read = prompted.reader(setup) if prompted.is_prompted(system) else None
        for verdict in steps.judge(setup.plugins, setup.task, pairs, setup.objective, executor, read):
            judged.append(verdict)
            setup.progress(f"judging {system}", len(judged), len(examples))
    student = verdicts["student"]
    return Evaluation(
        verdicts=verdicts,
        scores={system: scores(setup, judged) for system, judged in verdicts.items()},
        categories=_by_category(setup, student),
        by_data=_by_data(setup, examples, student),
        causes=error_analysis.counted(student, error_analysis.labels(setup.task)),
        test_suite=_test_suite(student),
        invalid=engine_failures(student),
        contradictions=consistency.of_verdicts(setup.task, examples, verdicts, executor),
        engine=executor.labels if executor else "not executed",
        peak_memory=peak_memory(),
    )


def baseline_job(setup: Setup, records: Sequence[Record], folder: Path) -> TrainingJob:
    """The training job of a baseline on the CPU, which writes to `folder`: the pairs of `records`."""
    _, modality = next(iter(modalities(setup.plugins, setup.config).items()))
    return TrainingJob(
        train=steps.pairs(setup.objective, setup.task, records),
        validation=(),
        modality=modality,
        recipe=setup.settings.train,
        device=hardware.cpu(),
        folder=folder,
        seed=setup.settings.project.seed,
    )


@contextlib.contextmanager
def scoring(setup: Setup, validation: Sequence[Record]) -> Iterator[Callable[[Generator], float] | None]:
    """A function that measures a student during training on the first validation questions.

    It gives the executable accuracy (0 to 1), or the share of exact answers when the task has no executor. None when
    early stopping does not use the accuracy, and in all processes but the first. Raises DataError without validation
    rows; the function raises ServiceError when the engine is away.
    """
    recipe = setup.settings.train
    if recipe.early_stopping != "accuracy" or not distributed.is_main():
        yield None
        return
    if not validation:
        raise DataError(
            "no validation rows to take the accuracy from",
            where="train.early_stopping = accuracy",
            hint="`dstill generate` makes a validation set; or set train.early_stopping = loss or none",
        )
    examples = [record.example for record in validation[: recipe.early_stopping_sample]]
    with setup.opened_executor() as executor:

        def score(generator: Generator) -> float:
            predictions = steps.predict(generator, setup.objective, setup.task, examples)
            pairs = zip(examples, predictions, strict=True)
            verdicts = list(steps.judge(setup.plugins, setup.task, pairs, setup.objective, executor))
            if away := engine_failures(verdicts):  # as wrong answers they would decide the best step
                raise ServiceError(
                    away,
                    where="train.early_stopping = accuracy",
                    hint="when the engine is available again, run the same command again to continue",
                )
            return sum(v.correct or (executor is None and v.exact is True) for v in verdicts) / len(verdicts)

        yield score


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
    found: dict[str, list[Verdict]] = {name: [] for name in several}
    for example, verdict in zip(examples, verdicts, strict=True):
        if example.split == first:
            found[data_of(setup.task, example)].append(verdict)
    return {name: _metrics(setup, of_data) for name, of_data in found.items()}


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
