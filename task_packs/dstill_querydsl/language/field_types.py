"""The family of each field type, which is what checks look at. Data only.

    family("half_float")     -> "number"
    family("no_such_type")   -> "other", which passes every check

Every type of Elasticsearch 9 and of OpenSearch 3 is here. `mapping.needs` says what a family can be used for. Facts in
the two tables that the manuals do not give come from tests on real nodes.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "BELOW",
    "FAMILIES",
    "GRAMS",
    "INTEGERS",
    "MAX_EXACT",
    "NO_DOC_VALUES",
    "QUESTION_KINDS",
    "WIDENING",
    "family",
]

INTEGERS = ("long", "integer", "short", "byte", "unsigned_long")
MAX_EXACT = 2**53  # engines return numbers as doubles, which are exact up to here

_NUMBERS = (
    *INTEGERS, "double", "float", "half_float", "scaled_float", "token_count",
)  # fmt: skip
_KEYWORDS = (
    "keyword", "constant_keyword", "wildcard", "counted_keyword", "icu_collation_keyword", "join",
)  # fmt: skip
_TEXTS = ("text", "match_only_text", "search_as_you_type", "annotated_text", "pattern_text", "patterned_text")
FAMILIES: dict[str, str] = {
    **dict.fromkeys(_NUMBERS, "number"),
    **dict.fromkeys(_KEYWORDS, "keyword"),
    **dict.fromkeys(_TEXTS, "text"),
    **dict.fromkeys(("date", "date_nanos"), "date"),
    **dict.fromkeys(("object", "passthrough"), "object"),
    **dict.fromkeys(("flattened", "flat_object"), "flattened"),
    **{f"{kind}_range": "range" for kind in ("integer", "float", "long", "double")},
    **{name: name for name in ("boolean", "ip", "version", "nested", "date_range", "ip_range")},
    # on the globe, and on a plane
    "geo_point": "geo_point",
    "geo_shape": "shape",
    **dict.fromkeys(("point", "shape", "xy_point", "xy_shape"), "cartesian"),
    # values that were aggregated before indexing
    **dict.fromkeys(("histogram", "exponential_histogram"), "histogram"),
    "aggregate_metric_double": "metric",
    # used by one special query each
    "rank_feature": "rank",
    "rank_features": "ranks",
    **dict.fromkeys(("dense_vector", "rank_vectors", "knn_vector"), "vector"),
    "sparse_vector": "sparse",
    "semantic_text": "semantic",
    **{name: name for name in ("percolator", "completion", "binary")},
    "murmur3": "hash",
    "lookup": "lookup",  # a runtime field that reads another index
    "alias": "alias",  # a broken alias. Others have the family of their target
}
# These cannot be sorted or aggregated by.
NO_DOC_VALUES = frozenset(
    (
        "text",
        "semantic",
        "rank",
        "ranks",
        "sparse",
        "percolator",
        "completion",
        "binary",
        "object",
        "nested",
        "alias",
        "lookup",
    )
)
# Every name below a field of these families is a field of this type.
BELOW = {"flattened": "keyword", "ranks": "rank_feature"}
# Sub-fields that a search_as_you_type field has without declaring them in the mapping.
GRAMS = ("_2gram", "_3gram", "_4gram", "_index_prefix")
# Types that differ only in width, narrowest first: a body means the same on all types of a line.
WIDENING: tuple[tuple[str, ...], ...] = (
    ("byte", "short", "integer", "long"),
    ("half_float", "float", "double"),
    ("constant_keyword", "wildcard", "keyword"),
    ("match_only_text", "text"),
)
# family of a type → kind of its fields in questions
QUESTION_KINDS: Mapping[str, str] = {
    "keyword": "category",
    "version": "category",
    "number": "number",
    "date": "date",
    "text": "text",
    "boolean": "boolean",
    "ip": "ip",
    "geo_point": "geo",
}


def family(type_: str) -> str:
    """The family of a field's type. ``other`` if the type is not known."""
    return FAMILIES.get(type_, "other")
