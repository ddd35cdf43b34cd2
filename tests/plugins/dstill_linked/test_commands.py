"""A linked student through the commands: generate, train, evaluate, predict, plan, export."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dstill.api.form import Form

pytestmark = pytest.mark.slow
SETTINGS = {
    "generate.teacher": "synthetic",
    "train.student": "linked",
    "train.max_steps": 120,
    "train.learning_rate": 3e-3,
    "train.per_device_train_batch_size": 16,
    "train.threads": 1,
    "train.report_to": "none",
    "student.linked.width": 32,
    "student.linked.heads": 2,
    "student.linked.encoder_layers": 1,
    "student.linked.decoder_layers": 1,
    "student.linked.hidden": 64,
    "evaluate.splits": ["test"],
    "evaluate.baselines": [],
    "review.required": "never",
}
WITHOUT_TORCH = """
import sys
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
sys.meta_path.insert(0, NoTorch())
from dstill.cli import run
sys.exit(run(sys.argv[1:]))
"""
NEEDED = {"linked", "torch", "teachers", "export", "evaluate", "report"}


@pytest.fixture
def run(cli: Any, root: Path, enable: Any) -> Any:
    enable(*NEEDED)

    def call(*words: object) -> Any:
        return cli("--plugin", root / "tests/support/sums_form.py", *words)

    return call


def without_torch(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command in a process that cannot import torch."""
    plugin = ("--plugin", str(root / "tests/support/sums_form.py"), "--plugin", str(root / "tests/support/toy.py"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "tests"), *sys.path])}
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *plugin, *words],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )


def test_commands_work_with_a_linked_student(
    run: Any, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={json.dumps(value)}")]
    for words in (("generate", "--task", "columns", "--out", "run", *given), ("train", "run"), ("evaluate", "run")):
        ended = run(*words)
        assert ended.code == 0, ended.err
    stages = json.loads((tmp_path / "run" / "run.json").read_text())["stages"]
    assert stages["train"]["n_not_expressible"] == 0
    exact = stages["evaluate"]["scores"]["student"]["test"]["exact_match"]["value"]
    assert exact > 0.25, stages["evaluate"]["scores"]
    planned = run("experiment", "plan", "run", "--json")
    assert "LinkedModel" in planned.out, planned.err
    predicted = run("predict", "run", "12 plus 34", "--json")
    assert predicted.code == 0, predicted.err
    assert json.loads(predicted.out)["answer"]
    assert without_torch(root, "predict", "run", "12 plus 34", "--json").stdout == predicted.out
    assert without_torch(root, "evaluate", "run", "--set", 'evaluate.splits=["validation"]').returncode == 0
    for form in ("merged", "int8"):
        ended = run("export", "run", "--to", form, "--out", form, "--limit", "20", "--json")
        assert ended.code == 0, ended.err
    assert (tmp_path / "int8" / "model.safetensors").stat().st_size < 0.4 * (
        tmp_path / "merged" / "model.safetensors"
    ).stat().st_size
    refused = run("export", "run", "--to", "gguf", "--out", "gguf")
    assert refused.code == 2
    assert "students of kind 'linked' cannot be exported to gguf" in refused.err
    again = ("train", "run", "--restart", "--student", f"linked:{tmp_path / 'int8'}")
    assert run(*again, "--set", "train.max_steps=2").code == 0
    assert run("report", "run").code == 0
    # the exported student as a base, as it is
    monkeypatch.setattr(Form, "bases", {"sums": tmp_path / "int8"})
    nothing = ("--set", "train.num_train_epochs=0", "--set", "train.max_steps=-1")
    for words in (
        ("train", "run", "--restart", "--student", "base:sums", *nothing),
        ("evaluate", "run", "--set", 'evaluate.baselines=["untrained"]'),
        ("report", "run"),
        ("predict", "run", "12 plus 34"),
        ("export", "run", "--to", "merged", "--out", "again", "--limit", "5"),
    ):
        ended = run(*words)
        assert ended.code == 0, ended.err
    stages = json.loads((tmp_path / "run" / "run.json").read_text())["stages"]
    assert stages["train"]["student"] == "base:sums"
    assert stages["train"]["steps"] == stages["train"]["n_replayed"] == 0
    assert len(stages["train"]["base_sha256"]) == 64
    scores = stages["evaluate"]["scores"]
    assert scores["student"]["test"] == scores["untrained"]["test"]
    assert scores["student"]["test"]["exact_match"]["value"] > 0.2
    assert run("train", "run", "--student", "base:other").code == 2
