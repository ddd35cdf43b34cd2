"""What the fields of an index on a server hold, read by searches that write nothing.

    read(server, "logs", mapping, allows=lambda name: True, most=100, texts=0, together=40)
    → Read(values={"level": ["info", "error"], "took": {"min": 1, "max": 900}, …},     # the fullest field first
           unread={"message": "texts", "secret": "denied by guard.fields", …},
           apart={"comment.id": ["push.size"]})   # of the first 40, pairs that no document has

For many fields at a time: how many documents have them, then their most frequent values or their bounds;
and some points of places. A field that is not allowed is in none of the requests. Of texts nothing is
read, but for a few words of as many documents as `texts` says. Values that are long, or look like a key, are
left out. Not covered: whether a list of values stays complete; an index moves.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Callable, Iterator, Mapping, Sequence

from dstill.api.records import OutcomeKind
from dstill.config import looks_secret
from dstill_querydsl.engines.field_cooccurrence import apart
from dstill_querydsl.engines.http import HttpEngine
from dstill_querydsl.engines.phrases import phrases
from dstill_querydsl.engines.replies import told
from dstill_querydsl.language.fields import Field, Fields
from dstill_querydsl.language.values import MOST, Known, Values

__all__ = ["Read", "read"]

AT_ONCE = 25  # fields in one request
LONGEST = 100  # characters of a value that is kept
POINTS = 10  # places of one field
_EXACT = 2**53  # engines give figures as floating point numbers

# family → the aggregations that tell what a field of it holds
_Asked = Mapping[str, Mapping[str, Any]]
_VALUES: _Asked = {"values": {"terms": {"size": MOST + 1}}}
_BOUNDS: _Asked = {"low": {"min": {}}, "high": {"max": {}}}
READERS: Mapping[str, _Asked] = {
    "keyword": _VALUES,
    "version": _VALUES,
    "boolean": _VALUES,
    "ip": _VALUES,
    "number": {**_VALUES, **_BOUNDS},
    "date": _BOUNDS,
    "geo_point": {},
    "text": {},
}
_COUNTED = ("long", "integer", "short", "byte", "unsigned_long")  # whose single values are worth a list


@dataclass(frozen=True, kw_only=True)
class Read:
    """Of one index."""

    values: Values
    unread: Mapping[str, str]  # field → why nothing is known of it
    newest: datetime | None = None  # of the date that most documents have
    apart: Mapping[str, Sequence[str]] = field(default_factory=dict)  # field → others that no document has beside it


def read(
    server: HttpEngine,
    name: str,
    mapping: Mapping[str, Any],
    *,
    allows: Callable[[str], bool],
    most: int,
    texts: int,
    together: int,
) -> Read:
    """`most` fields at most, those that most documents have. Raises ServiceError, AuthError."""
    known: dict[str, Known] = {}
    unread: dict[str, str] = {}
    wanted: list[Field] = []
    fields = Fields.of(mapping)
    for one in fields:
        if one.family not in ("object", "nested"):
            why = _why_not(one, fields, allows, texts)
            unread |= {one.name: why} if why else {}
            wanted += [] if why else [one]
    filled = {one.name: _count(node) for one, node in _ask(server, name, wanted, lambda _: {})}
    empty = {one.name for one in wanted if not filled[one.name]}
    best = sorted((one for one in wanted if one.name not in empty), key=lambda one: -filled[one.name])[:most]
    kept = {one.name for one in best}
    for one in wanted:
        if one.name not in kept:
            unread[one.name] = "without a value" if one.name in empty else "in fewer documents"
    chosen = [one for one in wanted if one.name in kept]
    for one, node in _ask(server, name, chosen, _aggregations):
        found = None if isinstance(node, str) else _known(one, node)
        if one.family == "geo_point":
            found = _points(server, name, one)
        elif one.family == "text":
            found = phrases(server, name, one, texts)
        if found is None:
            unread[one.name] = node if isinstance(node, str) else "with nothing that can be kept"
        else:
            known[one.name] = found
    ordered = sorted(known, key=lambda name: _place(known[name], filled[name], most=max(filled.values())))
    return Read(
        values=Values({name: known[name] for name in ordered}),
        unread=unread,
        newest=_newest(best, known),
        apart=apart(server, name, [one for one in map(fields.get, ordered[:together]) if one is not None]),
    )


def _place(one: Known, filled: int, most: int) -> tuple[int, bool]:
    """Fields that most documents have come first; of equally full ones those of few values, or with bounds."""
    return -round(10 * filled / most), not one.complete and one.low is None


def _why_not(one: Field, fields: Fields, allows: Callable[[str], bool], texts: int) -> str:
    if not allows(one.name):
        return "denied by guard.fields"
    if one.name in fields.conflicts:
        return "of several types"
    if one.family == "text":
        return "" if texts and not one.nested and not one.sub else "texts"
    if one.family not in READERS:
        return f"of type {one.type}"
    if one.options.get("index") is False or not one.has_doc_values:
        return "not indexed, or without doc values"
    return ""


# --- asking -----------------------------------------------------------------------------


def _ask(
    server: HttpEngine, name: str, fields: Sequence[Field], below: Callable[[Field], Mapping[str, Any]]
) -> Iterator[tuple[Field, Any]]:
    """Each field with its result: an aggregation over the documents that have it, or why there is none."""
    for start in range(0, len(fields), AT_ONCE):
        yield from _together(server, name, fields[start : start + AT_ONCE], below)


def _together(
    server: HttpEngine, name: str, fields: Sequence[Field], below: Callable[[Field], Mapping[str, Any]]
) -> Iterator[tuple[Field, Any]]:
    aggregations = {f"f{n}": _within(one, below(one)) for n, one in enumerate(fields)}
    outcome = server.search(name, {"size": 0, "aggs": aggregations})
    if outcome.kind is OutcomeKind.OK:
        for n, one in enumerate(fields):
            path = ("inside",) if one.nested else ()
            yield one, told(outcome.raw, dict, "aggregations", f"f{n}", *path)
    elif len(fields) == 1:
        yield fields[0], f"not answered: {outcome.reason[:100]}"
    else:  # one of them is to blame, or all were too much at once
        half = len(fields) // 2
        yield from _together(server, name, fields[:half], below)
        yield from _together(server, name, fields[half:], below)


def _within(one: Field, below: Mapping[str, Any]) -> dict[str, Any]:
    having: dict[str, Any] = {"filter": {"exists": {"field": one.name}}}
    if below:
        having["aggs"] = dict(below)
    return {"nested": {"path": one.nested[-1]}, "aggs": {"inside": having}} if one.nested else having


def _aggregations(one: Field) -> dict[str, Any]:
    asked = {}
    for name, aggregation in READERS[one.family].items():
        if name != "values" or one.family != "number" or one.type in _COUNTED:
            [(kind, options)] = aggregation.items()
            asked[name] = {kind: {"field": one.name, **options}}
    return asked


def _count(node: Any) -> int:
    return 0 if isinstance(node, str) else int(node["doc_count"])


# --- understanding ----------------------------------------------------------------------


def _known(one: Field, node: Mapping[str, Any]) -> Known | None:
    buckets = node.get("values", {}).get("buckets", [])
    held = [value for value in (_value(one, bucket) for bucket in buckets) if value is not None]
    complete = len(buckets) <= MOST and len(held) == len(buckets) and not _others(node)
    few = tuple(held[:MOST])
    if "low" in node:
        figure = _moment if one.family == "date" else partial(_figure, one)
        low, high = (figure(node[name]["value"]) for name in ("low", "high"))
        return None if low is None or high is None else Known(values=few if complete else (), low=low, high=high)
    return Known(values=few, complete=complete and one.family != "ip") if few else None


def _others(node: Mapping[str, Any]) -> int:
    return int(node.get("values", {}).get("sum_other_doc_count", 0))


def _value(one: Field, bucket: Mapping[str, Any]) -> Any:
    """A bucket's value, or None for one that is not kept."""
    key = bucket["key"]
    if one.family == "boolean":
        return bucket.get("key_as_string", str(bool(key)).lower()) == "true"
    if isinstance(key, str) and (not key or len(key) > LONGEST or looks_secret(key)):
        return None
    return key


