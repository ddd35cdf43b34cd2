r"""The difference of two search results for a person: two texts with the hits and groups that only one of them has.

    diff(want, got, documents={"c03": {"took": 40}})
    →  ("2 hits\nc03 {"took": 40}\n1 line alike",  "1 hit\n1 line alike")

A hit is shown by its id, with the values that the body asks for. Hits beyond the page are shown too if there are few.
On a test database, whose documents are made up, the document is shown; documents of a user's index never are. The name
of an aggregation is shown only if there are several. If only the order of hits differs, they are shown with their
place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dstill_querydsl.engines.bodies import counts_hits
from dstill_querydsl.language.results.tables import buckets, hit_count, key_of, number

__all__ = ["diff"]

MOST = 8  # lines shown that only one side has
ARROW = " → "
WIDEST = 200  # characters of a line
Value = Mapping[str, Any]


def diff(want: Value, got: Value, documents: Mapping[str, Any]) -> tuple[str, str]:
    """The difference of two `Outcome.value`s as two texts, the gold's first."""
    # hits that the gold does not ask for do not matter
    counts = counts_hits(want["body"]) or not (want["aggregations"] or got["aggregations"])
    hits = _hits(want, got, documents) if counts else ([], [])
    named = max(len(value["aggregations"] or {}) for value in (want, got)) > 1
    sides = [[*lines, *_groups(value, named)] for lines, value in zip(hits, (want, got), strict=True)]
    places = {_group(line): place for place, line in enumerate(sides[0])}
    sides[1].sort(key=lambda line: places.get(_group(line), len(places)))  # groups that both have are in the same order
    totals = [_total(value) for value in (want, got)]
    shown = counts or totals[0] != totals[1]
    gold, answer = (
        "\n".join([*([total] if shown and total else []), *_only_here(side, other)])
        for total, side, other in zip(totals, sides, reversed(sides), strict=True)
    )
    return gold, answer


def _hits(want: Value, got: Value, documents: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """A line for each hit: for all that match if they are known and differ, else for those on the page."""
    wanted, given = ((value["matched"] or {}).get("ids") for value in (want, got))
    if wanted is not None and given is not None and wanted != given:
        return [_line(id, documents.get(id)) for id in wanted], [_line(id, documents.get(id)) for id in given]
    pages = [[str(hit["id"]) for hit in value["hits"]] for value in (want, got)]
    placed = pages[0] != pages[1] and sorted(pages[0]) == sorted(pages[1])
    left, right = (list(_page(value, documents, placed)) for value in (want, got))
    return left, right


def _page(value: Value, documents: Mapping[str, Any], placed: bool) -> Iterator[str]:
    for place, hit in enumerate(value["hits"], 1):
        content = documents.get(hit["id"], hit.get("fields"))
        yield _line(str(hit["id"]), hit.get("sort"), content, place=f"{place}. " if placed else "")


def _line(id: str, *contents: Any, place: str = "") -> str:
    line = " ".join([id, *(json.dumps(content, ensure_ascii=False) for content in contents if content is not None)])
    return _cut(place + line)


def _total(value: Value) -> str:
    """The number of matching documents, as far as it is known."""
    total = value["total"] or {}
    count = (value["matched"] or {}).get("count", total.get("value"))
    if count is None:
        return ""
    return hit_count(count, at_least=total.get("relation") == "gte" and not value["matched"])


def _only_here(side: Sequence[str], other: Sequence[str]) -> Iterator[str]:
    """The first lines that only this side has, and how many more there are."""
    known = set(other)
    only = [line for line in side if line not in known]
    yield from only[:MOST]
    if len(only) > MOST:
        yield f"… {len(only) - MOST:,} more that the other does not have"
    if alike := len(side) - len(only):
        yield f"{alike:,} {'line' if alike == 1 else 'lines'} alike"


def _group(line: str) -> str:
    """The group of a line, without its number. Empty for a hit."""
    return line.rpartition(ARROW)[0]


def _groups(value: Value, named: bool) -> Iterator[str]:
    """A line for each group and number, which starts with the groups around it."""
    for name, body in (value["aggregations"] or {}).items():
        yield from map(_cut, _lines(body, f"{name}: " if named else ""))


def _lines(body: Any, before: str) -> Iterator[str]:
    groups = buckets(body) if isinstance(body, Mapping) else None
    if groups is None:
        yield f"{before}{number(body)}"
        return
    for bucket in groups:
        key = str(key_of(bucket))
        yield f"{before}{key}{ARROW}{bucket.get('doc_count', '')}"
        below = {name: inner for name, inner in bucket.items() if isinstance(inner, Mapping) and name != "key"}
        for name, inner in below.items():
            yield from _lines(inner, f"{before}{key} / {'' if len(below) == 1 else f'{name}: '}")


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[:WIDEST]}…"
