"""The bundled index `birdstrikes`: 1,839 collisions of aircraft with wildlife, 1990 to 2002. Held out from training.

It gives a mapping, settings, `now` and the packed documents:

    ("b00013", {"incident_date": "1990-03-09", "airport": {"code": "DCA", "name": "RONALD REAGAN WASHINGTON NATL", …},
     "wildlife": {"species": "Unknown bird - medium", "size": "Medium", "identified": false}, "speed": 200, …})

Values are those of the FAA: airports and operators in capitals, models in its own short forms. Its traps:
`airport.name` is text that cannot be grouped, `airport.code` can; `wildlife.species` is text with a sub-field called
`exact`; `aircraft.operator` has one called `keyword`; `aircraft.model` is a keyword with a text sub-field, the other
way round; `phase_of_flight` and the other keywords have no sub-field; months are numbers beside the date; the species
is some "Unknown bird" in four of five; two levels of damage (`B`, `C`) are the military's. `damage_level` is missing if
there was no damage, `cost` from nine in ten, `speed` from three in ten, and `airport.location` from one airport.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill_querydsl.bundle import Packed

# There is no lexicon: questions about a held-out index get the words that a user's own index gets.
__all__ = ["MAPPING", "NOW", "PACKED"]

NOW = "2002-07-31T09:00:00Z"  # a Wednesday, six days after the last strike

PACKED = Packed(
    file="birdstrikes.jsonl.gz",
    sha256="3099ebf83190a4d9dd381e79638e4ffe4ecbb3651891ac471ec636f12ee301e3",
    total=1_839,
)

_KEYWORD = {"type": "keyword"}
_COST = {"type": "integer", "meta": {"unit": "usd"}}

MAPPING: Mapping[str, Any] = {
    "dynamic": "strict",
    "_meta": {
        "now": NOW,
        "description": "Collisions of aircraft with birds and other wildlife at 50 airports, reported to the FAA.",
    },
    "properties": {
        "incident_date": {"type": "date", "format": "yyyy-MM-dd"},
        "incident_month": {"type": "byte"},
        "time_of_day": _KEYWORD,
        "phase_of_flight": _KEYWORD,
        "airport": {
            "properties": {
                "code": _KEYWORD,
                "name": {"type": "text"},
                "state": _KEYWORD,
                "location": {"type": "geo_point"},
            }
        },
        "aircraft": {
            "properties": {
                "model": {"type": "keyword", "fields": {"words": {"type": "text"}}},
                "operator": {"type": "text", "fields": {"keyword": _KEYWORD}},
            }
        },
        "wildlife": {
            "properties": {
                "species": {"type": "text", "fields": {"exact": _KEYWORD}},
                "size": _KEYWORD,
                "identified": {"type": "boolean"},
            }
        },
        "speed": {"type": "short", "meta": {"unit": "knot"}},
        "damaged": {"type": "boolean"},
        "damage_level": _KEYWORD,
        "cost": {"properties": {"repair": _COST, "other": _COST, "total": _COST}},
    },
}
