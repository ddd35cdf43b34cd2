"""The types of fields, by the family as which the checks see them: a table, data only.

family("half_float")     -> "number"
family("no_such_type")   -> "other", which no check holds anything against
"""

from __future__ import annotations

__all__ = ["FAMILIES", "NO_DOC_VALUES", "WIDENING", "family"]

_NUMBERS = (
    "long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float", "unsigned_long",
    "token_count",
)  # fmt: skip
FAMILIES: dict[str, str] = {
    **dict.fromkeys(_NUMBERS, "number"),
    **dict.fromkeys(("keyword", "constant_keyword", "wildcard", "counted_keyword", "icu_collation_keyword"), "keyword"),
    **dict.fromkeys(("text", "match_only_text", "search_as_you_type", "annotated_text", "semantic_text"), "text"),
    **dict.fromkeys(("date", "date_nanos"), "date"),
    **dict.fromkeys(("geo_shape", "shape", "point", "xy_point", "xy_shape"), "shape"),
    **{f"{kind}_range": "range" for kind in ("integer", "float", "long", "double", "date", "ip")},
    **dict.fromkeys(("rank_feature", "rank_features"), "rank"),
    **dict.fromkeys(("flattened", "flat_object"), "flattened"),
    **{name: name for name in ("boolean", "ip", "geo_point", "object", "nested", "version", "histogram")},
    "lookup": "keyword",
    "aggregate_metric_double": "number",
}
# Without doc values there is nothing to sort or aggregate by.
NO_DOC_VALUES = frozenset({"text", "rank", "object", "nested", "shape"})
# Types that differ in width alone, the narrowest first: a body means the same on all of one line.
WIDENING: tuple[tuple[str, ...], ...] = (
    ("byte", "short", "integer", "long"),
    ("half_float", "float", "double"),
    ("constant_keyword", "wildcard", "keyword"),
    ("match_only_text", "text"),
)


def family(type_: str) -> str:
    """The kind of a field's type, as the checks see it; an unknown type is ``other``."""
    return FAMILIES.get(type_, "other")
