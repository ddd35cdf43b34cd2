"""The guard's allow-list of aggregations and their options. Data only.

Anything else is refused at any depth, including every kind of script.
"""

from __future__ import annotations

from dstill_querydsl.language.guard.kinds import (
    BOX,
    COUNT,
    FIELD,
    FILTERS,
    NAMES,
    ORDER,
    PATHS,
    POINT,
    QUERY,
    SORT,
    TERM_FILTER,
    VALUE,
    VALUES,
    Capped,
    Kind,
    ListOf,
    MapOf,
    Options,
    values,
)
from dstill_querydsl.language.guard.limits import MAX_BUCKETS, MAX_PRECISION
from dstill_querydsl.language.guard.tables import HITS

__all__ = ["AGGREGATIONS"]


def _a(**names: Kind) -> Options:
    return Options({"field": FIELD, "missing": VALUE, "format": VALUE, "value_type": VALUE, **names})


def _pipeline(**names: Kind) -> Options:
    return Options({"buckets_path": PATHS, "gap_policy": VALUE, "format": VALUE, **names})


# Engines allocate these before the first document, or for every bucket.
_COMPRESSION = Capped("compression", "compression", whole=False)
_PRECISION = Capped(MAX_PRECISION, "precision_threshold")
_SHARDS = Capped(MAX_BUCKETS, "shard_size")
_BOUNDS = Options(values("min", "max"))
_RANGES = ListOf(Options(values("from", "to", "key", "mask")))
_FILTERED = Options({"field": FIELD, "filter": QUERY})
_WEIGHED = Options({"field": FIELD, "missing": VALUE})
_HISTOGRAM: dict[str, Kind] = {
    **values("interval", "min_doc_count", "offset", "keyed", "time_zone"),
    "order": ORDER,
    "extended_bounds": _BOUNDS,
    "hard_bounds": _BOUNDS,
}
_DATES = values("calendar_interval", "fixed_interval")
_GRID: dict[str, Kind] = {"precision": VALUE, "bounds": Options(BOX), "size": COUNT, "shard_size": _SHARDS}
_TERMS: dict[str, Kind] = {
    "size": COUNT,
    "shard_size": _SHARDS,
    "order": ORDER,
    "include": TERM_FILTER,
    "exclude": TERM_FILTER,
    **values("min_doc_count", "shard_min_doc_count", "show_term_doc_count_error", "collect_mode", "execution_hint"),
}
_HEURISTICS: dict[str, Kind] = {
    name: Options(values("include_negatives", "background_is_superset"))
    for name in ("jlh", "mutual_information", "chi_square", "gnd", "percentage")
}
_HEURISTICS["p_value"] = Options(values("background_is_superset", "normalize_above"))
_SOURCES: dict[str, Kind] = {"missing_bucket": VALUE, "missing_order": VALUE, "order": VALUE}
_PERCENTILE: dict[str, Kind] = {
    "keyed": VALUE,
    "hdr": Options(values("number_of_significant_value_digits")),
    "tdigest": Options({"compression": _COMPRESSION, "execution_hint": VALUE}),
}
AGGREGATIONS: dict[str, Kind] = {
    **{name: _a() for name in ("avg", "sum", "min", "max", "stats", "value_count", "geo_centroid")},
    "extended_stats": _a(sigma=VALUE),
    "cardinality": _a(precision_threshold=_PRECISION, rehash=VALUE, execution_hint=VALUE),
    "percentiles": _a(percents=VALUES, **_PERCENTILE),
    "percentile_ranks": _a(values=VALUES, **_PERCENTILE),
    "median_absolute_deviation": _a(compression=_COMPRESSION, execution_hint=VALUE),
    "weighted_avg": Options({"value": _WEIGHED, "weight": _WEIGHED, "format": VALUE, "value_type": VALUE}),
    "boxplot": _a(compression=_COMPRESSION, execution_hint=VALUE),
    "string_stats": _a(show_distribution=VALUE),
    "rate": _a(unit=VALUE, mode=VALUE),
    "t_test": Options({"a": _FILTERED, "b": _FILTERED, "type": VALUE}),
    "top_hits": Options(HITS),
    "top_metrics": Options(
        {"metrics": ListOf(_WEIGHED), "sort": SORT, "size": Capped("top_hits", "size of top_metrics")}
    ),
    "geo_bounds": _a(wrap_longitude=VALUE),
    "matrix_stats": Options({"fields": NAMES, "mode": VALUE, "missing": MapOf(VALUE)}),
    "terms": _a(**_TERMS),
    "rare_terms": _a(max_doc_count=VALUE, precision=VALUE, include=TERM_FILTER, exclude=TERM_FILTER),
    "multi_terms": Options({"terms": ListOf(_WEIGHED), **_TERMS}),
    "significant_terms": _a(background_filter=QUERY, **_TERMS, **_HEURISTICS),
    "histogram": _a(**_HISTOGRAM),
    "date_histogram": _a(**_HISTOGRAM, **_DATES),
    "auto_date_histogram": _a(buckets=COUNT, minimum_interval=VALUE, time_zone=VALUE, offset=VALUE),
    "variable_width_histogram": _a(
        buckets=COUNT, shard_size=_SHARDS, initial_buffer=Capped(MAX_BUCKETS, "initial_buffer")
    ),
    "range": _a(ranges=_RANGES, keyed=VALUE),
    "date_range": _a(ranges=_RANGES, keyed=VALUE, time_zone=VALUE),
    "ip_range": _a(ranges=_RANGES, keyed=VALUE),
    "ip_prefix": _a(**values("prefix_length", "is_ipv6", "append_prefix_length", "keyed", "min_doc_count")),
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
                            "date_histogram": _a(interval=VALUE, offset=VALUE, time_zone=VALUE, **_DATES, **_SOURCES),
                            "geotile_grid": _a(precision=VALUE, bounds=Options(BOX), **_SOURCES),
                        }
                    )
                )
            ),
        }
    ),
    "sampler": Options({"shard_size": _SHARDS}),
    "diversified_sampler": _a(
        shard_size=_SHARDS, max_docs_per_value=Capped(MAX_BUCKETS, "max_docs_per_value"), execution_hint=VALUE
    ),
    "bucket_sort": Options({"sort": ORDER, "from": COUNT, "size": COUNT, "gap_policy": VALUE}),
    **{name: _pipeline() for name in ("avg_bucket", "sum_bucket", "min_bucket", "max_bucket", "stats_bucket")},
    "extended_stats_bucket": _pipeline(sigma=VALUE),
    "percentiles_bucket": _pipeline(percents=VALUES, keyed=VALUE),
    "derivative": _pipeline(unit=VALUE),
    "cumulative_sum": _pipeline(),
    "cumulative_cardinality": _pipeline(),
    "serial_diff": _pipeline(lag=Capped("buckets", "lag")),
    "normalize": _pipeline(method=VALUE),
}
