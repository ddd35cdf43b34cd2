"""Rules for geo queries and distance_feature: geo_distance, boxes, polygons, shapes.

{"geo_distance":{"distance":"25km","origin.location":{"lat":40.64,"lon":-73.78}}}

The top of a box must be above its bottom: there is one rule for each whole degree of the top.
"""

from __future__ import annotations

from functools import cached_property

from dstill_querydsl.language.fields import Field
from dstill_querydsl.language.grammar.fields import FieldPicker, reads_moments, searchable
from dstill_querydsl.language.grammar.notation import Notation, alt, count, key, lit, obj, one_of
from dstill_querydsl.language.grammar.values import ValueTokens
from dstill_querydsl.language.mapping.needs import NEEDS

__all__ = ["Places"]

_FRACTION = '("." [0-9]{1,7})?'
_SOUTH = '"90"'  # the pole, without a fraction


class Places:
    """Rules for geo queries."""

    def __init__(self, notation: Notation, picker: FieldPicker, values: ValueTokens) -> None:
        self._notation, self._picker, self._values = notation, picker, values
        self._lon = notation.rule("LONGITUDE", f'"-"? ("180" | ("1" [0-7] [0-9] | [1-9]? [0-9]) {_FRACTION})')
        self._lat = notation.rule("LATITUDE", f'"-"? ("90" | [1-8]? [0-9] {_FRACTION})')
        self.distance = notation.rule("DISTANCE", f'"\\"" {count(4)} ("km" | "mi" | "m") "\\""')
        self.pivot = notation.rule("PIVOT", f'"\\"" {count(2)} ("d" | "h" | "m") "\\""')

    @property
    def point(self) -> str:
        return self._notation.rule("point", obj({"lat": self._lat, "lon": self._lon}))

    def points(self, path: str | None, operator: str) -> str:
        """A token: the name of a geo_point field that `operator` works on."""
        return self._picker.names(self._picker.fitting(path, NEEDS[operator], _is_point))

    def queries(self, path: str | None) -> list[str]:
        names = self.points(path, "geo_distance")
        feature = self._distance_feature(path)
        if not names:
            return [feature]
        at = f'{names} ":" {self.point}'
        polygon = obj({"points": f'"[" {self.point} ("," {self.point}){{2,4}} "]"'})
        return [
            alt(*(obj({"geo_distance": form}) for form in self._distances(at))),
            obj({"geo_bounding_box": f'"{{" {names} ":" {self._box} "}}"'}),
            obj({"geo_polygon": f'"{{" {names} ":" {polygon} "}}"'}),
            obj({"geo_shape": f'"{{" {names} ":" {self._shape} "}}"'}),
            feature,
        ]

    def _distances(self, at: str) -> list[str]:
        """Field and distance in either order, one of which is alphabetical."""
        distance = key("distance", self.distance)
        return [f'"{{" {distance} "," {at} "}}"', f'"{{" {at} "," {distance} "}}"']

    @cached_property
    def _box(self) -> str:
        boxes = []
        for top in range(-89, 91):
            above, below = self._degree(top), self._below(top)
            corners = {"top_left": self._corner(above), "bottom_right": self._corner(below)}
            boxes.append(obj(corners))
        return self._notation.rule("box", alt(*boxes))

    def _corner(self, latitude: str) -> str:
        return obj({"lat": latitude, "lon": self._lon})

    def _degree(self, whole: int) -> str:
        return self._notation.rule("DEGREE", _degree(whole))

    def _below(self, whole: int) -> str:
        return self._notation.rule("BELOW", _below(whole))

    @property
    def _shape(self) -> str:
        """The only shape queries on points that all engines accept: envelopes that contain the points."""
        west, east = (self._notation.rule("DEGREES", f"{sign} {count(2)}".strip()) for sign in ('"-"', ""))
        south, north = (self._notation.rule("TENS", f"{sign} [1-8] [0-9]".strip()) for sign in ('"-"', ""))
        corners = f'"[" "[" {west} "," {north} "]" "," "[" {east} "," {south} "]" "]"'
        envelope = obj({"type": one_of(("envelope",)), "coordinates": corners})
        return obj({"shape": envelope}, {"relation": one_of(("intersects",))})

    def _distance_feature(self, path: str | None) -> str:
        places = self._picker.names(self._picker.fitting(path, NEEDS["distance_feature"], _is_searched_point))
        dates = self._picker.names(self._picker.fitting(path, NEEDS["distance_feature"], _is_searched_date))
        now = one_of(("now", "now-1d/d", "now-1w", "now-1M"))
        forms = [
            obj({"field": places, "origin": self.point, "pivot": self.distance}),
            obj({"field": dates, "origin": now, "pivot": self.pivot}),
        ]
        return obj({"distance_feature": alt(*forms)})


def _degree(whole: int) -> str:
    """The numbers from one degree up to the next: 40 → 40, 40.64; -3 → -3, -2.5."""
    if whole >= 0:
        return lit("90") if whole == 90 else f"{lit(str(whole))} {_FRACTION}"
    return f'{lit(str(whole))} | {lit(f"-{-whole - 1}")} "." [0-9]{{0,6}} [1-9]'


def _below(whole: int) -> str:
    """The latitudes below a degree."""
    if whole > 0:
        return f'"-"? ({_up_to(whole - 1)}) {_FRACTION} | "-" {_SOUTH}'
    return f'"-" ({_SOUTH} | {lit(str(-whole))} "." [0-9]{{0,6}} [1-9]' + (
        f" | {_from(1 - whole)})" if whole > -89 else ")"
    )


def _up_to(most: int) -> str:
    tens, ones = divmod(most, 10)
    lower = {0: "", 1: "[0-9]"}.get(tens, f"[1-{tens - 1}]? [0-9]")
    return alt(lower, f"[0-{ones}]" if tens == 0 else f'"{tens}" [0-{ones}]')


def _from(least: int) -> str:
    """`least` to 89 with or without a fraction, as the part after the minus sign."""
    tens, ones = divmod(least, 10)
    same = f"[{ones}-9]" if tens == 0 else f'"{tens}" [{ones}-9]'
    higher = f"[{tens + 1}-8] [0-9]" if tens < 8 else ""
    return f"{alt(same, higher)} {_FRACTION}"


def _is_point(field: Field) -> bool:
    return field.type == "geo_point" and searchable(field)


def _is_searched_point(field: Field) -> bool:
    return _is_point(field)


def _is_searched_date(field: Field) -> bool:
    return reads_moments(field) and searchable(field) and field.has_doc_values
