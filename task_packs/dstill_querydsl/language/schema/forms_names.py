"""Forms of arguments that are the same in every query and aggregation.

    shape_of("fuzziness")       -> 0, 1, 2, "AUTO", "AUTO:3,6" …
    shape_of("search_analyzer") -> a name: a string that is not empty
    shape_of("query")           -> None: each class says what it accepts

The client types most of them as a string or a number; the parsers require a certain form of string.
"""

from __future__ import annotations

from collections.abc import Mapping

from dstill_querydsl.language.schema.parts import BOOST, NOT_NEGATIVE, POSITIVE
from dstill_querydsl.language.schema.shapes import Shape, bare_number, null, pattern, text, union, with_extra

__all__ = ["ANY_WAY", "CALENDAR", "DISTANCE", "DURATION", "MINIMUM", "OFFSET", "TIME_ZONE", "any_case", "shape_of"]


def any_case(*words: str) -> str:
    """A regular expression that matches any of `words` in any case."""
    return "|".join("".join(f"[{c.lower()}{c.upper()}]" if c.isalpha() else c for c in word) for word in words)


_TIME = r"\d+\s*(nanos|micros|[mM][sS]|[sS]|m|[hH]|[dD])"
DURATION = union(pattern(rf"-1|0|{_TIME}", "a duration such as 500ms, 30s or 2m"), bare_number(minimum=-1, maximum=0))
OFFSET = union(pattern(rf"[-+]?({_TIME})", "an offset such as +6h or -1d"), bare_number())
_UNITS = "mm|cm|m|km|in|inch|ft|feet|yd|yards|mi|miles|nmi|NM|nauticalmiles|meters|kilometers|centimeters|millimeters"
CALENDAR = pattern(
    "second|1s|minute|1m|hour|1h|day|1d|week|1w|month|1M|quarter|1q|year|1y",
    "a calendar interval: minute, hour, day, week, month, quarter or year, or 1m, 1h, 1d …",
)
DISTANCE = union(
    pattern(rf"\s*(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?\s*({_UNITS})?\s*", "a distance such as 12km"),
    bare_number(exclusiveMinimum=0),
)
TIME_ZONE = pattern(
    r"Z|[-+]\d{1,2}(:?\d{2}(:?\d{2})?)?|[A-Za-z][A-Za-z][A-Za-z0-9/_+:-]*", "a time zone such as +02:00 or UTC"
)
_SHARE = r"\s*[-+]?\d+%?\s*"
MINIMUM = union(
    bare_number(multipleOf=1),
    pattern(rf"{_SHARE}|(\s*\d+\s*<\s*([-+]?\d+%?)?\s*)+", "a number, 75% or 2<75%"),
    null(),
)
_REWRITE = pattern(
    r"constant_score(_auto|_filter|_boolean|_blended)?|scoring_boolean|top_terms_(boost_|blended_freqs_)?\d+",
    "constant_score, constant_score_boolean, scoring_boolean or top_terms_N",
)
_FUZZINESS = union(bare_number(minimum=0), pattern(rf"\d+(\.\d+)?|({any_case('auto')})(:\d+,\d+)?", "0, 1, 2 or AUTO"))
_ANALYZER = with_extra(text(loose=False), minLength=1)  # a name to look up, so a number is not accepted anywhere

_SHAPES: Mapping[str, Shape] = {
    "boost": BOOST,
    "buckets": POSITIVE,
    "fuzziness": _FUZZINESS,
    "fuzzy_rewrite": union(_REWRITE, null()),
    "lag": POSITIVE,
    "max_determinized_states": POSITIVE,
    "max_expansions": POSITIVE,
    "max_query_terms": POSITIVE,
    "min_doc_count": NOT_NEGATIVE,
    "minimum_should_match": text(loose=True),  # parsed only once a field is searched; a bool's has a form of its own
    "negative_boost": NOT_NEGATIVE,
    "precision_threshold": NOT_NEGATIVE,
    "prefix_length": NOT_NEGATIVE,
    "rewrite": union(_REWRITE, null()),
    "shard_min_doc_count": NOT_NEGATIVE,
    "sigma": NOT_NEGATIVE,
    "window": POSITIVE,
}

# Options whose words the parsers accept in any case. Others are case-sensitive: a nested's score_mode, collect_mode.
ANY_WAY = frozenset({
    "boost_mode", "boundary_scanner", "default_operator", "distance_type", "missing_order", "mode", "modifier",
    "multi_value_mode", "operator", "order", "relation", "validation_method", "zero_terms_query",
})  # fmt: skip


def shape_of(name: str) -> Shape | None:
    """The shape that the argument `name` accepts in every query and aggregation, or None where that differs."""
    return _ANALYZER if name.endswith("analyzer") else _SHAPES.get(name)
