"""The cost of a student's answers: seconds, tokens, and disk space.

    timings(answer, examples)  →  [Timing(id="q-1", seconds=0.041), …]      # one question at a time
    measured_efficiency(timings, predictions, run.folder / "student", parameters=1_312_000)
    →  Efficiency(latency=Percentiles(p50=0.038, p95=0.071, n=30), per_second=812.0,
                  tokens=Percentiles(p50=41, p95=96, n=265), total_tokens=9311, disk_bytes=5_300_000,
                  parameters=1_312_000)

The latency is that of a user who waits for one answer. The throughput is that of batches, where answers share the time:
one says nothing about the other. A value that was not measured is None, never 0. The disk space of an adapter excludes
its base model; its parameters include those of the base model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dstill.api.records import Example, Prediction, Row, Usage

__all__ = ["AnswerCost", "Efficiency", "Percentiles", "Timing", "measured_efficiency", "timings"]

MOST = 30  # questions that are asked one at a time
LONGEST = 10.0  # seconds after which no further one is asked


@dataclass(frozen=True, kw_only=True)
class Timing(Row):
    """How long one answer took that was asked for alone."""

    id: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Percentiles:
    """The median and the 95th percentile; None: there are fewer than two values."""

    p50: float | None
    p95: float | None
    n: int  # values


@dataclass(frozen=True, kw_only=True)
class Efficiency:
    """Latency and tokens of an answer, and the size of the student."""

    latency: Percentiles  # seconds of an answer, one question at a time
    per_second: float | None  # answers, in batches
    tokens: Percentiles  # that the student wrote for an answer
    total_tokens: int | None
    disk_bytes: int | None
    parameters: int | None


@dataclass(frozen=True, kw_only=True)
class AnswerCost:
    """The cost of a system's answers; None: not known."""

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
    def for_student(cls, predictions: Sequence[Prediction], usd_per_hour: float | None) -> Self:
        """The student's: machine time at this price."""
        seconds = [p.seconds for p in predictions if p.seconds is not None]
        usd = None if usd_per_hour is None or not seconds else sum(seconds) / 3600 * usd_per_hour
        return cls.of(len(predictions), seconds=seconds, usd=usd)


def timings(answer: Callable[[Example], object], examples: Sequence[Example]) -> list[Timing]:
    """Time `answer` on up to `MOST` examples, spread over all, one after the other, after one call that is not timed.

    Stops after `LONGEST` seconds.
    """
    chosen = examples[:: max(1, -(-len(examples) // MOST))]
    rows: list[Timing] = []
    if chosen:
        answer(chosen[0])
    begun = time.perf_counter()
    for example in chosen:
        started = time.perf_counter()
        if started - begun > LONGEST:
            break
        answer(example)
        rows.append(Timing(id=example.id, seconds=round(time.perf_counter() - started, 6)))
    return rows


def measured_efficiency(
    timed: Sequence[Timing], predictions: Sequence[Prediction], folder: Path, parameters: int | None
) -> Efficiency:
    """The efficiency of the student in `folder`, which has this many `parameters` and wrote `predictions` in batches.

    `timed`: its answers to single questions.
    """
    seconds = [p.seconds for p in predictions if p.seconds is not None]
    tokens = [p.tokens for p in predictions if p.tokens is not None]
    files = [file for file in folder.rglob("*") if file.is_file()]
    return Efficiency(
        latency=_percentiles([timing.seconds for timing in timed], 6),
        per_second=round(len(seconds) / sum(seconds), 3) if sum(seconds) else None,
        tokens=_percentiles(tokens, 0),
        total_tokens=sum(tokens) if tokens else None,
        disk_bytes=sum(file.stat().st_size for file in files) if files else None,
        parameters=parameters,
    )


def _percentiles(values: Sequence[float], places: int) -> Percentiles:
    """Rounded to `places` decimals."""
    import statistics

    if len(values) < 2:
        return Percentiles(p50=None, p95=None, n=len(values))
    cuts = statistics.quantiles(values, n=20)
    return Percentiles(p50=round(statistics.median(values), places), p95=round(cuts[18], places), n=len(values))
