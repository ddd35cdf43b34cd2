"""The guard's allow-list of queries and their options. Data only.

Anything else is refused at any depth, so new queries and options of a newer engine are refused until they are added
here.
"""

from __future__ import annotations

from collections.abc import Mapping

from dstill_querydsl.language.guard.kinds import (
    BOX,
    FIELD,
    FUZZY,
    INTERVAL,
    NAMES,
    PATTERN,
    POINT,
    PREFIX,
    QUERIES_,
    QUERY,
    QUERY_TEXT,
    REGEXP,
    REWRITE,
    SHAPE,
    SUFFIX,
    VALUE,
    VALUES,
    Capped,
    Fields,
    Kind,
    ListOf,
    Options,
    values,
)

__all__ = ["INTERVALS", "QUERIES", "QUERY_STRING"]

_COMMON: dict[str, Kind] = {"boost": VALUE, "_name": VALUE}


def _q(required: tuple[str, ...] = (), /, **names: Kind) -> Options:
    return Options({**_COMMON, **names}, required)


def _f(entry: Kind, options: Mapping[str, Kind] | None = None, /, **long: Kind) -> Fields:
    """`options` stand next to the field. Most queries have none: engines read ``{"term": {"boost": 1}}`` as a field."""
    return Fields(entry, {**_COMMON, **long} if long else {}, options or {})


_EXPANSIONS = Capped("expansions", "max_expansions")
_STATES = Capped("automaton_states", "max_determinized_states")
_TEXT: dict[str, Kind] = {**values(
    "analyzer", "auto_generate_synonyms_phrase_query", "fuzziness", "fuzzy_transpositions", "lenient",
    "minimum_should_match", "operator", "prefix_length", "zero_terms_query", "slop", "tie_breaker", "type",
    "cutoff_frequency",
), "max_expansions": _EXPANSIONS, "fuzzy_rewrite": REWRITE}  # fmt: skip
_FUZZY: dict[str, Kind] = {
    **values("fuzziness", "prefix_length", "transpositions"),
    "rewrite": REWRITE,
    "max_expansions": _EXPANSIONS,
}
_RANGE = values("gt", "gte", "lt", "lte", "from", "to", "format", "time_zone", "relation")
_DECAY = Fields(VALUE, {"origin": POINT, **values("scale", "offset", "decay")}, {"multi_value_mode": VALUE})
_FUNCTIONS: dict[str, Kind] = {
    "weight": VALUE,
    "random_score": Options({"seed": VALUE, "field": FIELD}),
    "field_value_factor": Options({"field": FIELD, **values("factor", "missing", "modifier")}),
    "linear": _DECAY,
    "gauss": _DECAY,
    "exp": _DECAY,
}
_SPANS = ListOf(QUERY)

