"""Predictions → verdicts → scores, the baselines' and the teacher's beside the student's. Writes no file.

    predictions = predicted(setup, writer, "student", examples, done={}, save=…)   # block by block
    evaluation = evaluate(setup, examples, {"student": predictions, "untrained": …}, executor)
    evaluation.verdicts["student"], evaluation.facts["scores"]["student"]["test"]["executable_accuracy"]

`scoring` takes the accuracy of a student that is being trained.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, Sequence

from dstill.api.executor import Executor
from dstill.api.records import SPLITS, Example, Level, Prediction, Record, Verdict
from dstill.api.student import TrainingJob, Writer
from dstill.api.task import data_of
from dstill.config import Evaluate
from dstill.errors import ConfigError, DataError, ServiceError, did_you_mean
from dstill.factory import Setup, modalities
from dstill.pipeline import error_analysis, steps
from dstill.pipeline.constrained import Constrained
from dstill.pipeline.data_monitor import lost
from dstill.runtime import distributed, hardware

__all__ = [
    "BLOCK",
    "Evaluation",
    "baseline_job",
    "baselines",
    "evaluate",
    "predicted",
    "require_splits",
    "scores",
    "scoring",
]

BLOCK = 256  # answers that are kept at once


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What `evaluate` returns."""

    verdicts: Mapping[str, Sequence[Verdict]]  # by system
    facts: dict[str, Any]  # for run.json


def require_splits(splits: Sequence[str]) -> None:
    """Raises ConfigError for a name that no split has."""
    for split in splits:
        if split not in SPLITS:
            raise ConfigError(
                f"no split '{split}'.{did_you_mean(split, SPLITS)}",
                where="evaluate.splits",
                hint=f"there are {', '.join(SPLITS)}",
            )


def baselines(setup: Setup) -> list[str]:
    """The systems that are scored beside the student. Raises ConfigError for a name that no plugin brings.

    ``auto`` stands for those that are there and are scored by default.
    """
    asked, installed = setup.settings.evaluate.baselines, setup.plugins.names("baselines")
    usual = setup.plugins.default_baselines()
    asked = tuple(name for one in asked for name in (usual if one == Evaluate().baselines[0] else (one,)))
    for name in asked:
        if name not in installed:
            raise ConfigError(
                f"no baseline called '{name}'.{did_you_mean(name, installed)}",
                where="evaluate.baselines",
                hint=f"there are {', '.join(installed) or 'none'}; [] scores the student alone",
            )
    return list(dict.fromkeys(asked))


def predicted(
    setup: Setup,
    writer: Writer,
    system: str,
    examples: Sequence[Example],
    *,
    done: Mapping[str, Prediction],
    save: Callable[[Sequence[Prediction]], None],
) -> list[Prediction]:
    """What `writer` answers to each example, in blocks of `BLOCK`.

    `done`: predictions of an evaluation that was stopped, by id; a block of which all are there is not asked again.
    `save` gets all predictions so far after each block that was asked. The student is held to its grammars where
    ``evaluate.constrain`` says so.
    """
    constrained = system == "student" and setup.settings.evaluate.constrain
    predictions: list[Prediction] = []
    for start in range(0, len(examples), BLOCK):
        block = examples[start : start + BLOCK]
        if done.keys() >= {e.id for e in block}:
            predictions += [done[e.id] for e in block]
            continue
        by = Constrained(writer, setup.objective, setup.task, block) if constrained else writer
        for prediction in steps.predict(by, setup.objective, setup.task, block):
            predictions.append(prediction)
            setup.progress(f"answering ({system})", len(predictions), len(examples))
        save(predictions)
    return predictions


