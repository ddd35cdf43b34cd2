import json

import pytest
from support.tables import rows

from dstill.errors import UsageError
from dstill_querydsl.language import schema
from dstill_querydsl.language.schema import types
from dstill_querydsl.language.schema.derivation import derive


def _first(body: dict, dialect: str = "elasticsearch9"):
    problems = schema.check(body, dialect)
    assert problems, body
    assert all(problem.layer == "schema" for problem in problems)
    return problems[0]


# --- derived, complete -------------------------------------------------------------------


def test_has_every_client_query_and_aggregation() -> None:
    queries, aggregations = set(schema.names("query", "opensearch3")), set(schema.names("aggregation", "opensearch3"))
    assert set(types.queries()) <= queries
    assert set(types.aggregations()) == aggregations
    assert len(types.queries()) >= 61
    assert len(types.aggregations()) >= 81
    assert queries - set(types.queries()) == {"field_masking_span"}  # the other spelling of one


def test_top_level_keys_equal_client_keys() -> None:
    from elasticsearch import Elasticsearch

    known, method = set(), Elasticsearch.search
    while hasattr(method, "__wrapped__"):
        cells = dict(zip(method.__code__.co_freevars, method.__closure__ or (), strict=True))
        if "body_fields" in cells:
            known = {name.removesuffix("_") for name in cells["body_fields"].cell_contents}
        method = method.__wrapped__
    known = {"_source" if name == "source" else name for name in known}
    assert known
    assert set(schema.document()["$defs"]["body"]["properties"]) == known


def test_is_valid_json_schema() -> None:
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(schema.document())


def test_every_reference_resolves() -> None:
    document = schema.document()

    def references(value):
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for item in value.values():
                yield from references(item)
        elif isinstance(value, list):
            for item in value:
                yield from references(item)

    assert {ref.removeprefix("#/$defs/") for ref in references(document)} <= set(document["$defs"])


def test_unknown_dialect_is_an_error() -> None:
    with pytest.raises(UsageError, match="Did you mean 'elasticsearch9'"):
        schema.document("elasticsearch99")


@pytest.mark.parametrize("dialect", schema.DIALECTS)
def test_files_of_the_schema_match_the_client(dialect: str) -> None:
    """After an update of the client: ``python -m tools.querydsl_schema``."""
    assert schema.document(dialect) == json.loads(json.dumps(derive(dialect)))


# --- short forms -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [body for (body,) in rows(__file__, "schema_accepts.jsonl")],
)
def test_accepts_short_and_long_forms(body) -> None:
    assert schema.check(body) == ()


# --- messages ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code", "pointer", "message", "hint"),
    rows(__file__, "schema_messages.jsonl"),
)  # fmt: skip
def test_message_names_path_found_and_expected_value(body, code, pointer, message, hint) -> None:
    problem = _first(body)
    assert (problem.code, problem.pointer) == (code, pointer)
    assert message in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize(
    "options",
    [
        {"geo_distance": {"field": "p", "origin": [1, 2], "ranges": [{"to": "7"}]}},
        {"date_range": {"field": "t", "format": "", "ranges": [{"to": "now"}]}},
        {"date_histogram": {"field": "t", "format": "", "calendar_interval": "day"}},
    ],
)
def test_refuses_aggregations_that_every_engine_refuses(options) -> None:
    _first({"aggs": {"a": options}})


@pytest.mark.parametrize("way", [str.lower, str.upper, str.capitalize])
def test_ignores_case_where_engines_do(way) -> None:
    """All four engines take these in small and capital letters."""
    point = {"loc": [1, 2], "order": way("desc"), "mode": way("min"), "distance_type": way("plane")}
    field = {"order": way("asc"), "mode": way("avg")}
    function = {"field_value_factor": {"field": "n", "modifier": way("log1p")}}
    scores = {"score_mode": way("max"), "boost_mode": way("replace")}
    match = {"query": "x", "operator": way("and"), "zero_terms_query": way("all")}
    place = {"distance": "1km", "loc": [1, 2], "distance_type": way("arc"), "validation_method": way("strict")}
    source = {"terms": {"field": "f", "order": way("desc"), "missing_bucket": True, "missing_order": way("last")}}
    for body in (
        {"sort": [{"_geo_distance": point}, {"f": field}, {"_score": {"order": way("desc")}}, {"g": way("desc")}]},
        {"query": {"function_score": {**function, **scores}}},
        {"query": {"bool": {"must": [{"match": {"f": match}}, {"geo_distance": place}]}}},
        {"query": {"range": {"f": {"gte": 1, "relation": way("within")}}}},
        {"aggs": {"a": {"composite": {"sources": [{"x": source}]}}}},
        {"aggs": {"a": {"terms": {"field": "f", "order": {"_key": way("asc")}}}}},
    ):
        assert schema.check(body) == ()


