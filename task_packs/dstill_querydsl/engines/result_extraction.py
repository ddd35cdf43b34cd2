"""Extracts from replies what comparing results needs, as plain JSON data (`Outcome.value`).

    observe(search, {"query": {"term": {"level": "error"}}}) → Outcome(kind=ok, value={
        "body": {"query": …},
        "total": {"value": 137, "relation": "eq"},              # None: the body turned it off
        "hits": [{"id": "w00017", "score": 1.2, "source": {…}}, …],  # "sort", "fields" if the body asks for them
        "aggregations": None,
        "matched": {"count": 137, "digest": "9f1c…", "ids": None},  # all matching documents; ids only if few
        "next": None})                                          # sort values of the first hit after the page

A single page does not show which other documents match, nor whether it ends inside a tie. So if not all hits are on
the page, a second request gets all ids; and after a full page with a sort, another request gets the next hit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from dstill.api.records import Outcome, OutcomeKind
from dstill_querydsl.engines.bodies import aggregations_of, asks_fields, counts_hits, page, sort_of

__all__ = ["WINDOW", "Search", "observe", "value_of"]

WINDOW = 10_000  # the engines' default limit on from + size
ID_LIMIT = 100  # keep the matching ids up to this many, to show people which differ
_OUTPUT = (
    "aggs",
    "aggregations",
    "highlight",
    "fields",
    "docvalue_fields",
    "script_fields",
    "stored_fields",
    "explain",
)

Search = Callable[[Mapping[str, Any]], Outcome]


def observe(search: Search, body: Mapping[str, Any]) -> Outcome:
    """Run `body` and the further requests that it needs. The outcome has a value if it is ok."""
    outcome = search(body)
    if outcome.kind is not OutcomeKind.OK:
        return outcome
    value = value_of(body, outcome.raw)
    for request in (_matched, _next):
        further = request(search, body, value)
        if further.kind is OutcomeKind.UNAVAILABLE:
            return further
        # If the engine refuses a further request, the value goes without its result.
        value |= further.value or {}
    return replace(outcome, value=value)


def value_of(body: Mapping[str, Any], reply: Mapping[str, Any]) -> dict[str, Any]:
    """The value of one reply, with `matched` and `next` not set."""
    hits = reply.get("hits") or {}
    return {
        "body": dict(body),
        "total": _total(hits.get("total")),
        "hits": [_hit(hit, body) for hit in hits.get("hits") or ()],
        "aggregations": reply.get("aggregations"),
        "matched": None,
        "next": None,
    }


def _total(total: Any) -> dict[str, Any] | None:
    # Elasticsearch before 7 and `rest_total_hits_as_int` return a bare number.
    return {"value": total, "relation": "eq"} if isinstance(total, int) else total


def _hit(hit: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"id": hit.get("_id")}
    if hit.get("_score") is not None:
        row["score"] = hit["_score"]
    if "sort" in hit:
        row["sort"] = hit["sort"]
    if "inner_hits" in hit:  # without their names, which the author of the body chose
        row["inner"] = [[inner.get("_id") for inner in group["hits"]["hits"]] for group in hit["inner_hits"].values()]
    if hit.get("_source"):
        row["source"] = hit["_source"]  # to show people; ids and selected fields decide whether hits are equal
    if asks_fields(body):
        row["fields"] = _flat(hit.get("_source") or {}) | _flat(hit.get("fields") or {})
    return row


def _flat(value: Any, path: str = "") -> dict[str, list[Any]]:
    """``{"a": {"b": 1}}`` → ``{"a.b": [1]}``: `_source` and `fields` in one form."""
    if isinstance(value, Mapping):
        fields: dict[str, list[Any]] = {}
        for key, inner in value.items():
            for name, values in _flat(inner, f"{path}.{key}" if path else key).items():
                fields.setdefault(name, []).extend(values)
        return fields
    if isinstance(value, list):
        fields = {}
        for item in value:
            for name, values in _flat(item, path).items():
                fields.setdefault(name, []).extend(values)
        return fields
    return {path: [value]}


def _matched(search: Search, body: Mapping[str, Any], value: dict[str, Any]) -> Outcome:
    """The number and digest of all matching ids."""
    start, _ = page(body)
    total = value["total"]
    ids = [hit["id"] for hit in value["hits"]]
    if not counts_hits(body) and (aggregations_of(body) or "track_total_hits" in body):
        return Outcome(kind=OutcomeKind.OK)  # single documents do not count for this body
    if start == 0 and total == {"value": len(ids), "relation": "eq"}:
        return Outcome(kind=OutcomeKind.OK, value={"matched": _digest(ids, len(ids))})
    outcome = search(_bare(body) | {"from": 0, "size": WINDOW, "track_total_hits": True})
    if outcome.kind is not OutcomeKind.OK:
        return outcome
    hits = outcome.raw["hits"]
    total = _total(hits.get("total")) or {"value": 0}
    return Outcome(kind=OutcomeKind.OK, value={"matched": _digest([h["_id"] for h in hits["hits"]], total["value"])})


def _digest(ids: Iterable[str], total: int) -> dict[str, Any]:
    names = sorted(map(str, ids))
    # More documents than the window cannot be listed: only their number counts.
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest() if total <= WINDOW else None
    return {"count": total, "digest": digest, "ids": names if total == len(names) <= ID_LIMIT else None}


def _next(search: Search, body: Mapping[str, Any], value: dict[str, Any]) -> Outcome:
    """With a sort: the sort values of the first hit after a full page."""
    start, size = page(body)
    if sort_of(body) is None or not value["hits"] or len(value["hits"]) < size or start + size >= WINDOW:
        return Outcome(kind=OutcomeKind.OK)
    outcome = search(_bare(body) | {"size": size + 1, "track_total_hits": False})
    if outcome.kind is not OutcomeKind.OK:
        return outcome
    hits = outcome.raw["hits"]["hits"]
    return Outcome(kind=OutcomeKind.OK, value={"next": hits[size].get("sort") if len(hits) > size else None})


def _bare(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body without the options that only change its output."""
    return {key: inner for key, inner in body.items() if key not in _OUTPUT} | {"_source": False}
