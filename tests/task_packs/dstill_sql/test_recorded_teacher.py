"""`tools/teacher.py`: prompts about bundled data, a check of replies, second answers, and the recording."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tools import teacher

from dstill.api.records import Record
from dstill.stages.generate.teacher_questions import Written
from dstill.stages.generate.teacher_rows import TeacherCounts, voted
from dstill.stages.generate.written_rows import checked, example_of
from dstill_sql import bundle

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


def test_the_bundled_recording_can_be_played_back() -> None:
    """Nearly all of its questions pass the checks, find something, and have a second answer that agrees."""
    setup = teacher._setup("sql", "festival")
    brief = teacher._brief(setup)
    rows = [json.loads(line) for line in (bundle.FOLDER / "recorded/festival.jsonl").read_text().splitlines()]
    lines = [Written(**{name: row[name] for name in ("id", "question", "rationale", "answer")}) for row in rows]
    examples = [example_of(line, brief, row["category"]) for line, row in zip(lines, rows, strict=True)]
    counts = TeacherCounts(requested=len(rows))
    with setup.opened_executor() as executor:
        checked_rows = checked(setup, examples, executor)
        pairs = zip(checked_rows, rows, strict=True)
        voted_rows = [voted(setup, executor, row, line["second"], counts) for row, line in pairs]
    good = [row for row in voted_rows if isinstance(row, Record)]
    assert len(rows) == counts.voted == 650
    assert len(good) >= 0.97 * len(rows)
    assert all(row.rationale for row in good)
