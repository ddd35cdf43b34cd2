"""Metrics: figures over verdicts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Sequence

from dstill.api.part import Part
from dstill.api.records import (
    Score,
    Verdict,
)

__all__ = ["Metric"]


class Metric(Part, ABC):
    """A figure over verdicts."""

    headline: ClassVar[bool] = False  # the figure that an evaluation is about: its tables and sentences are of it
    summary: ClassVar[bool] = False  # among the few numbers of ``evaluate --json``
    wording: ClassVar[str] = ""  # how a sentence about its values begins: "Wrong without an error"

    @abstractmethod
    def __call__(self, verdicts: Sequence[Verdict]) -> Score:
        """The score with its interval; ``value`` None where nothing was checked so far."""
