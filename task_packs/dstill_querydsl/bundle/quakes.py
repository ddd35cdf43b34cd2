"""The bundled index `quakes`: 1,707 seismic events of one week of 2018. Held out: no student is trained on it.

It gives a mapping, settings, `now` and the packed documents:

    ("ci37868143", {"time": "2018-02-07T01:26:13.840Z", "mag": 2.0, "magType": "ml", "place": "4km W of Castaic, CA",
     "region": "CA", "location": {"lat": 34.4945, "lon": -118.6671667}, "depth": 26.49, …})

Its field names come from the USGS. They are short and in another style than those of the other indices. Its traps:
`place` is text with a sub-field called `exact`; `title` is text that cannot be grouped; `region`, `type`, `net` and the
other keywords have no sub-field; one region has two names (`CA`, `California`); not every event is an earthquake;
`updated` is in milliseconds; `intensity` and `quality` are plain objects. Their fields and `alert` are missing from
most events.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill_querydsl.bundle import Packed

__all__ = ["LEXICON", "MAPPING", "NOW", "PACKED"]

NOW = "2018-02-07T01:50:00Z"  # a Wednesday, a minute after the feed was made

PACKED = Packed(
    file="quakes.jsonl.gz",
    sha256="9ef17cd049e7ad9ea2457633c73e9edc818230bd1da25d7130dd2f7d42c0e680",
    total=1_707,
)

_KEYWORD = {"type": "keyword"}
_DOUBLE = {"type": "double"}

MAPPING: Mapping[str, Any] = {
    "dynamic": "strict",
    "_meta": {
        "now": NOW,
        "description": "Earthquakes and explosions that USGS recorded from 31 January to 7 February 2018.",
    },
    "properties": {
        "time": {"type": "date"},
        "updated": {"type": "date", "format": "epoch_millis"},
        "mag": _DOUBLE,
        "magType": _KEYWORD,
        "place": {"type": "text", "fields": {"exact": _KEYWORD}},
        "region": _KEYWORD,
        "title": {"type": "text"},
        "type": _KEYWORD,
        "status": _KEYWORD,
        "net": _KEYWORD,
        "sources": _KEYWORD,
        "products": _KEYWORD,
        "alert": _KEYWORD,
        "tsunami": {"type": "boolean"},
        "sig": {"type": "short"},
        "location": {"type": "geo_point"},
        "depth": {"type": "double", "meta": {"unit": "km"}},
        "intensity": {"properties": {"felt": {"type": "integer"}, "cdi": _DOUBLE, "mmi": _DOUBLE}},
        "quality": {
            "properties": {
                "nst": {"type": "short"},
                "dmin": {"type": "double", "meta": {"unit": "degree"}},
                "rms": {"type": "double", "meta": {"unit": "s"}},
                "gap": {"type": "double", "meta": {"unit": "degree"}},
            }
        },
    },
}

# How people talk about it. docs/querydsl.md explains the form.
LEXICON: Mapping[str, Any] = {
    "document": "seismic event",
    "documents": ["seismic events", "events"],
    "fields": {
        "time": {"noun": "time"},
        "updated": {"noun": "last update"},
        "mag": {"noun": "magnitude", "most": "strongest", "least": "weakest"},
        "magType": {"noun": "magnitude type"},
        "place": {"noun": "place"},
        "region": {"noun": "region", "ways": ["in {v}"]},
        "title": {"noun": "title"},
        "type": {"noun": "type"},
        "status": {"noun": "status", "nouns": "statuses"},
        "net": {"noun": "network", "ways": ["of the network {v}"]},
        "sources": {"noun": "source", "ways": ["reported by {v}"]},
        "products": {"noun": "product"},
        "alert": {"noun": "alert level"},
        "tsunami": {"noun": "tsunami flag", "yes": "with a tsunami flag", "no": "without a tsunami flag"},
        "sig": {"noun": "significance", "most": "most significant", "least": "least significant"},
        "location": {"noun": "epicentre"},
        "depth": {"noun": "depth", "most": "deepest", "least": "shallowest"},
        "intensity.felt": {"noun": "number of felt reports"},
        "intensity.cdi": {"noun": "reported intensity"},
        "intensity.mmi": {"noun": "instrumental intensity"},
        "quality.nst": {"noun": "number of stations"},
        "quality.dmin": {"noun": "distance of the nearest station", "unit": "degrees"},
        "quality.rms": {"noun": "travel time residual"},
        "quality.gap": {"noun": "azimuthal gap", "unit": "degrees"},
    },
    "conditions": [
        {"word": "strong", "field": "mag", "bounds": {"gte": 6}, "means": "magnitude 6 or more"},
        {"word": "deep", "field": "depth", "bounds": {"gt": 300}, "means": "over 300 km down"},
    ],
    "absent": ["number of deaths", "damage in dollars", "building type", "wave height"],
}