def _figure(one: Field, value: float | None) -> int | float | None:
    if value is None or abs(value) > _EXACT:
        return None
    return int(value) if one.type in _COUNTED else float(f"{value:.7g}")  # a float's digits, not its binary rest


def _moment(milliseconds: float | None) -> str | None:
    if milliseconds is None:
        return None
    moment = _date(milliseconds)
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _date(milliseconds: float) -> datetime | None:
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    except OverflowError:  # a year that no calendar of Python's has
        return None


def _newest(fields: Sequence[Field], known: Mapping[str, Known]) -> datetime | None:
    dates = [known[one.name].high for one in fields if one.family == "date" and one.name in known]
    return datetime.fromisoformat(dates[0]) if dates else None


def _points(server: HttpEngine, name: str, one: Field) -> Known | None:
    """Some places, as they lie beside each other in the index; none inside nested objects."""
    if one.nested:
        return None
    query = {"bool": {"filter": [{"exists": {"field": one.name}}]}}
    body = {"size": POINTS, "_source": False, "query": query, "docvalue_fields": [one.name]}
    outcome = server.search(name, body)
    if outcome.kind is not OutcomeKind.OK:
        return None
    found = [point for hit in outcome.raw["hits"]["hits"] for point in hit.get("fields", {}).get(one.name, [])]
    points = [point for point in map(_point, found) if point is not None]
    return Known(values=tuple(points[:POINTS])) if points else None


def _point(value: Any) -> dict[str, float] | None:
    """``52.52, 13.41`` as engines write a point."""
    lat, comma, lon = str(value).partition(",")
    try:
        return {"lat": round(float(lat), 4), "lon": round(float(lon), 4)} if comma else None
    except ValueError:
        return None
