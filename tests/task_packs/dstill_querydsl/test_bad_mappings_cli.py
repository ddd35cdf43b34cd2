"""Bad mappings, rows, model output and dialects at the command line: message, pointer and exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MAPPING = {
    "properties": {
        "published": {"type": "date"},
        "title": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "city": {"type": "keyword"},
        "place": {"type": "geo_shape"},
        "a": {"type": "nested", "properties": {"b": {"type": "keyword"}}},
    }
}


@pytest.fixture
def check(cli: Callable[..., Any], project: Path, enable: Callable[..., None]) -> Callable[..., Any]:
    """`check` of a body under a mapping; gives the exit code, the row of --format jsonl and the shown text."""
    enable("querydsl")

    def ask(body: Any, mapping: Any = MAPPING) -> tuple[int, dict[str, Any], str]:
        Path("mapping.json").write_text(json.dumps(mapping))
        text = (body if isinstance(body, str) else json.dumps(body)).encode()
        words = ("--task", "querydsl", "--mapping", "mapping.json")
        ended, shown = (cli("check", "--format", form, *words, stdin=text) for form in ("jsonl", "answers"))
        assert shown.code == ended.code
        assert "Traceback" not in ended.err + shown.err
        row = json.loads(ended.out.splitlines()[-1]) if ended.out else {}
        return ended.code, row, shown.out + shown.err

    return ask


def _errors(row: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["pointer"], one["message"]) for one in row["problems"] if one["severity"] == "error"}


def test_warns_of_range_on_keyword(check: Callable[..., Any]) -> None:
    code, row, _ = check({"query": {"range": {"city": {"gte": "A"}}}})
    assert (code, [one["severity"] for one in row["problems"]]) == (0, ["warning"])
    assert "letter by letter" in row["problems"][0]["message"]


def test_accepts_integer_string_as_size(check: Callable[..., Any]) -> None:
    code, row, shown = check({"size": "10"})
    [note] = row["problems"]
    assert (code, row["ok"], note["severity"], note["pointer"]) == (0, True, "warning", "/size")
    assert "size '10' is a string, which engines read as the number 10" in shown


def _nested(depth: int) -> dict[str, Any]:
    query: dict[str, Any] = {"match_all": {}}
    for _ in range(depth):
        query = {"bool": {"filter": query}}
    return {"query": query}


@pytest.mark.parametrize(
    ("body", "pointer", "message"),
    [
        (_nested(200), "1:", "nested more than 20 deep"),
        ({"query": {"terms": {"city": ["x"] * 2_000}}}, "/query/terms/city", "values is 2,000, the limit is"),
        ({"query": {"terms": {"city": [str(n) for n in range(70_000)]}}}, "", "at most 32,768 are read"),
    ],
)  # fmt: skip
def test_refuses_costly_queries(check: Callable[..., Any], body: Any, pointer: str, message: str) -> None:
    code, row, _ = check(body)
    assert code == 9
    assert any(at.startswith(pointer) and message in said for at, said in _errors(row)), row["problems"]


def test_says_that_fields_are_unchecked_without_mapping(check: Callable[..., Any], cli: Any) -> None:
    body = {"query": {"term": {"nosuch": 1}}}
    assert check(body)[1]["not_checked"] == []
    note = "note: mapping not checked, because nothing is known about the data: give --mapping\n"
    ended = cli("check", "--format", "jsonl", "--task", "querydsl", stdin=json.dumps(body).encode())
    row = json.loads(ended.out)
    assert (ended.code, row["ok"], row["not_checked"], ended.err) == (0, True, ["mapping"], note)
    rows = "\n".join(
        [json.dumps({"id": 1, "query": body}), json.dumps({"id": 2, "query": body, "mapping": MAPPING}), '{"id": 3}']
    ).encode()
    some = cli("check", "--format", "answers", "--task", "querydsl", stdin=rows)
    note = "note: mapping not checked in 1 of 3 answers, because nothing is known about the data"
    assert some.err.startswith(note)
    assert cli("check", "--format", "answers", "--task", "querydsl", "--layer", "json", stdin=rows).err.startswith(
        "error: 1 of 3"
    )


@pytest.mark.usefixtures("check")
def test_row_that_names_unknown_data_fails(cli: Any) -> None:
    body = {"query": {"term": {"nosuch": 1}}}
    row = json.dumps({"id": 1, "query": body, "data": "nowhere"}).encode()
    ended = cli("check", "--format", "answers", "--task", "querydsl", stdin=row)
    told = "nothing is known about the index 'nowhere': mapping not checked"
    assert (ended.code, told in ended.out) == (9, True)
    assert cli("check", "--format", "answers", "--task", "querydsl", "--layer", "json", stdin=row).code == 0


@pytest.mark.parametrize(("context", "warned"), [({}, True), ({"index": "city", "mapping": MAPPING}, False)])
def test_warns_of_questions_without_mapping_before_asking(
    cli: Callable[..., Any], project: Path, enable: Callable[..., None], context: Any, warned: bool
) -> None:
    enable("querydsl")
    row = {"id": "1", "question": "all of Bonn", "answer": '{"query": {"term": {"city": "Bonn"}}}', "rationale": "city"}
    Path("rows.jsonl").write_text(json.dumps({**row, "context": context}))
    words = ("--task", "querydsl", "--teacher", "replay", "--set", "teacher.replay.file=rows.jsonl")
    ended = cli("generate", "--questions", "rows.jsonl", *words, "--dry-run")
    assert ended.code == 0, ended.err
    said = "warning: nothing describes the data of 1 of 1 questions (context): mapping of their answers"
    assert (said in ended.err) is warned


# --- products ---------------------------------------------------------------------------

FROM = {"query": {"range": {"n": {"from": 1}}}}
INTERVAL = {"aggs": {"a": {"date_histogram": {"field": "d", "interval": "day"}}}}


@pytest.mark.parametrize(
    ("body", "dialect", "code"),
    [
        (FROM, "elasticsearch9", 9),
        (FROM, "elasticsearch8", 0),
        (FROM, "opensearch2", 0),
        (INTERVAL, "elasticsearch9", 9),
        (INTERVAL, "elasticsearch8", 9),
        (INTERVAL, "opensearch3", 0),
        (FROM, "solr", 2),
    ],
)
def test_checks_by_given_dialect(
    cli: Callable[..., Any], project: Path, enable: Callable[..., None], body: Any, dialect: str, code: int
) -> None:
    enable("querydsl")
    words = ("check", "--format", "answers", "--task", "querydsl", "--layer", "schema", "--dialect", dialect)
    ended = cli(*words, stdin=json.dumps(body).encode())
    assert ended.code == code, ended.err
    if code == 2:
        assert "task.querydsl.dialect" in ended.err
        assert "opensearch3" in ended.err
