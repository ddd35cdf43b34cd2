"""A search result as short text: the number of hits, the first hits, and every aggregation.

367 hits: w00017, w00031, w00040 …
groups: 200 1423, 404 311, 503 40
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dstill_querydsl.language.results.tables import buckets, hit_count, key_of, left_out, number

__all__ = ["show"]

FIRST = 10  # hits or buckets shown


def show(value: Mapping[str, Any]) -> str:
    """`Outcome.value` of a search body as text: a line for the hits, and a line for each aggregation."""
    total, hits = value["total"], value["hits"]
    lines = []
    if total is not None:
        ids = ", ".join(str(hit["id"]) for hit in hits[:FIRST]) + (" …" if total["value"] > len(hits[:FIRST]) else "")
        count = hit_count(total["value"], at_least=total["relation"] == "gte")
        lines.append(count + (f": {ids}" if hits else ""))
    lines += [f"{name}: {_aggregation(body)}" for name, body in (value["aggregations"] or {}).items()]
    return "\n".join(lines)


def _aggregation(body: Mapping[str, Any]) -> str:
    if (groups := buckets(body)) is not None:
        shown = [f"{key_of(bucket)} {_bucket(bucket)}" for bucket in groups[:FIRST]]
        more = [f"{len(groups)} groups"] if len(groups) > FIRST else []
        more += filter(None, [left_out(body)])
        return ", ".join(shown) + (f" … ({'; '.join(more)})" if more else "")
    return number(body)


def _bucket(bucket: Mapping[str, Any]) -> str:
    """The number of documents, and the aggregations below the bucket."""
    below = {k: v for k, v in bucket.items() if k not in ("key", "key_as_string", "doc_count")}
    inner = "; ".join(f"{name} {_aggregation(body)}" for name, body in below.items() if isinstance(body, Mapping))
    return f"{bucket.get('doc_count')}" + (f" ({inner})" if inner else "")
