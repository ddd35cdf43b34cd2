"""Where in a body a value is: whether a key there is a field, the name of an aggregation or a key of the schema.

below(Place.BODY, "query")     →  Place.QUERY
below(Place.QUERY, "term")     →  Place.FIELDS, an object whose keys are fields
"""

from __future__ import annotations

from enum import Enum

from dstill_querydsl.language.guard.tables import GEO_SORT
from dstill_querydsl.language.query_forms import DECAYS, PLACES

__all__ = ["BESIDE", "CHOICES", "FIELD_VALUES", "Place", "below", "expects_number"]


class Place(Enum):
    """The kind of an object of a body."""

    BODY = "body"
    QUERY = "query"  # one query by its name, or a list of them
    CLAUSES = "clauses"  # of a bool
    FIELDS = "fields"  # its keys are fields
    MIXED = "mixed"  # its keys are fields and options: _geo_distance
    NAMES = "names"  # its keys are names of aggregations
    AGGREGATION = "aggregation"
    SORT = "sort"
    HIGHLIGHT = "highlight"
    OPTIONS = "options"


_BY_FIELD = frozenset((
    "term", "terms", "range", "match", "match_phrase", "match_phrase_prefix", "match_bool_prefix", "prefix",
    "wildcard", "regexp", "fuzzy", "terms_set", "intervals", "span_term", "geo_grid",
))  # fmt: skip
_MIXED = frozenset(("geo_distance", "geo_bounding_box", "_geo_distance", "geo_shape", "geo_polygon"))
_COMMON = frozenset(("boost", "_name"))
# Keys that stand among fields.
BESIDE = {
    Place.FIELDS: _COMMON,
    Place.MIXED: _COMMON
    | {option for of in PLACES.values() for option in of}
    | {*GEO_SORT, "nested", "multi_value_mode"},
    Place.SORT: frozenset(("_score", "_doc", "_geo_distance")),
}
_WITH_QUERIES = frozenset((
    "query", "filter", "must", "must_not", "should", "positive", "negative", "no_match_query", "organic",
    "post_filter", "queries", "little", "big", "include", "exclude", "match", "clauses",
))  # fmt: skip
# Keys whose text names a field.
FIELD_VALUES = frozenset((
    "field", "path", "fields", "_source", "includes", "excludes", "sort", "missing", "docvalue_fields",
    "stored_fields", "matched_fields", "use_field", "minimum_should_match_field",
))  # fmt: skip


_IN_BODY = {"query": Place.QUERY, "post_filter": Place.QUERY, "aggs": Place.NAMES, "sort": Place.SORT}
_IN_AGGREGATION = {"aggs": Place.NAMES, "filter": Place.QUERY}
_ANYWHERE = {
    **dict.fromkeys(_WITH_QUERIES, Place.QUERY),
    **dict.fromkeys(DECAYS, Place.MIXED),
    "sort": Place.SORT,
    "highlight": Place.HIGHLIGHT,
}


def below(place: Place, key: str) -> Place:
    """The place of the value of `key` in an object at `place`."""
    if key == "highlight" or (place is Place.HIGHLIGHT and key == "fields"):
        return Place.FIELDS if key == "fields" else Place.HIGHLIGHT
    if place is Place.BODY:
        return _IN_BODY.get(key, Place.OPTIONS)
    if place is Place.QUERY:
        return _for_query(key)
    if place is Place.AGGREGATION:
        return _IN_AGGREGATION.get(key, Place.OPTIONS)
    if place is Place.NAMES:
        return Place.AGGREGATION
    if place is Place.SORT:
        return Place.MIXED if key == "_geo_distance" else Place.OPTIONS
    if place in (Place.FIELDS, Place.MIXED):
        return Place.OPTIONS  # whatever the field is called
    return Place.QUERY if place is Place.OPTIONS and key == "filters" else _ANYWHERE.get(key, Place.OPTIONS)


def _for_query(name: str) -> Place:
    if name == "bool":
        return Place.CLAUSES
    if name in _MIXED:
        return Place.MIXED
    return Place.FIELDS if name in _BY_FIELD else Place.OPTIONS


# Keys whose text is one of the schema's choices, never a word of the question.
CHOICES = frozenset((
    "order", "calendar_interval", "unit", "operator", "default_operator", "type", "score_mode", "boost_mode",
    "modifier", "distance_type", "mode", "validation_method", "relation", "zero_terms_query", "missing_order",
    "value_type", "execution_hint", "collect_mode", "multi_value_mode",
))  # fmt: skip
_NUMBERS = frozenset((
    "size", "from", "percents", "interval", "lat", "lon", "precision", "precision_threshold", "min_doc_count",
    "shard_size", "buckets", "compression", "number_of_significant_value_digits", "minimum_should_match",
    "boost", "slop", "tie_breaker", "weight", "factor", "min_score", "seed", "window", "prefix_length",
    "max_expansions", "terminate_after", "gap", "lag", "shift", "sigma", "values", "radius", "top_left",
    "bottom_right", "keep",
))  # fmt: skip
_FIELD_OPTIONS = frozenset((
    "value", "terms", "query", "gte", "gt", "lte", "lt", "from", "to", "missing", "values", "min", "max",
))  # fmt: skip


def expects_number(key: str, kind: str) -> bool:
    """Whether the value of `key` is a number. `kind`: the kind of the field that it belongs to; empty: none."""
    if kind == "number" and key in _FIELD_OPTIONS:
        return True
    return key in _NUMBERS and not (kind and kind != "number" and key in _FIELD_OPTIONS)