QUERIES: dict[str, Kind] = {
    "match_all": _q(),
    "match_none": _q(),
    "match": _f(VALUE, query=VALUE, **_TEXT),
    "match_phrase": _f(VALUE, query=VALUE, **_TEXT),
    "match_phrase_prefix": _f(VALUE, query=VALUE, **_TEXT),
    "match_bool_prefix": _f(VALUE, query=VALUE, **_TEXT),
    "multi_match": _q(("fields",), query=VALUE, fields=NAMES, **_TEXT),
    "combined_fields": _q(("fields",), query=VALUE, fields=NAMES, **_TEXT),
    "simple_query_string": _q(
        ("fields",),
        query=VALUE,
        fields=NAMES,
        default_operator=VALUE,
        analyze_wildcard=VALUE,
        flags=VALUE,
        fuzzy_max_expansions=_EXPANSIONS,
        fuzzy_prefix_length=VALUE,
        quote_field_suffix=SUFFIX,
        **_TEXT,
    ),
    "term": _f(VALUE, value=VALUE, case_insensitive=VALUE),
    "terms": _f(VALUES, _COMMON),
    "terms_set": _f(VALUES, terms=VALUES, minimum_should_match_field=FIELD, minimum_should_match=VALUE),
    "range": _f(VALUE, **_RANGE),
    "exists": _q(field=FIELD),
    "prefix": _f(PREFIX, value=PREFIX, case_insensitive=VALUE, rewrite=REWRITE),
    "wildcard": _f(PATTERN, value=PATTERN, wildcard=PATTERN, case_insensitive=VALUE, rewrite=REWRITE),
    "regexp": _f(
        REGEXP, value=REGEXP, max_determinized_states=_STATES, rewrite=REWRITE, **values("flags", "case_insensitive")
    ),
    "fuzzy": _f(FUZZY, value=FUZZY, **_FUZZY),
    "ids": _q(values=VALUES),
    "bool": _q(must=QUERIES_, filter=QUERIES_, should=QUERIES_, must_not=QUERIES_, minimum_should_match=VALUE),
    "dis_max": _q(queries=QUERIES_, tie_breaker=VALUE),
    "constant_score": _q(filter=QUERY),
    "boosting": _q(positive=QUERY, negative=QUERY, negative_boost=VALUE),
    "nested": _q(path=FIELD, query=QUERY, score_mode=VALUE, ignore_unmapped=VALUE),
    "function_score": _q(
        query=QUERY,
        functions=ListOf(Options({"filter": QUERY, **_FUNCTIONS})),
        **values("boost_mode", "score_mode", "max_boost", "min_score"),
        **_FUNCTIONS,
    ),
    "distance_feature": _q(field=FIELD, origin=POINT, pivot=VALUE),
    "rank_feature": _q(
        field=FIELD,
        saturation=Options(values("pivot")),
        log=Options(values("scaling_factor")),
        sigmoid=Options(values("pivot", "exponent")),
        linear=Options({}),
    ),
    "geo_distance": Fields(
        POINT, options={**_COMMON, **values("distance", "distance_type", "validation_method", "ignore_unmapped")}
    ),
    "geo_bounding_box": _f(VALUE, {**_COMMON, **values("type", "validation_method", "ignore_unmapped")}, **BOX),
    "geo_polygon": _f(VALUE, {**_COMMON, **values("validation_method", "ignore_unmapped")}, points=ListOf(POINT)),
    "geo_shape": _f(VALUE, {**_COMMON, **values("ignore_unmapped")}, shape=SHAPE, relation=VALUE),
    "intervals": Fields(INTERVAL),
    "span_term": _f(VALUE, value=VALUE),
    "span_near": _q(clauses=_SPANS, slop=VALUE, in_order=VALUE),
    "span_or": _q(clauses=_SPANS),
    "span_not": _q(include=QUERY, exclude=QUERY, **values("dist", "pre", "post")),
    "span_first": _q(match=QUERY, end=VALUE),
    "span_multi": _q(match=QUERY),
    "span_containing": _q(big=QUERY, little=QUERY),
    "span_within": _q(big=QUERY, little=QUERY),
    "field_masking_span": _q(field=FIELD, query=QUERY),
    "span_field_masking": _q(field=FIELD, query=QUERY),
}

# Refused unless `Limits.query_string` is on. Its text can name any field, so it is always refused if some are denied.
QUERY_STRING = _q(
    query=QUERY_TEXT,
    default_field=FIELD,
    fields=NAMES,
    fuzzy_max_expansions=_EXPANSIONS,
    max_determinized_states=_STATES,
    quote_field_suffix=SUFFIX,
    rewrite=REWRITE,
    **values(
        "default_operator", "allow_leading_wildcard", "analyze_wildcard", "enable_position_increments", "escape",
        "fuzzy_prefix_length", "phrase_slop", "quote_analyzer", "time_zone",
    ),
    **_TEXT,
)  # fmt: skip

_RULES = ListOf(INTERVAL)
_RULE_OF_TEXT: dict[str, Kind] = {"analyzer": VALUE, "use_field": FIELD}
INTERVAL_FILTERS = (
    "after", "before", "contained_by", "containing", "not_contained_by", "not_containing", "not_overlapping",
    "overlapping",
)  # fmt: skip
_INTERVAL_FILTER = Options(dict.fromkeys(INTERVAL_FILTERS, INTERVAL))
INTERVALS: dict[str, Kind] = {
    "match": Options(
        {"query": VALUE, "max_gaps": VALUE, "ordered": VALUE, "filter": _INTERVAL_FILTER, **_RULE_OF_TEXT}
    ),
    "prefix": Options({"prefix": PREFIX, **_RULE_OF_TEXT}),
    "wildcard": Options({"pattern": PATTERN, **_RULE_OF_TEXT}),
    "regexp": Options({"pattern": REGEXP, **_RULE_OF_TEXT}),
    "fuzzy": Options({"term": FUZZY, **_FUZZY, **_RULE_OF_TEXT}),
    "range": Options({**values("gt", "gte", "lt", "lte"), **_RULE_OF_TEXT}),
    "all_of": Options({"intervals": _RULES, "max_gaps": VALUE, "ordered": VALUE, "filter": _INTERVAL_FILTER}),
    "any_of": Options({"intervals": _RULES, "filter": _INTERVAL_FILTER}),
}
