"""Date math with a fixed ``now``, so that an answer's result does not move with the calendar.

    freeze({"query": {"range": {"ts": {"gte": "now-1d/d"}}}}, "2025-03-27T12:00:00Z", mapping)
    → {"query": {"range": {"ts": {"gte": "2025-03-27T12:00:00.000Z||-1d/d"}}}}

The engine still does the arithmetic and the rounding, which differs between gte and gt. Where
the field or the clause has a date format of its own, ISO is added to it as an alternative. Of
the decay functions, the origin that a date field takes silently from the clock is written out.
Not covered: date math inside the text of a ``query_string``, and a ``term`` on a date field
whose format knows no ISO.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Mapping

from dstill_querydsl.language.query_forms import BOUNDS, DECAYS

__all__ = ["freeze"]

_MATH = re.compile(r"now(?P<math>(?:[+-]\d+[yMwdhHms]|/[yMwdhHms])*)")
_BY_FIELD = ("term", "terms", "match", "match_phrase")  # {name: {FIELD: value}}
_DATES = ("date", "date_nanos", "date_range")
_ISO = "strict_date_optional_time"


def freeze(body: Mapping[str, Any], now: str, mapping: Mapping[str, Any]) -> dict[str, Any]:
    """`body` with every ``now`` of a date replaced by `now` (ISO); key order stays."""
    if not _moves(body):
        return dict(body)  # most bodies; a mapping may be long to read
    frozen: dict[str, Any] = _Freezer(_anchor(now), _dates(mapping)).tree(body)
    return frozen


def _moves(value: Any) -> bool:
    """Whether the clock may have a part in it: a text that begins with now, or a decay, whose origin is now."""
    if isinstance(value, str):
        return value.startswith("now")
    if isinstance(value, dict):
        return any(key in DECAYS or _moves(inner) for key, inner in value.items())
    return isinstance(value, list) and any(map(_moves, value))


def _anchor(now: str) -> str:
    """ISO in UTC with milliseconds: without them an engine rounds ``lte`` up to the second's end."""
    moment = datetime.fromisoformat(now)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _dates(mapping: Mapping[str, Any], prefix: str = "") -> dict[str, str | None]:
    """Every field's date format: "" for the default one, None for a field that is no date."""
    found: dict[str, str | None] = {}
    for name, field in (mapping.get("properties") or {}).items():
        path = f"{prefix}{name}"
        if "properties" in field:
            found |= _dates(field, f"{path}.")
            continue
        found[path] = str(field.get("format", "")) if field.get("type") in _DATES else None
        found |= _dates({"properties": field.get("fields") or {}}, f"{path}.")
    return found


class _Freezer:
    def __init__(self, anchor: str, dates: Mapping[str, str | None]) -> None:
        self.anchor, self.dates = anchor, dates

    def tree(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.tree(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        return {key: self.clause(key, self.tree(inner)) for key, inner in value.items()}

    def clause(self, key: str, inner: Any) -> Any:
        """What stands under `key`, its own parts done already."""
        if not isinstance(inner, dict):
            return inner
        if key in _BY_FIELD:
            return {field: self.value(inside) if self.is_date(field) else inside for field, inside in inner.items()}
        if key == "range" and "field" not in inner:
            return {field: self.bounds(field, inside) for field, inside in inner.items()}
        if key in DECAYS:
            return {field: self.decay(field, inside) for field, inside in inner.items()}
        if key == "date_range":
            return self.ranges(inner)
        if key in ("extended_bounds", "hard_bounds"):
            return {name: self.math(inside) for name, inside in inner.items()}
        if key == "distance_feature" and self.is_date(inner.get("field")):
            return {**inner, "origin": self.math(inner.get("origin"))}
        return inner

    def is_date(self, field: Any) -> bool:
        return self.dates.get(field) is not None

    def math(self, value: Any) -> Any:
        """One value: frozen where it is date math upon now."""
        match = _MATH.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            return value
        return f"{self.anchor}||{match['math']}" if match["math"] else self.anchor

    def value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.math(item) for item in value]
        if isinstance(value, dict):
            return {name: self.math(inner) if name in ("value", "query") else inner for name, inner in value.items()}
        return self.math(value)

    def bounds(self, field: str, clause: Any) -> Any:
        if not isinstance(clause, dict) or self.dates.get(field, "") is None:  # None: known, and no date
            return clause
        frozen = {name: self.math(inner) if name in BOUNDS else inner for name, inner in clause.items()}
        return frozen if frozen == clause else self.with_format(frozen, field)

    def with_format(self, clause: dict[str, Any], field: Any) -> dict[str, Any]:
        """The clause, able to read the anchor too."""
        own = clause.get("format") or self.dates.get(field) or ""
        if not own or _ISO in own.split("||"):
            return clause
        return {**clause, "format": f"{own}||{_ISO}"}

    def ranges(self, clause: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(clause.get("ranges"), list):
            return clause
        ranges = [
            {name: self.math(inner) if name in BOUNDS else inner for name, inner in one.items()}
            if isinstance(one, dict)
            else one
            for one in clause["ranges"]
        ]
        frozen = {**clause, "ranges": ranges}
        return frozen if frozen == clause else self.with_format(frozen, clause.get("field"))

    def decay(self, field: str, clause: Any) -> Any:
        if not isinstance(clause, dict) or not self.is_date(field):
            return clause
        return {**clause, "origin": self.math(clause.get("origin", "now"))}
