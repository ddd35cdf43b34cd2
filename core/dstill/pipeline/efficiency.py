"""What a student's answers cost: seconds, tokens, and the room that the student takes.

    weighed(predictions, run.folder / "student", parameters=1_312_000)
    →  {"latency": {"p50": 0.012, "p95": 0.034}, "tokens": {"p50": 41, "p95": 96, "total": 9311},
        "size": {"bytes": 5_300_000, "parameters": 1_312_000}}

Seconds are as measured while writing in batches. What nobody measured is None, and never 0. Of an adapter the size
on disk is its own, without the model below it; the parameters are those of both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

from dstill.api.records import Prediction

__all__ = ["measured_efficiency"]


def measured_efficiency(predictions: Sequence[Prediction], folder: Path, parameters: int | None) -> dict[str, Any]:
    """Latency and tokens of an answer, and the student's size."""
    seconds = [p.seconds for p in predictions if p.seconds is not None]
    tokens = [p.tokens for p in predictions if p.tokens is not None]
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {
        "latency": _spread(seconds, 6),
        "tokens": {**_spread(tokens, 0), "total": sum(tokens) if tokens else None},
        "size": {"bytes": sum(file.stat().st_size for file in files) if files else None, "parameters": parameters},
    }


def _spread(values: Sequence[float], places: int) -> dict[str, float | None]:
    """The middle one, and the one that 95 % stay below."""
    import statistics

    if len(values) < 2:
        return {"p50": None, "p95": None}
    cuts = statistics.quantiles(values, n=20)
    return {"p50": round(statistics.median(values), places), "p95": round(cuts[18], places)}
