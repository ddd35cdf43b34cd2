"""Search bodies in plain words, for people who do not read the Query DSL.

    read_back({"query": {"bool": {"filter": [{"term": {"state": "done"}}]}}, "size": 0, "track_total_hits": true}, …)
    → "jobs", " where state is 'done'", ", counted"

Reads the canonical form, so other spellings of a body have the same words; conditions stay in the order of the body.
Every parameter is said: where it has no words of its own, by its name and its JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from dstill.api.protocols import Phrase
from dstill_querydsl.language.canonical import canonical, scores_count
from dstill_querydsl.language.mapping.uses import uses
from dstill_querydsl.language.readback.aggregations import Aggregations
from dstill_querydsl.language.readback.hits import KEYS, hits
from dstill_querydsl.language.readback.naming import Names, as_json, inline, noun, scalar
from dstill_querydsl.language.readback.query import MALFORMED, Reader, ranking
from dstill_querydsl.language.readback.used import used

__all__ = ["Names", "read_back"]

Json = Mapping[str, Any]

_READ = (*KEYS, "query", "post_filter", "aggs", "track_total_hits")


def read_back(body: Json, names: Names, index: str) -> list[Phrase]:
    """The phrases for a body about the index of that name."""
    places = {use.name: place for place, use in enumerate(uses(body))}
    try:
        phrases = list(_phrases(canonical(dict(body)), names, noun(index), places))
    except MALFORMED:
        phrases = [Phrase(text=noun(index), kind="data"), Phrase(text=f" for the search {as_json(body)}")]
    return [replace(phrase, text=inline(phrase.text)) for phrase in phrases]


def _phrases(body: Json, names: Names, about: str, places: Mapping[str, int]) -> Iterator[Phrase]:
    yield Phrase(text=about, kind="data")
    scored = scores_count(body)
    query = body.get("query", {"match_all": {}})
    ranks = set(ranking(query)) if scored else set()
    reader = Reader(names, marked=len(ranks) == 2)
    yield from _conditions(query, reader, places, " where ", scored=scored)
    if "post_filter" in body:
        yield from _conditions(body["post_filter"], reader, places, ", and after grouping only where ", scored=False)
    yield from _counted(body)
    if True in ranks and "sort" not in body:
        yield Phrase(text=", best matches first", kind="order")
    yield from hits(body, names, 10)
    for key, value in body.items():
        if key not in _READ:
            yield Phrase(text=f", {key} {scalar(value)}")
    if "aggs" in body:
        yield from Aggregations(reader).level(body["aggs"], ", " if body.get("size") == 0 else "; and of all, ")


def _conditions(
    query: Json, reader: Reader, places: Mapping[str, int], joint: str, *, scored: bool
) -> Iterator[Phrase]:
    parts = [(list(uses({"query": part.query})), part.text) for part in reader.conjuncts(query, scored=scored)]
    parts.sort(key=lambda part: places.get(part[0][0].name, 0) if part[0] else len(places))
    for fields, text in parts:
        items, values = used(fields, reader.names)
        yield Phrase(text=joint + text, kind="condition", items=items, values=values)
        joint = " and "


def _counted(body: Json) -> Iterator[Phrase]:
    """How the hits are counted. By default they are, up to 10,000; beside groups nobody asks for that number."""
    exact = body.get("track_total_hits")
    if exact is True:
        yield Phrase(text=", counted", kind="shown")
    elif exact is not None:
        yield Phrase(text=f", counted up to {as_json(exact)}" if exact else ", not counted", kind="shown")
    elif body.get("size") == 0 and "aggs" not in body:
        yield Phrase(text=", counted up to 10000", kind="shown")
