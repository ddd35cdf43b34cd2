"""The demo as a user runs it, and what it promises: `dstill demo` on the Query DSL pack.

With ``DSTILL_DEMO_RUN=runs/querydsl-…`` they judge that run, which `make demo` has made, instead of making another.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dstill.api.records import Record
from dstill.linked.names import words_in

pytestmark = pytest.mark.slow

KEYS = {
    "executable_accuracy", "ci95", "n", "unseen_templates", "exact_match", "silent_error_rate", "untrained",
    "nearest_neighbour_accuracy", "seconds", "peak_memory_bytes", "engine", "run",
}  # fmt: skip


def test_a_teachers_questions_make_the_student_better(demo) -> None:
    """On questions that were written apart, about an index that the base never saw. Measured: + 10 to + 14 points."""
    summary = demo.summary
    assert summary.keys() >= KEYS
    assert summary["n"] >= 110
    assert summary["executable_accuracy"] >= summary["untrained"] + 0.06
    assert summary["executable_accuracy"] >= 0.60
    assert summary["peak_memory_bytes"] <= 6 * 2**30


def test_student_beats_nearest_question(demo) -> None:
    manifest = json.loads((demo.folder / "run.json").read_text())
    nearest = manifest["stages"]["evaluate"]["scores"]["nearest"]["test_written"]["executable_accuracy"]
    assert demo.summary["ci95"][0] > nearest["high"]


def test_most_questions_that_are_learnt_are_the_teachers(demo) -> None:
    taught = json.loads((demo.folder / "run.json").read_text())["stages"]["teach"]
    assert taught["train"] > 600
    assert 0.58 < taught["train"] / (taught["train"] + taught["mixed_with"]) < 0.65


def test_scored_questions_are_not_in_training(demo) -> None:
    learnt, scored = (_questions(demo.folder, split) for split in ("train", "test_written"))
    assert len(scored) > 100
    assert not learnt & scored


def _questions(folder: Path, split: str) -> set[str]:
    lines = (folder / "dataset" / "data" / f"{split}.jsonl").read_text().splitlines()
    return {" ".join(words_in(Record.from_row(json.loads(line)).question)).lower() for line in lines}
