"""`dstill ray evaluate`: two workers write the files that one process writes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support.ray_lab import Lab

from dstill.pipeline.evaluate import BLOCK

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


@pytest.mark.slow
def test_two_workers_answer_as_one_process_does(tmp_path: Path, toy_file: Path) -> None:
    lab = Lab(tmp_path, [toy_file], {"evaluate"}, SETTINGS)
    sums = [(a, b) for a in range(10, 40) for b in range(10, 40)][: 2 * BLOCK + 50]  # three blocks
    rows = [{"id": f"{a}-{b}", "question": f"add {a} and {b}", "answer": f"{a}+{b}", "split": "test"} for a, b in sums]
    rows += [{"id": f"t{n}", "question": f"add {n} and 1", "answer": f"{n}+1", "split": "train"} for n in range(1, 9)]
    (tmp_path / "sums.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    made = lab.run("generate", "--teacher", "parrot", "--questions", "sums.jsonl", "--out", "one")
    assert made.returncode == 0, made.stderr
    assert lab.run("train", "one", "--allow-unreviewed").returncode == 0
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    ended = [lab.run("evaluate", "one", "--json"), lab.run("ray", "evaluate", "two", "--workers", "2", "--json")]
    assert [one.returncode for one in ended] == [0, 0], [one.stderr for one in ended]
    for name in ("predictions.jsonl", "verdicts.jsonl"):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    assert json.loads(ended[1].stdout)["n"] == json.loads(ended[0].stdout)["n"]
    assert lab.left() == []
