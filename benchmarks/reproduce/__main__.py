"""The recipe's claims, put to the test: `make reproduce`, or `make reproduce QUICK=1`.

    PYTHONPATH=tests python -m benchmarks.reproduce [--size full|quick|smoke] [--jobs N] [--resume docs/benchmark.jsonl]

Writes trials.jsonl, claims.json, results.json and benchmark.md into build/reproduce/full (or another size), and the
full one into docs, too: benchmark.md, benchmark.jsonl (the trials) and claims.json. If it is stopped, run the same
command again to continue; --resume FILE continues with the trials of another machine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.reproduce.experiments import Found, run
from benchmarks.reproduce.lab import TRIALS, Arm, Lab
from benchmarks.reproduce.page import page
from benchmarks.reproduce.published import CLAIMS, DOCS, as_json
from benchmarks.reproduce.size import FULL, SIZES

from dstill.errors import DstillError
from dstill.io.files import write_text

OUT = Path("build") / "reproduce"


def main() -> int:
    options = argparse.ArgumentParser(prog="make reproduce")
    options.add_argument("--size", choices=SIZES, default=FULL.name)
    options.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1))
    options.add_argument("--resume", type=Path, help="trials.jsonl of a reproduction to resume")
    chosen = options.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the trials under way are stopped as by Ctrl-C
    size = SIZES[chosen.size]
    folder = (OUT / size.name).absolute()
    if chosen.resume and not (folder / TRIALS).exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(chosen.resume, folder / TRIALS)
    lab = Lab(folder, size, jobs=chosen.jobs)
    clock = lab.folder / "seconds.json"
    try:
        with _accumulate_seconds(clock):
            found = run(lab)
    except DstillError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped; run the same command again to continue", file=sys.stderr)
        return 130
    text = page(size, found, json.loads(clock.read_text()) / 60)
    write_text(lab.folder / CLAIMS, as_json([claim.to_row() for claim in found.claims]))
    write_text(lab.folder / "results.json", as_json(_results(found)))
    write_text(lab.folder / DOCS.name, text)
    if size is FULL:
        for name in (DOCS.name, CLAIMS):
            shutil.copyfile(folder / name, DOCS.with_name(name))
        shutil.copyfile(folder / TRIALS, DOCS.with_suffix(".jsonl"))
    for claim in found.claims:
        print(f"{claim.verdict:<28} {claim.statement}")
    print(lab.folder / DOCS.name)
    return 0


@contextlib.contextmanager
def _accumulate_seconds(file: Path) -> Iterator[None]:
    """Add the seconds of this block to those of earlier runs."""
    before = json.loads(file.read_text()) if file.exists() else 0.0
    started = time.monotonic()
    try:
        yield
    finally:
        write_text(file, f"{before + time.monotonic() - started:.1f}")


def _results(found: Found) -> dict[str, Any]:
    return {
        "learning rates": found.rates,
        "modality and objective": {
            way: {name: _arm(a) for name, a in arms.items()} for way, arms in found.modality.items()
        },
        "alpha : rank": {str(ratio): _arm(arm) for ratio, arm in found.ratios.items()},
        "adapters on": {modules: _arm(arm) for modules, arm in found.adapted.items()},
        "learning curve": [{"rows": rows, "noise": noise, **_arm(arm)} for (rows, noise), arm in found.curve.items()],
        "memory": [saving.to_row() for saving in found.memory],
    }


def _arm(arm: Arm) -> dict[str, Any]:
    return {"changes": dict(arm.changes), "trials": [result.to_row() for result in arm.results]}


if __name__ == "__main__":
    sys.exit(main())
