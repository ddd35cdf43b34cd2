"""Queries in lines and colours, and in the forms of other programs: nothing but white space changes."""

from __future__ import annotations

import re
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import parse_one

from dstill_sql.language.dialects import DIALECTS
from dstill_sql.language.results.formatting import highlight, snippets

QUERIES = (
    "SELECT 1",
    "SELECT a.x, count(*) AS n FROM trips AS a LEFT OUTER JOIN drivers d ON a.id = d.id JOIN e USING (i) WHERE x > 3",
    "WITH t AS (SELECT x FROM y ORDER BY x LIMIT 5) SELECT x FROM t WHERE x IS DISTINCT FROM 3 UNION SELECT y FROM u",
    "SELECT EXTRACT(year FROM ts), \"a b\" FROM t WHERE name = 'it''s -- no comment' /* one */ GROUP BY 1 HAVING x",
    "SELECT x\nFROM trips -- the end",
)


def text(parts: Any) -> str:
    return "".join(part for _, part in parts)


@pytest.mark.parametrize("query", QUERIES)
def test_layout_changes_white_space_only(query: str) -> None:
    for dialect in DIALECTS:
        shown = text(highlight(query, dialect))
        assert re.sub(r"\s+", " ", shown) == re.sub(r"\s+", " ", query)
        assert parse_one(shown, read=dialect) == parse_one(query, read=dialect)


def test_clauses_begin_lines_and_parts_have_kinds() -> None:
    parts = highlight(QUERIES[1], "duckdb")
    first = [line.split()[0] for line in text(parts).splitlines()]
    assert first == ["SELECT", "FROM", "LEFT", "JOIN", "WHERE"]
    assert {kind for kind, part in parts if part in ("FROM", "AS")} == {"keyword"}
    assert ("number", "3") in parts
    assert ("string", "'it''s -- no comment'") in highlight(QUERIES[3], "duckdb")
    assert ("comment", " -- the end") in highlight(QUERIES[4], "duckdb")
    assert text(highlight(QUERIES[2], "duckdb")).splitlines()[1] == "SELECT x"


@given(st.text(max_size=40))
def test_any_text_is_shown_whole(junk: str) -> None:
    assert text(highlight(junk, "postgres")) == junk


@pytest.mark.parametrize("dialect", DIALECTS)
def test_shell_gets_the_query_as_one_word(dialect: Any, tmp_path: Path) -> None:
    query = "SELECT 'it''s $(touch x) `id`\n\nSQL\n' AS said"
    name, command = next(iter(snippets(query, "it's", dialect)))
    told = f"{name}() {{ printf '%s\\0' \"$@\"; }}\n{command}"
    ended = subprocess.run(["bash", "-c", told], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert query in ended.stdout.split("\0")
    assert list(tmp_path.iterdir()) == []


def test_python_runs_the_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sqlite3.connect("trips.sqlite").execute("CREATE TABLE t (x TEXT)").connection.close()
    for said in ("plain", "a \\ backslash", 'three """ quotes', 'ends so "'):
        query = f"SELECT '{said}' AS said, count(*) AS number_of_rows FROM t WHERE x IS NOT NULL LIMIT 1"
        found: dict[str, Any] = {}
        exec(dict(snippets(query, "trips", "sqlite"))["Python"], found)
        assert found["rows"] == [(said, 0)]
        found["connection"].close()
