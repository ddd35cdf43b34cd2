"""The field types that each query, aggregation and sort works on: one table, data only.

    NEEDS["term"].fits                 the families of types (`language.field_types`) that it works on
    NEEDS["range"].doubtful["keyword"] why it is accepted there, but probably not what was meant

A family that is neither in `fits` nor in `doubtful` is an error: either Elasticsearch refuses it, or it would return
a wrong result without a word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["AGGREGATION_NEEDS", "BY_TYPE", "COLLAPSE", "DOC_VALUES", "NEEDS", "SORT", "Need"]


@dataclass(frozen=True)
class Need:
    """The requirements of an operator for its field."""

    fits: frozenset[str]  # families that it works on
    doubtful: Mapping[str, str] = field(default_factory=dict)  # family → why it is probably wrong there
    doc_values: bool = False  # whether it needs doc values
    values: bool = True  # whether the values in the body must have the field's type


_NO_VALUES = {
    "object": "an object itself has no values, so nothing matches",
    "nested": "a nested field itself has no values, so nothing matches",
}


def _need(fits: str, doubtful: Mapping[str, str] | None = None, *, values: bool = True) -> Need:
    """A query that matches nothing on objects, without an error."""
    return Need(frozenset(fits.split()), {**_NO_VALUES, **(doubtful or {})}, values=values)


def _strict(fits: str) -> Need:
    """A query that engines refuse on every other field, objects included."""
    return Need(frozenset(fits.split()), values=False)


_RANGES = "range date_range ip_range"
_EXACT = f"keyword number date boolean ip version flattened metric completion {_RANGES} other"
_ANY = f"{_EXACT} text"
_ON_TOKENS = {"text": "on a text field it matches single analyzed words, not the whole value"}
_BY_ALPHABET = {
    "keyword": "keywords compare letter by letter, so '10' comes before '9'",
    "boolean": "a range over true and false is rarely intended",
    "version": "versions compare by their own order",
    "flattened": "values below a flattened field compare letter by letter",
}
_TOKENS = {"sparse": "it matches a token of a sparse vector, which is rarely intended"}

NEEDS: dict[str, Need] = {
    "term": _need(_EXACT, _TOKENS),
    "terms": _need(_EXACT, _TOKENS),
    "terms_set": _need(_EXACT),
    "match": _need(f"{_ANY} semantic", _TOKENS),
    "match_phrase": _need(_ANY, _TOKENS),
    "match_phrase_prefix": _need("text other"),
    "match_bool_prefix": _need(_ANY),
    "multi_match": _need(_ANY),
    "combined_fields": _need("text other"),
    "simple_query_string": _need(_ANY, values=False),
    "query_string": _need(_ANY, values=False),
    "prefix": _need("keyword flattened version other", _ON_TOKENS),
    "wildcard": _need("keyword flattened version other", _ON_TOKENS),
    "regexp": _need("keyword flattened version other", _ON_TOKENS),
    "fuzzy": _need("keyword text version flattened other"),
    "range": _need(f"number date ip metric {_RANGES} other", _BY_ALPHABET),
    "exists": _need(
        f"{_ANY} geo_point shape cartesian object rank vector sparse semantic percolator histogram hash",
        {
            "nested": "use a nested query and one of its fields",
            "binary": "a binary field is only found if it has doc values",
        },
    ),
    "geo_distance": _strict("geo_point shape other"),
    "geo_bounding_box": _strict("geo_point shape other"),
    "geo_polygon": _strict("geo_point other"),
    "geo_shape": _strict("shape geo_point other"),
    "distance_feature": _need("date geo_point other", values=False),
    "rank_feature": _strict("rank other"),
    "knn": _need("vector semantic other"),
    "sparse_vector": _need("sparse ranks semantic other"),
    "semantic": _need("semantic other"),
    "percolate": _need("percolator other"),
    "shape": _need("cartesian other"),
    "xy_shape": _need("cartesian other"),
    "field_masking_span": _need("text keyword other", values=False),
    "field_value_factor": _strict("number date boolean other"),
    **{name: _strict("number date geo_point other") for name in ("gauss", "exp", "linear")},
    "random_score": _need(f"{_EXACT} geo_point", values=False),
    "minimum_should_match_field": _need("number other", values=False),
    "intervals": _need("text other"),
    "span_term": _need("text completion other"),
    "more_like_this": _need("text keyword other", values=False),
}

# multi_match runs another query on each field if its type says so.
BY_TYPE = {"phrase_prefix": "match_phrase_prefix", "bool_prefix": "match_bool_prefix"}

_NUMERIC = "number date boolean other"
_SUMMED = f"{_NUMERIC} histogram"
_BUCKETS = "keyword number date boolean ip version flattened other"
_DATED = {"number": "its numbers count as milliseconds since 1970"}


def _agg(fits: str, doubtful: Mapping[str, str] | None = None) -> Need:
    return Need(frozenset(fits.split()), doubtful or {}, doc_values=True)


AGGREGATION_NEEDS: dict[str, Need] = {
    **{
        name: _agg(_NUMERIC)
        for name in ("stats", "extended_stats", "weighted_avg", "t_test", "matrix_stats")
    },
    **{name: _agg(f"{_SUMMED} metric") for name in ("avg", "sum", "min", "max")},
    **{name: _agg(_SUMMED) for name in ("percentiles", "percentile_ranks", "boxplot")},
    # engines refuse both on dates and booleans
    **{name: _agg("number other") for name in ("median_absolute_deviation", "variable_width_histogram")},
    "histogram": _agg("number date boolean range histogram other"),
    "rate": _agg("number date histogram other"),
    "date_histogram": _agg("date date_range other", _DATED),
    "auto_date_histogram": _agg("date other", _DATED),
    "date_range": _agg("date other", _DATED),
    "range": _agg(
        "number histogram other",
        {"date": "date_range is made for dates", "boolean": "true counts as 1, false as 0"},
    ),
    "ip_range": _agg("ip other"),
    "ip_prefix": _agg("ip other"),
    "terms": _agg(_BUCKETS),
    "rare_terms": _agg(_BUCKETS),
    "multi_terms": _agg(_BUCKETS),
    "significant_terms": _agg(_BUCKETS),
    "diversified_sampler": _agg(_BUCKETS),
    "composite": _agg(_BUCKETS),
    "top_metrics": _agg(_BUCKETS),
    "string_stats": _agg("keyword flattened other"),
    "cardinality": _agg(f"{_BUCKETS} geo_point shape hash {_RANGES}"),
    "value_count": _agg(f"{_BUCKETS} geo_point shape hash histogram metric {_RANGES}"),
    "missing": _agg(f"{_BUCKETS} geo_point shape hash histogram {_RANGES}"),
    **{
        name: _agg("geo_point shape other")
        for name in ("geohash_grid", "geotile_grid", "geohex_grid", "geo_bounds", "geo_centroid")
    },
    **{name: _agg("geo_point other") for name in ("geo_distance", "geo_line")},
    **{name: _agg("cartesian other") for name in ("cartesian_bounds", "cartesian_centroid")},
}  # fmt: skip

SORT = _agg("keyword number date boolean ip version flattened metric other")
COLLAPSE = _agg("keyword number other")
DOC_VALUES = _agg(f"{_BUCKETS} geo_point shape vector histogram hash metric {_RANGES}")
