"""A read-only view of a run, for hooks that write reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from dstill.api.records import Prediction, Record, Rejection, Verdict
from dstill.api.task import Task
from dstill.config import Settings

__all__ = ["RunView", "Stages"]

Stages = Mapping[str, Mapping[str, Any]]  # name of a stage → its result: the object that run.json has


class RunView(Protocol):
    """The parts of a run that a plugin can read."""

    @property
    def name(self) -> str:
        """The run's name, which is that of its folder."""

    @property
    def folder(self) -> Path:
        """The run's folder."""

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The content of run.json: ``stages``, ``files``, ``seed``, ``versions``, ``created``."""

    @property
    def stages(self) -> Stages:
        """The results of the stages that are done."""

    @property
    def settings(self) -> Settings:
        """The run's configuration."""

    @property
    def task(self) -> Task:
        """The run's task."""

    def records(self, split: str, *, raw: bool = False) -> Sequence[Record]:
        """The rows of a split after the review; `raw`: as the teacher wrote them."""

    def rejections(self) -> Sequence[Rejection]:
        """The questions whose replies did not become records."""

    def predictions(self, system: str = "student") -> Sequence[Prediction]:
        """The answers of a system: the student or a baseline."""

    def verdicts(self, system: str = "student", engine: str = "") -> Sequence[Verdict]:
        """The verdicts on the answers of a system. `engine`: label of a second engine; empty: the first one."""

    def rows(self, file: str) -> Iterator[dict[str, Any]]:
        """The rows of a JSONL file of the run; none if the file does not exist."""