def test_other_keywords_are_case_sensitive() -> None:
    for body in (
        {"aggs": {"a": {"terms": {"field": "f", "value_type": "keyword"}}}},
        {"query": {"nested": {"path": "p", "query": {"match_all": {}}, "score_mode": "MAX"}}},
        {"query": {"multi_match": {"query": "x", "fields": ["f"], "type": "PHRASE"}}},
        {"aggs": {"a": {"terms": {"field": "f", "collect_mode": "BREADTH_FIRST"}}}},
    ):
        assert _first(body).code == "wrong_value"


@pytest.mark.parametrize(("word", "meant"), [("descending", "desc"), ("Ascending", "asc"), ("dsc", "desc")])
def test_suggests_intended_word(word, meant) -> None:
    for body in ({"sort": [{"f": word}]}, {"sort": [{"f": {"order": word}}]}):
        assert _first(body).suggestion == meant


def test_suggestion_is_bare_value() -> None:
    assert _first({"query": {"mach": {}}}).suggestion == "match"
    assert _first({"query": {"multi_match": {"query": "x", "type": "best_field"}}}).suggestion == "best_fields"


def test_number_of_problems_is_bounded() -> None:
    body = {"query": {"bool": {"must": [{"nope": {}} for _ in range(3_000)]}}}
    assert len(schema.check(body)) == schema.MAX_PROBLEMS


# --- dialects ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "accepted_by"),
    [
        ({"query": {"range": {"f": {"from": 1, "to": 2}}}}, {"elasticsearch8", "opensearch2", "opensearch3"}),
        ({"aggs": {"x": {"date_histogram": {"field": "f", "interval": "day"}}}}, {"opensearch2", "opensearch3"}),
        ({"query": {"range": {"f": {"gte": 1}}}}, set(schema.DIALECTS)),
        ({"query": {"range": {"f": {"gte": [1]}}}}, set(schema.DIALECTS) - {"opensearch3"}),
        ({"query": {"term": {"f": {"value": [1]}}}}, {"opensearch2", "opensearch3"}),
        ({"query": {"term": {"f": [1]}}}, set()),
        ({"_source": ["a", 7]}, set(schema.DIALECTS) - {"opensearch3"}),
        ({"indices_boost": {"a": 2}}, {"opensearch2", "opensearch3"}),
    ],
)
def test_dialects_differ(body, accepted_by) -> None:
    assert {dialect for dialect in schema.DIALECTS if not schema.check(body, dialect)} == accepted_by


@pytest.mark.parametrize(
    ("corners", "found"),
    [
        ({"top_left": {"lat": -2, "lon": 1}, "bottom_right": {"lat": -1, "lon": 2}}, True),
        ({"top_left": [1, -2], "bottom_right": "-1,2"}, True),
        ({"top_right": {"lat": -2, "lon": 2}, "bottom_left": {"lat": -1, "lon": 1}}, True),
        ({"top": -2, "bottom": -1, "left": 1, "right": 2}, True),
        ({"top_left": {"lat": -1, "lon": 1}, "bottom_right": {"lat": -1, "lon": 2}}, False),
        ({"top_left": {"lat": 2, "lon": 170}, "bottom_right": {"lat": 1, "lon": -170}}, False),
        ({"top_left": "u281z", "bottom_right": "u0"}, False),
    ],
)
def test_a_box_is_not_upside_down(corners: dict, found: bool) -> None:
    body = {"query": {"bool": {"filter": [{"geo_bounding_box": {"at": corners}}]}}}
    messages = [problem.message for problem in schema.check(body)]
    assert ("the top of the box is below its bottom" in messages) is found
