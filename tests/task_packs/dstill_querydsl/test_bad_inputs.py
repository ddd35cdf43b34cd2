"""What a person sees of a model's bad output: message, pointer and hint (the command line prints them)."""

import pytest

from dstill_querydsl import guard, mapping_check, schema, strict

MAPPING = {
    "properties": {
        "published": {"type": "date"},
        "title": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "city": {"type": "keyword"},
    }
}


def _mapping(body):
    (problem,) = mapping_check.check(body, MAPPING)
    return problem


def test_bad_input_053() -> None:
    problem = _mapping({"query": {"range": {"publishdate": {"gte": "2024"}}}})
    assert problem.message == "unknown field 'publishdate'"
    assert problem.hint == "did you mean 'published' (date)?"
    assert problem.pointer == "/query/range/publishdate"
    assert problem.suggestion == "published"


def test_bad_input_054() -> None:
    term = _mapping({"query": {"term": {"title": "Alien"}}})
    assert term.message == "term does not fit 'title', which is text"
    assert term.hint == "use 'title.raw' (keyword), or match for words in the text"
    aggregation = _mapping({"aggs": {"t": {"terms": {"field": "title"}}}})
    assert aggregation.message == "terms does not fit 'title', which is text"
    assert aggregation.suggestion == "title.raw"
    assert aggregation.pointer == "/aggs/t/terms/field"
    absent = _mapping({"query": {"term": {"city.keyword": "Rome"}}})
    assert (absent.message, absent.hint) == ("unknown field 'city.keyword'", "did you mean 'city' (keyword)?")
    by_letter = _mapping({"query": {"range": {"city": {"gte": "A"}}}})
    assert not by_letter.is_error
    assert "letter by letter" in by_letter.message


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
def test_bad_input_055(body, pointer) -> None:
    (problem,) = guard.check(body)
    assert (problem.message, problem.pointer) == ("refused: scripts are not allowed", pointer)


def test_bad_input_055_wrapper() -> None:
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
def test_bad_input_056(body, pointer) -> None:
    (problem,) = guard.check(body)
    assert (problem.message, problem.pointer) == ("refused: reads another index/document", pointer)


@pytest.mark.parametrize("index", ["../_cluster/settings", "*", ".security", "remote:x", "<x-{now/d}>"])
def test_bad_input_059(index: str) -> None:
    body = {"index": index, "query": {"match_all": {}}}
    (form,) = schema.check(body)
    assert (form.message, form.pointer) == ("not a search body: 'index' is no key of one", "/index")
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
def test_bad_input_060_text(text: str) -> None:
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
def test_bad_input_060_object(body) -> None:
    first = schema.check(body)[0]
    key = next(iter(body))
    assert first.message == f"not a search body: '{key}' is no key of one"
    assert first.pointer == f"/{key}"
    assert any(problem.pointer == f"/{key}" for problem in guard.check(body))
