"""Replaces ``now`` in date math by a fixed time, so that the result of an answer does not change from day to day.

    freeze({"query": {"range": {"ts": {"gte": "now-1d/d"}}}}, "2025-03-27T12:00:00Z", mapping)
    → {"query": {"range": {"ts": {"gte": "2025-03-27T12:00:00.000Z||-1d/d"}}}}

The engine still does the arithmetic and the rounding, which differs between gte and gt. If the field or the clause
has a date format, ISO is added to it as an alternative. Decay functions on a date field get an explicit origin,
which is the current time by default. Not covered: date math inside the text of a ``query_string``, and a ``term`` on
a date field whose format does not include ISO.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dstill_querydsl.language.query_forms import BOUNDS, DECAYS

__all__ = ["freeze"]

_MATH = re.compile(r"now(?P<math>(?:[+-]\d+[yMwdhHms]|/[yMwdhHms])*)")
_BY_FIELD = ("term", "terms", "match", "match_phrase")  # {name: {FIELD: value}}
_DATES = ("date", "date_nanos", "date_range")
_ISO = "strict_date_optional_time"


def freeze(body: Mapping[str, Any], now: str, mapping: Mapping[str, Any]) -> dict[str, Any]:
    """`body` with ``now`` in dates replaced by the ISO time `now`. Keeps the order of keys."""
    if not _uses_now(body):
        return dict(body)  # most bodies; reading a long mapping takes time
    frozen: dict[str, Any] = _Freezer(_anchor(now), _dates(mapping)).tree(body)
    return frozen


def _uses_now(value: Any) -> bool:
    """Whether the current time may matter: a string that begins with now, or a decay function."""
    if isinstance(value, str):
        return value.startswith("now")
    if isinstance(value, dict):
        return any(key in DECAYS or _uses_now(inner) for key, inner in value.items())
    return isinstance(value, list) and any(map(_uses_now, value))


def _anchor(now: str) -> str:
    """`now` as ISO in UTC with milliseconds, without which engines round ``lte`` up to the end of the second."""
    moment = datetime.fromisoformat(now)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _dates(mapping: Mapping[str, Any], prefix: str = "") -> dict[str, str | None]:
    """Field → its date format: "" for the default, None for a field that is not a date."""
    dates: dict[str, str | None] = {}
    for name, field in (mapping.get("properties") or {}).items():
        path = f"{prefix}{name}"
        if "properties" in field:
            dates |= _dates(field, f"{path}.")
            continue
        dates[path] = str(field.get("format", "")) if field.get("type") in _DATES else None
        dates |= _dates({"properties": field.get("fields") or {}}, f"{path}.")
    return dates


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
        """The value of `key`, whose parts are already frozen."""
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
        """A single value, frozen if it is date math with now."""
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
        if not isinstance(clause, dict) or self.dates.get(field, "") is None:  # None: a field that is not a date
            return clause
        frozen = {name: self.math(inner) if name in BOUNDS else inner for name, inner in clause.items()}
        return frozen if frozen == clause else self.with_format(frozen, field)

    def with_format(self, clause: dict[str, Any], field: Any) -> dict[str, Any]:
        """The clause with a date format that also accepts ISO."""
        own = clause.get("format") or self.dates.get(field) or ""
        if not own or _ISO in own.split("||"):
            return clause
        return {**clause, "format": f"{own}||{_ISO}"}

    def ranges(self, clause: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(clause.get("ranges"), list):
            return clause
        ranges = [
            {name: self.math(inner) if name in BOUNDS else inner for name, inner in entry.items()}
            if isinstance(entry, dict)
            else entry
            for entry in clause["ranges"]
        ]
        frozen = {**clause, "ranges": ranges}
        return frozen if frozen == clause else self.with_format(frozen, clause.get("field"))

    def decay(self, field: str, clause: Any) -> Any:
        if not isinstance(clause, dict) or not self.is_date(field):
            return clause
        return {**clause, "origin": self.math(clause.get("origin", "now"))}
