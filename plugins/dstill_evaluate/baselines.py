"""The baselines that a student is compared with (``evaluate.baselines``).

untrained   the student before training
nearest     a look-up: the answer of the most similar training question (`nearest_neighbour`)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dstill.api.baseline import Baseline
from dstill.api.student import Generator, Student, TrainingJob
from dstill_evaluate.nearest_neighbour import Nearest

__all__ = ["NearestQuestion", "Untrained"]


class Untrained(Baseline):
    """The student before its first training step."""

    name = "untrained"
    meaning = "the student before training"
    default = True

    def load(self, student: Student, trained: Path, folder: Path) -> Generator:
        return student.load(trained, trained=False)


class NearestQuestion(Baseline):
    """Gives the answer of the most similar training question."""

    name = "nearest"
    meaning = "the answer of the most similar training question"
    default = True
    key = "nearest_neighbour_accuracy"

    def fit(self, job: Callable[[], TrainingJob]) -> None:
        Nearest().fit(job())

    def load(self, student: Student, trained: Path, folder: Path) -> Generator:
        return Nearest().load(folder)