def evaluate(
    setup: Setup,
    examples: Sequence[Example],
    predictions: Mapping[str, Sequence[Prediction]],
    executor: Executor | None,
) -> Evaluation:
    """Judge the predictions of every system, and score them. `executor`: an opened one, or None."""
    verdicts: dict[str, list[Verdict]] = {}
    for system, written in predictions.items():
        judged = verdicts[system] = []
        pairs = zip(examples, written, strict=True)
        for verdict in steps.judge(setup.plugins, setup.task, pairs, setup.objective, executor):
            judged.append(verdict)
            setup.progress(f"judging {system}", len(judged), len(examples))
    student = verdicts["student"]
    facts = {
        "categories": _by_category(setup, student),
        "by_data": _by_data(setup, examples, student),
        "invalid": lost(student),
        "corpora": _on_corpora(student),
        "causes": error_analysis.counted(student, error_analysis.labels(setup.task)),
        "engine": executor.labels if executor else "not executed",
        "scores": {system: scores(setup, judged) for system, judged in verdicts.items()},
        "peak_memory": hardware.peak_memory(),
    }
    return Evaluation(verdicts=verdicts, facts=facts)


def baseline_job(setup: Setup, records: Sequence[Record], folder: Path) -> TrainingJob:
    """What a baseline may learn from: the pairs of `records`. Makes the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _, modality = next(iter(modalities(setup.plugins, setup.config).items()))
    return TrainingJob(
        train=[tuple(setup.objective.pairs(record, setup.task)) for record in records],
        validation=(),
        modality=modality,
        recipe=setup.settings.train,
        device=hardware.device(),
        folder=folder,
        seed=setup.settings.project.seed,
    )


@contextlib.contextmanager
def scoring(setup: Setup, validation: Sequence[Record]) -> Iterator[Callable[[Writer], float] | None]:
    """The accuracy of a student in training on the first validation questions; None where nobody asks for it.

    Executable accuracy where the task's answers are run, else the share of exact answers. Of several processes
    the first asks, for all.
    """
    recipe = setup.settings.train
    if recipe.early_stopping != "accuracy" or not distributed.leads():
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

        def score(writer: Writer) -> float:
            predictions = steps.predict(writer, setup.objective, setup.task, examples)
            pairs = zip(examples, predictions, strict=True)
            verdicts = list(steps.judge(setup.plugins, setup.task, pairs, setup.objective, executor))
            if away := lost(verdicts):  # it would count as wrong answers, and choose another best step
                raise ServiceError(
                    away,
                    where="train.early_stopping = accuracy",
                    hint="when the engine is there again, the same command goes on from the newest checkpoint",
                )
            return sum(v.correct or (executor is None and v.exact is True) for v in verdicts) / len(verdicts)

        yield score


def scores(setup: Setup, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Split → metric → score, over every set that was judged."""
    splits = setup.settings.evaluate.splits
    return {split: _metrics(setup, [v for v in verdicts if v.split == split]) for split in splits}


def _by_category(setup: Setup, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    first = setup.settings.evaluate.splits[0]
    categories = sorted({v.category for v in verdicts if v.category})
    return {c: _metrics(setup, [v for v in verdicts if v.category == c and v.split == first]) for c in categories}


def _by_data(setup: Setup, examples: Sequence[Example], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Of the first set, where its questions are about several; else nothing more than the set says."""
    first = setup.settings.evaluate.splits[0]
    names = {e.id: data_of(setup.task, e) for e in examples if e.split == first}
    several = sorted(set(names.values()))
    if len(several) < 2:
        return {}
    return {name: _metrics(setup, [v for v in verdicts if names.get(v.id) == name]) for name in several}


def _metrics(setup: Setup, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    return {name: setup.plugins.metric(name)()(verdicts).to_row() for name in setup.plugins.names("metrics")}


def _on_corpora(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Of answers that agree with the gold on the data, and are not the gold itself: what corpora said of them."""
    ran = [v for v in verdicts if v.corpora]
    return {
        "ran": len(ran),
        "told": sum(v.reached is Level.EXECUTED and v.checked is Level.CORRECT for v in ran),
        "not_checked": dict(Counter(v.unchecked for v in verdicts if v.unchecked)),
    }
