"""Search bodies in files: where they are, where their problems are, and what is repaired."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dstill_querydsl
from dstill.api import sense
from dstill.quality.linting.lint import Report, lint
from dstill_querydsl.files.codes import CODES
from dstill_querydsl.files.reading import SUFFIXES, answers, has_answers
from dstill_querydsl.language.guard.tables import REASONS
from dstill_querydsl.pack import QueryDsl

TASK = QueryDsl()


def checked(text: str, suffix: str, **context: Any) -> Report:
    return lint(TASK, f"a{suffix}", text, suffix=suffix, context=context)


def shown(text: str, suffix: str) -> list[tuple[str, Any]]:
    return [(text[one.start : one.end], one.context.get("index")) for one in answers(text, suffix)]


# --- files ------------------------------------------------------------------------------

CONSOLE = """\
# the newest
GET logs-*/_search?pretty
{
  // how many
  "size": 5
}
PUT other/_doc/1
{"a": 1}
get /_count
{"query": {"match_all": {}}}

POST _msearch
{"index": "one"}
{"size": 1}
{}
# next
{"size": 2}
GET _cat/indices
"""
HTTP = """\
@host = http://127.0.0.1:9200
### first
POST http://127.0.0.1:9200/logs/_search HTTP/1.1
Content-Type: application/json

{"size": 1}

