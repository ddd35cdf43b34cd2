"""The score on questions that people wrote: the whole run on two sets."""

from __future__ import annotations

import gzip
import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benchmarks import people


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One database and one index, with two questions each."""
    (tmp_path / "sql" / "databases").mkdir(parents=True)
    (tmp_path / "querydsl" / "indices").mkdir(parents=True)
    with sqlite3.connect(tmp_path / "sql" / "databases" / "shops.sqlite") as database:
        database.executescript("CREATE TABLE shop (id INTEGER PRIMARY KEY, name TEXT, city TEXT, size INTEGER)")
        shops = [(1, "Corner", "Oslo", 40), (2, "Mill", "Turku", 25), (3, "Hall", "Oslo", 90)]
        database.executemany("INSERT INTO shop VALUES (?, ?, ?, ?)", shops)
    write(tmp_path / "sql" / "questions.jsonl", [
        {"id": "1", "db": "shops", "part": "a", "kind": "count", "question": "How many shops are there in Oslo?",
         "answer": "SELECT COUNT(*) FROM shop WHERE city = 'Oslo'"},
        {"id": "2", "db": "shops", "part": "b", "kind": "select", "question": "List the names of all shops.",
         "answer": "SELECT name FROM shop"},
    ])  # fmt: skip
    mapping = {"properties": {"name": {"type": "keyword"}, "city": {"type": "keyword"}, "size": {"type": "long"}}}
    indices = tmp_path / "querydsl" / "indices"
    (indices / "shops.mapping.json").write_text(json.dumps(mapping))
    documents = [{"_id": str(id), "_source": {"name": n, "city": c, "size": s}} for id, n, c, s in shops]
    (indices / "shops.docs.jsonl.gz").write_bytes(gzip.compress("\n".join(map(json.dumps, documents)).encode()))
    write(tmp_path / "querydsl" / "questions.jsonl", [
        {"id": "3", "index": "shops", "part": "a", "kind": "count", "question": "How many shops are there in Oslo?",
         "answer": '{"size":0,"track_total_hits":true,"query":{"term":{"city":"Oslo"}}}', "projection": ["count"],
         "rows": [[2]], "sql": "SELECT COUNT(*) FROM shop"},
    ])  # fmt: skip
    return tmp_path


MARKS = [(True, True), (True, False), (False, True), (False, False), (False, False)]  # right, marked


def write(file: Path, rows: list[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_both_tasks_are_scored(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    out, page = folder / "rows.jsonl", folder / "page.md"
    page.write_text("<!-- people -->\nold\n<!-- end of people -->\n")
    monkeypatch.setattr(
        "sys.argv", ["people", str(folder), "--task", "sql", "--out", str(out), "--processes", "1", "--page", str(page)]
    )
    people.main()
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("sql       a   n 1   right 100.0 % [20.7, 100.0]   among those offered 100.0 %")
    assert printed[1].startswith("sql       b   n 1")
    assert page.read_text().splitlines()[3].startswith("| SQL, part a | 1 | 100.0 % [20.7, 100.0] |")
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["id"], row["right"], row["executed"]) for row in rows] == [("1", True, True)]  # part b is not written
    (answered,) = people.answered("querydsl", folder, None, 1, test_databases=2)
    assert (answered.right, answered.silently_wrong) == (True, False)
    shares = people.scores([replace(answered, right=right, marked=marked) for right, marked in MARKS])
    assert [share.partition(" ")[0] for share in shares.values()] == ["40.0", "100.0", "60.0", "40.0", "50.0"]
    assert people.scores([replace(answered, right=False)])["right but marked"] == "–"
