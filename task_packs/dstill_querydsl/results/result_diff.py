"""Where two search results are apart, for a person: two texts, a line for each hit or group that the other has not.

    contrast(want, got, documents={"c03": {"took": 40}})
    →  ("2 hits\nc03 {"took": 40}\n1 line alike",  "1 hit\n1 line alike")

Hits are told by their id, also those beyond the page where they are few, with the values that the body asks for; on a
corpus, whose documents are made up, with the document. Documents of a person's index are not told. Names of
aggregations are whoever wrote them: of a single one only the groups are told. Hits that are the same in another order
are told with their place.
"""

from __future__ import annotations

import json
from typing import Any, Iterator, Mapping, Sequence

from dstill_querydsl.engines.bodies import counts_hits
from dstill_querydsl.results.tables import buckets, key_of

__all__ = ["contrast"]

MOST = 8  # lines of one side that the other has not
ARROW = " → "
WIDEST = 200  # characters of a line
Value = Mapping[str, Any]


def contrast(want: Value, got: Value, documents: Mapping[str, Any]) -> tuple[str, str]:
    """`Outcome.value` of two bodies, the gold's first, each as text."""
    # what the gold does not ask for is not what it is about
    asked = counts_hits(want["body"]) or not (want["aggregations"] or got["aggregations"])
    hits = _hits(want, got, documents) if asked else ([], [])
    named = max(len(value["aggregations"] or {}) for value in (want, got)) > 1
    sides = [[*lines, *_groups(value, named)] for lines, value in zip(hits, (want, got), strict=True)]
    places = {_group(line): place for place, line in enumerate(sides[0])}
    sides[1].sort(key=lambda line: places.get(_group(line), len(places)))  # what both have stands side by side
    totals = [_total(value) for value in (want, got)]
    shown = asked or totals[0] != totals[1]
    gold, answer = (
        "\n".join([*([total] if shown and total else []), *_apart(side, other)])
        for total, side, other in zip(totals, sides, reversed(sides), strict=True)
    )
    return gold, answer


def _hits(want: Value, got: Value, documents: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """A line for each: of all that match, where they are known and differ, else of those on the page."""
    wanted, given = ((value["matched"] or {}).get("ids") for value in (want, got))
    if wanted is not None and given is not None and wanted != given:
        return [_line(id, documents.get(id)) for id in wanted], [_line(id, documents.get(id)) for id in given]
    pages = [[str(hit["id"]) for hit in value["hits"]] for value in (want, got)]
    placed = pages[0] != pages[1] and sorted(pages[0]) == sorted(pages[1])
    left, right = (list(_page(value, documents, placed)) for value in (want, got))
    return left, right


def _page(value: Value, documents: Mapping[str, Any], placed: bool) -> Iterator[str]:
    for place, hit in enumerate(value["hits"], 1):
        holds = documents.get(hit["id"], hit.get("fields"))
        yield _line(str(hit["id"]), hit.get("sort"), holds, place=f"{place}. " if placed else "")


def _line(id: str, *holds: Any, place: str = "") -> str:
    told = " ".join([id, *(json.dumps(one, ensure_ascii=False) for one in holds if one is not None)])
    return _cut(place + told)


def _total(value: Value) -> str:
    """How many documents match, as far as anybody counted."""
    total = value["total"] or {}
    count = (value["matched"] or {}).get("count", total.get("value"))
    if count is None:
        return ""
    return f"{'at least ' if total.get('relation') == 'gte' and not value['matched'] else ''}{count:,} {_hit(count)}"


def _hit(count: int) -> str:
    return "hit" if count == 1 else "hits"


def _apart(side: Sequence[str], other: Sequence[str]) -> Iterator[str]:
    """The lines that the other side has not, the first of them, and how many there are besides."""
    known = set(other)
    apart = [line for line in side if line not in known]
    yield from apart[:MOST]
    if len(apart) > MOST:
        yield f"… {len(apart) - MOST:,} more that the other has not"
    if alike := len(side) - len(apart):
        yield f"{alike:,} {'line' if alike == 1 else 'lines'} alike"


def _group(line: str) -> str:
    """What a line is about: a group without its figure; nothing, where it is a hit."""
    return line.rpartition(ARROW)[0]


def _groups(value: Value, named: bool) -> Iterator[str]:
    """A line for each group and figure, with those above it before it."""
    for name, body in (value["aggregations"] or {}).items():
        yield from map(_cut, _lines(body, f"{name}: " if named else ""))


def _lines(body: Any, before: str) -> Iterator[str]:
    found = buckets(body) if isinstance(body, Mapping) else None
    if found is None:
        value = body["value"] if isinstance(body, Mapping) and body.keys() == {"value"} else body
        yield f"{before}{json.dumps(value, ensure_ascii=False)}"
        return
    for bucket in found:
        key = str(key_of(bucket))
        yield f"{before}{key}{ARROW}{bucket.get('doc_count', '')}"
        below = {name: one for name, one in bucket.items() if isinstance(one, Mapping) and name != "key"}
        for name, one in below.items():
            yield from _lines(one, f"{before}{key} / {'' if len(below) == 1 else f'{name}: '}")


def _cut(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[:WIDEST]}…"