> {% client.log(response) %}
###
GET {{host}}/x/_mapping
"""


def test_requests_name_their_index() -> None:
    bodies = [(" ".join(text.split()), index) for text, index in shown(CONSOLE, ".es")]
    assert bodies == [
        ('{ // how many "size": 5 }', "logs-*"),
        ('{"query": {"match_all": {}}}', None),
        ('{"size": 1}', "one"),
        ('{"size": 2}', None),
    ]
    assert shown(HTTP, ".http") == [('{"size": 1}', "logs")]
    assert checked(CONSOLE, ".es").problems == ()


def test_pairs_and_lines_of_ndjson() -> None:
    pairs = '{"index": "a", "preference": "_local"}\n{"size": 1}\n\n{"index": ["a", "b"]}\n{"size": 2}\n'
    assert shown(pairs, ".ndjson") == [('{"size": 1}', "a"), ('{"size": 2}', None)]
    assert shown('{"size": 1}\n{"size": 2}\n', ".ndjson") == [('{"size": 1}', None), ('{"size": 2}', None)]
    broken = checked('{}\n{"size": 1}\n{"size": 2}\n{}\n{}\n', ".ndjson")
    assert [(one.problem.message, one.region.line) for one in broken.problems] == [
        ("not a header of _msearch", 3),
        ("the header has no body after it", 5),
    ]


@pytest.mark.parametrize(
    ("text", "suffix", "is_meant"),
    [
        ('{"query": {"match_all": {}}}', ".json", True),
        ('{"aggs": {"a": {"avg": {"field": "x"}}}', ".json", True),  # not closed, but one can see what it is
        ('{"query": "query { user }", "variables": {}}', ".json", False),  # GraphQL
        ('{"name": "x", "scripts": {}}', ".json", False),
        ("[" * 100_000, ".json", False),
        ('{"index": "a"}\n{"query": {"match_all": {}}}', ".ndjson", True),
        ('{"index": {"_index": "a"}}\n{"query": 1}', ".ndjson", False),  # _bulk
        ("", ".ndjson", False),
        (CONSOLE, ".console", True),
        ("GET _cat/indices", ".es", False),
    ],
)
def test_folder_is_searched_for_bodies(text: str, suffix: str, is_meant: bool) -> None:
    assert has_answers(text, suffix) == is_meant


# --- places -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ('{\n  "qury": {}\n}', "unknown_key", 2, 3),
        ('{"query": {\n "term": {"a": [1]}}}', "wrong_type", 2, 11),
        ('{"query": {"terms": {"a": {"index": "x",\n"id": 1, "path": "p"}}}}', "foreign_read", 1, 22),
        ('{"size": 1,}', "not_json", 1, 12),
        ('\n\n  {"size": 1, "size": 2}', "duplicate_key", 3, 15),
        ('{"size": NaN}', "not_finite", 1, 2),
        ('{"query": {"bool": {"filter": [{"match_all": {}},\n {"mach": {}}]}}}', "unknown_query", 2, 3),
        ('{"size": 1} x', "trailing_text", 1, 13),
    ],
)
def test_problems_have_lines_and_columns(text: str, code: str, line: int, column: int) -> None:
    found = {one.problem.code: (one.region.line, one.region.column) for one in checked(text, ".json").problems}
    assert found[code] == (line, column)


@pytest.mark.parametrize("line", ["/*\n", "/* */\n", "GET a/_search\n", "{\n", "# {\n"])
def test_long_files_are_read_in_a_time_that_grows_with_them(line: str) -> None:
    assert len(list(answers(line * 30_000, ".es"))) <= 30_000


def test_block_comments_are_blanked() -> None:
    text = '/* one\n GET a/_search */\nGET b/_search\n/* x */ {"size": 1}\n # end\n/* open {"size": 2}'
    assert [(one.text or text[one.start : one.end], one.context["index"]) for one in answers(text, ".es")] == [
        ('{"size": 1}\n      \n/* open {"size": 2}', "b")
    ]


def test_index_of_a_request_is_checked_by_its_mapping() -> None:
    mapping = {"properties": {"level": {"type": "keyword"}}}
    text = 'GET logs/_search\n{"query": {"term": {"levl": "error"}}}'
    (one,) = checked(text, ".es", mapping=mapping).problems
    assert (one.rule, one.region.line, one.region.column) == ("mapping/unknown_field", 2, 21)
    assert checked(text, ".es").skipped == {"mapping": 1}
    assert checked('GET weblogs/_search\n{"sort": "usr.name"}', ".es").problems[0].problem.suggestion == "user.name"


# --- fixes: engines/test_fixes_run.py runs both spellings -------------------------------


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ('{"size": "10",\t"from":"3"}', '{"size": 10,\t"from":3}'),
        ('{"query": {"range": {"a": {"from": 1, "to": 5}}}}', '{"query": {"range": {"a": {"gte": 1, "lte": 5}}}}'),
        (
            '{"query": {"range": {"a": {"include_lower": false,\n "from": 1, "include_upper": true, "to": 5}}}}',
            '{"query": {"range": {"a": {"gt": 1, "lte": 5}}}}',
        ),
        (
            '{"aggs": {"a/b": {"date_histogram": {"field": "t", "interval": "1d", "min_doc_count": 1}}}}',
            '{"aggs": {"a/b": {"date_histogram": {"field": "t", "calendar_interval": "1d", "min_doc_count": 1}}}}',
        ),
        (
            '{"aggs": {"a": {"date_histogram": {"interval": "36h", "field": "t", "min_doc_count": 1}}}}',
            '{"aggs": {"a": {"date_histogram": {"fixed_interval": "36h", "field": "t", "min_doc_count": 1}}}}',
        ),
        ('{"explain": false}', "{}"),
        ('{"size": 1,\n "version": false}', '{"size": 1}'),
    ],
)
def test_old_spellings_are_repaired(text: str, repaired: str) -> None:
    assert checked(text, ".json").repaired == repaired
    assert checked(repaired, ".json").problems == ()


@pytest.mark.parametrize(
    "text",
    [
        '{"siz": 10}',  # a misspelling is only a suggestion
        '{"query": {"mach": {"a": 1}}}',
        '{"query": {"range": {"a": {"from": null}}}}',
        '{"query": {"range": {"a": {"from": 1, "gt": 2}}}}',
        '{"query": {"range": {"a": {"from": 1, "include_lower": "no"}}}}',
        '{"aggs": {"range": {"terms": {"field": "a", "from": 1}}}}',
        '{"aggs": {"a": {"date_histogram": {"field": "t", "interval": "second"}}}}',
        '{"aggs": {"a": {"date_histogram": {"field": "t", "interval": 5}}}}',
        '{"aggs": {"a": {"date_histogram": {"field": "t", "interval": "1d", "fixed_interval": "1d"}}}}',
        '{"explain": true}',
        '{"size": "10", "size": "10"}',
        '```json\n{"size": "10"}\n```',
    ],
)
def test_what_is_not_the_same_stays(text: str) -> None:
    report = checked(text, ".json")
    assert report.problems or text.startswith("`")
    assert report.repaired == text


def test_comments_stay() -> None:
    text = CONSOLE.replace('"size": 5', '"size": "5",\n  # why\n  "explain": false')
    assert checked(text, ".es").repaired == text.replace(
        '"5",\n  # why\n  "explain": false', '5,\n  # why\n  "explain": false'
    )


KEYS = "size from to include_lower query range a aggs date_histogram interval explain"
BODIES = st.recursive(
    st.sampled_from([1, "10", False, None, "1d", "x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=4),
    max_leaves=12,
)
LINES = st.lists(
    st.sampled_from(["GET a/_search", "POST _msearch", "{}", '{"size":', '"1"}', "# x", "/*", "*/", "", "\ud800"])
)


@given(BODIES.map(json.dumps) | LINES.map("\n".join) | st.text(max_size=30), st.sampled_from(SUFFIXES))
def test_any_file_can_be_checked_and_a_repair_is_final(text: str, suffix: str) -> None:
    has_answers(text, suffix)
    report = checked(text, suffix)
    assert checked(report.repaired, suffix).repaired == report.repaired


# --- codes ------------------------------------------------------------------------------


def test_every_code_is_explained() -> None:
    made = {"unknown_query", "unknown_aggregation", "unknown_key", "duplicate_key", "long_number", "not_finite"}
    assert set(CODES) == codes(Path(dstill_querydsl.__file__).parent) | made | {code for code, _ in REASONS.values()}


def codes(folder: Path) -> set[str]:
    """The codes in the source: the first text of each call that makes a problem."""
    found = set()
    parts = ("", "guard", "mapping", "results", "schema")
    files = [file for part in parts for file in (folder / "language" / part).glob("*.py")]
    for file in (*files, Path(sense.__file__)):
        for call in ast.walk(ast.parse(file.read_text())):
            if not isinstance(call, ast.Call):
                continue
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            if name in ("_problem", "refuse", "_Refused", "Problem", "warning", "twice"):
                given = [word.value for word in call.keywords if word.arg == "code"] + call.args
                texts = [one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)]
                found.update(text for text in texts[:1] if text.replace("_", "").isalpha())
    return found
