"""The guard's allow-list for the body, its hits, sort and highlight. Queries and aggregations have their own.

Data only. `REASONS` explains why common names are refused.
"""

from __future__ import annotations

from dstill_querydsl.language.guard.kinds import (
    AGGREGATIONS_,
    COUNT,
    DOCUMENT_FIELDS,
    DURATION,
    FIELD,
    HIGHLIGHT,
    NAMES,
    QUERY,
    SORT,
    SOURCE,
    TOTAL,
    VALUE,
    VALUES,
    Capped,
    Kind,
    Options,
    values,
)
from dstill_querydsl.language.guard.limits import MAX_BUCKETS

__all__ = ["BODY", "GEO_SORT", "HIGHLIGHTS", "HITS", "METADATA_HINT", "REASONS", "SORT_OPTIONS"]

HITS: dict[str, Kind] = {
    "size": COUNT,
    "from": COUNT,
    "sort": SORT,
    "_source": SOURCE,
    "fields": DOCUMENT_FIELDS,
    "docvalue_fields": DOCUMENT_FIELDS,
    "highlight": HIGHLIGHT,
    "track_scores": VALUE,
}

BODY: dict[str, Kind] = {
    "query": QUERY,
    "post_filter": QUERY,
    "aggs": AGGREGATIONS_,
    "aggregations": AGGREGATIONS_,
    **HITS,
    "track_total_hits": TOTAL,
    "min_score": VALUE,
    "search_after": VALUES,
    "collapse": Options(
        {"field": FIELD, "max_concurrent_group_searches": Capped("clauses", "max_concurrent_group_searches")}
    ),
    "timeout": DURATION,
    "terminate_after": COUNT,
}

HIGHLIGHTS: dict[str, Kind] = {
    **values(
        "type", "boundary_chars", "boundary_max_scan", "boundary_scanner", "boundary_scanner_locale", "encoder",
        "force_source", "fragmenter", "fragment_offset", "max_analyzed_offset", "order", "require_field_match",
        "tags_schema",
    ),
    "number_of_fragments": Capped("fragments", "number_of_fragments"),
    **{name: Capped(MAX_BUCKETS, name) for name in ("fragment_size", "no_match_size", "phrase_limit")},
    "pre_tags": VALUES,
    "post_tags": VALUES,
    "matched_fields": NAMES,
    "highlight_query": QUERY,
}  # fmt: skip

SORT_OPTIONS: dict[str, Kind] = values("order", "mode", "missing", "unmapped_type", "numeric_type", "format")
GEO_SORT: dict[str, Kind] = values("order", "unit", "mode", "distance_type", "ignore_unmapped")

# --- reasons for common names that are refused --------------------------------------------

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
    "query_string": ("query_string", "query_string is turned off: its text can name any field"),
    "inner_hits": ("inner_hits", "inner_hits are not allowed"),
    "ext": ("extension", "extensions are not allowed"),
}  # fmt: skip
METADATA_HINT = "use a field of the mapping; _score and _doc work in sort only"
