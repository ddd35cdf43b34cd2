"""Plans as tokens: pieces of structure, and numbers of words and items of a reading.

    encode(plan, reading)                    [9, 10, "where", "eq", 11, 4, "order", 12, "desc", "limit", "=1"]
    decode(tokens, reading)                  Plan(entity=shop, shown=(Place(name),), …)
    allowed(tokens, reading)                 the tokens that may come next; "" if a plan may end there

    plan       entity ["distinct"] shown… ["where" condition (("and" | "or") condition)…] ["by" key…]
               ["having" comparison measure number] ["order" (place | measure) ["desc"] ["limit" number]]
    shown      place | measure
    place      attribute ["via" relation]            the relation only if several lead to the attribute's entity
    measure    "count" | "unique" place | ("avg" | "sum" | "min" | "max") place
    key        place | entity ["via" relation]       an entity: groups are its members
    condition  (comparison | "eq" | "ne" | "has" | "starts" | "ends") place value | comparison place place
               | "between" place value value | "in" place value… ")" | ("null" | "filled" | "true" | "false") place
               | ("over" | "under") place | ("most" | "least") place condition
               | ["not"] "exists" entity ["via" relation] [condition]
    value      word [".." word] | "known" word [".." word] | character… '"'

``over`` is above the average of all, ``most`` above all that meet the condition. An entity is a pointer to its item, an
attribute to its own, a relation to that of its column.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from dstill.linked import KnownTexts, Reading, partial_values
from dstill.linked.known import same_value
from dstill.linked.scalars import Notation, SpanWriter, as_number, plain, scalar
from dstill.linked.tokens import CHARACTERS, HALVES, NotExpressible, Token
from dstill.plans.schema import PlanSchema
from dstill.synthesis.plans import (
    Aggregate,
    Comparison,
    Condition,
    Existence,
    Function,
    Having,
    Operator,
    Place,
    Plan,
)
from dstill.synthesis.subjects import Attribute, Entity, Relation

__all__ = ["REFUSAL", "TOKENS", "allowed", "decode", "encode"]

REFUSAL = "refuse"
_ENDS, _QUOTE = ")", '"'
_COMPARISONS: Mapping[str, Operator] = {"gt": ">", "lt": "<", "ge": ">=", "le": "<="}
_OPERATORS: Mapping[str, Operator] = {
    **_COMPARISONS, "eq": "=", "ne": "!=", "has": "contains", "starts": "starts", "ends": "ends",
    "between": "between", "in": "in", "null": "is_null", "filled": "not_null", "true": "yes", "false": "no",
    "over": "above_average", "under": "below_average", "most": "above_all", "least": "below_all",
}  # fmt: skip
_TOKENS_OF: Mapping[str, str] = {operator: token for token, operator in _OPERATORS.items()}
_FUNCTIONS: Mapping[str, Function] = {
    "count": "count", "unique": "count_distinct", "avg": "avg", "sum": "sum", "min": "min", "max": "max",
}  # fmt: skip
_OF_FUNCTIONS: Mapping[str, str] = {function: token for token, function in _FUNCTIONS.items()}
_CONSTANTS: Mapping[str, int] = {f"={number}": number for number in (1, 2, 3, 5, 10)}
_SPELLED = (*(f"'{character}" for character in CHARACTERS), *HALVES)
TOKENS = (
    REFUSAL, "distinct", "where", "and", "or", "not", "exists", "via", "by", "having", "order", "desc", "limit",
    *_OPERATORS, *_FUNCTIONS, *_CONSTANTS, _ENDS, "..", "known", *_SPELLED, _QUOTE,
)  # fmt: skip
_NUMBERS = ("number", "year")
_ORDERED = (*_NUMBERS, "date")  # kinds that are compared
_TEXTS = ("name", "category", "code", "text", "yes_no")
_LONGEST, _DIGITS = 60, 15  # characters of a spelled text, and of a number


_NUMBER = Attribute(name="", noun="", kind="number")  # of groups or rows


class _Open(Exception):
    """The tokens end here; `options` may follow."""

    def __init__(self, options: Collection[Token]) -> None:
        super().__init__()
        self.options = options


def decode(tokens: Sequence[Token], reading: Reading) -> Plan | None:
    """The plan; None: a refusal. Raises NotExpressible."""
    try:
        return _Parser(tokens, reading, complete=True).plan()
    except _Open:
        raise NotExpressible("the plan is not whole") from None


def allowed(tokens: Sequence[Token], reading: Reading) -> Collection[Token]:
    """The tokens that may come after these, which are the beginning of a plan; "" if it may end."""
    try:
        _Parser(tokens, reading, complete=False).plan()
    except _Open as place:
        return place.options
    raise NotExpressible("more tokens than a plan has")


class _Parser:
    """Reads tokens from left to right. Where they end, it raises `_Open`, or reads "" if the plan is `complete`."""

    def __init__(self, tokens: Sequence[Token], reading: Reading, *, complete: bool) -> None:
        if not isinstance(reading.schema, PlanSchema):
            raise NotExpressible("the question is about no subject")
        self.tokens, self.at, self.reading, self.complete = tokens, 0, reading, complete
        self.schema: PlanSchema = reading.schema
        self.shown = {number: place for place, number in enumerate(self._numbers())}  # item → its position
        self.entity: Entity | None = None
        self.optional: set[Token] = set()  # what might have come before the next token, where the tokens end

    def _numbers(self) -> list[int]:
        """The numbers in the schema of the items that the reading shows."""
        return [self.schema.places[item.name] for item in self.reading.items]

    def take(self, options: Collection[Token]) -> Token:
        if self.at == len(self.tokens):
            if self.complete and "" in options:
                return ""
            raise _Open({*options, *self.optional})
        token = self.tokens[self.at]
        if token not in options:
            raise NotExpressible(f"{token!r} is in the wrong place")
        self.at += 1
        return token

    def maybe(self, options: Collection[Token]) -> Token | None:
        """The next token if it is one of these, which may be missing; None: it is another one."""
        if self.at == len(self.tokens):
            self.optional |= set(options)
            return None
        return self.take(options) if self.tokens[self.at] in options else None

    # --- pointers -----------------------------------------------------------------------

    def position(self, number: int) -> int:
        """The position of an item."""
        return self.reading.position(self.shown[number])

    def number(self, position: Token) -> int:
        """The number in the schema of an item."""
        assert isinstance(position, int)
        return self.schema.places[self.reading.item(position).name]

    def _attributes(self, entity: Entity, kinds: Collection[str] = ()) -> set[Token]:
        """Positions of the attributes of an entity."""
        return {
            self.position(number)
            for number, (of, attribute) in self.schema.attributes.items()
            if of is entity and number in self.shown and (not kinds or attribute.kind in kinds)
        }

    def _above(self, entity: Entity) -> dict[str, Entity]:
        """The name of each parent of an entity, with the parent."""
        names = {relation.parent for relation in self.schema.subject.up(entity.name)}
        return {name: self.schema.subject.entity(name) for name in sorted(names)}

    def places(self, kinds: Collection[str] = (), *, own: Entity | None = None) -> set[Token]:
        """Positions of the attributes that a place may be of. `own`: of this entity alone."""
        entity = own or self.entity
        assert entity is not None
        options = self._attributes(entity, kinds)
        for above in () if own else self._above(entity).values():
            options |= self._attributes(above, kinds)
        return options

    def place(self, position: Token, *, own: Entity | None = None) -> Place:
        """The place of an attribute's position, with what follows it."""
        of, attribute = self.schema.attributes[self.number(position)]
        entity = own or self.entity
        assert entity is not None
        return Place(attribute) if of is entity else Place(attribute, (self.via(entity.name, of.name),))

    def via(self, child: str, parent: str) -> Relation:
        """The relation that leads from a child to its parent."""
        known = self.schema.relations(child, parent)
        numbers = {self.schema.numbers.get((child, relation.column)): relation for relation in known}
        by_position: dict[Token, Relation] = {
            self.position(n): r for n, r in numbers.items() if n is not None and n in self.shown
        }
        if len(known) < 2 or not by_position:
            return known[0]
        self.take(("via",))
        return by_position[self.take(by_position)]

    # --- the plan -----------------------------------------------------------------------

    def plan(self) -> Plan | None:
        """The plan; None: a refusal."""
        entities: dict[Token, int] = {
            self.position(number): number for number in self.schema.entities if number in self.shown
        }
        first = self.take({*entities, REFUSAL})
        if first == REFUSAL:
            self._end(self.take({""}))
            return None
        self.entity = entity = self.schema.entities[entities[first]]
        distinct = self.maybe(("distinct",)) is not None
        measures = self._measures()
        shown = self._several({*self.places(), *(() if distinct else measures)})
        conditions, any_of = self._conditions(entity)
        group: tuple[Place, ...] = ()
        having = None
        if not distinct and self.maybe(("by",)):
            group = tuple(map(self._key, self._listed(self._keys())))
        if not distinct and self.maybe(("having",)):
            having = self._having()
        order, descending, limit = self._order({*self.places(), *measures})
        self._end(self.take({""}))
        return Plan(
            subject=self.schema.subject, entity=entity, shown=shown, distinct=distinct, conditions=conditions,
            any_of=any_of, group=group, having=having, order=order, descending=descending, limit=limit,
        )  # fmt: skip

    def _measures(self) -> set[str]:
        """The functions for which there is an attribute."""
        of_kinds = {"avg": _NUMBERS, "sum": _NUMBERS, "min": _ORDERED, "max": _ORDERED, "unique": ()}
        return {"count", *(function for function, kinds in of_kinds.items() if self.places(kinds))}

    def _several(self, options: Collection[Token]) -> tuple[Place | Aggregate, ...]:
        """One part of what is shown, or more."""
        return tuple(map(self._shown, self._listed(options)))

    def _listed(self, options: Collection[Token]) -> Iterator[Token]:
        """One of these tokens, or more. What follows each is read before the next."""
        token: Token | None = self.take(options)
        while token is not None:
            yield token
            token = self.maybe(options)

    def _conditions(self, entity: Entity) -> tuple[tuple[Condition, ...], bool]:
        """The conditions, and whether one of them is enough."""
        if self.maybe(("where",)) is None:
            return (), False
        conditions, words = [self._condition(entity)], ["and", "or"]
        while (token := self.maybe(words)) is not None:
            words = [str(token)]
            conditions.append(self._condition(entity))
        return tuple(conditions), words == ["or"]

    def _having(self) -> Having:
        operator = _OPERATORS[str(self.take({*_COMPARISONS, "eq", "ne"}))]
        measure = self._measure(self.take(self._measures()))
        return Having(measure, operator, float(self._some_number()))

    def _order(self, options: Collection[Token]) -> tuple[Place | Aggregate | None, bool, int | None]:
        """What is sorted by, whether it descends, and how many are asked for."""
        if self.maybe(("order",)) is None:
            return None, False, None
        order = self._shown(self.take(options))
        descending = self.maybe(("desc",)) is not None
        limit = int(self._some_number()) if self.maybe(("limit",)) else None
        return order, descending, limit

    def _end(self, token: Token) -> None:
        if token != "" or self.at < len(self.tokens):
            raise NotExpressible("more tokens than a plan has")

    def _shown(self, token: Token) -> Place | Aggregate:
        return self._measure(token) if isinstance(token, str) else self.place(token)

    def _measure(self, token: Token) -> Aggregate:
        function = _FUNCTIONS[str(token)]
        if function == "count":
            return Aggregate("count")
        kinds = () if function == "count_distinct" else _ORDERED if function in ("min", "max") else _NUMBERS
        return Aggregate(function, self.place(self.take(self.places(kinds))))

    def _keys(self) -> set[Token]:
        assert self.entity is not None
        above = (self.schema.numbers[name, ""] for name, of in self._above(self.entity).items() if of.key is not None)
        return {*self.places(), *(self.position(number) for number in above if number in self.shown)}

    def _key(self, token: Token) -> Place:
        number = self.number(token)
        if number not in self.schema.entities:
            return self.place(token)
        above = self.schema.entities[number]
        assert self.entity is not None
        assert above.key is not None
        return Place(above.key, (self.via(self.entity.name, above.name),))

    # --- conditions ---------------------------------------------------------------------

    def _condition(self, entity: Entity, *, inner: bool = False) -> Condition:
        own = entity if inner else None
        tokens = {token for token in _OPERATORS if self.places(_kinds(token), own=own)}
        down = [] if inner else self.schema.subject.down(entity.name)
        token = self.take({*tokens, *(("exists", "not") if down else ())} - ({"most", "least"} if inner else set()))
        if token in ("exists", "not"):
            return self._existence(entity, negated=token == "not")
        return self._compared(str(token), entity, inner=inner)

    def _compared(self, token: str, entity: Entity, *, inner: bool) -> Comparison:
        """The comparison that begins with a token. `inner`: with an attribute of the entity's own."""
        operator, own = _OPERATORS[token], entity if inner else None
        place = self.place(self.take(self.places(_kinds(token), own=own)), own=own)
        if token in ("null", "filled", "true", "false", "over", "under"):
            return Comparison(place, operator)
        if token in ("most", "least"):
            among = self._condition(entity, inner=True)
            assert isinstance(among, Comparison)
            return Comparison(place, operator, among=among)
        others = self._attributes(entity, ("number",)) if token in ("gt", "lt") and not place.via else set()
        if not inner and (position := self.maybe(others)) is not None:
            return Comparison(place, operator, other=self.place(position))
        values = [self._value(place.attribute)]
        if token == "between":
            values.append(self._value(place.attribute))
        while token == "in" and self.maybe((_ENDS,)) is None:
            values.append(self._value(place.attribute))
        return Comparison(place, operator, tuple(values))

    def _existence(self, entity: Entity, *, negated: bool) -> Existence:
        if negated:
            self.take(("exists",))
        below = {relation.child for relation in self.schema.subject.down(entity.name)}
        positions: dict[Token, str] = {
            self.position(number): name for name in below if (number := self.schema.numbers[name, ""]) in self.shown
        }
        if not positions:
            raise NotExpressible(f"nothing refers to '{entity.name}'")
        child = self.schema.subject.entity(positions[self.take(positions)])
        relation = self.via(child.name, entity.name)
        starts = {token for token in _OPERATORS if self.places(_kinds(token), own=child)} - {"most", "least"}
        condition = None
        if (token := self.maybe(starts)) is not None:
            condition = self._compared(str(token), child, inner=True)
        return Existence(relation, negated, condition)

    # --- values -------------------------------------------------------------------------

    def _starts(self, attribute: Attribute) -> set[Token]:
        words = self.reading.words
        if attribute.kind in _NUMBERS:
            tokens: set[Token] = {place for place, word in enumerate(words) if word.number is not None}
            return tokens | {f"'{digit}" for digit in "-0123456789"}
        if attribute.kind == "date":
            dated = {place for place, w in enumerate(words) if w.kind in ("date", "month") or w.number is not None}
            return dated | {f"'{digit}" for digit in "0123456789"}
        return {*range(len(words)), *(("known",) if self._parts(attribute) else ()), *_SPELLED}

    def _value(self, attribute: Attribute) -> Any:
        token = self.take(self._starts(attribute))
        if isinstance(token, int) or token == "known":
            return self._pointed(token, attribute)
        written: list[Token] = [token]
        while (token := self.take(self._spells(written, attribute))) != _QUOTE:
            written.append(token)
        return self._typed(scalar(written, self.reading, numeric=attribute.kind in _NUMBERS), attribute)

    def _spells(self, written: Sequence[Token], attribute: Attribute) -> Collection[Token]:
        """What may come after the first characters of a spelled value."""
        if attribute.kind not in _NUMBERS:
            characters = [f"'{digit}" for digit in "-0123456789"] if attribute.kind == "date" else _SPELLED
            return {_QUOTE} if len(written) >= _LONGEST else {*characters, _QUOTE}
        text = "".join(str(token)[1:] for token in written)
        digits = {f"'{digit}" for digit in "0123456789"} if len(text) < _DIGITS else set()
        point = {"'."} if text[-1].isdigit() and "." not in text else set()
        return {*digits, *point, *((_QUOTE,) if text[-1].isdigit() else ())}

    def _pointed(self, token: Token, attribute: Attribute) -> Any:
        """The value of a word, or of words, of the question."""
        if token == "known":
            return self._part_of_known(attribute)
        assert isinstance(token, int)
        if attribute.kind in _NUMBERS:
            number = self.reading.words[token].number
            assert number is not None
            return plain(number)
        span: list[Token] = [token]
        words = range(len(self.reading.words))
        if attribute.kind in _TEXTS and words[token + 1 :] and self.maybe(("..",)) is not None:
            span += ["..", self.take(words[token + 1 :])]
        return self._typed(scalar(span, self.reading, numeric=False), attribute)

    def _part_of_known(self, attribute: Attribute) -> Any:
        """The known value that words are a part of."""
        parts = self._parts(attribute)
        first = self.take({first for first, _ in parts})
        assert isinstance(first, int)
        lasts = {last for at, last in parts if at == first}
        longer = lasts - {first}
        if longer and (self.maybe if first in lasts else self.take)(("..",)) is not None:
            return self._typed(parts[first, self.take(longer)], attribute)
        return self._typed(parts[first, first], attribute)

    def _parts(self, attribute: Attribute) -> Mapping[tuple[Token, Token], str]:
        """Spans that are a part of a known value of a text."""
        known = _known(attribute)
        if attribute.kind not in _TEXTS or not known:
            return {}
        parts = partial_values(self.reading.question, self.reading.words, known)
        return {(first, last): text for (first, last), text in parts.items()}

    def _typed(self, value: Any, attribute: Attribute) -> Any:
        if attribute.kind in _NUMBERS:
            number = value if isinstance(value, (int, float)) else as_number(str(value))
            if number is None:
                raise NotExpressible(f"'{value}' is not a number")
            return number
        known, text = _known(attribute), str(value)
        text = text if text in known else same_value(text, known) or text
        return int(text) if attribute.whole and text.isdecimal() else text

    def _some_number(self) -> float:
        numbers = {place for place, word in enumerate(self.reading.words) if word.number is not None}
        token = self.take({*numbers, *_CONSTANTS, *(f"'{digit}" for digit in "0123456789")})
        if isinstance(token, int):
            number = self.reading.words[token].number
            assert number is not None
            return plain(number)
        if token in _CONSTANTS:
            return _CONSTANTS[str(token)]
        written: list[Token] = [token]
        while (token := self.take(self._spells(written, _NUMBER))) != _QUOTE:
            written.append(token)
        return float(scalar(written, self.reading, numeric=True))


