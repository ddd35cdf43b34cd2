"""Questions for documents: a list, the first by some order, a page, some fields, or a count.

ASKS["top"](draw)   the 7 films with the highest budget     {"size": 7, …, "sort": [{"budget": "desc"}]}

A body has `size` only if the question asks for a number. Otherwise the engine's default applies, as the pack's
instructions say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dstill_querydsl.questions.templates.conditions_places import point_near
from dstill_querydsl.questions.templates.context import Draw
from dstill_querydsl.questions.templates.prompt import Ask, AskMaker
from dstill_querydsl.questions.templates.roles import Role
from dstill_querydsl.questions.templates.words import listed, mark

__all__ = ["ASKS", "COUNT", "LIST"]

LIST = (
    "show {what}", "list {what}", "find {what}", "show me {what}", "give me {what}", "{what}",
    "which {what} are there?", "I need {what}", "search for {what}", "get all {what}",
)  # fmt: skip
COUNT = (
    "how many {what} are there?", "count {what}", "number of {what}", "how many {what} do we have?",
    "what is the number of {what}?", "give me the count of {what}", "total number of {what}",
)  # fmt: skip
_SIZES = (2, 3, 5, 7, 10, 12, 15, 20, 25, 30, 40, 50, 100)


def listing(_: Draw) -> Ask:
    return Ask(ways=LIST, why="List.")


def count(_: Draw) -> Ask:
    return Ask(ways=COUNT, before={"size": 0, "track_total_hits": True}, why="Count: size 0, exact total.")


def _sorted(draw: Draw, role: Role, order: str, ways: Sequence[str], **slots: Any) -> Ask:
    size = draw.random.choice(_SIZES)
    why = f"Top {size} by {role.field} {order}: size and sort."
    slots = {"n": size, "f": role.word.noun, **slots}
    return Ask(ways=ways, slots=slots, before={"size": size}, after={"sort": [{role.field: order}]}, why=why)


_TOP = (
    "the {n} {what} with the highest {f}", "top {n} {what} by {f}", "{n} {what} with the largest {f}, highest first",
    "the first {n} {what} by descending {f}", "which {n} {what} have the most {f}?",
)  # fmt: skip
_BOTTOM = (
    "the {n} {what} with the lowest {f}", "bottom {n} {what} by {f}", "{n} {what} with the smallest {f}, lowest first",
    "the first {n} {what} by ascending {f}", "which {n} {what} have the least {f}?",
)  # fmt: skip
_NEWEST = (
    "the {n} newest {what}{by}", "the latest {n} {what}{by}", "the {n} most recent {what}{by}",
    "the last {n} {what}{by}, newest first", "show the newest {n} {what}{by}",
)  # fmt: skip
_OLDEST = (
    "the {n} oldest {what}{by}", "the earliest {n} {what}{by}", "the first {n} {what} in time{by}",
    "{n} {what}{by}, oldest first", "show the oldest {n} {what}{by}",
)  # fmt: skip


def _sort_field(draw: Draw, *kinds: str) -> Role:
    """A field to sort by that this document has. Codes are used only if there is nothing else. Raises Skip."""
    roles = [role for role in draw.context.by_kind(*kinds) if role.groups]
    role = draw.among([role for role in roles if role.kind == "date" or role.measures] or roles)
    draw.value(role)
    return role


def _by_number(order: str, ways: Sequence[str]) -> AskMaker:
    def make(draw: Draw) -> Ask:
        role = _sort_field(draw, "number")
        own = role.word.most if order == "desc" else role.word.least
        more = ("the {n} {own} {what}", "{n} {own} {what}") * 2 if own else ()
        return _sorted(draw, role, order, (*ways, *more), own=own)

    return make


def _by_date(order: str, ways: Sequence[str]) -> AskMaker:
    def make(draw: Draw) -> Ask:
        role = draw.take("date", groups=True)
        draw.value(role)
        alone = len(draw.context.by_kind("date")) == 1
        return _sorted(draw, role, order, ways, by="" if alone else f" by {mark(role.word.noun)}")

    return make


def page(draw: Draw) -> Ask:
    role = _sort_field(draw, "date", "number")
    number, size = draw.random.randrange(2, 5), draw.pick(5, 8, 10, 12, 15, 20, 25)
    order = draw.pick("asc", "desc")
    way = {"asc": ("ascending {f}", "{f}, lowest first"), "desc": ("descending {f}", "{f}, highest first")}[order]
    by = draw.random.choice(way).replace("{f}", mark(role.word.noun))
    start = (number - 1) * size
    why = f"Page {number} of {size}: from {start}. By {role.field} {order}: sort."
    ways = (
        "page {p} of {what}, {n} per page, by {by}", "{what} by {by}, page {p} with {n} a page",
        "sorted by {by}, show page {p} of {what} at {n} per page", "give me page {p} ({n} per page) of {what}, by {by}",
        "{what} in pages of {n}, ordered by {by}: page {p}",
    )  # fmt: skip
    return Ask(
        ways=ways,
        slots={"p": number, "n": size, "by": by},
        before={"from": start, "size": size},
        after={"sort": [{role.field: order}]},
        why=why,
    )


def fields(draw: Draw) -> Ask:
    """Only some fields of each document."""
    roles = [draw.take("category", "number", "date", "text", "boolean") for _ in range(draw.pick(1, 2, 2, 3))]
    names = listed([mark(role.word.noun) for role in roles])
    ways = (
        "only the {names} of {what}", "show just {names} of {what}", "{what}, only {names}",
        "for {what} give me nothing but {names}", "list {names} of {what}",
    )  # fmt: skip
    after = {"_source": [role.field for role in roles]}
    return Ask(ways=ways, slots={"names": names}, after=after, why="Chosen fields: _source.")


def nearest(draw: Draw) -> Ask:
    role, value = draw.known("geo")
    point, size = point_near(value), draw.random.choice(_SIZES)
    ways = (
        "the {n} {what} nearest to {v}{by}", "{n} {what} closest to {v}{by}",
        "the {n} {what} next to {v} by distance{by}",
        "which {n} {what} are nearest to {v}{by}?", "sorted by distance from {v}{by}, the first {n} {what}",
    )  # fmt: skip
    sort = {"_geo_distance": {role.field: point, "order": "asc", "unit": "km"}}
    why = f"{role.note}: sort by _geo_distance, size {size}."
    shown = f"{point['lat']}, {point['lon']}"
    by = "" if len(draw.context.by_kind("geo")) == 1 else f", going by {mark(role.word.noun)}"
    return Ask(
        ways=ways, slots={"n": size, "v": shown, "by": by}, before={"size": size}, after={"sort": [sort]}, why=why
    )


ASKS: Mapping[str, AskMaker] = {
    "list": listing,
    "count": count,
    "top": _by_number("desc", _TOP),
    "bottom": _by_number("asc", _BOTTOM),
    "newest": _by_date("desc", _NEWEST),
    "oldest": _by_date("asc", _OLDEST),
    "page": page,
    "fields": fields,
    "nearest": nearest,
}
