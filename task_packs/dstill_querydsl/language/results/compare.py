"""Compare two results, and find golds whose result proves nothing.

    same(got, want)          # values of `engines.result_extraction`. The gold's body in `want` decides what counts
    is_trivial(want, 5000)      # True: it finds nothing, or all documents

What counts, by the gold's body:

- Hits, except with ``size: 0``, or with aggregations and no page. With a sort: the ids in order, and ids with
  equal sort values as a set. If the page ends inside a tie, any documents of that tie are right
  (`is_nondeterministic`). Without a sort: the set of all matching ids, not only those on the page. A page of the most
  relevant hits is compared in order too, unless ``relevance="set"``.
- The number of hits, with ``size`` or ``from``.
- The total, with ``track_total_hits``, or if there is nothing else to compare.
- Aggregations by structure and values (`language.aggregations`), never by name.
- Field values, if the body selects fields.

Not covered: highlights, explanations, and scores as numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from math import isclose
from typing import Any, Literal

from dstill_querydsl.engines.bodies import aggregations_of, asks_fields, asks_page, counts_hits, sort_of
from dstill_querydsl.language import aggregations

__all__ = ["is_empty", "is_nondeterministic", "is_trivial", "same"]

Value = Mapping[str, Any]


def same(got: Value, want: Value, *, relevance: Literal["order", "set"] = "order") -> bool:
    """Whether `got` is the same result as `want`, the gold's."""
    if got is want or got == want:
        return True  # a shortcut for most correct answers, whose replies can have thousands of buckets
    return (
        _same_hits(got, want, relevance)
        and _same_total(got, want)
        and aggregations.same(got, want)
        and _same_part(got, want, "inner")
        and (not asks_fields(want["body"]) or _same_part(got, want, "fields"))
    )


def is_nondeterministic(want: Value) -> bool:
    """Whether a gold's page ends inside a tie, so that other documents are right too."""
    body, hits = want["body"], want["hits"]
    if not counts_hits(body) or not hits:
        return False
    if sort_of(body) is not None:
        return bool(want["next"] is not None and want["next"] == hits[-1].get("sort"))
    whole = want["matched"] is not None and want["matched"]["count"] == len(hits)
    return asks_page(body) and not whole and not _ranks(hits)


def is_trivial(want: Value, documents: int) -> bool:
    """Whether a match with this gold proves nothing, since it finds none or all of `documents` (their number)."""
    body = want["body"]
    if is_empty(want) or aggregations_of(body):
        return is_empty(want)
    ordered = counts_hits(body) and (sort_of(body) is not None or _ranks(want["hits"]))
    return not ordered and _matching(want) == documents


def is_empty(want: Value) -> bool:
    """Whether a result finds nothing."""
    if aggregations_of(want["body"]):
        return aggregations.is_empty(want)
    return not want["hits"] if counts_hits(want["body"]) else _matching(want) == 0


def _matching(want: Value) -> Any:
    """The number of matching documents. None if it was not counted."""
    return (want["matched"] or {}).get("count", (want["total"] or {}).get("value"))


# --- hits -------------------------------------------------------------------------------


def _same_hits(got: Value, want: Value, relevance: str) -> bool:
    if not counts_hits(want["body"]):
        return True
    theirs, ours = got["hits"], want["hits"]
    if asks_page(want["body"]) and len(theirs) != len(ours):
        return False
    if bool(theirs) != bool(ours):
        return False
    if sort_of(want["body"]) is None:
        return _same_set(got, want) and (relevance == "set" or _same_ranking(got, want))
    if not asks_page(want["body"]) and not _same_set(got, want):
        return False
    length = min(len(theirs), len(ours))
    after = ours[length].get("sort") if length < len(ours) else want["next"]
    groups = _groups(ours[:length], lambda hit: json.dumps(hit.get("sort")))
    return _same_groups(theirs[:length], groups, cut=bool(ours) and after == ours[length - 1].get("sort"))


def _groups(hits: Sequence[Value], key: Any) -> list[list[Value]]:
    return [list(group) for _, group in groupby(hits, key=key)]


def _same_groups(theirs: Sequence[Value], groups: Sequence[Sequence[Value]], cut: bool) -> bool:
    """Compare each group of ties as a set. If the page cuts the last group, compare its sort values instead."""
    start = 0
    for number, group in enumerate(groups, 1):
        mine = theirs[start : start + len(group)]
        start += len(group)
        if {hit["id"] for hit in mine} != {hit["id"] for hit in group}:
            sort = group[0].get("sort") or []
            tied = all((hit.get("sort") or [])[: len(sort)] == sort for hit in mine)
            return cut and tied and number == len(groups)
    return True


def _same_set(got: Value, want: Value) -> bool:
    """Whether the same documents match, on the page and beyond it."""
    if got["matched"] is None or want["matched"] is None:
        return {hit["id"] for hit in got["hits"]} == {hit["id"] for hit in want["hits"]}
    return bool(got["matched"] == want["matched"])


def _ranks(hits: Sequence[Value]) -> bool:
    """Whether scores differ, so that hits have an order by relevance."""
    scores = [hit.get("score", 0.0) for hit in hits]
    return not isclose(max(scores, default=0), min(scores, default=0), rel_tol=1e-6)


def _same_ranking(got: Value, want: Value) -> bool:
    ours = want["hits"]
    if want["matched"] is None or want["matched"]["count"] == len(ours) or not _ranks(ours):
        return True
    length = min(len(got["hits"]), len(ours))
    groups = _groups(ours[:length], lambda hit: f"{hit.get('score', 0.0):.5g}")
    # What follows the page is not known, so its last group can be cut. The sets are equal already.
    return _same_groups(got["hits"][: length - len(groups[-1])], groups[:-1], cut=False)


# --- totals and fields ------------------------------------------------------------------


def _same_total(got: Value, want: Value) -> bool:
    body = want["body"]
    if body.get("track_total_hits") not in (None, False):
        return bool(got["total"] == want["total"])
    if counts_hits(body) or aggregations_of(body):
        return True
    if got["matched"] is not None and want["matched"] is not None:
        return bool(got["matched"] == want["matched"])
    return bool(got["total"] == want["total"])


def _same_part(got: Value, want: Value, part: str) -> bool:
    """Whether the hits on both pages have the same selected fields, or the same inner hits in the same order."""
    if not counts_hits(want["body"]):
        return True
    theirs = {hit["id"]: hit.get(part) for hit in got["hits"]}
    return all(theirs[hit["id"]] == hit.get(part) for hit in want["hits"] if hit["id"] in theirs)
