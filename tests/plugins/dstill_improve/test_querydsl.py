"""`dstill improve` on the Query DSL pack: real questions, the real guard and the embedded engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstill import Run
from dstill.answering import steps
from dstill.api.records import SPLITS
from dstill.inputs import feedback
from dstill.inputs.feedback import Feedback

SETTINGS = ("--set", "task.querydsl.documents=300", "--set", "train.objective=label-only")
SCRIPT = '{"query":{"script":{"script":{"source":"while (true) {}"}}}}'


@pytest.mark.nightly
def test_feedback_on_query_dsl_becomes_a_judged_candidate(
    project: Path, cli: Callable[..., Any], enable: Callable[..., None]
) -> None:
    """The student looks the nearest question up, so corrections of questions like those of the gate help it or not."""
    enable("improve", "querydsl", "finetune", "torch")

    def call(*words: object) -> Any:
        return cli(*words, toy=False)

    generated = call("generate", "--task", "querydsl", "--limit", 300, *SETTINGS, "--out", "run")
    assert generated.code == 0, generated.err
    assert call("train", "run", "--student", "nearest").code == 0
    run = Run.open("run")
    known = {record.question for split in SPLITS for record in run.records(split)}
    fresh = [e for e in steps.examples_of(run.task) if e.answer and e.split == "train" and e.question not in known]
    for n, example in enumerate(fresh[:60]):
        correction = SCRIPT if n == 0 else example.answer
        said = {"question": example.question, "answer": "", "verdict": "wrong", "correction": correction}
        feedback.append(Path("said.jsonl"), Feedback.from_row({"id": f"f{n}", "when": "2026", "model": "run", **said}))
    ended = call("improve", "run", "--feedback", "said.jsonl", "--rows", 10, "--out", "better")
    candidate = Run.open("better")
    made, gate = candidate.manifest["stages"]["improve"], candidate.manifest["stages"]["gate"]
    assert ended.code == (0 if gate["accepted"] else 3), ended.err
    assert made["rows"]["corrected"] >= 30
    assert any("guard" in reason for reason in made["left_out"])
    assert not any("while (true)" in record.answer for record in candidate.records("train"))
    assert gate["whole"]["items"] >= 10
    assert gate["whole"]["items"] == sum(one["items"] for one in gate["sets"])
    held_out = {row["question"] for row in candidate.rows("gate.jsonl")}
    assert held_out.isdisjoint(record.question for split in SPLITS for record in candidate.records(split))
