"""The plan of a question, which a pack writes in its language.

    draw(subject, Random(1), joins=True)
    Plan(entity=shop, shown=[Place(city), Aggregate("count")], group=[Place(city)], having=Having(…), …)

Plans are about one entity, its parents (`Place.via`) and whether it has children (`Existence`). They are what formal
questions of people have: several things shown, one or several functions, conditions joined by and and or, groups with
conditions, superlatives, an order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from dstill.synthesis.subjects import Attribute, Entity, Relation, Subject

__all__ = ["Aggregate", "Comparison", "Existence", "Having", "Place", "Plan", "Skip", "draw"]

LINKING = 2  # attributes of its own that an entity has at most, if it does little but link two others
Function = Literal["count", "count_distinct", "avg", "sum", "min", "max"]
# is_null and not_null have no value; in and between have several; above_average and below_average have none
Operator = Literal[
    "=", "!=", ">", "<", ">=", "<=", "between", "in", "is_null", "not_null", "contains", "starts", "ends",
    "above_average", "below_average", "above_all", "below_all", "yes", "no",
]  # fmt: skip


class Skip(Exception):
    """The subject has nothing for such a question."""


@dataclass(frozen=True)
class Place:
    """An attribute of the entity, or of the parent that `via` leads to."""

    attribute: Attribute
    via: tuple[Relation, ...] = ()


@dataclass(frozen=True)
class Aggregate:
    """A function over entities."""

    function: Function
    place: Place | None = None  # None: of a count


@dataclass(frozen=True)
class Comparison:
    """A condition on one attribute."""

    place: Place
    operator: Operator
    values: tuple[Any, ...] = ()
    other: Place | None = None  # the attribute that it is compared with, in the place of values
    among: Comparison | None = None  # of above_all and below_all: the entities whose values are compared


@dataclass(frozen=True)
class Existence:
    """Whether the entity has children of a relation, perhaps some that meet a condition."""

    relation: Relation
    negated: bool
    condition: Comparison | None = None
    called: str = ""  # the entity that the children link to, if the question speaks of these


Condition = Comparison | Existence


@dataclass(frozen=True)
class Having:
    """A condition on groups."""

    measure: Aggregate
    operator: Operator
    number: float


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The content of a question."""

    subject: Subject
    entity: Entity
    shown: tuple[Place | Aggregate, ...]
    distinct: bool = False
    conditions: tuple[Condition, ...] = ()
    any_of: bool = False  # one condition is enough
    group: tuple[Place, ...] = ()
    having: Having | None = None
    order: Place | Aggregate | None = None
    descending: bool = False
    limit: int | None = None
    called: Entity | None = None  # what the question calls the entity, which only links others
    about: tuple[Relation, ...] = ()  # the parent that the question is about; the entity only links it to another
    per_parent: tuple[Relation, ...] = ()  # groups are the parents that it leads to, and not equal values

    @property
    def is_superlative(self) -> bool:
        """Whether it asks for the first of an order, not for the order."""
        return self.order is not None and self.limit is not None


# --- drawing ----------------------------------------------------------------------------


def draw(subject: Subject, random: Random, *, joins: bool) -> Plan:
    """A random plan. Raises Skip if what was drawn does not fit the subject: draw again."""
    shapes = _SHAPES + (_JOINED if joins and subject.relations else ())
    (shape,) = random.choices([shape for shape, _ in shapes], [weight for _, weight in shapes])
    return shape(_Drawing(subject, random, joins))


