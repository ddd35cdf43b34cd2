"""What a person sees of a bad mapping and of a model's bad output (the command line prints it)."""

import json

import pytest

from dstill.api.checking import find_problems
from dstill.api.records import Draft, Example
from dstill.errors import DataError
from dstill_querydsl.language import guard, schema, strict
from dstill_querydsl.language.mapping import check
from dstill_querydsl.pack import QueryDsl

MAPPING = {
    "properties": {
        "published": {"type": "date"},
        "title": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "city": {"type": "keyword"},
    }
}


def _mapping(body):
    (problem,) = check.check(body, MAPPING)
    return problem


def test_suggests_nearest_field_for_unknown_field() -> None:
    problem = _mapping({"query": {"range": {"publishdate": {"gte": "2024"}}}})
    assert problem.message == "unknown field 'publishdate'"
    assert problem.hint == "did you mean 'published' (date)?"
    assert problem.pointer == "/query/range/publishdate"
    assert problem.suggestion == "published"


def test_suggests_field_of_right_type() -> None:
    term = _mapping({"query": {"term": {"title": "Alien"}}})
    assert term.message == "term does not fit 'title', which is a text field"
    assert term.hint == "use 'title.raw' (keyword), or match for words in the text"
    aggregation = _mapping({"aggs": {"t": {"terms": {"field": "title"}}}})
    assert aggregation.message == "terms does not fit 'title', which is a text field"
    assert aggregation.suggestion == "title.raw"
    assert aggregation.pointer == "/aggs/t/terms/field"
    absent = _mapping({"query": {"term": {"city.keyword": "Rome"}}})
    assert (absent.message, absent.hint) == ("unknown field 'city.keyword'", "did you mean 'city' (keyword)?")
    by_letter = _mapping({"query": {"range": {"city": {"gte": "A"}}}})
    assert not by_letter.is_error
    assert "letter by letter" in by_letter.message


# --- 32: mappings --------------------------------------------------------------------------


def _problems_and_warnings(mapping, body, caplog):
    """The problems of `body` under `mapping`, and the warnings to the user."""
    example = Example(id="1", question="q", context={"mapping": mapping})
    with caplog.at_level("WARNING", logger="dstill"):
        problems = list(find_problems(QueryDsl(), example, Draft(answer=json.dumps(body))))
    return problems, [record.getMessage() for record in caplog.records]


def test_reports_empty_mapping(caplog) -> None:
    with pytest.raises(DataError) as raised:
        _problems_and_warnings({}, {}, caplog)
    assert (raised.value.what, raised.value.exit_code) == ("this is not an index mapping", 4)
    [problem], _ = _problems_and_warnings({"properties": {}}, {"query": {"exists": {"field": "a"}}}, caplog)
    assert (problem.message, problem.hint) == ("unknown field 'a'", "the mapping has no fields")


def test_reports_wide_mapping(caplog) -> None:
    mapping = {"properties": {f"field{n}": {"type": "keyword"} for n in range(5_000)}}
    example = Example(id="1", question="what is in field4711?", context={"index": "big", "mapping": mapping})
    with caplog.at_level("WARNING", logger="dstill"):
        asked = QueryDsl().prompt(example, []).messages[-1].content
    notice = "120 of 5,000 fields shown, those nearest to the question"
    assert notice in asked
    assert '"field4711"' in asked
    assert [record.getMessage() for record in caplog.records] == [
        f"the mapping of big is wide: {notice}, in every prompt (task.querydsl.prompt_fields is the limit)"
    ]


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


# --- 53 to 60: what a model writes ----------------------------------------------------------

_DEEP = {"terms": {"field": "f"}, "aggs": {"b": {"scripted_metric": {"map_script": "1"}}}}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"query": {"script_score": {"query": {"match_all": {}}, "script": {"source": "1"}}}}, "/query/script_score"),
        ({"runtime_mappings": {"x": {"type": "long"}}}, "/runtime_mappings"),
        ({"sort": {"_script": {"type": "number", "script": "1"}}}, "/sort/_script"),
        ({"aggs": {"a": {"filter": {"match_all": {}}, "aggs": {"a": _DEEP}}}}, "/aggs/a/aggs/a/aggs/b/scripted_metric"),
    ],
)
def test_refuses_scripts_anywhere(body, pointer) -> None:
    (problem,) = guard.check(body)
    assert (problem.message, problem.pointer) == ("refused: scripts are not allowed", pointer)


def test_refuses_wrapper_query() -> None:
    (problem,) = guard.check({"query": {"bool": {"must": [{"wrapper": {"query": "e30="}}]}}})
    assert problem.message == "refused: a wrapped query hides what it does"
    assert problem.pointer == "/query/bool/must/0/wrapper"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"query": {"terms": {"user": {"index": "users", "id": "2", "path": "friends"}}}}, "/query/terms/user"),
        ({"query": {"more_like_this": {"like": {"_index": "x", "_id": "1"}}}}, "/query/more_like_this"),
        ({"query": {"geo_shape": {"p": {"indexed_shape": {"index": "s"}}}}}, "/query/geo_shape/p/indexed_shape"),
        ({"query": {"term": {"_index": "other"}}}, "/query/term/_index"),
        ({"indices_boost": [{"other": 2}]}, "/indices_boost"),
    ],
)  # fmt: skip
def test_refuses_reads_from_another_index(body, pointer) -> None:
    (problem,) = guard.check(body)
    assert (problem.message, problem.pointer) == ("refused: reads another index/document", pointer)


@pytest.mark.parametrize("index", ["../_cluster/settings", "*", ".security", "remote:x", "<x-{now/d}>"])
def test_refuses_other_index_in_body(index: str) -> None:
    body = {"index": index, "query": {"match_all": {}}}
    (form,) = schema.check(body)
    assert (form.message, form.pointer) == ("not a search body: 'index' is not a key of one", "/index")
    (safety,) = guard.check(body)
    assert (safety.message, safety.pointer) == ("refused: reads another index/document", "/index")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM logs WHERE status = 503",
        "FROM logs | WHERE status == 503 | LIMIT 10",
        "POST /logs/_delete_by_query",
        'POST /logs/_delete_by_query\n{"query": {"match_all": {}}}',
    ],
)
def test_refuses_text_that_is_no_body(text: str) -> None:
    (problem,) = strict.read(text).problems
    assert problem.message == f"not a search body: the text starts with '{text.split()[0]}'"
    assert problem.hint == "write one JSON object and nothing else"
    assert problem.pointer == "1:1"


@pytest.mark.parametrize(
    "body",
    [
        {"doc": {"status": 1}},
        {"settings": {"number_of_replicas": 0}, "mappings": {}},
        {"script": {"source": "ctx._source.x = 1"}},
        {"conflicts": "proceed", "query": {"match_all": {}}},
    ],
)
def test_refuses_object_that_is_no_body(body) -> None:
    first = schema.check(body)[0]
    key = next(iter(body))
    assert first.message == f"not a search body: '{key}' is not a key of one"
    assert first.pointer == f"/{key}"
    assert any(problem.pointer == f"/{key}" for problem in guard.check(body))
