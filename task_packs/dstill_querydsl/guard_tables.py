"""What the guard lets through, as data: one table each for the body, queries and aggregations.

An entry says what each option may hold. Whatever is not written here is refused, at any depth:

    "terms": Fields(VALUES)            one field, and under it a list of plain values, never an object
    "nested": {"path": FIELD, "query": QUERY, …}   no inner_hits, because it is not named

So a new query, aggregation or option of a newer engine is refused until somebody adds it here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Union

__all__ = ["AGGREGATIONS", "BODY", "METADATA_HINT", "QUERIES", "REASONS", "Fields", "Kind", "ListOf", "MapOf", "Options"]

# --- kinds of values: what the walk in `guard` does with each ----------------------------

VALUE = "value"  # a scalar
VALUES = "values"  # a scalar or a list of scalars
COUNT = "count"  # a whole number
FIELD = "field"  # the name of one field, no wildcard
NAMES = "names"  # names of fields, each with ^boost or not
QUERY = "query"
QUERIES_ = "queries"  # one query or a list of them
FILTERS = "filters"  # a list of queries or named ones
AGGREGATIONS_ = "aggregations"
SORT = "sort"
SOURCE = "source"  # _source
DOCUMENT_FIELDS = "document_fields"  # fields, docvalue_fields
HIGHLIGHT = "highlight"
POINT = "point"  # a geo point in any spelling
SHAPE = "shape"  # GeoJSON or WKT
PATTERN = "pattern"  # with * and ?
REGEXP = "regexp"
TERM_FILTER = "term_filter"  # include, exclude: a regular expression, a list, or a partition
PATHS = "paths"  # buckets_path: names of aggregations
ORDER = "order"  # of buckets
INTERVAL = "interval"  # one rule of an intervals query


@dataclass(frozen=True)
class Options:
    """An object with these keys and no other; `required` ones must stand."""

    names: Mapping[str, Kind]
    required: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fields:
    """An object with fields' names for keys, beside a few options."""

    entry: Kind  # what stands under a field
    long: Mapping[str, Kind] = field(default_factory=dict)  # or an object of these
    beside: Mapping[str, Kind] = field(default_factory=dict)


@dataclass(frozen=True)
class ListOf:
    item: Kind


@dataclass(frozen=True)
class MapOf:
    """An object with free names for keys."""

    item: Kind


Kind = Union[str, Options, Fields, ListOf, MapOf, Mapping[str, Any]]

_COMMON: dict[str, Kind] = {"boost": VALUE, "_name": VALUE}


def _q(required: tuple[str, ...] = (), **names: Kind) -> Options:
    return Options({**_COMMON, **names}, required)


def _f(entry: Kind, beside: Mapping[str, Kind] | None = None, **long: Kind) -> Fields:
    return Fields(entry, {**_COMMON, **long} if long else {}, {**_COMMON, **(beside or {})})


def _values(*names: str) -> dict[str, Kind]:
    return dict.fromkeys(names, VALUE)