class _Drawing:
    """The entity of a plan, and what is drawn about it."""

    def __init__(self, subject: Subject, random: Random, joins: bool, entity: Entity | None = None) -> None:
        self.subject, self.random, self.joins = subject, random, joins
        usable = [candidate for candidate in subject.entities if len(candidate.attributes) > 1]
        if not usable:
            raise Skip
        self.entity = entity or random.choice(usable)

    def about(self, name: str) -> _Drawing:
        return _Drawing(self.subject, self.random, self.joins, self.subject.entity(name))

    def attribute(self, *kinds: str, beside: Sequence[Attribute] = (), groups: bool = False) -> Attribute:
        fitting = [
            a
            for a in self.entity.attributes
            if (not kinds or a.kind in kinds) and a not in beside and (a.groups or not groups)
        ]
        if not fitting:
            raise Skip
        return self.random.choice(fitting)

    def shown(self, most: int = 4) -> tuple[Place, ...]:
        """Attributes to show: often the one that names the entity, first."""
        count = self.random.choices(range(1, most + 1), [5, 3, 2, 0.6][:most])[0]
        label = self.entity.label
        attributes = [label] if label and self.random.random() < 0.6 else []
        while len(attributes) < count:
            attributes.append(self.attribute(beside=attributes))
        return tuple(map(Place, attributes))

    def conditions(self, fewest: int, most: int) -> tuple[tuple[Condition, ...], bool]:
        """Conditions, and whether one of them is enough."""
        count = self.random.choices(range(fewest, most + 1), [4, 3, 1.2, 0.4][: most + 1 - fewest])[0]
        drawn: list[Condition] = []
        used: list[Attribute] = []
        for _ in range(count):
            place = self._place(used)
            used.append(place.attribute)
            drawn.append(self._compared(place, used))
        if count == 1 and isinstance(drawn[0], Comparison) and self.chance(0.04):
            return self._outside(drawn[0])
        any_of = len(drawn) == 2 and self.random.random() < 0.4 and not any(c.place.via for c in drawn)  # type: ignore[union-attr]
        return tuple(drawn), any_of

    def _compared(self, place: Place, used: list[Attribute]) -> Comparison:
        """A condition on an attribute: at times with another attribute, or with the values of other entities."""
        if place.via or place.attribute.kind != "number":
            return comparison(place, self.random)
        if self.chance(0.06):
            other = self.attribute("number", beside=used)
            used.append(other)
            return Comparison(place, self.random.choice((">", "<")), other=Place(other))
        if self.chance(0.04):
            among = comparison(Place(self.attribute("category", "name", "boolean", beside=used)), self.random)
            if among.operator in ("=", "yes", "no"):
                return Comparison(place, self.random.choice(("above_all", "below_all")), among=among)
        return comparison(place, self.random)

    def _outside(self, condition: Comparison) -> tuple[tuple[Condition, ...], bool]:
        """Below one number or above another."""
        if condition.operator != "between":
            raise Skip
        low, high = condition.values
        place = condition.place
        return (Comparison(place, "<", (low,)), Comparison(place, ">", (high,))), True

    def _place(self, used: Sequence[Attribute]) -> Place:
        up = self.subject.up(self.entity.name) if self.joins else []
        if up and self.random.random() < 0.3:
            relation = self.random.choice(up)
            above = self.about(relation.parent)
            attribute = above.entity.label if above.entity.label and self.random.random() < 0.6 else None
            return Place(attribute or above.attribute(beside=used), (relation,))
        return Place(self.attribute(beside=used))

    def linked(self, relation: Relation) -> Entity | None:
        """The only other parent of the children of `relation`, if these do little but link the two."""
        own = [a for a in self.subject.entity(relation.child).attributes if a.kind != "code"]
        if len(own) > LINKING:
            return None
        others = [
            other for other in self.subject.up(relation.child) if other.parent not in (relation.parent, relation.child)
        ]
        return self.subject.entity(others[0].parent) if len(others) == 1 else None

    def chance(self, share: float) -> bool:
        return self.random.random() < share


def comparison(place: Place, random: Random) -> Comparison:
    """A random condition on an attribute. Raises Skip."""
    if place.attribute.nullable and random.random() < 0.08:
        return Comparison(place, random.choice(("is_null", "is_null", "not_null")))
    by_kind = {"boolean": _boolean, "yes_no": _yes_no, "number": _number, "year": _number, "date": _date}
    return by_kind.get(place.attribute.kind, _text)(place, random)


def _boolean(place: Place, random: Random) -> Comparison:
    return Comparison(place, random.choice(("yes", "no")))


def _yes_no(place: Place, random: Random) -> Comparison:
    return Comparison(place, "=", (random.choice(place.attribute.values[:2]),))


