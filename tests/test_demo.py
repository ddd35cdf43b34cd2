"""The demo as a user runs it, and what it promises: `dstill demo` on the Query DSL pack.

With ``DSTILL_DEMO_RUN=runs/querydsl-…`` they judge that run, which `make demo` has made, instead of making another.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dstill.api.records import Record
from dstill_querydsl.language.canonical import canonical_text

pytestmark = pytest.mark.slow

KEYS = {
    "executable_accuracy", "ci95", "n", "unseen_templates", "exact_match", "silent_error_rate", "untrained",
    "nearest_neighbour_accuracy", "seconds", "peak_memory_bytes", "engine", "run",
}  # fmt: skip


def test_reaches_accuracy_floor_within_memory_limit(demo) -> None:
    summary = demo.summary
    assert summary.keys() >= KEYS
    assert summary["executable_accuracy"] >= 0.80
    assert summary["n"] >= 300
    assert summary["unseen_templates"] is not None
    assert summary["peak_memory_bytes"] <= 6 * 2**30


def test_student_beats_nearest_question(demo) -> None:
    manifest = json.loads((demo.folder / "run.json").read_text())
    nearest = manifest["stages"]["evaluate"]["scores"]["nearest"]["test"]["executable_accuracy"]
    assert demo.summary["ci95"][0] > nearest["high"]


def test_training_keeps_what_the_base_can_do(demo) -> None:
    """The base was trained on other questions about this index, and answers nearly all of these."""
    assert demo.summary["ci95"][1] >= demo.summary["untrained"]


def test_unseen_template_golds_are_not_in_training(demo) -> None:
    golds = {split: _golds(demo.folder, split) for split in ("train", "test_unseen_templates")}
    assert len(golds["test_unseen_templates"]) > 50
    assert not golds["train"] & golds["test_unseen_templates"]


def _golds(folder: Path, split: str) -> set[str]:
    lines = (folder / "dataset" / "data" / f"{split}.jsonl").read_text().splitlines()
    return {canonical_text(Record.from_row(json.loads(line)).answer) for line in lines}
