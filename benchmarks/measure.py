"""Figures and how they are taken: ratios against something measured in the same minute, pair by pair.

    figure("dstill --help", interleaved(ours, theirs, pairs=5), "what it is") → Figure(ratio=…, low=…, high=…)

A busy machine slows both of a pair, so the ratio is stable; the median of the pairs is the figure.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Figure:
    name: str
    ratio: float
    low: float
    high: float
    pairs: int
    unit: str
    note: str


def interleaved(ours: Callable[[], float], theirs: Callable[[], float], pairs: int) -> list[tuple[float, float]]:
    """Seconds of both, one after the other, `pairs` times after one of each that does not count."""
    ours(), theirs()
    return [(ours(), theirs()) for _ in range(pairs)]


def figure(name: str, measured: Sequence[tuple[float, float]], note: str) -> Figure:
    ratios = sorted(mine / other for mine, other in measured)
    return Figure(
        name=name,
        ratio=round(statistics.median(ratios), 3),
        low=round(ratios[0], 3),
        high=round(ratios[-1], 3),
        pairs=len(ratios),
        unit="×",
        note=note,
    )


def clock() -> float:
    """Seconds of work: the processor's, so that a busy machine counts little; with a GPU those that pass."""
    import torch

    if not torch.cuda.is_available():
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def process(*words: str) -> Callable[[], float]:
    """Seconds of a process of its own, as a person's would start: bytecode may be kept."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def run() -> float:
        started = time.perf_counter()
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=environment)
        return time.perf_counter() - started

    return run
