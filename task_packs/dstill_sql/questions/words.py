"""Words for questions: nouns of names, plurals, and values as people say them.

noun_of("tbl_orderItems")      "order item"
plural("category")             "categories"
spell(4200.0)                   "4200"
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from dstill.linked.names import singular, words_in

__all__ = ["a", "fold", "is_participle", "joined", "noun_of", "number_said", "plural", "singular_noun", "spell"]

_IRREGULAR = {
    "person": "people", "child": "children", "man": "men", "woman": "women", "staff": "staff", "series": "series",
    "species": "species", "datum": "data", "foot": "feet", "mouse": "mice", "goods": "goods", "aircraft": "aircraft",
    "shelf": "shelves", "leaf": "leaves", "wolf": "wolves", "life": "lives", "half": "halves", "loaf": "loaves",
    "criterion": "criteria", "medium": "media", "index": "indices", "news": "news", "equipment": "equipment",
    "quiz": "quizzes",
}  # fmt: skip
_PLAIN_NUMBERS = 0.8  # share of numbers in digits alone
_THOUSANDS = 0.94
_SINGULAR = {several: single for single, several in _IRREGULAR.items()}
# What short names in databases stand for.
_SHORT_FORMS = {
    "qty": "quantity", "amt": "amount", "dt": "date", "num": "number", "no": "number", "nr": "number",
    "addr": "address", "desc": "description", "cnt": "count", "avg": "average", "min": "minimum", "max": "maximum",
    "pct": "percent",
    "perc": "percent", "dept": "department", "emp": "employee", "cust": "customer", "mgr": "manager", "lat": "latitude",
    "lon": "longitude", "lng": "longitude", "tel": "phone", "dob": "birth date", "temp": "temperature",
    "dep": "departure",
    "arr": "arrival", "dest": "destination", "manuf": "manufacturer", "prod": "product", "cat": "category",
    "acct": "account", "yr": "year", "mon": "month", "hrs": "hours", "mins": "minutes", "secs": "seconds",
    "sal": "salary", "loc": "location", "org": "organization", "curr": "currency", "pop": "population", "ts": "time",
    "val": "value", "wt": "weight", "ht": "height", "len": "length", "dist": "distance", "dur": "duration",
    "txn": "transaction", "inv": "invoice", "ord": "order", "stat": "status", "cd": "code", "ctry": "country",
}  # fmt: skip
_PARTICIPLES = frozenset(
    {
        "born", "built", "bought", "sold", "sent", "held", "given", "taken", "paid", "met", "made", "lent", "fed",
        "read", "done", "left", "begun", "baked", "written", "spoken", "seen", "drawn", "grown", "known",
        "thrown", "won",
        "lost", "found", "kept", "caught", "taught", "filed",
    }
)  # fmt: skip
_NO_WORDS = frozenset({"tbl", "tab", "t", "dim", "fact", "stg", "vw", "v", "f", "fk", "pk"})  # in front of names


def singular_noun(word: str) -> str:
    """An English noun in lower case without the ending of its plural."""
    return word if word in _IRREGULAR else _SINGULAR.get(word) or singular(word)


def plural(noun: str) -> str:
    """The plural of an English noun, whose last word counts."""
    *before, last = noun.split(" ")
    return " ".join([*before, _plural(last)])


def _plural(word: str) -> str:
    if word in _IRREGULAR or word in _SINGULAR or not word[-1:].isalpha():
        return _IRREGULAR.get(word, word)
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return f"{word}es"
    return f"{word}s"


def noun_of(name: str) -> str:
    """The words of a name in lower case, short forms as what they stand for. The name itself if it has no words."""
    words = [word.lower() for word in words_in(name)]
    while len(words) > 1 and words[0] in _NO_WORDS:
        words = words[1:]
    return " ".join(_SHORT_FORMS.get(word, word) for word in words) or name


def is_participle(word: str) -> bool:
    """Whether a word says what was done: ``written``, ``delivered``."""
    return word in _PARTICIPLES or (word.endswith("ed") and len(word) > 4 and word not in ("speed", "breed", "seed"))


def fold(text: str) -> str:
    """A text as it is compared: lower case, one space between words."""
    return " ".join(text.lower().split())


def spell(value: Any) -> str:
    """A value as a question has it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}" if abs(value) < 1e10 else f"{value:.0f}"
    return str(value)


_NUMERALS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def number_said(random: Random, value: float) -> str:
    """A number as people write it: 20,000 or 20k, 3 million, five."""
    way = random.random()
    if value != int(value) or way < _PLAIN_NUMBERS:
        return spell(value)
    number = int(value)
    if 2 <= number < len(_NUMERALS):
        return _NUMERALS[number]
    if number >= 1_000_000 and number % 100_000 == 0:
        return f"{number / 1_000_000:g} million"
    if number >= 1000 and number % 1000 == 0 and way > _THOUSANDS:
        return f"{number // 1000}k"
    return f"{number:,}"


def a(noun: str) -> str:
    """A noun with its article; a plural has none."""
    last = noun.split(" ")[-1]
    if last.endswith("s") and singular_noun(last) != last:
        return noun
    return f"{'an' if noun[:1].lower() in 'aeio' or noun.startswith('hour') else 'a'} {noun}"


def joined(parts: Iterable[str], word: str = "and") -> str:
    """``a, b and c``."""
    *most, last = parts
    return f"{', '.join(most)} {word} {last}" if most else last
