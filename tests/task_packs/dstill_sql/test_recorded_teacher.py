"""`tools/teacher.py`: prompts about bundled data, a check of replies, second answers, and the recording."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path

import pytest
from tools import teacher

from dstill.factory import Setup, make_teacher
from dstill.stages.generate.teacher_rows import teacher_rows
from dstill.teacher.purchase import Purchase

ROWS = (
    {"id": "q1", "question": "which band is the dearest", "answer": "SELECT name FROM band ORDER BY fee DESC LIMIT 1"},
    {"id": "q2", "question": "how many gigs were called off", "answer": "SELECT COUNT(*) FROM gig WHERE cancelled"},
    {"id": "q3", "question": "what did the beer cost", "answer": "-- no answer: no table holds drinks (missing: beer)"},
)


def run(monkeypatch: pytest.MonkeyPatch, command: str, folder: Path) -> int:
    monkeypatch.setattr("sys.argv", ["teacher", command, "sql", "festival", str(folder)])
    return teacher.main()


def reply(file: Path, *rows: dict[str, str]) -> None:
    file.write_text("\n".join(map(json.dumps, rows)))


def test_a_recording_is_made_of_replies_that_were_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "festival"
    assert run(monkeypatch, "prompts", folder) == 0
    assert len(list(folder.glob("*.txt"))) == teacher.REQUESTS
    reply(folder / "001.reply.txt", *ROWS, {"id": "q4", "question": "oldest", "answer": "SELECT age FROM band"})
    capsys.readouterr()
    assert run(monkeypatch, "check", folder) == 1
    shown = capsys.readouterr().out
    assert "001: nothing was written for q5, " in shown
    assert "001 q4: schema: " in shown
    assert "festival: 4 questions, 3 good (1 refused, 0 voted); {'unknown_column': 1}" in shown
    assert run(monkeypatch, "second", folder) == 0
    asked = (folder / "second/001.txt").read_text()
    ids = dict(re.findall(r'^\{"id":"([0-9a-f]{12})","question":"(.*)"\}$', asked, re.MULTILINE))
    assert list(ids.values()) == [row["question"] for row in ROWS]
    others = [row["answer"] for row in ROWS[:1]] + ["SELECT COUNT(*) FROM band", ROWS[2]["answer"]]
    lines = [{"id": id, "answer": answer} for id, answer in zip(ids, others, strict=True)]
    reply(folder / "second/001.reply.txt", *lines)
    capsys.readouterr()
    assert run(monkeypatch, "check", folder) == 1
    assert "2 good (1 refused, 2 voted); {'other_answer': 1, 'unknown_column': 1}" in capsys.readouterr().out
    assert run(monkeypatch, "pack", folder) == 0
    rows = [json.loads(line) for line in folder.with_name("festival.jsonl").read_text().splitlines()]
    assert [(row["question"], row["second"]) for row in rows[:3]] == list(zip(ids.values(), others, strict=True))
    assert (len(rows), rows[3]["second"]) == (4, "")  # `adapt` judges the bad one again


@pytest.mark.parametrize(
    ("task", "name", "with_second", "refused_rationales"),
    [
        ("sql", "festival", 650, 0),
        ("sql", "flights", 549, 0),
        ("querydsl", "birdstrikes", 650, 35),
        ("querydsl", "factbook", 650, 0),
    ],
)
def test_a_bundled_recording_can_be_played_back(
    task: str, name: str, with_second: int, refused_rationales: int, tmp_path: Path
) -> None:
    """Nearly all of its questions pass the checks and find something, and no second answer finds something else."""
    file = resources.files(f"dstill_{task}") / f"bundle/recorded/{name}.jsonl"
    setup = teacher._setup(task, name)
    replay = {"generate.teacher": "replay", "teacher.replay.file": str(file)}
    setup = Setup(setup.plugins, setup.config.with_flags(replay))
    purchase = Purchase(store=tmp_path / "unused", buyer="", resume="", where="")
    result = teacher_rows(setup, make_teacher(setup.plugins, setup.config), 1_000, purchase)
    assert (result.counts.came, result.counts.voted) == (650, with_second)
    assert len(result.records) >= 0.97 * result.counts.came
    assert sum(not row.rationale for row in result.records) == refused_rationales
