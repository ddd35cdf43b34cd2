"""Baselines: systems that answer the same questions as the student and are scored beside it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Callable, ClassVar

from dstill.api.part import Part
from dstill.api.student import Student, TrainingJob, Writer

__all__ = ["Baseline"]


class Baseline(Part, ABC):
    """What a student has to beat."""

    # What it is, as the subject of a sentence: "the student before training" is right on 3 %.
    meaning: ClassVar[str]
    default: ClassVar[bool] = False  # scored where `evaluate.baselines` does not say otherwise
    key: ClassVar[str] = ""  # in the summary of ``evaluate --json``; empty: its name

    def fit(self, job: Callable[[], TrainingJob]) -> None:
        """Learn what it needs. `job` reads the training rows, and makes the folder that it may write."""

    @abstractmethod
    def load(self, student: Student, trained: Path, folder: Path) -> Writer:
        """Ready to write. `student`: the run's, `trained`: its folder, `folder`: what `fit` wrote."""
