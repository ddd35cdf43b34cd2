"""The systems that an evaluation scores: the student, the installed baselines, and large models that are prompted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dstill.answering import prompted, steps
from dstill.api.records import SPLITS, Record
from dstill.api.student import TrainingJob
from dstill.config import Evaluate
from dstill.errors import ConfigError, did_you_mean
from dstill.factory import Setup, modalities
from dstill.runtime import hardware

__all__ = ["STUDENT", "baseline_job", "baselines", "require_splits"]

STUDENT = "student"


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
    names, installed = setup.settings.evaluate.baselines, setup.plugins.names("baselines")
    usual = setup.plugins.default_baselines()
    names = tuple(name for entry in names for name in (usual if entry == Evaluate().baselines[0] else (entry,)))
    for name in names:
        if prompted.is_prompted(name):
            prompted.require(setup.plugins, name)
        elif name not in installed:
            raise ConfigError(
                f"no baseline called '{name}'.{did_you_mean(name, installed)}",
                where="evaluate.baselines",
                hint=f"there are {', '.join(installed) or 'none'}, and models to prompt as TEACHER:MODEL; "
                "[] scores the student alone",
            )
    return list(dict.fromkeys(names))


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
