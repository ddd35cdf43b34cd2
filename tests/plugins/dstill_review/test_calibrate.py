"""`dstill calibrate`: a person judges a student's answers in the terminal, stops, and goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.unsure import peoples, trained

from dstill import Run
from dstill import plugins as plugin_loading

Cli = Callable[..., Any]


@pytest.fixture
def call(cli: Cli, toy_file: Path, project: Path, once: Callable[..., None], enable: Callable[..., None]) -> Cli:
    """Commands with the student "unsure", whose run "mine" has synthetic questions only."""
    enable("review")
    plugin = toy_file.with_name("unsure.py")

    def build() -> None:
        trained(plugin_loading.load([toy_file, plugin]), project / "mine", {"train": 5, "validation": 90, "test": 40})

    once("unsure", build)
    return lambda *words, typed="", **more: cli("--plugin", plugin, *words, stdin=typed.encode(), **more)


def judged(project: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (project / "mine" / "judgements.jsonl").read_text().splitlines()]


def ask(project: Path, count: int, *, golds: bool = False) -> Path:
    file = project / "own.jsonl"
    file.write_text(peoples(count, golds=golds))
    return file


def test_synthetic_questions_promise_nothing(call: Cli) -> None:
    """Its 90 validation rows are the task's own."""
    ended = call("predict", "mine", "add 3 and 4", "--max-wrong", "0.2")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines()[0] == (
        "error: nothing can be promised: nobody has judged how 'mine' answers questions of people"
    )
    assert "hint: judge some of its answers: dstill calibrate mine" in ended.err
    assert call("predict", "mine", "add 3 and 4").err == ""  # nor is a confidence shown


def test_stop_after_20_of_60_loses_and_promises_nothing(call: Cli, project: Path) -> None:
    file = ask(project, 70)
    first = call("calibrate", "mine", "--questions", file, "--tui", typed="y\nn\n" * 10 + "q\n")
    assert first.code == 4
    assert first.err.splitlines()[:3] == [
        "error: 20 of 60 judgements: 40 more are needed before anything is promised",
        "where: mine/judgements.jsonl",
        f"hint: go on with: dstill calibrate mine --questions {file} --tui",
    ]
    assert len(judged(project)) == 20
    assert call("predict", "mine", "add 3 and 4", "--max-wrong", "0.3").code == 2
    second = call("calibrate", "mine", "--questions", file, "--tui", typed="y\n" * 39)  # the input ends
    assert "59 of 60 judgements: 1 more are needed" in second.err
    third = call("calibrate", "mine", "--questions", file, "--tui", typed="y\n")
    assert third.code == 0, third.err
    assert len({row["question"] for row in judged(project)}) == 60
    assert "calibrated on 60 judged answers to questions of people (10 wrong)" in third.out


def test_judgements_are_enough_without_the_file(call: Cli, project: Path) -> None:
    """Called again, the command knows what was said; a new student is judged by the same golds where they say it."""
    typed = "y\n" * 30 + "n\n" * 30
    assert call("calibrate", "mine", "--questions", ask(project, 60), "--tui", typed=typed).code == 0
    again = call("calibrate", "mine", "--json")
    assert again.code == 0, again.err
    facts = json.loads(again.out)
    assert (facts["judged"], facts["wrong"], facts["open"]) == (60, 30, 0)


def test_golds_count_without_a_person(call: Cli, project: Path) -> None:
    ended = call("calibrate", "mine", "--questions", ask(project, 300, golds=True))
    assert ended.code == 0, ended.err
    assert "calibrated on 300 judged answers" in ended.out
    assert "next: dstill predict mine --max-wrong " in ended.out
    shown = call("predict", "mine", "add 3 and 4", "--max-wrong", "0.2")
    assert (
        "note: at most 20 % of the given answers are wrong (level 95 %, for questions like the judged ones)"
        in shown.err
    )
    rows = judged(project)
    assert {row["verdict"] for row in rows} == {"right", "wrong"}
    assert all((row["correction"] is None) == (row["verdict"] == "right") for row in rows)


def test_own_validation_rows_count(call: Cli, project: Path, toy_file: Path) -> None:
    """Their golds came with questions of the user."""
    loaded = plugin_loading.load([toy_file, toy_file.with_name("unsure.py")])
    trained(loaded, project / "own", {"train": 5, "validation": 80}, generate__questions="questions.jsonl")
    assert call("trust", "own", "--yes").code == 0
    ended = call("calibrate", "own", "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["judged"] == 80


def test_person_types_questions_corrects_and_undoes(call: Cli, project: Path) -> None:
    words = ["add 70 and 8", "y", "add 70 and 9", "e", "60+19", "add 1 and 1", "u", "n", "add 71 and 8", "s", "q"]
    ended = call("calibrate", "mine", "--tui", typed="\n".join(words) + "\n")
    assert ended.code == 4
    rows = judged(project)
    assert [row["question"] for row in rows] == ["add 70 and 8", "add 70 and 9"]
    assert "is this right?" in ended.out
    assert (
        "this question is answered already, or the student learnt it" in ended.out
    )  # add 1 and 1 is a training question
    assert "undone: edit of " in ended.out


def test_feedback_counts(call: Cli, project: Path) -> None:
    said = {"when": "2026", "model": "mine", "answer": "", "verdict": "wrong"}
    lines = []
    for number, line in enumerate(peoples(60, golds=True).splitlines()):
        row = json.loads(line)
        lines.append({**said, "id": f"f{number}", "question": row["question"], "correction": row["answer"]})
    (project / "said.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    ended = call("calibrate", "mine", "--feedback", "said.jsonl", "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["judged"] == 60
    assert not (project / "mine" / "judgements.jsonl").exists()  # it is kept in its own file


def test_judgements_hold_for_another_student(call: Cli, project: Path, toy_file: Path) -> None:
    assert call("calibrate", "mine", "--questions", ask(project, 60, golds=True)).code == 0
    run = Run.open(
        project / "mine", plugins=plugin_loading.load([toy_file, toy_file.with_name("unsure.py")]), trusted=True
    )
    assert run.calibration() is not None
    run.train(restart=True)
    assert run.calibration() is None
    assert call("calibrate", "mine").code == 0
    assert Run.open(run.folder, plugins=run.plugins).calibration() is not None


def test_text_file_has_a_question_in_each_line(call: Cli, project: Path) -> None:
    (project / "own.txt").write_text("add 70 and 8\n\nadd 70 and 9\n")
    assert call("calibrate", "mine", "--questions", "own.txt", "--tui", typed="y\ny\n").code == 4
    assert [row["question"] for row in judged(project)] == ["add 70 and 8", "add 70 and 9"]
    (project / "own.txt").write_bytes(b"add 70 and 8\nadd \xff\n")
    ended = call("calibrate", "mine", "--questions", "own.txt", "--tui")
    assert (ended.code, "line 2: not UTF-8" in ended.err) == (2, True)
    assert call("runs", "list").out.count("calibrate: failed") == 0  # a wrong file is no failure of the run


def test_damaged_judgements_are_an_error(call: Cli, project: Path) -> None:
    (project / "mine" / "judgements.jsonl").write_text('{"schema_version": 1, "id": 3}\n')
    ended = call("calibrate", "mine", "--tui")
    assert (ended.code, "line 1 of judgements.jsonl is not a valid row" in ended.err) == (4, True)
