"""A mistaken call changes nothing: it leaves no new folder, and marks no run as failed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]

OF_GENERATE = {
    "an option": ["--limt", "3"],
    "a value": ["--limit", "three"],
    "a key": ["--set", "generate.limt=3"],
    "a type": ["--set", "teacher.parrot.delay=slow"],
    "a key of a part": ["--set", "teacher.parrot.dely=1"],
    "a task": ["--task", "tyo"],
    "a teacher": ["--teacher", "parot"],
    "a student": ["--set", "train.student=memroy"],
    "an objective": ["--set", "train.objective=plian"],
    "a modality": ["--set", "train.modality=hep"],
    "a baseline": ["--set", 'evaluate.baselines=["neerest"]'],
    "a split": ["--set", 'evaluate.splits=["tset"]'],
    "a file": ["--questions", "questions.csv"],
    "what the teacher cannot do": ["--batch-api"],
}


@pytest.mark.parametrize("words", OF_GENERATE.values(), ids=OF_GENERATE)
def test_generate_leaves_no_folder(cli: Cli, project: Path, words: list[str]) -> None:
    ended = cli("generate", "--teacher", "parrot", "--out", "mine", *words)
    assert ended.code == 2, ended.err
    assert list(project.iterdir()) == []


def test_generate_leaves_no_unnamed_run(cli: Cli, project: Path) -> None:
    assert cli("generate", "--teacher", "parrot", "--batch-api").code == 2
    assert list(project.glob("runs/*")) == []


@pytest.mark.parametrize("words", [["--set", "train.objective=plian"], ["--student", "memroy"]])
def test_demo_leaves_no_folder(cli: Cli, project: Path, words: list[str]) -> None:
    assert cli("demo", "--out", "mine", *words).code == 2
    assert list(project.iterdir()) == []


def test_file_without_questions_leaves_no_folder(cli: Cli, project: Path) -> None:
    Path("questions.csv").write_text("text\nadd 1 and 2\n")
    ended = cli("generate", "--teacher", "parrot", "--questions", "questions.csv", "--out", "mine")
    assert (ended.code, "no column 'question'" in ended.err) == (4, True)
    assert [path.name for path in project.iterdir()] == ["questions.csv"]


def test_refused_rows_stay_to_be_read(cli: Cli) -> None:
    Path("questions.csv").write_text("question,answer\nadd 1 and 2,1 plus 2\n")
    assert cli("generate", "--teacher", "parrot", "--questions", "questions.csv", "--out", "mine").code == 4
    assert "not_a_sum" in Path("mine/rejects.jsonl").read_text()
    assert status() == "generate: failed: 0 usable rows of 1; reasons: not_a_sum 1"


def status() -> str:
    found: str = json.loads(Path("mine/run.json").read_text())["status"]
    return found


@pytest.fixture
def generated(cli: Cli, once: Callable[..., None]) -> None:
    once("generated", lambda: cli("generate", "--teacher", "parrot", "--out", "mine"))


MEMORY = ("--student", "memory", "--objective", "plain")
OF_TRAIN = {
    "an option": ["--restrat"],
    "a student": ["--student", "memroy"],
    "an objective": ["--objective", "plian"],
    "a modality": ["--modality", "hep"],
    "a type": ["--set", "train.learning_rate=fast"],
}


@pytest.mark.parametrize("words", OF_TRAIN.values(), ids=OF_TRAIN)
def test_train_marks_no_run_as_failed(cli: Cli, generated: None, words: list[str]) -> None:
    assert cli("train", "mine", *MEMORY, *words).code == 2
    assert status() == "generate: done"
    assert not Path("mine/student").exists()


@pytest.mark.parametrize("words", [["--split", "tset"], ["--baseline", "neerest"]])
def test_evaluate_marks_no_run_as_failed(cli: Cli, generated: None, words: list[str]) -> None:
    assert cli("evaluate", "mine", *words).code == 2
    assert status() == "generate: done"
    assert cli("evaluate", "mine").err.startswith("error: run 'mine' has no student yet\n")
    assert status() == "generate: done"


def test_trained_run_is_trained_again_with_restart_only(cli: Cli, generated: None) -> None:
    assert cli("train", "mine", *MEMORY).code == 0
    before = json.loads(Path("mine/run.json").read_text())
    ended = cli("train", "mine", "--objective", "plain")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "error: run 'mine' is trained already\nwhere: mine/student\n"
        "hint: to train again and replace this student: dstill train mine --restart\n"
    )
    assert json.loads(Path("mine/run.json").read_text()) == before
    assert cli("train", "mine", "--restart").code == 0
    assert json.loads(Path("mine/run.json").read_text())["stages"]["train"]["id"] != before["stages"]["train"]["id"]


@pytest.mark.parametrize("trace", ["status", "checkpoints"])
def test_stopped_second_training_needs_no_restart(cli: Cli, generated: None, trace: str) -> None:
    """As after Ctrl-C or a kill, with the earlier student still there."""
    assert cli("train", "mine", *MEMORY).code == 0
    if trace == "checkpoints":
        Path("mine/checkpoints").mkdir()
    else:
        manifest = json.loads(Path("mine/run.json").read_text())
        Path("mine/run.json").write_text(json.dumps({**manifest, "status": "train: interrupted"}))
    assert cli("train", "mine").code == 0
    assert cli("train", "mine").code == 2
