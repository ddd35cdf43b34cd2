"""Something that answers questions: the student of a run, that of a bundle, or one that is asked about a server's data.

run.answerable()                     # of a run
open_bundle("mine-bundle")           # of a bundle (`dstill.runs.bundle`)
about_server(answerable, settings)   # of either or of a base, about other data (`dstill.stages.predict.live_data`)

with Predictor(answerable, execute=True) as predictor: ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from dstill.api.records import Record
from dstill.api.student import Generator
from dstill.api.task import Task
from dstill.confidence.calibration import Calibration
from dstill.config import Settings
from dstill.factory import Setup
from dstill.quality.data_drift import Learnt
from dstill.teacher.purchase import Purchase

__all__ = ["Answerable", "Contexts", "HasStudent", "no_calibration"]

Contexts = Mapping[str, Mapping[str, Any]]  # name of the data → the usual context of questions about it


def no_calibration() -> None:
    """No evaluation says anything."""


@dataclass(frozen=True, kw_only=True)
class Answerable:
    """A student with what answering needs. What is slow to read is a function."""

    name: str
    setup: Setup  # the plugins and the configuration
    load: Callable[[Setup], Generator]  # its student. Raises RunError when there is none yet, DataError
    contexts: Callable[[], Contexts] = lambda: {"": {}}  # the most frequent first; ``""``: no name
    folder: Path = Path()  # of the run or bundle
    title: str = ""  # the name of its data; empty: it has several, or none
    brief: tuple[str, ...] = ()  # what its data are, a line each
    advice: tuple[str, ...] = ()  # what whoever asks should know of a student that was not trained on its data
    # The baseline that measures the similarity to training questions. Raises DataError, MissingExtra
    load_nearest: Callable[[Setup], Generator | None] = lambda _: None
    # What an evaluation says about log-probabilities; None: nothing. Raises DataError
    calibration: Callable[[], Calibration | None] = no_calibration
    learnt: Callable[[], Learnt] = Learnt  # what the student learnt of its data. Raises DataError
    records: Callable[[str], Sequence[Record]] = lambda _: ()  # the rows of a split
    # Where replies that are bought for a use are stored, and who buys them; None: it buys none
    purchase: Callable[[str], Purchase] | None = None

    @property
    def settings(self) -> Settings:
        """The configuration."""
        return self.setup.settings

    @property
    def task(self) -> Task:
        """The task."""
        return self.setup.task

    def generator(self) -> Generator:
        """The loaded student."""
        return self.load(self.setup)

    def nearest(self) -> Generator | None:
        """The loaded baseline that measures similarity; None: there is none."""
        return self.load_nearest(self.setup)


class HasStudent(Protocol):
    """A run."""

    def answerable(self) -> Answerable:
        """Its student, to ask it."""
