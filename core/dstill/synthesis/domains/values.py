"""Values of invented attributes, by the kind that a domain gives them.

    make(Random(1), DomainAttribute(words="name", kind="person"), now)     "Maria Novak"

Kinds: person, first, town, country, company, title, street, language, colour, code, email, phone and text; enum; int,
num, money, pct, year; bool and has (a boolean that entities have rather than are); date and time, in years before now.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from math import exp, log
from random import Random
from typing import Any

from dstill.synthesis.domains.definitions import DomainAttribute

__all__ = ["FAMILIES", "make", "words"]

# Kind → the family that its values have.
FAMILIES: Mapping[str, str] = {
    **dict.fromkeys(("int", "year"), "integer"),
    **dict.fromkeys(("num", "money", "pct"), "number"),
    **dict.fromkeys(("bool", "has"), "boolean"),
    "date": "date",
    "time": "timestamp",
}
_WIDE_RATIO = 50  # times the least value: then small values are frequent
_FEW_VALUES = 12  # values of a whole number that are equally frequent
_YEARS = (-3.0, 0.0)  # when things happened, before now
_DIGITS: Mapping[str, int] = {"num": 1, "money": 2, "pct": 1}


@lru_cache(maxsize=1)
def words() -> Mapping[str, tuple[str, ...]]:
    """The lists of `words.toml`."""
    lists = tomllib.loads(files("dstill.synthesis.domains").joinpath("words.toml").read_text(encoding="utf-8"))
    return {name: tuple(" ".join(word.split()) for word in text.split("|")) for name, text in lists.items()}


def make(random: Random, attribute: DomainAttribute, now: datetime) -> Any:
    """A value. Dates and times are ISO texts."""
    return _MAKERS[attribute.kind](random, attribute, now)


def _pick(random: Random, name: str) -> str:
    return random.choice(words()[name])


def _person(random: Random, *_: Any) -> str:
    return f"{_pick(random, 'first')} {_pick(random, 'last')}"


def _company(random: Random, *_: Any) -> str:
    form = f" {_pick(random, 'company_form')}" if random.random() < 0.5 else ""
    return _pick(random, "company") + form


def _title(random: Random, *_: Any) -> str:
    patterns = ("{a} {n}", "The {a} {n}", "{n} and {m}", "The {n}", "{n} of the {m}", "{a} {n} {d}")
    first, second = random.sample(words()["noun"], 2)
    return random.choice(patterns).format(a=_pick(random, "adjective"), n=first, m=second, d=random.randrange(2, 9))


def _text(random: Random, *_: Any) -> str:
    patterns = ("{t} {s} {p}", "{t} {s}", "{t} {s}, {u} {s2} {p}", "customer says {t} {s}", "{s} {t} {p}")
    first, second = random.sample(words()["thing"], 2)
    state, other = random.sample(words()["state"], 2)
    return random.choice(patterns).format(t=first, u=second, s=state, s2=other, p=_pick(random, "place"))


def _street(random: Random, *_: Any) -> str:
    return f"{_pick(random, 'street')} {random.randrange(1, 120)}"


def _code(random: Random, *_: Any) -> str:
    letters = "".join(random.choice("ABCDEFGHKLMNPRSTUVWXZ") for _ in range(random.choice((1, 2, 3))))
    return f"{letters}{random.choice(('-', '', ''))}{random.randrange(10, 9999)}"


def _email(random: Random, *_: Any) -> str:
    first, last = _pick(random, "first").lower(), _pick(random, "last").lower()
    return f"{first}.{last}@{random.choice(('example.com', 'example.org', 'mail.example'))}"


def _phone(random: Random, *_: Any) -> str:
    return f"0{random.randrange(100, 999)} {random.randrange(10_000, 999_999)}"


def _enum(random: Random, attribute: DomainAttribute, _: datetime) -> Any:
    weights = [1 / (place + 1) ** 0.7 for place in range(len(attribute.options))]
    return random.choices(attribute.options, weights)[0]


def _number(random: Random, attribute: DomainAttribute, _: datetime) -> float:
    low, high = (0.0, 100.0) if attribute.low is None or attribute.high is None else (attribute.low, attribute.high)
    if attribute.kind == "int" and high - low <= _FEW_VALUES:
        return random.randint(int(low), int(high))
    if high > _WIDE_RATIO * max(low, 1) and low >= 0:
        number = exp(random.uniform(log(low + 1), log(high + 1))) - 1
    else:
        number = random.triangular(low, high, low + (high - low) * 0.4)
    if attribute.kind == "int":
        return round(_rounded(random, number))
    if high >= 1e5:
        return float(round(_rounded(random, number)))
    return round(number, _DIGITS[attribute.kind])


def _rounded(random: Random, number: float) -> float:
    """Often a round number, as people choose them."""
    if number >= 1000 and random.random() < 0.7:
        step = 10.0 ** (len(str(int(number))) - 2)
        return round(number / step) * step
    return number


def _year(random: Random, attribute: DomainAttribute, _: datetime) -> int:
    return random.randint(int(attribute.low or 1990), int(attribute.high or 2024))


def _bool(random: Random, *_: Any) -> bool:
    return random.random() < 0.35


def _time(random: Random, attribute: DomainAttribute, now: datetime) -> str:
    low, high = _YEARS if attribute.low is None or attribute.high is None else (attribute.low, attribute.high)
    time = now + timedelta(days=365.25 * (high - abs(high - low) * random.random() ** 1.5))
    if attribute.kind == "date":
        return time.date().isoformat()
    return time.replace(minute=random.randrange(60), second=0, microsecond=0).isoformat(sep=" ")


_MAKERS: Mapping[str, Callable[..., Any]] = {
    "person": _person,
    "company": _company,
    "title": _title,
    "text": _text,
    "street": _street,
    "code": _code,
    "email": _email,
    "phone": _phone,
    "enum": _enum,
    "year": _year,
    **dict.fromkeys(("int", "num", "money", "pct"), _number),
    **dict.fromkeys(("bool", "has"), _bool),
    **dict.fromkeys(("date", "time"), _time),
    **{
        name: (lambda random, *_, of=name: _pick(random, of))
        for name in ("first", "town", "country", "language", "colour")
    },
}
