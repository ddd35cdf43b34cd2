"""The tables of types and needs are complete: against the client's own types, and the guard's own list."""

import inspect

import pytest
from elasticsearch.dsl import field as client
from support.tables import rows

from dstill_querydsl.language.field_types import FAMILIES, family
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.language.guard import aggregations
from dstill_querydsl.language.guard import queries as guard_queries
from dstill_querydsl.language.mapping import check
from dstill_querydsl.language.mapping.needs import AGGREGATION_NEEDS, COLLAPSE, DOC_VALUES, NEEDS, SORT
from dstill_querydsl.language.mapping.uses import uses

# Of the client, for types that it does not know.
_NO_TYPE = {"custom"}
# They name no field, or only in their inner queries.
_FIELDLESS = {
    "match_all", "match_none", "ids", "bool", "dis_max", "constant_score", "boosting", "nested", "function_score",
    "span_near", "span_or", "span_not", "span_first", "span_multi", "span_containing", "span_within",
}  # fmt: skip
_FIELDLESS_AGGREGATIONS = {
    "filter", "filters", "adjacency_matrix", "nested", "reverse_nested", "global", "sampler", "top_hits",
    # of other aggregations
    "bucket_sort", "avg_bucket", "sum_bucket", "min_bucket", "max_bucket", "stats_bucket", "extended_stats_bucket",
    "percentiles_bucket", "derivative", "cumulative_sum", "cumulative_cardinality", "serial_diff", "normalize",
}  # fmt: skip
# Another name of a query that has a need.
_SYNONYMS = {"span_field_masking": "field_masking_span"}


def _client_types() -> set[str]:
    classes = (one for one in vars(client).values() if inspect.isclass(one) and issubclass(one, client.Field))
    return {one.name for one in classes if isinstance(one.name, str) and one.name} - _NO_TYPE


def test_every_client_type_has_family() -> None:
    assert len(_client_types()) > 45
    assert {name for name in _client_types() if family(name) == "other"} == set()


def test_every_allowed_query_and_aggregation_has_need() -> None:
    queries = {_SYNONYMS.get(name, name) for name in guard_queries.QUERIES} - _FIELDLESS
    assert queries - set(NEEDS) == set()
    assert set(aggregations.AGGREGATIONS) - _FIELDLESS_AGGREGATIONS - set(AGGREGATION_NEEDS) == set()


def test_needs_name_known_families() -> None:
    for need in (*NEEDS.values(), *AGGREGATION_NEEDS.values(), SORT, COLLAPSE, DOC_VALUES):
        assert need.fits | set(need.doubtful) <= {*FAMILIES.values(), "other"}


def test_every_family_differs_from_unknown_type() -> None:
    """Some query refuses a known type but accepts an unknown one."""
    for name in set(FAMILIES.values()) - {"other"}:
        tables = (*NEEDS.values(), *AGGREGATION_NEEDS.values(), SORT)
        assert any("other" in need.fits and name not in need.fits for need in tables), name


def _codes(body, type_: str, **options) -> set[str]:
    mapping = {"properties": {"f": {"type": type_, **options}}}
    return {problem.code for problem in check.check(body, mapping) if problem.is_error}


@pytest.mark.parametrize(
    ("type_", "fits", "refused"),
    rows(__file__, "field_types.jsonl"),
)
def test_type_fits_and_refuses_queries(type_, fits, refused) -> None:
    assert _codes(fits, type_) == set()
    assert _codes(refused, type_)


def test_accepts_unknown_type() -> None:
    assert _codes({"query": {"term": {"f": 1}}, "sort": ["f"], "docvalue_fields": ["f"]}, "brand_new") == set()


def test_functions_and_counts_use_fields() -> None:
    body = {
        "query": {
            "function_score": {
                "query": {"terms_set": {"a": {"terms": ["x"], "minimum_should_match_field": "b"}}},
                "gauss": {"c": {"origin": 1, "scale": 1}, "multi_value_mode": "avg"},
                "functions": [
                    {"random_score": {"field": "d"}, "filter": {"term": {"e": 1}}},
                    {"field_value_factor": {"field": "f"}},
                ],
            }
        }
    }
    found = {(use.operator, use.name) for use in uses(body)}
    assert found == {
        ("terms_set", "a"), ("minimum_should_match_field", "b"), ("gauss", "c"), ("random_score", "d"), ("term", "e"),
        ("field_value_factor", "f"),
    }  # fmt: skip


def test_search_as_you_type_has_implicit_sub_fields() -> None:
    fields = Fields.of({"properties": {"t": {"type": "search_as_you_type"}, "k": {"type": "keyword"}}})
    assert fields.names == ("t", "k")
    found = fields.get("t._index_prefix")
    assert (found.type, found.sub) == ("text", True)
    assert fields.get("k._2gram") is None
