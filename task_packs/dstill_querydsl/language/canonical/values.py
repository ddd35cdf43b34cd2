"""The canonical spelling of options and values: defaults, points, distances, calendar intervals.

without_defaults("match", {"query": "x", "operator": "OR"})   -> {"query": "x"}
place("40.7,-74")             -> {"lat": 40.7, "lon": -74.0}; the same for [-74, 40.7]
distance("12.0 kilometers")   -> "12km"
interval("1d")             -> "day"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dstill_querydsl.language.dates import CALENDAR_SHORT

__all__ = ["distance", "equal", "interval", "place", "plain", "without_defaults"]

_PREFIXES = {"max_expansions": 50, "prefix_length": 0, "fuzzy_transpositions": True}
_EVERYWHERE = {"boost": 1, "operator": "or", "case_insensitive": False, "ignore_unmapped": False}
# query or aggregation → default values of its options
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "match": {**_PREFIXES, "lenient": False, "auto_generate_synonyms_phrase_query": True, "zero_terms_query": "none"},
    "match_phrase": {"slop": 0, "zero_terms_query": "none"},
    "match_phrase_prefix": {"slop": 0, "max_expansions": 50, "zero_terms_query": "none"},
    "match_bool_prefix": _PREFIXES,
    "multi_match": {**_PREFIXES, "type": "best_fields", "slop": 0, "zero_terms_query": "none"},
    "fuzzy": {"fuzziness": "AUTO", "max_expansions": 50, "prefix_length": 0, "transpositions": True},
    "regexp": {"flags": "ALL", "max_determinized_states": 10_000},
    "range": {"relation": "intersects"},
    "nested": {"score_mode": "avg"},
    "dis_max": {"tie_breaker": 0},
    "geo_distance": {"distance_type": "arc", "validation_method": "strict"},
    "geo_bounding_box": {"validation_method": "strict"},
    "agg.terms": {"size": 10, "min_doc_count": 1, "shard_min_doc_count": 0, "show_term_doc_count_error": False},
    "agg.date_histogram": {"min_doc_count": 0, "keyed": False, "offset": 0},
    "agg.histogram": {"min_doc_count": 0, "keyed": False, "offset": 0},
    "agg.range": {"keyed": False},
    "agg.date_range": {"keyed": False},
    "agg.ip_range": {"keyed": False},
    "agg.geo_distance": {"keyed": False, "unit": "m", "distance_type": "arc"},
    "agg.percentiles": {"keyed": True, "percents": [1, 5, 25, 50, 75, 95, 99]},
    "agg.percentile_ranks": {"keyed": True},
    "agg.cardinality": {"precision_threshold": 3_000},
    "agg.extended_stats": {"sigma": 2},
    "agg.composite": {"size": 10},
    "agg.rare_terms": {"max_doc_count": 1},
    "agg.top_hits": {"from": 0, "size": 3},
    "agg.bucket_sort": {"from": 0},
}
_ORDERS = {
    "agg.terms": [{"_count": "desc"}],
    "agg.date_histogram": [{"_key": "asc"}],
    "agg.histogram": [{"_key": "asc"}],
}
_UNITS = {"meters": "m", "kilometers": "km", "miles": "mi", "nauticalmiles": "nmi", "NM": "nmi", "feet": "ft", "": "m"}
_DISTANCE = re.compile(r"\s*([0-9.]+)\s*([A-Za-z]*)\s*")


def without_defaults(kind: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """`options` without those that have their default value. `kind` is a query, or ``agg.NAME``."""
    own = _DEFAULTS.get(kind, {})
    defaults = {**own, "order": _ORDERS.get(kind)} if kind.startswith("agg.") else {**_EVERYWHERE, **own}
    return {
        name: value
        for name, value in options.items()
        if name not in defaults or not equal(_lower(name, value), defaults[name])
    }


def equal(value: Any, other: Any) -> bool:
    """Whether two values are the same JSON: 1 equals 1.0, but not true."""
    return bool(value == other) and isinstance(value, bool) == isinstance(other, bool)


def plain(value: Any) -> Any:
    """Whole floats as integers, at any depth. For options only: as values of a field, 1.0 and 1 may differ."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def _lower(name: str, value: Any) -> Any:
    return value.lower() if name == "operator" and isinstance(value, str) else value


def interval(text: Any) -> Any:
    """The name of a calendar interval; other values are returned unchanged."""
    return CALENDAR_SHORT.get(text, text) if isinstance(text, str) else text


def distance(value: Any) -> Any:
    """A distance with the short name of its unit; a bare number is in metres."""
    match = _DISTANCE.fullmatch(str(value))
    if match is None or match[1].count(".") > 1:
        return value
    return f"{float(match[1]):g}{_UNITS.get(match[2], match[2])}"


def place(value: Any) -> Any:
    """A point as an object with lat and lon; a geohash or a shape is returned unchanged."""
    if isinstance(value, list) and len(value) == 2:
        return _point(value[1], value[0])
    if isinstance(value, str) and value.count(",") == 1:
        return _point(*value.split(","))
    if isinstance(value, dict) and set(value) == {"lat", "lon"}:
        return _point(value["lat"], value["lon"])
    return value


def _point(lat: Any, lon: Any) -> dict[str, float]:
    return {"lat": float(lat), "lon": float(lon)}
