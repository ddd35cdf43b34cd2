"""Reads the values of an index' fields from a server, with searches only.

    read(server, "logs", mapping, allows=lambda name: True, most=100, texts=0, together=40)
    → FieldValues(
        values={"level": ["info", "error"], "took": {"min": 1, "max": 900}, …},     # the most frequent field first
        unread={"message": "texts", "secret": "denied by guard.fields", …},
        apart={"comment.id": ["push.size"]})   # pairs among the first 40 fields that no document has together

One request covers many fields: first how many documents have each field, then its most frequent values or its lowest
and highest; and some points of geo fields. No request contains a field that is not allowed. Of texts it reads only a
few words, from `texts` documents. Long values and values that look like a key are dropped. Not covered: whether a
list of values stays complete, as an index changes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from dstill.api.records import OutcomeKind
from dstill.api.values import MOST, Known, Values
from dstill.io.secrets import looks_secret
from dstill_querydsl.engines.field_cooccurrence import never_together
from dstill_querydsl.engines.http import HttpEngine
from dstill_querydsl.engines.phrases import phrases
from dstill_querydsl.engines.replies import value_at
from dstill_querydsl.language.field_types import INTEGERS, MAX_EXACT
from dstill_querydsl.language.fields import Field, Fields

__all__ = ["FieldValues", "bounds", "read"]

READ_BATCH = 25  # fields whose values one request reads
COUNT_BATCH = 200  # fields whose documents one request counts
LONGEST = 100  # characters; longer values are dropped
POINTS = 10  # points of one geo field
EPOCH = "1970-01-01T00:00:00.000Z"

# family of types → aggregations that read the values of a field
_Aggregations = Mapping[str, Mapping[str, Any]]
_VALUES: _Aggregations = {"values": {"terms": {"size": MOST + 1}}}
_BOUNDS: _Aggregations = {"low": {"min": {}}, "high": {"max": {}}}
READERS: Mapping[str, _Aggregations] = {
    "keyword": _VALUES,
    "version": _VALUES,
    "boolean": _VALUES,
    "ip": _VALUES,
    "number": {**_VALUES, **_BOUNDS},
    "date": _BOUNDS,
    "geo_point": {},
    "text": {},
}


@dataclass(frozen=True, kw_only=True)
class FieldValues:
    """The values of one index."""

    values: Values
    unread: Mapping[str, str]  # field → why its values are unknown
    newest: datetime | None = None  # highest value of the date field that most documents have
    apart: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)  # field → fields never with it


def read(
    server: HttpEngine,
    name: str,
    mapping: Mapping[str, Any],
    *,
    allows: Callable[[str], bool],
    most: int,
    texts: int,
    together: int,
) -> FieldValues:
    """Read the values of the `most` fields that most documents have.

    `allows` says whether a field may be read, `texts` from how many documents to read words, `together` how many fields
    to check for pairs that no document has. Raises ServiceError, AuthError.
    """
    fields = Fields.of(mapping)
    unread: dict[str, str] = {}
    readable: list[Field] = []
    for field in fields:
        if field.family not in ("object", "nested"):
            why = _why_unread(field, fields, allows, texts)
            unread |= {field.name: why} if why else {}
            readable += [] if why else [field]
    filled = {field.name: _count(node) for field, node in _ask(server, name, readable, lambda _: {}, COUNT_BATCH)}
    best = sorted((field for field in readable if filled[field.name]), key=lambda field: -filled[field.name])[:most]
    names = {field.name for field in best}
    chosen = [field for field in readable if field.name in names]
    for field in readable:
        if field.name not in names:
            unread[field.name] = "in fewer documents" if filled[field.name] else "in no document"
    known: dict[str, Known] = {}
    for field, node in _ask(server, name, chosen, _aggregations):
        values = _values_of(server, name, field, node, texts)
        if values is None:
            unread[field.name] = node if isinstance(node, str) else "no usable value"
        else:
            known[field.name] = values
    fullest = max(filled.values(), default=0)
    ordered = sorted(known, key=lambda name: _rank(known[name], filled[name], most=fullest))
    return FieldValues(
        values=Values({name: known[name] for name in ordered}),
        unread=unread,
        newest=_newest(best, known),
        apart=never_together(
            server, name, [field for field in map(fields.get, ordered[:together]) if field is not None]
        ),
    )


def _values_of(server: HttpEngine, name: str, field: Field, node: Any, texts: int) -> Known | None:
    """The values of a field, whose aggregations gave `node`; None if there are none."""
    if field.family == "geo_point":
        return _points(server, name, field)
    if field.family == "text":
        return phrases(server, name, field, texts)
    return None if isinstance(node, str) else _known(field, node)


def _rank(known: Known, filled: int, most: int) -> tuple[int, bool]:
    """Sort key: fields that most documents have come first; among equals, those with few values or with bounds."""
    return -round(10 * filled / most), not known.complete and known.low is None


def _why_unread(field: Field, fields: Fields, allows: Callable[[str], bool], texts: int) -> str:
    if not allows(field.name):
        return "denied by guard.fields"
    if field.name in fields.conflicts:
        return "of several types"
    if field.family == "text":
        return "" if texts and not field.nested and not field.sub else "texts"
    if field.family not in READERS:
        return f"of type {field.type}"
    if field.options.get("index") is False or not field.has_doc_values:
        return "not indexed, or without doc values"
    return ""


def bounds(
    server: HttpEngine, name: str, fields: Sequence[Field], query: Mapping[str, Any] | None = None
) -> dict[str, tuple[Any, Any]]:
    """The lowest and highest value that each number and date among `fields` has now. Raises ServiceError, AuthError.

    `query`: that the documents match; None: all. Fields of other types are left out, and dates beyond the years 1 to
    9999.
    """
    readable = [field for field in fields if field.family in ("number", "date")]
    ranges = {}
    for field, node in _ask(server, name, readable, _ends, query=query):
        if isinstance(node, str):
            continue
        if not _count(node):
            ranges[field.name] = (0, 0) if field.family == "number" else (EPOCH, EPOCH)
            continue
        low, high = (node[end]["value"] for end in _BOUNDS)
        if field.family == "date":
            low, high = _moment(low), _moment(high)
        if low is not None and high is not None:
            ranges[field.name] = (low, high)
    return ranges


# --- requests ---------------------------------------------------------------------------


def _ask(
    server: HttpEngine,
    name: str,
    fields: Sequence[Field],
    below: Callable[[Field], Mapping[str, Any]],
    at_once: int = READ_BATCH,
    query: Mapping[str, Any] | None = None,
) -> Iterator[tuple[Field, Any]]:
    """Each field with the aggregation over the documents that have it, or with why it failed."""
    for start in range(0, len(fields), at_once):
        yield from _together(server, name, fields[start : start + at_once], below, query)


def _together(
    server: HttpEngine,
    name: str,
    fields: Sequence[Field],
    below: Callable[[Field], Mapping[str, Any]],
    query: Mapping[str, Any] | None,
) -> Iterator[tuple[Field, Any]]:
    aggregations = {f"f{n}": _within(field, below(field)) for n, field in enumerate(fields)}
    outcome = server.search(name, {"size": 0, "aggs": aggregations, **({"query": query} if query else {})})
    if outcome.kind is OutcomeKind.OK:
        for n, field in enumerate(fields):
            path = ("inside",) if field.nested else ()
            yield field, value_at(outcome.raw, dict, "aggregations", f"f{n}", *path)
    elif len(fields) == 1:
        yield fields[0], f"not answered: {outcome.reason[:100]}"
    else:  # one of the fields causes the error, or there are too many
        half = len(fields) // 2
        yield from _together(server, name, fields[:half], below, query)
        yield from _together(server, name, fields[half:], below, query)


def _within(field: Field, below: Mapping[str, Any]) -> dict[str, Any]:
    having: dict[str, Any] = {"filter": {"exists": {"field": field.name}}}
    if below:
        having["aggs"] = dict(below)
    return {"nested": {"path": field.nested[-1]}, "aggs": {"inside": having}} if field.nested else having


def _aggregations(field: Field) -> dict[str, Any]:
    aggregations = {}
    for name, aggregation in READERS[field.family].items():
        # single values of other numbers are not listed
        if name != "values" or field.family != "number" or field.type in INTEGERS:
            [(kind, options)] = aggregation.items()
            aggregations[name] = {kind: {"field": field.name, **options}}
    return aggregations


def _ends(field: Field) -> dict[str, Any]:
    return {end: {kind: {"field": field.name} for kind in aggregation} for end, aggregation in _BOUNDS.items()}


def _count(node: Any) -> int:
    return 0 if isinstance(node, str) else int(node["doc_count"])


# --- results ----------------------------------------------------------------------------


def _known(field: Field, node: Mapping[str, Any]) -> Known | None:
    buckets = node.get("values", {}).get("buckets", [])
    usable = [value for value in (_value(field, bucket) for bucket in buckets) if value is not None]
    complete = len(buckets) <= MOST and len(usable) == len(buckets) and not _others(node)
    listed = tuple(usable[:MOST])
    if "low" in node:
        read_bound = _moment if field.family == "date" else partial(_number, field)
        low, high = (read_bound(node[name]["value"]) for name in ("low", "high"))
        return None if low is None or high is None else Known(values=listed if complete else (), low=low, high=high)
    return Known(values=listed, complete=complete and field.family != "ip") if listed else None


def _others(node: Mapping[str, Any]) -> int:
    return int(node.get("values", {}).get("sum_other_doc_count", 0))


def _value(field: Field, bucket: Mapping[str, Any]) -> Any:
    """The value of a bucket, or None to drop it."""
    key = bucket["key"]
    if field.family == "boolean":
        return bucket.get("key_as_string", str(bool(key)).lower()) == "true"
    if isinstance(key, str) and (not key or len(key) > LONGEST or looks_secret(key)):
        return None
    return key


def _number(field: Field, value: float | None) -> int | float | None:
    if value is None or abs(value) > MAX_EXACT:
        return None
    return int(value) if field.type in INTEGERS else float(f"{value:.7g}")  # the digits that a 32-bit float has


def _moment(milliseconds: float | None) -> str | None:
    if milliseconds is None:
        return None
    moment = _date(milliseconds)
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _date(milliseconds: float) -> datetime | None:
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    except OverflowError:  # a year that Python does not support
        return None


def _newest(fields: Sequence[Field], known: Mapping[str, Known]) -> datetime | None:
    dates = [known[field.name].high for field in fields if field.family == "date" and field.name in known]
    return datetime.fromisoformat(dates[0]) if dates else None


def _points(server: HttpEngine, name: str, field: Field) -> Known | None:
    """Points from the first documents of the index; none inside nested objects."""
    if field.nested:
        return None
    query = {"bool": {"filter": [{"exists": {"field": field.name}}]}}
    body = {"size": POINTS, "_source": False, "query": query, "docvalue_fields": [field.name]}
    outcome = server.search(name, body)
    if outcome.kind is not OutcomeKind.OK:
        return None
    raw = [point for hit in outcome.raw["hits"]["hits"] for point in hit.get("fields", {}).get(field.name, [])]
    points = [point for point in map(_point, raw) if point is not None]
    return Known(values=tuple(points[:POINTS])) if points else None


def _point(value: Any) -> dict[str, float] | None:
    """A point from the form ``52.52, 13.41`` of engines; None for any other value."""
    lat, comma, lon = str(value).partition(",")
    try:
        return {"lat": round(float(lat), 4), "lon": round(float(lon), 4)} if comma else None
    except ValueError:
        return None