def _known(attribute: Attribute) -> KnownTexts:
    return KnownTexts(str(value) for value in attribute.values)


def _kinds(token: str) -> Collection[str]:
    """The kinds of attributes that a condition may be about; empty: all."""
    if token in ("true", "false"):
        return ("boolean",)
    if token in ("over", "under", "most", "least"):
        return ("number",)
    if token in (*_COMPARISONS, "between"):
        return _ORDERED
    if token in ("has", "starts", "ends"):
        return _TEXTS
    return (*_ORDERED, *_TEXTS) if token in ("eq", "ne", "in") else ()


# --- writing ----------------------------------------------------------------------------


def encode(plan: Plan | None, reading: Reading) -> list[Token]:
    """The tokens of a plan; of a refusal for None. Raises NotExpressible."""
    if plan is None:
        return [REFUSAL]
    return _Writer(plan, reading).tokens()


class _Writer:
    """Writes one plan."""

    def __init__(self, plan: Plan, reading: Reading) -> None:
        assert isinstance(reading.schema, PlanSchema)
        self.plan, self.reading, self.schema = plan, reading, reading.schema
        self.positions = {item.name: reading.position(place) for place, item in enumerate(reading.items)}
        self.values = SpanWriter(reading, Notation())

    def tokens(self) -> list[Token]:
        plan = self.plan
        made: list[Token] = [self._item(plan.entity.name), *(("distinct",) if plan.distinct else ())]
        for shown in plan.shown:
            made += self._shown(shown)
        for place, condition in enumerate(plan.conditions):
            made += ["where" if place == 0 else "or" if plan.any_of else "and", *self._condition(condition)]
        for place, key in enumerate(plan.group):
            made += [*(("by",) if place == 0 else ()), *self._key(key)]
        if plan.having:
            made += ["having", _TOKENS_OF[plan.having.operator], *self._shown(plan.having.measure)]
            made += self._some_number(plan.having.number)
        if plan.order is not None:
            made += ["order", *self._shown(plan.order), *(("desc",) if plan.descending else ())]
        if plan.limit is not None:
            made += ["limit", *self._some_number(plan.limit)]
        return made

    def _item(self, name: str) -> Token:
        if name not in self.positions:
            raise NotExpressible(f"'{name}' is not shown")
        return self.positions[name]

    def _entity_of(self, place: Place) -> Entity:
        return self.schema.subject.entity(place.via[-1].parent) if place.via else self.plan.entity

    def _place(self, place: Place, of: Entity | None = None) -> list[Token]:
        if len(place.via) > 1:
            raise NotExpressible("a place is further away than a parent")
        entity = of or self._entity_of(place)
        made = [self._item(f"{entity.name}.{place.attribute.name}")]
        return [*made, *self._via(place.via[0])] if place.via else made

    def _via(self, relation: Relation) -> list[Token]:
        known = self.schema.relations(relation.child, relation.parent)
        names = [f"{one.child}.{one.column}" for one in known]
        if len(known) < 2 or not any(name in self.positions for name in names):
            return []
        return ["via", self._item(f"{relation.child}.{relation.column}")]

    def _shown(self, shown: Place | Aggregate) -> list[Token]:
        if isinstance(shown, Place):
            return self._place(shown)
        return [_OF_FUNCTIONS[shown.function], *(self._place(shown.place) if shown.place else ())]

    def _key(self, key: Place) -> list[Token]:
        above = self._entity_of(key)
        if key.via and key.attribute is above.key:
            return [self._item(above.name), *self._via(key.via[0])]
        return self._place(key)

    def _condition(self, condition: Condition, of: Entity | None = None) -> list[Token]:
        if isinstance(condition, Existence):
            relation = condition.relation
            inner = condition.condition
            made: list[Token] = [*(("not",) if condition.negated else ()), "exists", self._item(relation.child)]
            made += self._via(relation)
            return [*made, *(self._condition(inner, self.schema.subject.entity(relation.child)) if inner else ())]
        made = [_TOKENS_OF[condition.operator], *self._place(condition.place, of)]
        if condition.other is not None:
            return [*made, *self._place(condition.other, of)]
        if condition.among is not None:
            return [*made, *self._condition(condition.among, of)]
        for value in condition.values:
            made += self._value(value, condition.place.attribute)
        return [*made, *((_ENDS,) if condition.operator == "in" else ())]

    def _value(self, value: Any, attribute: Attribute) -> list[Token]:
        if attribute.kind in _NUMBERS and isinstance(value, (int, float)):
            tokens = self.values.number(plain(value))
        else:
            tokens = self.values.text(str(value), _known(attribute))
        return _closed(tokens)

    def _some_number(self, value: float) -> list[Token]:
        tokens = self.values.number(plain(value))
        constant = f"={plain(value)}"
        return [constant] if isinstance(tokens[0], str) and constant in _CONSTANTS else _closed(tokens)


def _closed(tokens: list[Token]) -> list[Token]:
    """A spelled value has a mark at its end."""
    return [*tokens, _QUOTE] if tokens and isinstance(tokens[0], str) and tokens[0] != "known" else tokens
