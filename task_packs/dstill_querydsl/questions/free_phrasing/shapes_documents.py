"""Questions for documents in an order, for some of their fields, or for those around a point."""

from __future__ import annotations

from dataclasses import dataclass

from dstill_querydsl.questions.free_phrasing.conditions import said_value, stands_alone
from dstill_querydsl.questions.free_phrasing.numbers import adjective_of
from dstill_querydsl.questions.free_phrasing.shape_parts import Own, Shape, counted, make, noun_of, size_of
from dstill_querydsl.questions.free_phrasing.wording import AskedDraw
from dstill_querydsl.questions.templates.conditions_places import point_near
from dstill_querydsl.questions.templates.context import Skip
from dstill_querydsl.questions.templates.roles import Role
from dstill_querydsl.questions.templates.words import listed, mark

__all__ = ["extreme", "fields", "in_order", "in_time", "lookup", "nearest", "page"]

_TIME_WORDS = ("newest", "oldest", "latest", "earliest")


def _sortable(draw: AskedDraw) -> Role:
    roles = [role for role in draw.context.by_kind("number") if role.groups and role.measures]
    role = draw.among(roles)
    draw.value(role)
    return role


def extreme(draw: AskedDraw) -> Shape:
    """The first n, or the first, by a number."""
    role, single = _sortable(draw), draw.chance(55)
    order = "desc" if draw.chance(65) else "asc"
    size, word = (1, "") if single else size_of(draw)
    own = role.word.most if order == "desc" else role.word.least
    if (not own or draw.chance(50)) and (adjective := adjective_of(role, draw)):
        own = next(reversed(adjective.more if order == "desc" else adjective.less), "")
    if own in _TIME_WORDS and draw.subject.first_date:
        own = ""
    slots = {"n": word, "f": noun_of(role)}
    key = "most" if single else "top"
    before, after = {"size": size}, {"sort": [{role.field: order}]}
    name = "top" if order == "desc" else "bottom"
    if own and draw.chance(60):
        return make(name, f"{key}_own", before=before, after=after, own=own, **slots)
    top = make(name, key, before=before, after=after, **slots)
    return top if order == "desc" else _lowest(top)


_OPPOSITES = {"highest": "lowest", "most": "least", "largest": "smallest", "biggest": "smallest", "greatest": "lowest"}
_OPPOSITES |= {
    "descending": "ascending",
    "desc": "asc",
    "top": "bottom",
    "from high to low": "from low to high",
    "#1": "last",
}


@dataclass(frozen=True, kw_only=True)
class _Lowest(Shape):
    """A shape that asks for the lowest in the words for the highest."""

    @property
    def ways(self) -> tuple[str, ...]:
        texts = []
        for way in super().ways:
            text = way
            for word, other in _OPPOSITES.items():
                text = text.replace(word, "\0".join(other))
            if text != way:
                texts.append(text.replace("\0", ""))
        return tuple(texts)


def _lowest(shape: Shape) -> Shape:
    return _Lowest(name=shape.name, keys=shape.keys, slots=shape.slots, before=shape.before, after=shape.after)


def _dated(draw: AskedDraw) -> Role:
    """The first date."""
    role = draw.among(
        [role for role in draw.context.by_kind("date") if role.field == draw.subject.first_date and role.groups]
    )
    draw.value(role)
    return role


def in_time(draw: AskedDraw) -> Shape:
    """The latest or the earliest, one or some, or all in that order."""
    role = _dated(draw)
    order = "desc" if draw.chance(72) else "asc"
    after = {"sort": [{role.field: order}]}
    name, single, ordered = (
        ("newest", "latest", "newest_first") if order == "desc" else ("oldest", "first", "oldest_first")
    )
    draws = draw.random.random()
    if draws < 0.4:
        size, word = size_of(draw)
        return make(name, name, before={"size": size}, after=after, n=word)
    if draws < 0.8:
        return make(name, single, before={"size": 1}, after=after)
    return make(f"sorted_{name}", ordered, after=after)


def in_order(draw: AskedDraw) -> Shape:
    """All, sorted by a number."""
    role, order = _sortable(draw), draw.pick("desc", "desc", "asc")
    key = "sorted_down" if order == "desc" else "sorted_up"
    return make(key, key, after={"sort": [{role.field: order}]}, f=noun_of(role))


def page(draw: AskedDraw) -> Shape:
    """One page of them, sorted by a date or a number."""
    order, number = draw.pick("desc", "asc"), draw.random.randrange(2, 5)
    size, text = draw.pick(5, 10, 10, 20, 20, 25, 50), ""
    if draw.chance(50):
        role = _dated(draw)
        text = (
            draw.pick("newest first", "latest first")
            if order == "desc"
            else draw.pick("oldest first", "earliest first")
        )
    else:
        role = _sortable(draw)
        text = f"sorted by {noun_of(role)}, {'highest' if order == 'desc' else 'lowest'} first"
    before = {"from": (number - 1) * size, "size": size}
    return make(
        "page", "page", before=before, after={"sort": [{role.field: order}]}, p=mark(number), n=mark(size), by=text
    )


def fields(draw: AskedDraw) -> Shape:
    """One to three of their fields."""
    roles = [draw.take("category", "number", "date", "text", "boolean", "ip") for _ in range(draw.pick(1, 2, 2, 3))]
    return make(
        "fields",
        "fields",
        after={"_source": [role.field for role in roles]},
        names=listed([noun_of(role) for role in roles]),
    )


def lookup(draw: AskedDraw) -> Shape:
    """One field of the documents that a value tells."""
    about, value = draw.known_category()
    if not stands_alone(about, value, draw):
        raise Skip(about.field)
    role = draw.take("number", "number", "category", "text", "date")
    slots = {"v": mark(said_value(about, value, draw)), "f": noun_of(role)}
    key = "lookup_date" if role.kind == "date" and draw.chance(60) else "lookup"
    if role.kind == "number":
        adjective = adjective_of(role, draw) if draw.chance(50) else None
        key = "lookup_adjective" if adjective else draw.pick("lookup", "lookup_number")
        if key == "lookup_number" and counted(role):
            raise Skip("a sum is meant")
        slots |= {"adjective": adjective.more[0]} if adjective else {}
    return Own(
        name="lookup",
        keys=(f"asks/{key}",),
        slots=slots,
        after={"_source": [role.field]},
        own={"term": {about.keyword: value}},
    )


def nearest(draw: AskedDraw) -> Shape:
    """Those that are nearest to a point."""
    if len(draw.context.by_kind("geo")) != 1:
        raise Skip("which place?")
    role, value = draw.known("geo")
    point = point_near(value)
    size, word = (1, "") if draw.chance(40) else size_of(draw)
    sort = {"_geo_distance": {role.field: point, "order": "asc", "unit": "km"}}
    shown = mark(f"{point['lat']}, {point['lon']}")
    key = "nearest" if word else "nearest_one"
    return make("nearest", key, before={"size": size}, after={"sort": [sort]}, n=word, x=shown)
