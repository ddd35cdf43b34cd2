"""Baselines: systems that answer the same questions as the student, for comparison."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from dstill.api.part import Part
from dstill.api.student import Generator, Student, TrainingJob

__all__ = ["Baseline"]


class Baseline(Part, ABC):
    """A system that a student should beat. `evaluate` calls `fit`, then `load`, and scores the answers."""

    # What it is, as the subject of a sentence: "the student before training" is right on 3 %.
    meaning: ClassVar[str]
    default: ClassVar[bool] = False  # True: scored if ``evaluate.baselines`` is auto
    key: ClassVar[str] = ""  # its key in the summary of ``evaluate --json``; empty: its name

    def fit(self, job: Callable[[], TrainingJob]) -> None:
        """Train what the baseline needs; default: nothing.

        Call `job` only if you need it: it reads the training rows and creates the folder to write to. Its device
        is the CPU.
        """

    @abstractmethod
    def load(self, student: Student, trained: Path, folder: Path) -> Generator:
        """A generator that is ready to answer.

        `student` is the run's student, `trained` the folder of its trained weights, and `folder` the one that `fit`
        wrote to.
        """
