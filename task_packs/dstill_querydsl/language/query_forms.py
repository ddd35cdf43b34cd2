"""Where a query says its fields and values: the shared tables for modules that read bodies.

FIELDED["match"]           "query": {"match": {"title": "x"}} is short for {"match": {"title": {"query": "x"}}}
FIELDED["range"]           "": there is no short form
PLACES["geo_distance"]     ("distance", …): options beside the field's name
FIELD_OPTION               {"exists": {"field": "title"}}: one field, named by an option
FIELD_LIST                 {"multi_match": {"fields": ["title^2"], …}}: several fields, in a list
SELECTS_BY["boosting"]     "positive": without scores, the query selects what this part selects

Which queries are allowed, what each needs of a field's type and how each is written in a grammar are other
questions, with other tables (docs/adr/0012).
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "BOUNDS",
    "DECAYS",
    "FIELDED",
    "FIELD_LIST",
    "FIELD_OPTION",
    "PLACES",
    "RANGE_ENDS",
    "SELECTS_BY",
    "VALUE_KEYS",
]

FIELDED: Mapping[str, str] = {
    **dict.fromkeys(("term", "prefix", "wildcard", "regexp", "fuzzy", "span_term"), "value"),
    **dict.fromkeys(("match", "match_phrase", "match_phrase_prefix", "match_bool_prefix"), "query"),
    **dict.fromkeys(("terms", "terms_set", "range", "intervals"), ""),
}
_ANYWHERE = ("validation_method", "ignore_unmapped")
PLACES: Mapping[str, tuple[str, ...]] = {
    "geo_distance": (*_ANYWHERE, "distance", "distance_type", "unit"),
    "geo_bounding_box": (*_ANYWHERE, "type"),
    "geo_polygon": _ANYWHERE,
    "geo_shape": _ANYWHERE,
}
FIELD_OPTION = ("exists", "distance_feature", "rank_feature", "field_masking_span", "span_field_masking")
FIELD_LIST = ("multi_match", "combined_fields", "simple_query_string", "query_string", "more_like_this")
SELECTS_BY: Mapping[str, str] = {"constant_score": "filter", "boosting": "positive", "function_score": "query"}
VALUE_KEYS = ("value", "query", "wildcard", "terms")  # the first of these in a long form holds the value
RANGE_ENDS = ("gt", "gte", "lt", "lte")
BOUNDS = (*RANGE_ENDS, "from", "to")  # of a range, with the older names
DECAYS = ("gauss", "exp", "linear")  # functions of a function_score on one field by name
