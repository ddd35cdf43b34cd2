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

from dstill.api.records import Prediction

__all__ = ["Efficiency", "Percentiles", "measured_efficiency"]


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