def _text(place: Place, random: Random) -> Comparison:
    attribute, kind = place.attribute, place.attribute.kind
    texts = [value for value in attribute.values if isinstance(value, (str, int)) and str(value).strip()]
    if not texts:
        raise Skip
    drawn = random.random()
    if kind != "code" and drawn < 0.08 and (word := _word(texts, random)):
        return Comparison(place, random.choice(("contains", "contains", "starts", "ends")), (word,))
    if drawn < 0.22:
        return Comparison(place, "!=", (random.choice(texts),))
    if drawn < 0.36 and len(set(texts)) > 2:
        return Comparison(
            place, "in", tuple(random.sample(sorted(set(texts), key=str), 2 if random.random() < 0.85 else 3))
        )
    return Comparison(place, "=", (random.choice(texts),))


def _word(texts: Sequence[Any], random: Random) -> str:
    words = [word for text in random.sample(list(texts), min(6, len(texts))) for word in str(text).split()]
    words = [word for word in words if word.isalpha() and len(word) > 2]
    return random.choice(words) if words else ""


def _number(place: Place, random: Random) -> Comparison:
    attribute = place.attribute
    number = _some_number(attribute, random)
    if attribute.kind == "number" and random.random() < 0.09:
        return Comparison(place, random.choice(("above_average", "above_average", "below_average")))
    operator: Any = random.choices(
        [">", "<", ">=", "<=", "=", "!=", "between", "in"], [6, 4, 3, 2, 3 + 3 * (attribute.kind == "year"), 1, 2, 0.6]
    )[0]
    if operator in ("between", "in"):
        other = _some_number(attribute, random)
        if other == number:
            raise Skip
        pair = sorted((number, other))
        return Comparison(place, operator, tuple(pair))
    return Comparison(place, operator, (number,))


