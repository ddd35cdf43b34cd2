"""Conditions on places and addresses: a distance, a box, an address, a network.

PLACES["near"](draw)   within 50 km of 40.64, -73.78     {"geo_distance": {"distance": "50km", "origin": {…}}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address, ip_network
from math import ceil, floor
from typing import Any

from dstill_querydsl.questions.templates.clause import Clause, Maker, Way, worded_clause
from dstill_querydsl.questions.templates.conditions_values import equals
from dstill_querydsl.questions.templates.context import Draw, Skip
from dstill_querydsl.questions.templates.words import mark

__all__ = ["PLACES", "point_near"]

_NEAR: Sequence[Way] = (
    "within {d} km of {v}", "no more than {d} km from {v}", "whose {f} is within {d} km of {v}",
    "in a radius of {d} km around {v}", "at most {d} km away from {v}",
    "with a {f} at most {d} km away from {v}", "where the {f} lies within {d} km of {v}",
)  # fmt: skip
_BOX: Sequence[Way] = (
    "between latitudes {s} and {n} and longitudes {w} and {e}", "in the box from {n},{w} to {s},{e}",
    "whose {f} lies in the box with top left {n},{w} and bottom right {s},{e}",
    "with a {f} between {s} and {n} north and {w} and {e} east", "inside the rectangle {n},{w} to {s},{e}",
)  # fmt: skip
_NETWORK: Sequence[Way] = (
    "with {f} in {v}", "from the network {v}", "whose {f} is in the subnet {v}", "with a {f} within {v}",
    "where the {f} belongs to {v}",
)  # fmt: skip


def _ways_naming(draw: Draw, ways: Sequence[Way], kind: str) -> Sequence[Way]:
    """The ways to use: if there are several fields of the kind, those that name the field."""
    return ways if len(draw.context.by_kind(kind)) == 1 else [way for way in ways if "{f}" in way]


def point_near(value: Mapping[str, Any]) -> dict[str, float]:
    """A document's point, rounded to two decimals (about one kilometre)."""
    return {"lat": round(float(value["lat"]), 2), "lon": round(float(value["lon"]), 2)}


def near(draw: Draw) -> Clause:
    role, value = draw.known("geo")
    point, distance = point_near(value), draw.pick(2, 5, 10, 20, 25, 50, 75, 100, 200, 250, 500)
    body = {"geo_distance": {"distance": f"{distance}km", role.field: point}}
    shown = draw.pick(f"{point['lat']}, {point['lon']}", f"{point['lat']},{point['lon']}")
    why = f"{role.note}: geo_distance."
    ways = _ways_naming(draw, _NEAR, "geo")
    terse = f"{mark(distance)} km around {mark(shown)}" if ways is _NEAR else ""
    return worded_clause(draw, role, ways, body, why, d=distance, v=shown, terse=terse)


def box(draw: Draw) -> Clause:
    role, value = draw.known("geo")
    lat, lon, margin = float(value["lat"]), float(value["lon"]), draw.pick(0, 1, 2, 4)
    n, s = min(90, ceil(lat + 0.01) + margin), max(-90, floor(lat - 0.01) - margin)
    w, e = max(-180, floor(lon - 0.01) - margin), min(180, ceil(lon + 0.01) + margin)
    corners = {"top_left": {"lat": n, "lon": w}, "bottom_right": {"lat": s, "lon": e}}
    why = f"{role.note}: geo_bounding_box."
    return worded_clause(
        draw,
        role,
        _ways_naming(draw, _BOX, "geo"),
        {"geo_bounding_box": {role.field: corners}},
        why,
        n=n,
        s=s,
        w=w,
        e=e,
    )


def address(draw: Draw) -> Clause:
    role, value = draw.known("ip")
    return equals(draw, role, value)


def network(draw: Draw) -> Clause:
    role, value = draw.known("ip")
    try:
        version = ip_address(value).version
        bits = draw.pick(24, 25, 26, 27, 28) if version == 4 else draw.pick(48, 64)
        block = str(ip_network(f"{value}/{bits}", strict=False))
    except ValueError:
        raise Skip(role.field) from None
    why = f"{role.note}, takes CIDR: term."
    ways = _ways_naming(draw, _NETWORK, "ip")
    terse = mark(block) if ways is _NETWORK else ""
    return worded_clause(draw, role, ways, {"term": {role.field: block}}, why, v=block, terse=terse)


_KINDS: Sequence[Maker] = (near, box, address, network)
PLACES: Mapping[str, Maker] = {maker.__name__: maker for maker in _KINDS}
