"""`dstill glossary check|suggest` and `ask --feedback` on a SQLite file, with the published base."""

from __future__ import annotations

import json
import sqlite3
import tomllib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

Cli = Callable[..., Any]
DDL = """
CREATE TABLE jobs (id INTEGER PRIMARY KEY, mechanic TEXT, promised_on DATE, finished_on DATE, labour_min INTEGER);
INSERT INTO jobs VALUES (1, 'Sam', '2026-01-01', '2026-01-03', 30), (2, 'Ana', '2026-01-02', '2026-01-02', 60);
"""
OVERFLOW = "labour_min - 30 - 9223372036854775807 - 1"  # in the first row: SQLite has no such integer
LATE = '[late]\ncondition = "finished_on > promised_on"\nalso = ["overdue"]\n'


@pytest.fixture
def garage(project: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The options that name the database and a glossary, whose text a test writes."""
    monkeypatch.delenv("DSTILL_DISABLE", raising=False)
    with closing(sqlite3.connect(project / "garage.db")) as database:
        database.executescript(DDL)
    Path("glossary.toml").write_text(LATE)
    return "--engine-url", f"sqlite:///{project / 'garage.db'}", "--set", "task.sql.glossary=glossary.toml"


def opinion(question: str, answer: str, verdict: str = "right") -> str:
    row = {"id": "1", "when": "2026-01-05T10:00:00+00:00", "model": "m", "question": question, "answer": answer}
    return json.dumps({**row, "verdict": verdict}) + "\n"


def test_each_term_is_tried(cli: Cli, garage: tuple[str, ...]) -> None:
    ended = cli("glossary", "check", *garage)
    assert ended.code == 0, ended.err
    assert ended.out == "ok    late = finished_on > promised_on\n      COUNT(*) 1 1 row\n"
    (row,) = map(json.loads, cli("glossary", "check", *garage, "--json").out.splitlines())
    assert (row["term"], row["ok"], row["reason"]) == ("late", True, "")
    assert "finished_on" in row["answer"]


def test_a_term_that_fails_is_named(cli: Cli, garage: tuple[str, ...]) -> None:
    Path("glossary.toml").write_text(f'{LATE}[slow]\ncondition = "ABS({OVERFLOW}) > 3"\n')
    ended = cli("glossary", "check", *garage)
    assert ended.code == 9
    assert [line.split()[0] for line in ended.out.splitlines()[::2]] == ["ok", "fails"]
    assert "1 of 2 terms fail" in ended.err
    *rows, error = map(json.loads, cli("glossary", "check", *garage, "--json").out.splitlines())
    assert [row["ok"] for row in rows] == [True, False]
    assert "overflow" in rows[1]["reason"]
    assert error["error"]["code"] == "answer"


@pytest.mark.parametrize(
    ("text", "code", "shown"),
    [
        (None, 2, "there is no glossary"),
        ("[late", 4, "glossary.toml"),
        ('[late]\ncondition = "NOSUCH(mechanic) > 1"\n', 4, "the function NOSUCH is not allowed"),
        ('[late]\ncondition = "nished_on > 1"\n', 4, "there is no column 'nished_on'. Did you mean"),
    ],
)
def test_a_bad_glossary_is_named(cli: Cli, garage: tuple[str, ...], text: str | None, code: int, shown: str) -> None:
    if text is not None:
        Path("glossary.toml").write_text(text)
    ended = cli("glossary", "check", *(garage if text is not None else garage[:2]))
    assert (ended.code, ended.out) == (code, "")
    assert shown in ended.err


def test_words_that_nothing_accounts_for_are_suggested(cli: Cli, garage: tuple[str, ...]) -> None:
    query = "SELECT SUM(labour_min) FROM jobs WHERE mechanic = 'Sam'"
    Path("feedback.jsonl").write_text(opinion("zorbing of Sam", query) + opinion("the quuxy ones", "SELECT 1", "wrong"))
    ended = cli("glossary", "suggest", *garage, "--feedback", "feedback.jsonl")
    assert ended.code == 0, ended.err
    assert "# quuxy: in 1 question" in ended.out
    assert tomllib.loads(ended.out) == {"zorbing": {"means": "jobs.labour_min"}}
    rows = cli("glossary", "suggest", *garage, "--feedback", "feedback.jsonl", "--json").out.splitlines()
    assert {(row["word"], row["means"]) for row in map(json.loads, rows)} == {
        ("zorbing", "jobs.labour_min"),
        ("quuxy", ""),
    }
    Path("feedback.jsonl").write_text(opinion("labour of Sam", query))
    ended = cli("glossary", "suggest", *garage, "--feedback", "feedback.jsonl")
    assert (ended.code, ended.out) == (0, "")
    assert "every word of these questions" in ended.err


def test_a_confirmed_answer_is_given_again(cli: Cli, garage: tuple[str, ...]) -> None:
    query = "SELECT MAX(labour_min) FROM jobs WHERE mechanic = 'Sam'"
    Path("feedback.jsonl").write_text(opinion("zorbing of Sam", query))
    for question, value in (("zorbing of Sam", "Sam"), ("zorbing of Ana", "Ana")):
        ended = cli("ask", *garage, "--feedback", "feedback.jsonl", "--json", question)
        assert ended.code == 0, ended.err
        row = json.loads(ended.out)
        assert row["answer"] == query.replace("Sam", value)
        assert row["answered_by"] == "memory"
