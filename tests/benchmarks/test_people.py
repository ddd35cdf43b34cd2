"""The score on questions that people wrote: whether a result shows what is asked for, and the whole run on two sets."""

from __future__ import annotations

import gzip
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from benchmarks import by_content, people

HITS = [{"id": "1", "source": {"city": "Oslo", "size": 40}}, {"id": "2", "source": {"city": "Turku", "size": 25}}]
BUCKETS = {"g": {"buckets": [{"key": "Oslo", "doc_count": 3, "m": {"value": 7.5}}, {"key": "Turku", "doc_count": 1}]}}
GROUPS = {"aggs": {"g": {"terms": {"field": "city"}}}, "size": 0}
WITH_METRIC = {"aggs": {"g": {"terms": {"field": "city"}, "aggs": {"m": {"avg": {"field": "size"}}}}}, "size": 0}


def response(body: dict[str, Any], hits: Any = (), aggregations: Any = None, total: int | None = None) -> Any:
    count = None if total is None else {"value": total, "relation": "eq"}
    return {"body": body, "hits": list(hits), "aggregations": aggregations, "total": count}


@pytest.mark.parametrize(
    ("got", "projection", "rows", "sql", "shown"),
    [
        (response({}, HITS), ["city"], [["Oslo"], ["Turku"]], "SELECT city", True),
        (response({}, HITS), ["city"], [["Turku"], ["Oslo"]], "SELECT city", True),  # in any order
        (response({}, HITS), ["city"], [["Turku"], ["Oslo"]], "SELECT city ORDER BY size", False),
        (response({}, HITS), ["name"], [["Oslo"], ["Turku"]], "SELECT name", False),  # another field
        (response(GROUPS, (), BUCKETS), ["city"], [["Oslo"], ["Turku"]], "SELECT city", True),
        (response(GROUPS, (), BUCKETS), ["city", "count"], [["Oslo", 3], ["Turku", 1]], "SELECT", True),
        (response(GROUPS, (), BUCKETS), ["city", "count"], [["Oslo", 3], ["Turku", 2]], "SELECT", False),
        (response(GROUPS, (), BUCKETS), ["count_distinct(city)"], [[2]], "SELECT", True),
        (response({"size": 0}, total=12), ["count"], [[12]], "SELECT", True),
        (response({"size": 0}, total=12), ["count"], [[11]], "SELECT", False),
        (
            response({"aggs": {"s": {"stats": {"field": "size"}}}}, (), {"s": {"max": 40.0, "min": 1.0, "avg": 2.0}}),
            ["max(size)"],
            [[40]],
            "SELECT",
            True,
        ),
        (response({"size": 1}, HITS[:1]), ["max(size)"], [[40]], "SELECT", True),  # the hit that has it
        (response({"size": 1}, HITS[:1]), ["*"], [["Oslo", 40]], "SELECT *", True),
    ],
)
def test_rows_are_read_off_a_response(got: Any, projection: Any, rows: Any, sql: str, shown: bool) -> None:
    asked = {"projection": projection, "rows": rows, "sql": f"{sql} "}
    assert by_content.body_shows(got, None, asked) is shown


@pytest.mark.parametrize(
    ("rows", "shown"),
    [
        ([["Ann", 3], ["Bo", 4]], True),
        ([["Bo", 4], ["Ann", 3], ["Ann", 3]], True),  # in another order, and twice
        ([[1, "Ann", 3], [2, "Bo", 4]], True),  # a further column
        ([["Ann", 4], ["Bo", 3]], False),
        ([["Ann"], ["Bo"]], False),
    ],
)
def test_rows_of_a_query_may_have_more_columns(rows: Any, shown: bool) -> None:
    want = {"columns": ["name", "n"], "rows": [["Ann", 3], ["Bo", 4]]}
    assert by_content.rows_shown({"columns": list(rows[0]), "rows": rows}, want, {}) is shown


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


def write(file: Path, rows: list[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_both_tasks_are_scored(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    out, page = folder / "rows.jsonl", folder / "page.md"
    page.write_text(f"{people.BEGIN}\nold\n{people.END}\n")
    monkeypatch.setattr(
        "sys.argv", ["people", str(folder), "--task", "sql", "--out", str(out), "--processes", "1", "--page", str(page)]
    )
    people.main()
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("sql       a   n 1   right 100.0 % [20.7, 100.0]   by content 100.0 %")
    assert printed[1].startswith("sql       b   n 1")
    assert page.read_text().splitlines()[3].startswith("| SQL, part a | 1 | 100.0 % [20.7, 100.0] |")
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["id"], row["right"], row["executed"]) for row in rows] == [("1", True, True)]  # part b is not written
    (answered,) = people.answered("querydsl", folder, None, 1)
    assert (answered.right, answered.by_content, answered.silently_wrong) == (True, True, False)
