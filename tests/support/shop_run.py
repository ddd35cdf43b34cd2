"""Runs of the pack in `support/shop.py` with a trained student, for the servers of students.

trained(folder, pack, enabled={"serve"})       # the folder of a new run
calibrated(run)                                # the same run, whose confidence is known: "perhaps" is unsure
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.installed import entry_points
from support.shop import records

from dstill import config, plugins
from dstill.api.records import Record
from dstill.confidence.calibration import FILE, fitted
from dstill.runs.folder import data_file
from dstill.runs.run import Run

__all__ = ["calibrated", "disabled", "trained"]

PACK = Path(__file__).parent / "shop.py"


def disabled(enabled: Collection[str]) -> str:
    """The value of DSTILL_DISABLE with which only these built-in plugins are loaded."""
    return ",".join(sorted({point.name for point in entry_points(group="dstill")} - {*enabled}))


def trained(
    folder: Path,
    *,
    enabled: Collection[str],
    rows: Sequence[Record] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Path:
    """A new run whose student knows the answers of `rows` by heart; None: those of the shop."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DSTILL_DISABLE", disabled(enabled))
        loaded = plugins.load([PACK])
    flags = {
        "project.task": "shop",
        "train.student": "clerk",
        "train.objective": "both",
        "evaluate.baselines": [],
        "review.required": "never",
        **(settings or {}),
    }
    made = config.load(use_files=False, flags=flags, sections=plugins.part_sections(loaded))
    run = Run.create(folder, config=made, plugins=loaded)
    for split in ("train", "test"):
        run.write(data_file(split), [row for row in rows or records() if row.split == split])
    run.save()
    run.train()
    return run.folder


def calibrated(run: Run) -> Run:
    """`run`, whose evaluation found that an answer with a log-probability of -2 or less is wrong, as to "perhaps"."""
    found = fitted([-0.1] * 80 + [-2.0] * 20, [True] * 80 + [False] * 20)
    run.write(FILE, [found])
    run.manifest["files"][FILE]["provenance"] = run.made_of(constrained=False)
    run.save()
    return run
