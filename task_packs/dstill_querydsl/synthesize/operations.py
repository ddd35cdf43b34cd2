"""The operations of questions about `weblogs` without aggregations: a list, a page, some fields, a count.

    OPERATIONS["slowest"](draw)   Ask(text="the 7 slowest {what}", before={"size": 7}, after={"sort": […]}, …)

A body has `size` only if the question asks for a number. Otherwise the engine's default applies, as the pack's
instructions say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dstill_querydsl.synthesize.draw import Draw

__all__ = ["OPERATIONS", "Ask", "AskMaker"]


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One operation. `{what}` in its text is the slot for the noun phrase."""

    text: str
    why: str
    before: Mapping[str, Any] = field(default_factory=dict)  # keys before "query"
    after: Mapping[str, Any] = field(default_factory=dict)  # keys after "query"


AskMaker = Callable[[Draw], Ask]


def listing(draw: Draw) -> Ask:
    text = draw.pick("show {what}", "list {what}", "find {what}", "show me {what}", "give me {what}", "{what}")
    return Ask(text=text, why="List.")


def terse(_: Draw) -> Ask:
    return Ask(text="{what}", why="List.")


def terse_count(draw: Draw) -> Ask:
    counted = {"size": 0, "track_total_hits": True}
    return Ask(text=draw.pick("count {what}", "how many {what}", "# {what}"), before=counted, why="Count: size 0.")


def count(draw: Draw) -> Ask:
    text = draw.pick("how many {what} are there?", "count {what}", "number of {what}", "how many {what} were there?")
    return Ask(text=text, before={"size": 0, "track_total_hits": True}, why="Count: size 0, exact total.")


def _number(draw: Draw) -> int:
    return draw.random.choice((1, 2, 3, 5, 10, 15, 20, 25, 30, 40, 50, 100, draw.random.randrange(4, 60)))


def _top(field: str, order: str, *ways: str) -> AskMaker:
    def make(draw: Draw) -> Ask:
        number = max(2, _number(draw))
        why = f"Top {number} by {field} {order}: size and sort."
        return Ask(
            text=draw.pick(*ways).format(n=number, what="{what}"),
            before={"size": number},
            after=_sort(field, order),
            why=why,
        )

    return make


def _sort(field: str, order: str) -> dict[str, Any]:
    return {"sort": [{field: order}]}


def page(draw: Draw) -> Ask:
    number, size = draw.random.randrange(2, 5), draw.random.choice((5, 8, 10, 12, 15, 20))
    text = draw.pick("page {p} of {what}, {n} per page, newest first", "{what}, newest first, page {p} with {n} a page")
    start = (number - 1) * size
    why = f"Page {number} of {size}: from {start}. Newest first: sort @timestamp desc."
    return Ask(
        text=text.format(p=number, n=size, what="{what}"),
        before={"from": start, "size": size},
        after=_sort("@timestamp", "desc"),
        why=why,
    )


# what a person calls a field → field
SHOWN = {
    "path": "url.path",
    "status": "http.response.status_code",
    "time": "@timestamp",
    "user": "user.name",
    "duration": "event.duration",
    "host": "host.name",
}


def fields(draw: Draw) -> Ask:
    names = draw.random.sample(tuple(SHOWN), draw.random.choice((1, 2, 2)))
    said = " and ".join(names)
    text = draw.pick("only the {names} of {what}", "show just {names} of {what}", "{what}, only {names}")
    return Ask(
        text=text.format(names=said, what="{what}"),
        after={"_source": [SHOWN[name] for name in names]},
        why="Chosen fields: _source.",
    )


OPERATIONS: Mapping[str, AskMaker] = {
    "list": listing,
    "terse": terse,
    "terse_count": terse_count,
    "count": count,
    "newest": _top("@timestamp", "desc", "the {n} newest {what}", "the latest {n} {what}", "last {n} {what} by time"),
    "oldest": _top("@timestamp", "asc", "the {n} oldest {what}", "the first {n} {what} by time"),
    "slowest": _top("event.duration", "desc", "the {n} slowest {what}", "top {n} {what} by duration"),
    "fastest": _top("event.duration", "asc", "the {n} fastest {what}", "the {n} quickest {what}"),
    "largest": _top("http.response.bytes", "desc", "the {n} largest {what}", "top {n} {what} by response size"),
    "page": page,
    "fields": fields,
}