_TEXT = _values(
    "analyzer", "auto_generate_synonyms_phrase_query", "fuzziness", "fuzzy_rewrite", "fuzzy_transpositions", "lenient",
    "max_expansions", "minimum_should_match", "operator", "prefix_length", "zero_terms_query", "slop", "tie_breaker",
    "type", "cutoff_frequency",
)  # fmt: skip
_FUZZY = _values("fuzziness", "max_expansions", "prefix_length", "rewrite", "transpositions")
_RANGE = _values("gt", "gte", "lt", "lte", "from", "to", "format", "time_zone", "relation")
_BOX: dict[str, Kind] = {
    **dict.fromkeys(("top_left", "bottom_right", "top_right", "bottom_left"), POINT),
    **_values("top", "bottom", "left", "right", "wkt"),
}
_DECAY = Fields(VALUE, {"origin": POINT, **_values("scale", "offset", "decay")}, {"multi_value_mode": VALUE})
_FUNCTIONS: dict[str, Kind] = {
    "weight": VALUE,
    "random_score": Options({"seed": VALUE, "field": FIELD}),
    "field_value_factor": Options({"field": FIELD, **_values("factor", "missing", "modifier")}),
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
        fuzzy_max_expansions=VALUE,
        fuzzy_prefix_length=VALUE,
        quote_field_suffix=VALUE,
        **_TEXT,
    ),
    "term": _f(VALUE, value=VALUE, case_insensitive=VALUE),
    "terms": _f(VALUES),
    "terms_set": _f(VALUES, terms=VALUES, minimum_should_match_field=FIELD, minimum_should_match=VALUE),
    "range": _f(VALUE, **_RANGE),
    "exists": _q(field=FIELD),
    "prefix": _f(VALUE, value=VALUE, case_insensitive=VALUE, rewrite=VALUE),
    "wildcard": _f(PATTERN, value=PATTERN, wildcard=PATTERN, case_insensitive=VALUE, rewrite=VALUE),
    "regexp": _f(
        REGEXP, value=REGEXP, **_values("flags", "case_insensitive", "max_determinized_states", "rewrite")
    ),
    "fuzzy": _f(VALUE, value=VALUE, **_FUZZY),
    "ids": _q(values=VALUES),
    "bool": _q(must=QUERIES_, filter=QUERIES_, should=QUERIES_, must_not=QUERIES_, minimum_should_match=VALUE),
    "dis_max": _q(queries=QUERIES_, tie_breaker=VALUE),
    "constant_score": _q(filter=QUERY),
    "boosting": _q(positive=QUERY, negative=QUERY, negative_boost=VALUE),
    "nested": _q(path=FIELD, query=QUERY, score_mode=VALUE, ignore_unmapped=VALUE),
    "function_score": _q(
        query=QUERY,
        functions=ListOf(Options({"filter": QUERY, **_FUNCTIONS})),
        **_values("boost_mode", "score_mode", "max_boost", "min_score"),
        **_FUNCTIONS,
    ),
    "distance_feature": _q(field=FIELD, origin=POINT, pivot=VALUE),
    "rank_feature": _q(
        field=FIELD,
        saturation=Options(_values("pivot")),
        log=Options(_values("scaling_factor")),
        sigmoid=Options(_values("pivot", "exponent")),
        linear=Options({}),
    ),
    "geo_distance": Fields(
        POINT, beside={**_COMMON, **_values("distance", "distance_type", "validation_method", "ignore_unmapped")}
    ),
    "geo_bounding_box": _f(VALUE, _values("type", "validation_method", "ignore_unmapped"), **_BOX),
    "geo_polygon": _f(VALUE, _values("validation_method", "ignore_unmapped"), points=ListOf(POINT)),
    "geo_shape": _f(VALUE, _values("ignore_unmapped"), shape=SHAPE, relation=VALUE),
    "intervals": Fields(INTERVAL, beside=_COMMON),
    "span_term": _f(VALUE, value=VALUE),
    "span_near": _q(clauses=_SPANS, slop=VALUE, in_order=VALUE),
    "span_or": _q(clauses=_SPANS),
    "span_not": _q(include=QUERY, exclude=QUERY, **_values("dist", "pre", "post")),
    "span_first": _q(match=QUERY, end=VALUE),
    "span_multi": _q(match=QUERY),
    "span_containing": _q(big=QUERY, little=QUERY),
    "span_within": _q(big=QUERY, little=QUERY),
    "field_masking_span": _q(field=FIELD, query=QUERY),
    "span_field_masking": _q(field=FIELD, query=QUERY),
}

