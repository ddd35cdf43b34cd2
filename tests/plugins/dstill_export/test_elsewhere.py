"""A student that another program trained comes back as a base that is not trained further (docs/beside.md)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dstill.runs.run import Run
from dstill_export.exporting import export
from dstill_export.registry import format_of


@pytest.mark.slow
def test_student_trained_elsewhere_is_scored_as_it_is(
    student: Callable[[str], Run], make_run: Callable[..., Run], tmp_path: Path
) -> None:
    """The merged folder of another run stands for what TRL, axolotl or LLaMA-Factory saved."""
    folder = tmp_path / "trained"
    export(student("chat"), format_of("merged"), folder, count=2)
    (folder / "student.json").unlink()  # which no other program writes
    settings = {"train.student": f"hf:{folder}", "train.max_steps": -1, "train.num_train_epochs": 0.0}
    run = make_run("elsewhere", **settings)
    assert run.manifest["stages"]["train"]["steps"] == 0
    assert run.manifest["stages"]["evaluate"]["scores"]["student"]["train"]["executable_accuracy"]["value"] == 1
