"""How data spell the names of their entities and attributes.

style = Style.draw(Random(3))
style.entity("order line", "order lines")      "OrderLines"
style.attribute("unit price", "order line")    "UnitPrice"
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

__all__ = ["PLAIN", "Style"]

_CASES: Mapping[str, Callable[[Sequence[str]], str]] = {
    "snake": "_".join,
    "camel": lambda words: words[0] + "".join(word.capitalize() for word in words[1:]),
    "pascal": lambda words: "".join(word.capitalize() for word in words),
    "upper": lambda words: "_".join(words).upper(),
    "lower": "".join,
}
_SHORT = {
    "quantity": "qty", "amount": "amt", "date": "dt", "number": "no", "address": "addr", "description": "descr",
    "department": "dept", "employee": "emp", "customer": "cust", "manager": "mgr", "minutes": "min", "category": "cat",
    "product": "prod", "account": "acct", "birth": "brth", "average": "avg", "maximum": "max", "distance": "dist",
    "price": "prc", "weight": "wgt", "height": "hgt", "status": "stat", "country": "ctry", "delivered": "dlvrd",
    "started": "strtd", "created": "crtd", "street": "str", "temperature": "temp", "population": "pop",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Style:
    """The habits of some data."""

    case: str = "snake"
    plural_entities: bool = True
    entity_prefix: str = ""
    attribute_prefix: str = ""  # "": none; "noun": the entity's; "short": its first letters
    key: str = "id"  # or "own": driver_id; "number": driver_no
    foreign: str = "id"  # what is behind the role: "id", "key", "no" or nothing
    short: bool = False  # words are shortened
    units: bool = False  # distance_km
    comments: bool = False  # say what short names mean
    declared: bool = True  # relations are declared

    @classmethod
    def draw(cls, random: Random) -> Style:
        """Habits as they occur."""
        short = random.random() < 0.15
        return cls(
            case=random.choices(list(_CASES), (50, 15, 14, 12, 5))[0],
            plural_entities=random.random() < 0.6,
            entity_prefix=random.choices(("", "tbl", "t"), (90, 6, 4))[0],
            attribute_prefix=random.choices(("", "noun", "short"), (78, 13, 9))[0],
            key=random.choices(("id", "own", "number"), (55, 35, 10))[0],
            foreign=random.choices(("id", "key", "no", ""), (78, 6, 6, 10))[0],
            short=short,
            units=random.random() < 0.15,
            comments=random.random() < (0.6 if short else 0.2),
            declared=random.random() < 0.92,
        )

    @property
    def spelling(self) -> tuple[str, str, str, bool]:
        """The spelling that most names have."""
        return (self.case, self.attribute_prefix, self.entity_prefix, self.short)

    def entity(self, noun: str, nouns: str) -> str:
        """The name of an entity."""
        words = (nouns if self.plural_entities else noun).split()
        return self._spelt([*([self.entity_prefix] if self.entity_prefix else []), *words])

    def attribute(self, words: str, noun: str, unit: str = "") -> str:
        """The name of an attribute of the entity with that noun."""
        before = {"noun": noun.split(), "short": [_initials(noun)]}.get(self.attribute_prefix, [])
        after = unit.split() if self.units and len(unit) in (2, 3) and unit.isalpha() else []
        return self._spelt([*before, *words.split(), *after])

    def primary(self, noun: str) -> str:
        """The name of a primary key."""
        after = "no" if self.key == "number" else "id"
        return self._spelt([after] if self.key == "id" else [*noun.split(), after])

    def relation(self, role: str) -> str:
        """The name of what refers to another entity."""
        return self._spelt([*role.split(), *([self.foreign] if self.foreign else [])])

    def _spelt(self, words: Sequence[str]) -> str:
        words = [word.replace("-", "").replace("'", "") for word in words]
        return _CASES[self.case]([_SHORT.get(word, word) if self.short else word for word in words])


PLAIN = Style()


def _initials(noun: str) -> str:
    words = noun.split()
    return "".join(word[0] for word in words) if len(words) > 1 else noun[:3]
