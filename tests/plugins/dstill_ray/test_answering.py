"""`dstill ray evaluate`: two workers write the files that one process writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.ray_lab import Lab

from dstill.stages.evaluate.predicting import BLOCK

SETTINGS = """
[project]
task = "toy"
[train]
student = "memory"
objective = "plain"
modality = "heap"
[evaluate]
splits = ["test"]
baselines = []
"""


@pytest.mark.nightly
def test_two_workers_answer_as_one_process_does(tmp_path: Path, toy_file: Path) -> None:
    lab = Lab(tmp_path, [toy_file], {"evaluate"}, SETTINGS)
    sums = [(a, b) for a in range(10, 40) for b in range(10, 40)][: 2 * BLOCK + 50]  # three blocks
    rows = [{"id": f"{a}-{b}", "question": f"add {a} and {b}", "answer": f"{a}+{b}", "split": "test"} for a, b in sums]
    # the student answers a question with the pair of the same words
    rows += [
        {"id": f"t{a}-{b}", "question": f"{b} and {a} add", "answer": f"{b}+{a}", "split": "train"}
        for a, b in sums[::2]
    ]
    (tmp_path / "sums.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    made = lab.run("generate", "--teacher", "parrot", "--questions", "sums.jsonl", "--out", "one")
    assert made.returncode == 0, made.stderr
    assert lab.run("train", "one", "--allow-unreviewed").returncode == 0
    alone = lab.run("evaluate", "one", "--json")
    assert alone.returncode == 0, alone.stderr
    files = [tmp_path / "one" / name for name in ("predictions.jsonl", "verdicts.jsonl")]
    before = [file.read_bytes() for file in files]
    for file in files:
        file.unlink()
    together = lab.run("ray", "evaluate", "one", "--workers", "2", "--json")
    assert together.returncode == 0, together.stderr
    assert [file.read_bytes() for file in files] == before
    assert json.loads(together.stdout)["n"] == json.loads(alone.stdout)["n"]
    assert b"+" in before[0]
    assert lab.left() == []
