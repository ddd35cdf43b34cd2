"""A run as the hook `report_sections` gets it: everything to read, nothing to change."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator, Mapping, Protocol, Sequence

from dstill.api.records import Prediction, Record, Rejection, Verdict
from dstill.api.task import Task
from dstill.config import Settings

__all__ = ["RunView"]


class RunView(Protocol):
    """What can be read of a run."""

    @property
    def name(self) -> str: ...

    @property
    def folder(self) -> Path: ...

    @property
    def manifest(self) -> Mapping[str, Any]:
        """run.json: ``stages``, ``files``, ``seed``, ``versions``, ``created``."""

    @property
    def settings(self) -> Settings: ...

    @property
    def task(self) -> Task: ...

    def records(self, split: str, *, raw: bool = False) -> Sequence[Record]:
        """The rows of a split as a person left them in the review; `raw`: as the teacher wrote them."""

    def rejections(self) -> Sequence[Rejection]:
        """The questions that did not become data."""

    def predictions(self, system: str = "student") -> Sequence[Prediction]:
        """What a system answered."""

    def verdicts(self, system: str = "student", engine: str = "") -> Sequence[Verdict]:
        """How its answers were judged. `engine`: the label of a second engine; empty: the first."""

    def rows(self, file: str) -> Iterator[dict[str, Any]]:
        """The rows of a JSONL file of the run; none when there is no such file."""
