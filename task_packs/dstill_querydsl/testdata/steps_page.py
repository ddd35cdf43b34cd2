"""Mutation steps for the page: order, number of hits, page, selected fields.

{"size": 3, "sort": [{"took": "desc"}]} → size 4, size 2, no size; "asc"; no sort
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dstill_querydsl.testdata.layout import Layout
from dstill_querydsl.testdata.mutations import Edit, drop, put

__all__ = ["pages", "sorts"]


def sorts(body: Mapping[str, Any], _: Layout) -> Iterator[Edit]:
    """All steps for the sort."""
    sort = body.get("sort")
    if sort is None:
        return
    keys = list(sort) if isinstance(sort, list) else [sort]
    for number, key in enumerate(keys):
        for name, turned in _turned(key):
            yield f"{name} at /sort/{number}", {**body, "sort": [*keys[:number], turned, *keys[number + 1 :]]}
    if len(keys) > 1:
        yield "drop the last sort key", {**body, "sort": keys[:-1]}
        yield "sort keys swapped", {**body, "sort": [keys[1], keys[0], *keys[2:]]}
    yield "drop sort", {key: value for key, value in body.items() if key != "sort"}


def _turned(key: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(key, str):
        if key not in ("_score", "_doc"):
            yield "asc→desc", {key: "desc"}
        return
    if not isinstance(key, Mapping) or len(key) != 1:
        return
    ((field, how),) = key.items()
    order = how.get("order", "asc") if isinstance(how, Mapping) else how
    other = "asc" if order == "desc" else "desc"
    if field != "_doc":
        yield f"{order}→{other}", {field: {**how, "order": other} if isinstance(how, Mapping) else other}
    if isinstance(how, Mapping) and "missing" in how:
        yield "drop missing", {field: {name: value for name, value in how.items() if name != "missing"}}
    if isinstance(how, Mapping) and "mode" in how:
        yield "mode turned", {field: {**how, "mode": "min" if how["mode"] == "max" else "max"}}


def pages(body: Mapping[str, Any], _: Layout) -> Iterator[Edit]:
    """All steps for size, page and selected fields."""
    size, start = body.get("size"), body.get("from")
    if isinstance(size, int) and not isinstance(size, bool) and size > 0:
        for other in (size + 1, size - 1):
            if other > 0:
                yield f"size→{other}", {**body, "size": other}
        if not (body.get("aggs") or body.get("aggregations")):
            yield "drop size", drop(body, ("size",))
    if isinstance(start, int) and not isinstance(start, bool) and start > 0:
        yield "drop from", drop(body, ("from",))
        yield f"from→{start + 1}", {**body, "from": start + 1}
    source = body.get("_source")
    if isinstance(source, list) and source:
        yield "drop _source", drop(body, ("_source",))
        if len(source) > 1:
            yield f"drop {source[-1]} of _source", put(body, ("_source",), source[:-1])