def _some_number(attribute: Attribute, random: Random) -> float | int:
    numbers = [value for value in attribute.values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if numbers and random.random() < 0.5:
        return random.choice(numbers)
    low = attribute.low if isinstance(attribute.low, (int, float)) else min(numbers, default=0)
    high = attribute.high if isinstance(attribute.high, (int, float)) else max(numbers, default=100)
    number = random.uniform(low, high)
    if attribute.kind == "year":
        return round(number)
    digits = 1 if random.random() < 0.6 else 2
    rounded = float(f"{number:.{digits}g}")
    return round(rounded) if attribute.whole or rounded == round(rounded) else rounded


def _date(place: Place, random: Random) -> Comparison:
    days = [str(value)[:10] for value in (*place.attribute.values, place.attribute.low, place.attribute.high) if value]
    years = sorted({int(day[:4]) for day in days if day[:4].isdigit()})
    if not years:
        raise Skip
    if random.random() < 0.5:
        year = random.randint(years[0], years[-1])
        return Comparison(place, random.choice(("=", ">", "<", ">=")), (str(year),))
    day = f"{random.randint(years[0], years[-1])}-{random.randrange(1, 13):02}-{random.randrange(1, 29):02}"
    return Comparison(place, random.choice((">", "<", ">=", "<=")), (day,))


# --- shapes: one entity -----------------------------------------------------------------


def _list(d: _Drawing) -> Plan:
    conditions, any_of = d.conditions(0, 3)
    distinct = d.chance(0.2)
    shown = d.shown(2 if distinct else 4)
    order = None
    if not distinct and d.chance(0.4 if conditions else 0.6):
        order = Place(d.attribute(groups=True)) if d.chance(0.7) else shown[0]
        if not order.attribute.groups:
            raise Skip
    elif not conditions and not distinct and len(shown) < 2:
        raise Skip
    if distinct and any(place.attribute is d.entity.key for place in shown):
        raise Skip
    return Plan(
        subject=d.subject, entity=d.entity, shown=shown, distinct=distinct, conditions=conditions, any_of=any_of,
        order=order, descending=order is not None and d.chance(0.5),
    )  # fmt: skip


def _count(d: _Drawing) -> Plan:
    conditions, any_of = d.conditions(1, 3)
    return Plan(
        subject=d.subject, entity=d.entity, shown=(Aggregate("count"),), conditions=conditions, any_of=any_of
    )  # fmt: skip


def _count_all(d: _Drawing) -> Plan:
    return Plan(subject=d.subject, entity=d.entity, shown=(Aggregate("count"),))


def _count_distinct(d: _Drawing) -> Plan:
    conditions, any_of = d.conditions(0, 1)
    place = Place(d.attribute("category", "name", "code", "year", groups=True))
    if place.attribute is d.entity.key:
        raise Skip
    shown = (Aggregate("count_distinct", place),)
    return Plan(subject=d.subject, entity=d.entity, shown=shown, conditions=conditions, any_of=any_of)


def _aggregates(d: _Drawing) -> Plan:
    conditions, any_of = d.conditions(0, 2)
    first = Place(d.attribute("number"))
    shown: tuple[Aggregate, ...]
    functions: list[Function] = ["avg", "sum", "min", "max"]
    count = d.random.choices((1, 2, 3, 4), (5, 4, 1.5, 0.5))[0]
    chosen = d.random.sample(functions, count)
    if count == 2 and d.chance(0.3):
        second = Place(d.attribute("number", beside=(first.attribute,)))
        shown = (Aggregate(chosen[0], first), Aggregate(d.random.choice((chosen[0], chosen[1])), second))
    else:
        shown = tuple(Aggregate(function, first) for function in chosen)
    if count == 1 and d.chance(0.1):
        shown = (Aggregate("count"), *shown)
    return Plan(subject=d.subject, entity=d.entity, shown=shown, conditions=conditions, any_of=any_of)


def _measure(d: _Drawing) -> Aggregate:
    if d.chance(0.6):
        return Aggregate("count")
    return Aggregate(d.random.choice(("avg", "sum", "max", "min", "avg")), Place(d.attribute("number")))


def _groups(d: _Drawing) -> Plan:
    conditions, any_of = d.conditions(0, 1) if d.chance(0.45) else ((), False)
    keys = [Place(d.attribute("category", "name", "code", "year", "yes_no", groups=True))]
    if d.chance(0.12):
        keys.append(Place(d.attribute("category", "year", "yes_no", beside=(keys[0].attribute,), groups=True)))
    if keys[0].attribute is d.entity.key:
        raise Skip
    measures = [_measure(d)]
    if d.chance(0.2):
        other = _measure(d)
        measures += [other] if other not in measures else []
    used = {c.place.attribute for c in conditions if isinstance(c, Comparison)}
    if used & {key.attribute for key in keys}:
        raise Skip
    having, limit, descending = None, None, False
    order: Place | Aggregate | None = None
    shown_measures: tuple[Aggregate, ...] = tuple(measures)
    drawn = d.random.random()
    if drawn < 0.3:
        measure = measures[0]
        number = _threshold(measure, d)
        having = Having(measure, d.random.choice((">", ">=", ">=", ">", "<", "<=")), number)
        shown_measures = () if d.chance(0.7) else (measure,)
    elif drawn < 0.62:
        order, descending, limit = measures[0], d.chance(0.8), d.random.choice((1, 1, 1, 1, 1, 2, 3, 5))
        shown_measures = () if d.chance(0.65) else (measures[0],)
    elif drawn < 0.75:
        order = measures[0] if d.chance(0.8) else keys[0]
        descending = d.chance(0.6)
        shown_measures = () if order is measures[0] and d.chance(0.3) else tuple(measures)
    shown: tuple[Place | Aggregate, ...] = (*keys, *shown_measures)
    if d.chance(0.25) and having is None and order is None:
        shown = (*shown_measures, *keys)
    return Plan(
        subject=d.subject, entity=d.entity, shown=shown, conditions=conditions, any_of=any_of, group=tuple(keys),
        having=having, order=order, descending=descending, limit=limit,
    )  # fmt: skip


def _threshold(measure: Aggregate, d: _Drawing) -> float:
    if measure.place is None:
        return d.random.choice((1, 2, 2, 2, 3, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 50, 100))
    return _some_number(measure.place.attribute, d.random)


def _superlative(d: _Drawing) -> Plan:
    conditions, any_of = d.conditions(0, 1) if d.chance(0.35) else ((), False)
    order = Place(d.attribute("number", "number", "date", "year", groups=True))
    shown = d.shown(3)
    if len(shown) == 1 and shown[0] == order:
        raise Skip
    limit = d.random.choice((1, 1, 1, 1, 1, 1, 3, 5, 2, 10))
    return Plan(
        subject=d.subject, entity=d.entity, shown=shown, conditions=conditions, any_of=any_of, order=order,
        descending=d.chance(0.6), limit=limit,
    )  # fmt: skip


# --- shapes: several entities -----------------------------------------------------------


def _with_parents(d: _Drawing) -> Plan:
    """Attributes of an entity beside those of its parents, or of its parents alone."""
    up = d.subject.up(d.entity.name)
    if not up:
        raise Skip
    relations = d.random.sample(up, 2) if len(up) > 1 and d.chance(0.3) else [d.random.choice(up)]
    if len({relation.parent for relation in relations}) < len(relations):
        raise Skip
    shown: list[Place | Aggregate] = list(d.shown(2)) if d.chance(0.75) or len(relations) > 1 else []
    for relation in relations:
        above = d.about(relation.parent)
        count = 1 if d.chance(0.8) else 2
        named = above.entity.label
        places: list[Attribute] = [named] if named and d.chance(0.6) else []
        while len(places) < count:
            places.append(above.attribute(beside=places))
        shown += [Place(attribute, (relation,)) for attribute in places]
    conditions, any_of = d.conditions(0 if len(shown) > 1 else 1, 2)
    order = Place(d.attribute(groups=True)) if d.chance(0.2) else None
    limit = (
        d.random.choice((1, 1, 1, 3, 5))
        if order and order.attribute.kind in ("number", "date", "year") and d.chance(0.5)
        else None
    )
    if any_of:
        raise Skip
    distinct = len(shown) == 1 and d.chance(0.4) and order is None
    return Plan(
        subject=d.subject, entity=d.entity, shown=tuple(shown), distinct=distinct, conditions=conditions, order=order,
        descending=order is not None and d.chance(0.6), limit=limit,
    )  # fmt: skip


def _children(d: _Drawing) -> Plan:
    """Parents with a figure of their children: how many, the most, at least so many."""
    up = d.subject.up(d.entity.name)
    if not up:
        raise Skip
    relation = d.random.choice(up)
    above = d.about(relation.parent)
    key = above.entity.key
    if key is None:
        raise Skip
    named = above.entity.label
    shown_attributes = [named] if named and d.chance(0.7) else [above.attribute()]
    if d.chance(0.3):
        shown_attributes.append(above.attribute(beside=shown_attributes))
    measure = (
        Aggregate("count")
        if d.chance(0.75)
        else Aggregate(d.random.choice(("avg", "sum", "max", "min")), Place(d.attribute("number")))
    )
    conditions: tuple[Condition, ...] = ()
    if d.chance(0.3):
        place = Place(d.attribute())
        if measure.place and place.attribute is measure.place.attribute:
            raise Skip
        conditions = (comparison(place, d.random),)
    called = None
    if measure.place is None and not conditions and d.chance(0.5):
        called = d.linked(relation)
    via = (relation,)
    places = tuple(Place(attribute, via) for attribute in shown_attributes)
    having, order, limit, descending = None, None, None, False
    shows_measure = d.chance(0.5)
    drawn = d.random.random()
    if drawn < 0.32:
        having = Having(measure, d.random.choice((">", ">=", ">=", ">", "<", "=")), _threshold(measure, d))
    elif drawn < 0.68:
        order, descending, limit = measure, d.chance(0.8), d.random.choice((1, 1, 1, 1, 1, 3, 5))
    else:
        shows_measure = True
        if drawn > 0.88:
            order, descending = measure, d.chance(0.7)
    shown: tuple[Place | Aggregate, ...] = (*places, measure) if shows_measure else places
    return Plan(
        subject=d.subject, entity=d.entity, shown=shown, conditions=conditions,
        group=tuple(dict.fromkeys((Place(key, via), *places))), having=having, order=order, descending=descending,
        limit=limit, per_parent=via, called=called,
    )  # fmt: skip


def _existence(d: _Drawing) -> Plan:
    """Entities that have children, none, or such of two kinds."""
    down = d.subject.down(d.entity.name)
    if not down:
        raise Skip
    relation = d.random.choice(down)
    below = d.about(relation.child)
    negated = d.chance(0.6)
    conditions: list[Condition] = []
    if d.chance(0.35):
        place = Place(below.attribute("category", "yes_no", "boolean", "number", "year", "date"))
        first = comparison(place, d.random)
        conditions.append(Existence(relation, negated, first))
        if first.operator == "=" and len(place.attribute.values) > 2 and d.chance(0.5):
            other = d.random.choice([value for value in place.attribute.values if value != first.values[0]])
            conditions.append(Existence(relation, d.chance(0.4), Comparison(place, "=", (other,))))
            conditions[0] = Existence(relation, False, first)
    else:
        linked = d.linked(relation) if d.chance(0.5) else None
        conditions.append(Existence(relation, negated, called=linked.name if linked else ""))
    any_of = len(conditions) == 2 and d.chance(0.3) and not conditions[1].negated  # type: ignore[union-attr]
    if not any_of and d.chance(0.15):
        conditions.insert(0, comparison(Place(d.attribute("category", "number", "boolean", "year")), d.random))
    shown: tuple[Place | Aggregate, ...]
    if d.chance(0.25):
        shown = (Aggregate("count"),)
    elif d.chance(0.15):
        shown = (Aggregate(d.random.choice(("avg", "sum", "max", "min")), Place(d.attribute("number"))),)
    else:
        shown = d.shown(3)
    return Plan(subject=d.subject, entity=d.entity, shown=shown, conditions=tuple(conditions), any_of=any_of)


def _through(d: _Drawing) -> Plan:
    """Attributes of a parent, by the other parent that the entity links it to."""
    up = d.subject.up(d.entity.name)
    if len(up) < 2:
        raise Skip
    shown, other = d.random.sample(up, 2)
    if shown.parent == other.parent:
        raise Skip
    of_shown, of_other = d.about(shown.parent), d.about(other.parent)
    attribute = of_other.entity.label if of_other.entity.label and d.chance(0.8) else of_other.attribute()
    conditions: list[Condition] = [comparison(Place(attribute, (other,)), d.random)]
    if d.chance(0.25):
        conditions.append(comparison(Place(d.attribute()), d.random))
    places: tuple[Place | Aggregate, ...] = tuple(Place(p.attribute, (shown,)) for p in of_shown.shown(2))
    if d.chance(0.2):
        places = (Aggregate("count"),)
    distinct = len(places) == 1 and isinstance(places[0], Place) and d.chance(0.3)
    return Plan(
        subject=d.subject, entity=d.entity, shown=places, conditions=tuple(conditions), distinct=distinct,
        about=(shown,),
    )  # fmt: skip


def _aggregate_above(d: _Drawing) -> Plan:
    """Functions and counts over entities of certain parents."""
    up = d.subject.up(d.entity.name)
    if not up:
        raise Skip
    relation = d.random.choice(up)
    above = d.about(relation.parent)
    attribute = above.entity.label if above.entity.label and d.chance(0.6) else above.attribute()
    condition = comparison(Place(attribute, (relation,)), d.random)
    more, _ = d.conditions(0, 1) if d.chance(0.3) else ((), False)
    shown = _count(d).shown if d.chance(0.55) else (_measure(d),)
    return Plan(subject=d.subject, entity=d.entity, shown=shown, conditions=(condition, *more))


def _groups_above(d: _Drawing) -> Plan:
    """Groups of entities by an attribute of their parent."""
    up = d.subject.up(d.entity.name)
    if not up:
        raise Skip
    relation = d.random.choice(up)
    key = Place(d.about(relation.parent).attribute("category", "year", "yes_no"), (relation,))
    measure = _measure(d)
    having, order, limit, descending = None, None, None, False
    drawn = d.random.random()
    if drawn < 0.2:
        having = Having(measure, d.random.choice((">", ">=", "<")), _threshold(measure, d))
    elif drawn < 0.5:
        order, descending, limit = measure, d.chance(0.8), 1
    shown: tuple[Place | Aggregate, ...] = (
        (key, measure) if (having is None and order is None) or d.chance(0.35) else (key,)
    )
    return Plan(
        subject=d.subject, entity=d.entity, shown=shown, group=(key,), having=having, order=order,
        descending=descending, limit=limit,
    )  # fmt: skip


_Shape = Callable[[_Drawing], Plan]
_SHAPES: tuple[tuple[_Shape, float], ...] = (
    (_list, 5.0), (_count, 2.5), (_count_all, 0.3), (_count_distinct, 1.2), (_aggregates, 2.5), (_groups, 5.0),
    (_superlative, 3.0),
)  # fmt: skip
_JOINED: tuple[tuple[_Shape, float], ...] = (
    (_with_parents, 3.5), (_children, 4.5), (_existence, 3.5), (_aggregate_above, 2.0), (_groups_above, 1.2),
    (_through, 1.5),
)  # fmt: skip
