"""Queries of the form ``{query: {FIELD: …}}``: the one list of them.

FIELDED["match"]          "query": {"match": {"title": "x"}} is short for {"match": {"title": {"query": "x"}}}
FIELDED["range"]          "": what is asked of the field has no short form
PLACES["geo_distance"]    ("distance", …): options that stand beside the field
"""

from __future__ import annotations

from typing import Mapping

__all__ = ["FIELDED", "PLACES"]

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
