"""The bundled index `factbook`: 231 countries and territories, as the World Factbook knew them in 2015. Held out.

It gives a mapping, settings, `now` and the packed documents:

    ("ke", {"name": "Kenya", "region": "Africa", "center": {"lat": 1.0, "lon": 38.0}, "languages": ["English", …],
     "borders": [{"country": "Ethiopia", "km": 867.0}, …], "people": {"total": 45925301, "median_age": 19.3, …}, …})

Ids are the Factbook's two-letter codes, which are not ISO's. Its traps: `name` is text with a sub-field called `sort`,
`government` is text with one called `exact`; `long_name`, `climate`, `terrain` and `flag` are text that cannot be
grouped; `region`, `languages` and the other keywords have no sub-field; `borders` is nested, `people`, `economy`,
`area`, `peak`, `capital` and `internet` are plain objects; `people` and `economy` have a `growth`, `people` and `area`
a `total`; shares are percentages from 0 to 100. `independence` (most territories have none), `railways`,
`military_spending`, `people.literacy` and `economy.debt` are missing from many documents. An island has no `borders`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill_querydsl.bundle import Packed

# There is no lexicon: questions about a held-out index get the words that a user's own index gets.
__all__ = ["MAPPING", "NOW", "PACKED"]

NOW = "2016-01-31T12:00:00Z"  # a Sunday, in the months of the newest profiles

PACKED = Packed(
    file="factbook.jsonl.gz",
    sha256="f319b165d4e6ac68b0d249567add5e378689caabf8501f8959805cb3dddeda82",
    total=231,
)

_KEYWORD = {"type": "keyword"}
_TEXT = {"type": "text"}
_DOUBLE = {"type": "double"}
_PERCENT = {"type": "double", "meta": {"unit": "percent"}}
_KM = {"type": "integer", "meta": {"unit": "km"}}
_SQUARE_KM = {"type": "double", "meta": {"unit": "sq_km"}}
_DOLLARS = {"type": "long", "meta": {"unit": "usd"}}

MAPPING: Mapping[str, Any] = {
    "dynamic": "strict",
    "_meta": {
        "now": NOW,
        "description": "Countries and territories of the world with their land, people and economy, about 2015.",
    },
    "properties": {
        "name": {"type": "text", "fields": {"sort": _KEYWORD}},
        "long_name": _TEXT,
        "region": _KEYWORD,
        "center": {"type": "geo_point"},
        "landlocked": {"type": "boolean"},
        "climate": _TEXT,
        "terrain": _TEXT,
        "resources": _KEYWORD,
        "area": {"properties": {"total": _SQUARE_KM, "land": _SQUARE_KM, "water": _SQUARE_KM}},
        "coastline": _KM,
        "peak": {"properties": {"name": _KEYWORD, "m": {"type": "short", "meta": {"unit": "meter"}}}},
        "borders": {"type": "nested", "properties": {"country": _KEYWORD, "km": {"type": "double"}}},
        "capital": {"properties": {"name": _KEYWORD, "utc_offset": {"type": "float", "meta": {"unit": "hour"}}}},
        "government": {"type": "text", "fields": {"exact": _KEYWORD}},
        "independence": {"type": "date", "format": "yyyy-MM-dd"},
        "flag": _TEXT,
        "languages": _KEYWORD,
        "people": {
            "properties": {
                "total": {"type": "long"},
                "growth": _PERCENT,
                "median_age": {"type": "double", "meta": {"unit": "year"}},
                "life_expectancy": {"type": "double", "meta": {"unit": "year"}},
                "births_per_woman": _DOUBLE,
                "urban": _PERCENT,
                "literacy": _PERCENT,
            }
        },
        "economy": {
            "properties": {
                "gdp": _DOLLARS,
                "gdp_per_head": {"type": "integer", "meta": {"unit": "usd"}},
                "growth": _PERCENT,
                "unemployment": _PERCENT,
                "inflation": _PERCENT,
                "debt": _PERCENT,
                "exports": _DOLLARS,
            }
        },
        "internet": {"properties": {"tld": _KEYWORD, "users": {"type": "long"}}},
        "railways": _KM,
        "military_spending": _PERCENT,
    },
}
