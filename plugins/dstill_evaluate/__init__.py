"""Figures over verdicts, and the baseline that a student has to beat.

dstill train RUN --student nearest      # the answer of the most similar training question
dstill evaluate RUN                     # every metric of this package, with n and interval
"""

from __future__ import annotations

from typing import Iterable

from dstill import hookimpl
from dstill.parts import Metric, Student
from dstill_evaluate.metrics import METRICS
from dstill_evaluate.nearest import Nearest

__all__ = ["register_metrics", "register_students"]


@hookimpl
def register_metrics() -> Iterable[type[Metric]]:
    return METRICS


@hookimpl
def register_students() -> Iterable[type[Student]]:
    yield Nearest
