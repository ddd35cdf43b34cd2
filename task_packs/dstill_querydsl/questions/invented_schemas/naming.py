"""Names of fields in the styles of real indices.

named(["order", "date"], "camel", random)     "orderDate"
named(["order", "date"], "glued", random)     "orderdate"
shortened(["order", "quantity"], random)      ["ord", "qty"]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from dstill_querydsl.questions.invented_schemas.vocabulary import Concept

__all__ = ["UNIT_WORDS", "Manner", "named"]

_COMMON = {
    "address": "addr", "amount": "amt", "average": "avg", "category": "cat", "code": "cd", "count": "cnt",
    "country": "ctry", "currency": "ccy", "customer": "cust", "date": "dt", "department": "dept",
    "description": "desc", "destination": "dest", "duration": "dur", "employee": "emp", "error": "err", "group": "grp",
    "level": "lvl", "location": "loc", "manager": "mgr", "message": "msg", "number": "no", "order": "ord",
    "payment": "pmt", "percent": "pct", "position": "pos", "price": "prc", "product": "prod", "quantity": "qty",
    "reference": "ref", "request": "req", "response": "resp", "service": "svc", "source": "src", "status": "stat",
    "temperature": "temp", "time": "tm", "total": "tot", "transaction": "txn", "type": "typ", "user": "usr",
    "value": "val", "version": "ver", "weight": "wt",
}  # fmt: skip
_FILLERS = ("of", "the", "a", "in", "on", "to", "who", "and")
# style → joins words in lower case
_STYLES: Mapping[str, Callable[[Sequence[str]], str]] = {
    "snake": "_".join,
    "camel": lambda words: words[0] + "".join(word.capitalize() for word in words[1:]),
    "pascal": lambda words: "".join(word.capitalize() for word in words),
    "kebab": "-".join,
    "glued": "".join,
    "upper": lambda words: "_".join(words).upper(),
    "spaced": lambda words: " ".join(word.capitalize() for word in words),
}

_WEIGHTS = (34, 26, 6, 6, 12, 6, 3)  # of the styles
# unit → the word for it in names
UNIT_WORDS = {"ms": "ms", "s": "sec", "minute": "min", "byte": "bytes", "percent": "pct", "h": "hours", "d": "days"}


def named(words: Sequence[str], style: str) -> str:
    """One name of these words. A name such as ``status_code``, which has its own style, is kept."""
    if len(words) == 1 and not words[0].isalnum():
        return words[0] if style in ("snake", "kebab", "glued") else _STYLES[style](words[0].strip("@").split("_"))
    main = [word for word in words if word not in _FILLERS] or list(words)
    return _STYLES[style]([part for word in main for part in word.replace("-", "_").split("_") if part])


def _shortened(words: Sequence[str], random: Random) -> list[str]:
    """The words with usual abbreviations, without vowels, or cut."""
    return [_short(word, random) for word in words if word not in _FILLERS] or list(words)


def _short(word: str, random: Random) -> str:
    if word in _COMMON:
        return _COMMON[word]
    if len(word) <= 4:
        return word
    if random.random() < 0.4:
        return word[0] + "".join(char for char in word[1:] if char not in "aeiou")[:3]
    return word[: random.choice((3, 4, 4, 5))]


def _initials(words: Sequence[str], random: Random) -> str:
    """The first letters, such as ``nst`` of number of stations. A word alone gives its first consonants."""
    main = [word for word in words if word not in _FILLERS]
    if len(main) > 1:
        return "".join(word[0] for word in main[:-1]) + main[-1][: random.choice((1, 1, 2))]
    return main[0][0] + "".join(char for char in main[0][1:] if char not in "aeiou")[:2]


@dataclass
class Manner:
    """How one index names its fields."""

    random: Random
    style: str = field(init=False)
    prefix: str = field(init=False)
    short: float = field(init=False)  # share of shortened names
    other: float = field(init=False)  # of names with other words than the noun, in another language or short
    opaque: float = field(init=False)  # of names that say nearly nothing
    described: float = field(init=False)
    dotted: bool = field(init=False)

    def __post_init__(self) -> None:
        random = self.random
        self.style = random.choices(tuple(_STYLES), _WEIGHTS)[0]
        self.prefix = random.choice((*[""] * 16, "f", "x", "doc", "fld"))
        self.short = random.choice((0, 0, 0, 0.2, 0.5))
        self.other = random.choice((0, 0.1, 0.2, 0.4))
        self.opaque = random.choice((0, 0, 0, 0, 0, 0, 0.15, 0.4))
        self.described = random.choice((0, 0, 0, 0, 0, 0, 0.5, 0.9))
        self.dotted = random.random() < 0.45

    def name(self, concept: Concept, noun: str, number: int, above: str = "") -> tuple[str, bool]:
        """A name, and whether the field needs a description to be found."""
        random, spoken = self.random, noun.lower().split()
        draw = random.random()
        needs = False
        words = [*([above] if above else []), *spoken]
        if draw < self.opaque:
            needs = random.random() < 0.5
            return (f"{random.choice('acfkx')}{number:02d}" if needs else _initials(spoken, random)), needs
        if concept.names and random.random() < self.other:
            words = [*([above] if above else []), random.choice(concept.names)]
        elif random.random() < self.short:
            words = _shortened(words, random)
        if concept.unit in UNIT_WORDS and random.random() < 0.3:
            words = [*words, UNIT_WORDS[concept.unit]]
        if self.prefix:
            words = [self.prefix, *words]
        return named(words, self.style), needs
