"""What a student's answers cost: seconds, tokens, and disk space.

    measured_efficiency(predictions, run.folder / "student", parameters=1_312_000)
    →  Efficiency(seconds=Percentiles(p50=0.012, p95=0.034), tokens=Percentiles(p50=41, p95=96), total_tokens=9311,
                  disk_bytes=5_300_000, parameters=1_312_000)

Seconds are measured while the student writes in batches. A value that was not measured is None, never 0. The disk space
of an adapter excludes its base model; its parameters include those of the base model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dstill.api.records import Prediction, Usage

__all__ = ["AnswerCost", "Efficiency", "Percentiles", "measured_efficiency"]


@dataclass(frozen=True, kw_only=True)
class Percentiles:
    """The median and the 95th percentile; None: there are fewer than two values."""

    p50: float | None
    p95: float | None


@dataclass(frozen=True, kw_only=True)
class Efficiency:
    """Latency and tokens of an answer, and the size of the student."""

    seconds: Percentiles  # of an answer: its share of the time of its batch
    tokens: Percentiles  # that the student wrote for an answer
    total_tokens: int | None
    disk_bytes: int | None
    parameters: int | None


@dataclass(frozen=True, kw_only=True)
class AnswerCost:
    """What a system's answers take; None: not known."""

    questions: int
    seconds_per_1000: float | None  # the mean of an answer, times 1,000; students write in batches
    usd_per_1000: float | None
    usd: float | None  # of all answers, also of those that an earlier evaluation bought
    prompt_tokens: int | None = None  # of all answers; None: it is not a prompted model
    completion_tokens: int | None = None

    @classmethod
    def of(cls, questions: int, *, seconds: Sequence[float], usd: float | None, usage: Usage | None = None) -> Self:
        """From the `seconds` of those answers that were timed, and the `usd` and `usage` of all."""
        return cls(
            questions=questions,
            seconds_per_1000=round(1000 * sum(seconds) / len(seconds), 3) if seconds else None,
            usd_per_1000=None if usd is None or not questions else round(1000 * usd / questions, 6),
            usd=None if usd is None else round(usd, 6),
            prompt_tokens=None if usage is None else usage.prompt_tokens,
            completion_tokens=None if usage is None else usage.completion_tokens,
        )

    @classmethod
    def of_student(cls, predictions: Sequence[Prediction], usd_per_hour: float | None) -> Self:
        """The student's: machine time at this price."""
        seconds = [p.seconds for p in predictions if p.seconds is not None]
        usd = None if usd_per_hour is None or not seconds else sum(seconds) / 3600 * usd_per_hour
        return cls.of(len(predictions), seconds=seconds, usd=usd)


def measured_efficiency(predictions: Sequence[Prediction], folder: Path, parameters: int | None) -> Efficiency:
    """The efficiency of the student in `folder`, which has this many `parameters` and wrote `predictions`."""
    seconds = [p.seconds for p in predictions if p.seconds is not None]
    tokens = [p.tokens for p in predictions if p.tokens is not None]
    files = [file for file in folder.rglob("*") if file.is_file()]
    return Efficiency(
        seconds=_percentiles(seconds, 6),
        tokens=_percentiles(tokens, 0),
        total_tokens=sum(tokens) if tokens else None,
        disk_bytes=sum(file.stat().st_size for file in files) if files else None,
        parameters=parameters,
    )


def _percentiles(values: Sequence[float], places: int) -> Percentiles:
    """Rounded to `places` decimals."""
    import statistics

    if len(values) < 2:
        return Percentiles(p50=None, p95=None)
    cuts = statistics.quantiles(values, n=20)
    return Percentiles(p50=round(statistics.median(values), places), p95=round(cuts[18], places))
