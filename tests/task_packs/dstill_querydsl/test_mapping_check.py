import pytest
from support.tables import rows

from dstill.api.records import Severity
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.mapping import check

MAPPING = {
    "properties": {
        "title": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "plot": {"type": "text"},
        "genre": {"type": "keyword"},
        "votes": {"type": "long"},
        "seen": {"type": "boolean"},
        "published": {"type": "date"},
        "day": {"type": "date", "format": "dd/MM/yyyy||epoch_second"},
        "client": {"type": "ip"},
        "place": {"type": "geo_point"},
        "cast": {"type": "nested", "properties": {"name": {"type": "keyword"}, "age": {"type": "integer"}}},
        "studio": {"properties": {"name": {"type": "keyword"}}},
    }
}
FIELDS = Fields.of(MAPPING)


def _problems(body):
    problems = check.check(body, FIELDS)
    assert all(problem.layer == "mapping" for problem in problems)
    return problems


@pytest.mark.parametrize(
    ("body", "code", "pointer", "suggestion"),
    rows(__file__, "mapping_errors.jsonl"),
)  # fmt: skip
def test_finds_error(body, code, pointer, suggestion) -> None:
    (problem,) = _problems(body)
    assert (problem.code, problem.pointer, problem.severity) == (code, pointer, Severity.ERROR)
    assert problem.suggestion == suggestion
    assert problem.hint


@pytest.mark.parametrize("value", ["2024-03-03", {"value": "2024-03-03"}])
def test_field_called_format_is_not_the_format_of_its_dates(value) -> None:
    """Nor is a field called lenient an option."""
    fields = Fields.of({"properties": {"format": {"type": "date"}, "lenient": {"type": "date"}}})
    assert list(check.check({"query": {"term": {"format": value}}}, fields)) == []
    assert [one.code for one in check.check({"query": {"term": {"lenient": "true"}}}, fields)] == ["wrong_value"]


@pytest.mark.parametrize("name", ["type", "distance", "unit", "boost", "ignore_unmapped"])
def test_field_name_may_equal_option_of_other_query(name) -> None:
    for operator, value in (("term", "x"), ("match_phrase", "x"), ("terms", ["x"])):
        body = {"query": {operator: {name: value}}}
        assert [problem.code for problem in check.check(body, {"properties": {"votes": {"type": "long"}}})] == [
            "unknown_field"
        ]
        assert [problem.code for problem in check.check(body, {"properties": {name: {"type": "long"}}})] == [
            "wrong_value"
        ]
    assert (
        check.check({"query": {"terms": {name: ["x"], "_name": "n"}}}, {"properties": {name: {"type": "keyword"}}})
        == ()
    )
    place = {"distance": "1km", "unit": "km", "ignore_unmapped": True, "boost": 2, "p": [1, 2]}
    assert check.check({"query": {"geo_distance": place}}, {"properties": {"p": {"type": "geo_point"}}}) == ()


def test_aggregation_hint_suggests_no_match_query() -> None:
    (asked,), (grouped,) = (
        _problems(body)
        for body in ({"query": {"terms": {"title": ["x"]}}}, {"aggs": {"a": {"terms": {"field": "title"}}}})
    )
    assert asked.hint == "use 'title.raw' (keyword), or match for words in the text"
    assert grouped.hint == "use 'title.raw' (keyword)"


@pytest.mark.parametrize(
    "body",
    [
        {"query": {"range": {"genre": {"gte": "a"}}}},
        {"query": {"wildcard": {"plot": "al*"}}},
        {"query": {"match": {"studio": "x"}}},
        {"query": {"exists": {"field": "cast"}}},
        {"aggs": {"a": {"range": {"field": "published", "ranges": [{"to": 5}]}}}},
    ],
)
def test_warns_of_doubtful_body(body) -> None:
    (problem,) = _problems(body)
    assert (problem.code, problem.severity) == ("doubtful_type", Severity.WARNING)


@pytest.mark.parametrize(
    "body",
    [
        {"query": {"term": {"title.raw": "Alien"}}, "sort": ["_score", {"votes": "desc"}, "_doc"]},
        {"query": {"multi_match": {"query": "x", "fields": ["title^3", "plot", "tit*"]}}},
        {"query": {"nested": {"path": "cast", "query": {"bool": {"must": [{"term": {"cast.name": "x"}}]}}}}},
        {"aggs": {"a": {"nested": {"path": "cast"}, "aggs": {"b": {"avg": {"field": "cast.age"}, "meta": {}}}}}},
        {"aggs": {"a": {"nested": {"path": "cast"}, "aggs": {
            "b": {"reverse_nested": {}, "aggs": {"c": {"avg": {"field": "votes"}}}}}}}},
        {"sort": [{"cast.age": {"order": "asc", "nested": {"path": "cast"}}}]},
        {"query": {"range": {"published": {"gte": "now-7d/d", "lt": "2024-01-31T10:00:00Z", "lte": 1706659200000}}}},
        {"query": {"range": {"published": {"gte": "2024-01-31||+1M/d"}}}},
        {"query": {"range": {"day": {"gte": "31/01/2024", "lt": "1706659200"}}}},
        {"query": {"range": {"day": {"gte": "2024-01", "format": "yyyy-MM"}}}},
        {"query": {"range": {"day": {"gte": "?", "format": "basic_week_date"}}}},
        {"query": {"range": {"published": {"gte": "2024-02-29", "lt": "2024-02-29||+1d"}}}},  # a leap day
        {"query": {"term": {"client": "10.0.0.0/8"}}},
        {"query": {"term": {"votes": "12"}}},
        {"query": {"simple_query_string": {"query": "x", "fields": ["votes", "title"]}}},
        {"_source": ["title", "cast.*"], "fields": ["*"], "stored_fields": ["_source"]},
        {"aggs": {"a": {"composite": {"sources": [{"g": {"terms": {"field": "genre"}}}], "after": {"g": "x"}}}}},
    ],
)  # fmt: skip
def test_accepts_fitting_body(body) -> None:
    assert _problems(body) == ()


def test_accepts_raw_mapping() -> None:
    assert check.check({"query": {"term": {"nope": 1}}}, MAPPING)[0].code == "unknown_field"


@pytest.mark.parametrize("day", ["2024-13-45", "2024-02-30", "2023-02-29", "2024-02-28T25:00:00", "2024-02-30||+1d"])
def test_refuses_impossible_day(day):
    # Elasticsearch 9.2.0 and OpenSearch 3.8.0 answer 400 to the first four
    [problem] = _problems({"query": {"range": {"published": {"gte": day}}}})
    assert problem.severity == Severity.ERROR
    assert "a day that does not exist" in problem.message
