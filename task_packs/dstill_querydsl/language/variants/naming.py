"""Other names for fields: synonyms, letter case, prefixes.

In: a seeded random generator. Out: a `Naming`, which names all fields of an index in one style:

    naming = Naming(Random(3))
    naming.segment(words("http_status"))      "httpStatus", or "HTTP-STATE", or "fld_http_status" …
    naming.sub("raw", "keyword")              "exact"

A word always gets the same synonym, as if a person had named the fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from random import Random

__all__ = ["Naming", "words"]

STYLES: Mapping[str, Callable[[Sequence[str]], str]] = {
    "snake": "_".join,
    "kebab": "-".join,
    "camel": lambda parts: parts[0] + "".join(part.capitalize() for part in parts[1:]),
    "pascal": lambda parts: "".join(part.capitalize() for part in parts),
    "upper": lambda parts: "_".join(part.upper() for part in parts),
}
PREFIXES = ("", "", "", "f", "fld", "doc", "x")  # most indices have none
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "aircraft": ("plane", "airplane"),
    "arrival": ("landing",),
    "built": ("constructed",),
    "bytes": ("size", "octets"),
    "cancelled": ("canceled",),
    "carrier": ("airline", "operator"),
    "certificate": ("classification", "certification"),
    "city": ("town",),
    "code": ("abbreviation",),
    "count": ("number", "total"),
    "countries": ("nations",),
    "country": ("nation",),
    "credits": ("people", "staff"),
    "delay": ("lateness",),
    "departed": ("took off", "left at"),
    "departure": ("takeoff",),
    "dest": ("destination",),
    "distance": ("length",),
    "duration": ("elapsed", "took"),
    "error": ("failure", "fault"),
    "event": ("operation",),
    "genres": ("categories", "kinds"),
    "geo": ("place",),
    "host": ("machine", "node"),
    "ip": ("address", "ip address"),
    "job": ("role", "function"),
    "languages": ("spoken languages",),
    "location": ("position", "coordinates"),
    "mag": ("magnitude",),
    "manufacturer": ("maker",),
    "message": ("msg", "text"),
    "method": ("verb",),
    "name": ("label",),
    "number": ("no",),
    "original": ("full",),
    "origin": ("start",),
    "path": ("route", "uri"),
    "place": ("spot",),
    "rating": ("score", "grade"),
    "referrer": ("referer",),
    "region": ("area",),
    "released": ("premiere", "release date"),
    "request": ("req", "call"),
    "response": ("resp", "reply"),
    "reviews": ("critics", "press"),
    "runtime": ("running time",),
    "scheduled": ("planned",),
    "seats": ("capacity",),
    "service": ("app", "component"),
    "source": ("client", "peer"),
    "status": ("state",),
    "studios": ("companies", "producers"),
    "timestamp": ("time", "logged at"),
    "title": ("heading", "caption"),
    "type": ("kind",),
    "upstream": ("backend",),
    "url": ("link",),
    "user": ("account", "login"),
    "weather": ("conditions",),
    "year": ("yr",),
}
SUBS: Mapping[str, tuple[str, ...]] = {
    "keyword": ("raw", "exact", "keyword", "kw", "whole"),
    "text": ("text", "analyzed", "words", "full"),
}
_SYNONYM = 60  # percent of the words that have one


def words(segment: str) -> list[str]:
    """``x-cache`` → x, cache. ``magType`` → mag, type. A segment without words is its own word."""
    parts = re.split(r"[\W_]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", segment))
    return [part.lower() for part in parts if part] or [segment]


class Naming:
    """The naming style of one index."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.style = random.choice(tuple(STYLES))
        self.prefix = random.choice(PREFIXES)
        self._chosen: dict[str, str] = {}

    def segment(self, parts: Sequence[str], taken: Collection[str] = (), *, leaf: bool = True) -> str:
        """A name that is not in `taken`: with synonyms if possible, else with the old words, or with a number."""
        first = [self.prefix] if leaf and self.prefix else []
        spell = STYLES[self.style]
        renamed = [word for part in parts for word in self._synonym_of(part)]
        for candidate in (spell([*first, *renamed]), spell([*first, *parts])):
            if candidate not in taken:
                return candidate
        return next(name for n in range(2, 10_000) if (name := spell([*first, *parts, str(n)])) not in taken)

    def sub(self, name: str, family: str, taken: Collection[str] = ()) -> str:
        """The name of a sub-field: one of the usual names for its family."""
        free = [other for other in SUBS.get(family, (name,)) if other not in taken]
        return self._random.choice(free) if free else self.segment(words(name), taken, leaf=False)

    def _synonym_of(self, word: str) -> list[str]:
        if word not in self._chosen:
            other = self._random.choice(SYNONYMS.get(word, (word,)))
            self._chosen[word] = other if self._random.randrange(100) < _SYNONYM else word
        return self._chosen[word].split()
