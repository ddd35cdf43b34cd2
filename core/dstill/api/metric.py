"""Metrics: figures over verdicts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Sequence

from dstill.api.part import Part
from dstill.api.records import (
    Score,
    Verdict,
)

__all__ = ["Metric"]


class Metric(Part, ABC):
    """A figure over verdicts."""

    @abstractmethod
    def __call__(self, verdicts: Sequence[Verdict]) -> Score:
        """The score with its interval; ``value`` None where nothing was checked so far."""