# Off unless `Limits.query_string`: its text can name any field and costs what it likes.
QUERY_STRING = _q(
    query=VALUE,
    default_field=FIELD,
    fields=NAMES,
    **_values(
        "default_operator", "allow_leading_wildcard", "analyze_wildcard", "enable_position_increments", "escape",
        "fuzzy_max_expansions", "fuzzy_prefix_length", "max_determinized_states", "phrase_slop", "quote_analyzer",
        "quote_field_suffix", "rewrite", "time_zone",
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
    "match": Options({"query": VALUE, "max_gaps": VALUE, "ordered": VALUE, "filter": _INTERVAL_FILTER, **_RULE_OF_TEXT}),
    "prefix": Options({"prefix": VALUE, **_RULE_OF_TEXT}),
    "wildcard": Options({"pattern": PATTERN, **_RULE_OF_TEXT}),
    "regexp": Options({"pattern": REGEXP, **_RULE_OF_TEXT}),
    "fuzzy": Options({"term": VALUE, **_FUZZY, **_RULE_OF_TEXT}),
    "range": Options({**_values("gt", "gte", "lt", "lte"), **_RULE_OF_TEXT}),
    "all_of": Options({"intervals": _RULES, "max_gaps": VALUE, "ordered": VALUE, "filter": _INTERVAL_FILTER}),
    "any_of": Options({"intervals": _RULES, "filter": _INTERVAL_FILTER}),
}


def _a(**names: Kind) -> Options:
    return Options({"field": FIELD, "missing": VALUE, "format": VALUE, "value_type": VALUE, **names})


def _pipeline(**names: Kind) -> Options:
    return Options({"buckets_path": PATHS, "gap_policy": VALUE, "format": VALUE, **names})


_BOUNDS = Options(_values("min", "max"))
_RANGES = ListOf(Options(_values("from", "to", "key", "mask")))
_FILTERED = Options({"field": FIELD, "filter": QUERY})
_WEIGHED = Options({"field": FIELD, "missing": VALUE})
_HISTOGRAM: dict[str, Kind] = {
    **_values("interval", "min_doc_count", "offset", "keyed", "time_zone"),
    "order": ORDER,
    "extended_bounds": _BOUNDS,
    "hard_bounds": _BOUNDS,
}
_DATES = _values("calendar_interval", "fixed_interval")
_GRID: dict[str, Kind] = {"precision": VALUE, "bounds": Options(_BOX), "size": COUNT, "shard_size": COUNT}
_TERMS: dict[str, Kind] = {
    "size": COUNT,
    "shard_size": COUNT,
    "order": ORDER,
    "include": TERM_FILTER,
    "exclude": TERM_FILTER,
    **_values("min_doc_count", "shard_min_doc_count", "show_term_doc_count_error", "collect_mode", "execution_hint"),
}
_HEURISTICS: dict[str, Kind] = {
    name: Options(_values("include_negatives", "background_is_superset"))
    for name in ("jlh", "mutual_information", "chi_square", "gnd", "percentage")
}
_SOURCES: dict[str, Kind] = {"missing_bucket": VALUE, "missing_order": VALUE, "order": VALUE}
_PERCENTILE: dict[str, Kind] = {
    "keyed": VALUE,
    "hdr": Options(_values("number_of_significant_value_digits")),
    "tdigest": Options(_values("compression", "execution_hint")),
}
_HITS: dict[str, Kind] = {
    "size": COUNT,
    "from": COUNT,
    "sort": SORT,
    "_source": SOURCE,
    "fields": DOCUMENT_FIELDS,
    "docvalue_fields": DOCUMENT_FIELDS,
    "highlight": HIGHLIGHT,
    "track_scores": VALUE,
}

AGGREGATIONS: dict[str, Kind] = {
    **{name: _a() for name in ("avg", "sum", "min", "max", "stats", "value_count", "geo_centroid")},
    "extended_stats": _a(sigma=VALUE),
    "cardinality": _a(precision_threshold=VALUE, rehash=VALUE, execution_hint=VALUE),
    "percentiles": _a(percents=VALUES, **_PERCENTILE),
    "percentile_ranks": _a(values=VALUES, **_PERCENTILE),
    "median_absolute_deviation": _a(compression=VALUE, execution_hint=VALUE),
    "weighted_avg": Options({"value": _WEIGHED, "weight": _WEIGHED, "format": VALUE, "value_type": VALUE}),
    "boxplot": _a(compression=VALUE, execution_hint=VALUE),
    "string_stats": _a(show_distribution=VALUE),
    "rate": _a(unit=VALUE, mode=VALUE),
    "t_test": Options({"a": _FILTERED, "b": _FILTERED, "type": VALUE}),
    "top_hits": Options(_HITS),
    "top_metrics": Options({"metrics": ListOf(Options({"field": FIELD})), "sort": SORT, "size": COUNT}),
    "geo_bounds": _a(wrap_longitude=VALUE),
    "matrix_stats": Options({"fields": NAMES, "mode": VALUE, "missing": MapOf(VALUE)}),
    "terms": _a(**_TERMS),
    "rare_terms": _a(max_doc_count=VALUE, precision=VALUE, include=TERM_FILTER, exclude=TERM_FILTER),
    "multi_terms": Options({"terms": ListOf(_WEIGHED), **_TERMS}),
    "significant_terms": _a(background_filter=QUERY, **_TERMS, **_HEURISTICS),
    "histogram": _a(**_HISTOGRAM),
    "date_histogram": _a(**_HISTOGRAM, **_DATES),
    "auto_date_histogram": _a(buckets=COUNT, minimum_interval=VALUE, time_zone=VALUE, offset=VALUE),
    "variable_width_histogram": _a(buckets=COUNT, shard_size=COUNT, initial_buffer=COUNT),
    "range": _a(ranges=_RANGES, keyed=VALUE),
    "date_range": _a(ranges=_RANGES, keyed=VALUE, time_zone=VALUE),
    "ip_range": _a(ranges=_RANGES, keyed=VALUE),
    "ip_prefix": _a(**_values("prefix_length", "is_ipv6", "append_prefix_length", "keyed", "min_doc_count")),
    "geo_distance": _a(origin=POINT, ranges=_RANGES, unit=VALUE, distance_type=VALUE, keyed=VALUE),
    "geohash_grid": _a(**_GRID),
    "geotile_grid": _a(**_GRID),
    "filter": QUERY,
    "filters": Options({"filters": FILTERS, "other_bucket": VALUE, "other_bucket_key": VALUE, "keyed": VALUE}),
    "adjacency_matrix": Options({"filters": MapOf(QUERY), "separator": VALUE}),
    "missing": _a(),
    "nested": Options({"path": FIELD}),
    "reverse_nested": Options({"path": FIELD}),
    "global": Options({}),
    "composite": Options(
        {
            "size": COUNT,
            "after": MapOf(VALUE),
            "sources": ListOf(
                MapOf(
                    Options(
                        {
                            "terms": _a(**_SOURCES),
                            "histogram": _a(interval=VALUE, **_SOURCES),
                            "date_histogram": _a(
                                interval=VALUE, offset=VALUE, time_zone=VALUE, **_DATES, **_SOURCES
                            ),
                            "geotile_grid": _a(precision=VALUE, bounds=Options(_BOX), **_SOURCES),
                        }
                    )
                )
            ),
        }
    ),
    "sampler": Options({"shard_size": COUNT}),
    "diversified_sampler": _a(shard_size=COUNT, max_docs_per_value=VALUE, execution_hint=VALUE),
    "bucket_sort": Options({"sort": ORDER, "from": COUNT, "size": COUNT, "gap_policy": VALUE}),
    **{name: _pipeline() for name in ("avg_bucket", "sum_bucket", "min_bucket", "max_bucket", "stats_bucket")},
    "extended_stats_bucket": _pipeline(sigma=VALUE),
    "percentiles_bucket": _pipeline(percents=VALUES, keyed=VALUE),
    "derivative": _pipeline(unit=VALUE),
    "cumulative_sum": _pipeline(),
    "cumulative_cardinality": _pipeline(),
    "serial_diff": _pipeline(lag=VALUE),
    "normalize": _pipeline(method=VALUE),
}

BODY: dict[str, Kind] = {
    "query": QUERY,
    "post_filter": QUERY,
    "aggs": AGGREGATIONS_,
    "aggregations": AGGREGATIONS_,
    **_HITS,
    "track_total_hits": VALUE,
    "min_score": VALUE,
    "search_after": VALUES,
    "collapse": Options({"field": FIELD, "max_concurrent_group_searches": VALUE}),
    "timeout": VALUE,
    "terminate_after": VALUE,
}

HIGHLIGHTS: dict[str, Kind] = {
    **_values(
        "type", "boundary_chars", "boundary_max_scan", "boundary_scanner", "boundary_scanner_locale", "encoder",
        "force_source", "fragmenter", "fragment_size", "fragment_offset", "max_analyzed_offset", "no_match_size",
        "number_of_fragments", "order", "phrase_limit", "require_field_match", "tags_schema",
    ),
    "pre_tags": VALUES,
    "post_tags": VALUES,
    "matched_fields": NAMES,
    "highlight_query": QUERY,
}  # fmt: skip

SORT_OPTIONS: dict[str, Kind] = _values("order", "mode", "missing", "unmapped_type", "numeric_type", "format")
GEO_SORT: dict[str, Kind] = _values("order", "unit", "mode", "distance_type", "ignore_unmapped")

# --- why: for names that people try and that are refused for a reason of their own -------

_SCRIPTS = ("script", "scripts are not allowed")
_ELSEWHERE = ("foreign_read", "reads another index/document")
REASONS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        (
            "script", "script_score", "script_fields", "_script", "scripted_metric", "script_heuristic",
            "bucket_script", "bucket_selector", "moving_fn", "minimum_should_match_script", "init_script",
            "map_script", "combine_script", "reduce_script", "weight_script", "runtime_mappings",
        ),
        _SCRIPTS,
    ),
    **dict.fromkeys(
        (
            "more_like_this", "indexed_shape", "percolate", "indices_boost", "has_child", "has_parent", "parent_id",
            "pinned", "_index", "pit", "index", "lookup",
        ),
        _ELSEWHERE,
    ),
    "wrapper": ("wrapper", "a wrapped query hides what it does"),
    "query_string": ("query_string", "query_string is off: its text can name any field"),
    "inner_hits": ("inner_hits", "inner_hits are not allowed"),
    "ext": ("extension", "extensions are not allowed"),
}  # fmt: skip
METADATA_HINT = "use a field of the mapping; _score and _doc are for sort only"
