"""What a person sees of an unusual mapping (the command line prints it)."""

import json

import pytest

from dstill.api.checking import find_problems
from dstill.api.records import Draft, Example
from dstill_querydsl.pack import QueryDsl


def _problems_and_warnings(mapping, body, caplog):
    """The problems of `body` under `mapping`, and the warnings to the user."""
    example = Example(id="1", question="q", context={"mapping": mapping})
    with caplog.at_level("WARNING", logger="dstill"):
        problems = list(find_problems(QueryDsl(), example, Draft(answer=json.dumps(body))))
    return problems, [record.getMessage() for record in caplog.records]


def test_reports_recursive_alias(caplog) -> None:
    mapping = {"properties": {"a": {"type": "alias", "path": "b"}, "b": {"type": "alias", "path": "a"}}}
    problems, _ = _problems_and_warnings(mapping, {"query": {"term": {"a": 1}}}, caplog)
    assert [(p.code, p.message, p.pointer) for p in problems] == [
        ("wrong_type", "term does not fit 'a', which is an alias field", "/query/term/a")
    ]


def test_reports_unknown_field_type(caplog) -> None:
    mapping = {"properties": {"a": {"type": "star"}, "b": {"type": "star"}, "c": {"type": "moon"}}}
    problems, warnings = _problems_and_warnings(mapping, {"sort": ["a"]}, caplog)
    assert problems == []
    [note] = warnings
    assert note.startswith("the mapping has types that dstill does not know")
    assert note.endswith("star (2 fields), moon (1 field)")


@pytest.mark.parametrize("name", ["two words", "a.b", 'say "it"', "x-cache", "🎬", "it's", "a/b~c", "名前", "-"])
def test_accepts_unusual_field_names(name: str, caplog) -> None:
    mapping = {"properties": {name: {"type": "keyword"}}}
    assert _problems_and_warnings(mapping, {"query": {"term": {name: "x"}}}, caplog) == ([], [])
    [problem], _ = _problems_and_warnings(mapping, {"query": {"term": {f"{name}x": "x"}}}, caplog)
    assert problem.hint == f"did you mean {name!r} (keyword)?"
    assert problem.pointer == "/query/term/" + f"{name}x".replace("~", "~0").replace("/", "~1")
