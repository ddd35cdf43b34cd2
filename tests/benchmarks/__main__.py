"""Timings, for `make bench`: a table on stdout and build/bench.json. No test asserts on a time.

    python -m tests.benchmarks

Every figure is a ratio against something measured in the same minute, pair by pair, so that a busy
machine slows both: the median of the pairs, with the lowest and the highest. The file is a list of
``{"name", "ratio", "low", "high", "pairs", "unit", "note"}``, one entry a figure.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Callable, Sequence

OUT = Path("build") / "bench.json"


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


def process(*words: str) -> Callable[[], float]:
    """Seconds of a process of its own, as a person's would start: bytecode may be kept."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def run() -> float:
        started = time.perf_counter()
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=environment)
        return time.perf_counter() - started

    return run


def startup() -> Figure:
    """``dstill --help`` with every installed plugin, against Python doing nothing."""
    dstill = str(Path(sys.executable).with_name("dstill"))
    measured = interleaved(process(dstill, "--help"), process(sys.executable, "-c", "pass"), pairs=5)
    seconds = statistics.median(mine for mine, _ in measured)
    return figure("dstill --help", measured, f"median {seconds:.3f} s, the bar is 0.3 s; against python -c pass")


FIGURES: tuple[Callable[[], Figure], ...] = (startup,)


def main() -> None:
    figures = []
    for measure in FIGURES:
        made = measure()
        figures.append(made)
        print(
            f"{made.name:<30} {made.ratio:8.2f}{made.unit} [{made.low:.2f}, {made.high:.2f}]  {made.note}", flush=True
        )
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps([asdict(f) for f in figures], indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
