"""What a student is scored beside, for ``evaluate.baselines``.

untrained   the same student before training, of any kind
nearest     a look-up: the answer of the most similar training question (`nearest_neighbour`)
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from dstill.api.baseline import Baseline
from dstill.api.student import Student, TrainingJob, Writer
from dstill_evaluate.nearest_neighbour import Nearest

__all__ = ["NearestQuestion", "Untrained"]


class Untrained(Baseline):
    """The student as training found it: what it knew before."""

    name = "untrained"
    meaning = "the student before training"
    default = True

    def load(self, student: Student, trained: Path, folder: Path) -> Writer:
        return student.load(trained, trained=False)


class NearestQuestion(Baseline):
    """Answers with the most similar training question's answer."""

    name = "nearest"
    meaning = "the answer of the most similar training question"
    default = True
    key = "nearest_question"

    def fit(self, job: Callable[[], TrainingJob]) -> None:
        Nearest().fit(job())

    def load(self, student: Student, trained: Path, folder: Path) -> Writer:
        return Nearest().load(folder)
