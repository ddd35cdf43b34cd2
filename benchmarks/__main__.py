"""Timings, for `make bench`: a table on stdout and build/bench.json. No test asserts on a time.

    python -m benchmarks [WORD …]      only the figures of the modules that are named

Every figure is a ratio (`benchmarks.measure`): the median of the pairs, with the lowest and the
highest. The file is a list of ``{"name", "ratio", "low", "high", "pairs", "unit", "note"}``, one entry a figure.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from benchmarks import constrain, predicting, querydsl, report, serving, teaching, training
from benchmarks.measure import Figure, figure, interleaved, process

OUT = Path("build") / "bench.json"


def startup() -> Iterable[Figure]:
    """``dstill --help`` with every installed plugin, against Python doing nothing."""
    dstill = str(Path(sys.executable).with_name("dstill"))
    measured = interleaved(process(dstill, "--help"), process(sys.executable, "-c", "pass"), pairs=5)
    seconds = statistics.median(mine for mine, _ in measured)
    yield figure("dstill --help", measured, f"median {seconds:.3f} s, the bar is 0.3 s; against python -c pass")


FIGURES: dict[str, Callable[[], Iterable[Figure]]] = {
    "startup": startup,
    "querydsl": querydsl.figures,
    "training": training.figures,
    "constrain": constrain.figures,
    "teaching": teaching.figures,
    "report": report.figures,
    "predict": predicting.figures,
    "serve": serving.figures,
}


def main() -> None:
    figures = []
    for name in sys.argv[1:] or FIGURES:
        for made in FIGURES[name]():
            figures.append(made)
            print(
                f"{made.name:<46} {made.ratio:8.2f}{made.unit} [{made.low:.2f}, {made.high:.2f}]  {made.note}",
                flush=True,
            )
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps([asdict(f) for f in figures], indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
