"""The bundled index `flights`: 12,024 departures from New York's three airports in 2013.

It gives a mapping, settings, `now` and the packed documents:

    ("f000001", {"carrier": {"code": "UA", "name": "United Air Lines Inc."}, "number": "1545", "origin": {"code": "EWR",
     "location": {"lat": 40.6925, "lon": -74.1687}, …}, "scheduled": "2013-01-01T10:15:00Z", "delay": {…}, …})

Its traps: there are codes and names (`carrier.code` and `dest.code` are keywords without a sub-field); `carrier.name`
is text with a sub-field called `raw`, `dest.name` is text with a sub-field called `keyword`, and `origin.name` is only
a keyword; `aircraft.type` is text that cannot be grouped; `number` is a keyword that looks like a number; `origin`,
`dest`, `delay`, `aircraft` and `weather` are plain objects, not nested. A cancelled flight has null in all fields that
only a flown flight has. `aircraft`, `weather.gust` and the names and places of four airports are missing from some
documents. Times are UTC, so an evening departure in New York is on the next day. A flight that left early has a
negative delay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill_querydsl.bundle import Packed

__all__ = ["LEXICON", "MAPPING", "NOW", "PACKED"]

NOW = "2013-12-31T23:30:00Z"  # a Tuesday

PACKED = Packed(
    file="flights.jsonl.gz",
    sha256="82e7a79e17eb054024c85cb5ec828ab70e0a4280d2c7ffd01d79a13e237b1448",
    total=12_024,
)

_KEYWORD = {"type": "keyword"}
_MINUTES = {"type": "short", "meta": {"unit": "minute"}}
_PLACE = {"type": "geo_point"}

MAPPING: Mapping[str, Any] = {
    "dynamic": "strict",
    "_meta": {
        "now": NOW,
        "description": "A sample of the flights that left New York (EWR, JFK, LGA) in 2013. Times are UTC.",
    },
    "properties": {
        "carrier": {"properties": {"code": _KEYWORD, "name": {"type": "text", "fields": {"raw": _KEYWORD}}}},
        "number": _KEYWORD,
        "tail_number": _KEYWORD,
        "origin": {"properties": {"code": _KEYWORD, "name": _KEYWORD, "timezone": _KEYWORD, "location": _PLACE}},
        "dest": {
            "properties": {
                "code": _KEYWORD,
                "name": {"type": "text", "fields": {"keyword": _KEYWORD}},
                "timezone": _KEYWORD,
                "location": _PLACE,
            }
        },
        "scheduled": {"type": "date"},
        "departed": {"type": "date"},
        "delay": {"properties": {"departure": _MINUTES, "arrival": _MINUTES}},
        "air_time": _MINUTES,
        "distance": {"type": "integer", "meta": {"unit": "mile"}},
        "cancelled": {"type": "boolean"},
        "aircraft": {
            "properties": {
                "manufacturer": _KEYWORD,
                "model": _KEYWORD,
                "type": {"type": "text"},
                "built": {"type": "short"},
                "engines": {"type": "byte"},
                "seats": {"type": "short"},
            }
        },
        "weather": {
            "properties": {
                "temperature": {"type": "double", "meta": {"unit": "fahrenheit"}},
                "wind_speed": {"type": "double", "meta": {"unit": "mph"}},
                "gust": {"type": "double", "meta": {"unit": "mph"}},
                "visibility": {"type": "double", "meta": {"unit": "mile"}},
            }
        },
    },
}

# How people talk about it. docs/querydsl.md explains the form.
LEXICON: Mapping[str, Any] = {
    "document": "flight",
    "documents": ["flights", "departures"],
    "fields": {
        "carrier.code": {"noun": "carrier code"},
        "carrier.name": {"noun": "airline", "ways": ["operated by {v}", "of {v}"]},
        "number": {"noun": "flight number"},
        "tail_number": {"noun": "tail number"},
        "origin.code": {"noun": "origin", "ways": ["from {v}", "leaving {v}"]},
        "origin.name": {"noun": "departure airport", "ways": ["from {v}"]},
        "origin.timezone": {"noun": "origin's time zone"},
        "origin.location": {"noun": "place of departure"},
        "dest.code": {"noun": "destination", "ways": ["to {v}", "bound for {v}"]},
        "dest.name": {"noun": "destination airport", "ways": ["to {v}"]},
        "dest.timezone": {"noun": "destination's time zone"},
        "dest.location": {"noun": "place of arrival"},
        "scheduled": {"noun": "scheduled departure"},
        "departed": {"noun": "actual departure"},
        "delay.departure": {"noun": "departure delay", "most": "most delayed"},
        "delay.arrival": {"noun": "arrival delay"},
        "air_time": {"noun": "air time"},
        "distance": {"noun": "distance", "unit": "miles", "most": "longest", "least": "shortest"},
        "cancelled": {"noun": "cancellation", "yes": "that were cancelled", "no": "that were not cancelled"},
        "aircraft.manufacturer": {"noun": "manufacturer", "ways": ["with an aircraft by {v}"]},
        "aircraft.model": {"noun": "aircraft model", "ways": ["flown by a {v}"]},
        "aircraft.type": {"noun": "aircraft type"},
        "aircraft.built": {"noun": "aircraft's year of construction"},
        "aircraft.engines": {"noun": "number of engines"},
        "aircraft.seats": {"noun": "number of seats"},
        "weather.temperature": {"noun": "temperature", "unit": "°F"},
        "weather.wind_speed": {"noun": "wind speed"},
        "weather.gust": {"noun": "gust"},
        "weather.visibility": {"noun": "visibility", "unit": "miles"},
    },
    "conditions": [
        {
            "word": "delayed",
            "field": "delay.departure",
            "bounds": {"gt": 15},
            "means": "a departure over 15 minutes late",
        },
        {"word": "long-haul", "field": "distance", "bounds": {"gt": 2000}, "means": "over 2000 miles"},
    ],
    "absent": ["ticket price", "number of passengers", "meal", "pilot", "luggage"],
}
