"""Make up documents for an index whose documents are not here, from the known values of its fields.

In: roles and a seed. Out: pairs of id and source, the same bytes for the same seed:

    invented_documents(roles, seed=0, now=…, apart={"comment.id": ["push.size"]})
    ("i0000", {"level": "warn", "took": 412})

The documents say nothing about the user's data. They only show that a gold runs and finds something. A field without
known values gets made-up words and numbers. Two of five fields are missing from some documents, for `exists`. Fields
that are `apart` are never in the same document, so that the conditions of a question fit a real document.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from dstill_querydsl.questions.templates.moments import moment, written
from dstill_querydsl.questions.templates.roles import Role

__all__ = ["COUNT", "invented_documents", "settings_for"]

COUNT = 400
_WORDS = (
    "amber", "basin", "cedar", "delta", "ember", "fjord", "grove", "harbor", "inlet", "juniper", "kestrel", "lagoon",
    "meadow", "nectar", "orchid", "pepper", "quartz", "ridge", "saffron", "timber", "umber", "valley", "willow",
    "yarrow", "zephyr",
)  # fmt: skip
_SPAN = timedelta(days=400)
NUMBER_LIMIT = 3  # a field with this many known numbers gets no made-up ones
_CITIES = ((52.52, 13.4), (48.86, 2.35), (51.5, -0.13), (40.71, -74.0), (35.68, 139.69), (-33.87, 151.21))

Maker = Callable[[Role, Random, datetime], Any]


def invented_documents(
    roles: Sequence[Role],
    seed: int,
    now: datetime,
    count: int = COUNT,
    apart: Mapping[str, Collection[str]] | None = None,
) -> Iterator[tuple[str, Any]]:
    """`count` documents. Nested fields have one to three objects."""
    random = Random(f"invented {seed}")
    sparse = {role.field for role in roles if random.randrange(5) < 2}
    paths = sorted({role.nested for role in roles if role.nested})
    for number in range(count):
        source: dict[str, Any] = {}
        for role in _together(roles, apart, random) if apart else roles:
            if not role.nested and not (role.field in sparse and random.randrange(4) == 0):
                _put(source, role.stored.split("."), _value(role, random, now))
        for path in paths:
            inner = [role for role in roles if role.nested == path]
            objects = [_object(path, inner, random, now) for _ in range(random.choice((1, 1, 2, 3)))]
            _put(source, path.split("."), [item for item in objects if item])
        yield f"i{number:04d}", source


def _together(roles: Sequence[Role], apart: Mapping[str, Collection[str]], random: Random) -> list[Role]:
    """A random choice of roles that one document can have together, in their order."""
    chosen: set[str] = set()
    for role in random.sample(roles, len(roles)):
        name = role.stored
        if not any(other in apart.get(name, ()) or name in apart.get(other, ()) for other in chosen):
            chosen.add(name)
    return [role for role in roles if role.stored in chosen]


def _object(path: str, roles: Sequence[Role], random: Random, now: datetime) -> dict[str, Any]:
    source: dict[str, Any] = {}
    for role in roles:
        _put(source, role.stored.removeprefix(f"{path}.").split("."), _value(role, random, now))
    return source


def _put(source: dict[str, Any], path: Sequence[str], value: Any) -> None:
    if value is None or (isinstance(value, list) and not value):
        return
    for name in path[:-1]:
        inner = source.setdefault(name, {})
        if not isinstance(inner, dict):
            return  # `a` and `a.b` are both fields, and a document has only one of them
        source = inner
    source.setdefault(path[-1], value)


def _value(role: Role, random: Random, now: datetime) -> Any:
    value = _MAKERS[role.kind](role, random, now)
    return value if value is not None or role.kind == "date" else random.choice(_WORDS)


def _category(role: Role, random: Random, _now: datetime) -> Any:
    if role.known.values:
        # The first values more often, so that groups have different sizes and an order.
        return role.known.values[int(len(role.known.values) * random.random() ** 2)]
    if role.type == "version":
        return f"{random.randrange(1, 4)}.{random.randrange(12)}.{random.randrange(3)}"
    return f"{random.choice(_WORDS[:12])}-{random.randrange(1, 4)}"


def _number(role: Role, random: Random, _now: datetime) -> Any:
    known = role.known
    if len(known.values) >= NUMBER_LIMIT or (known.values and random.randrange(2)):
        return random.choice(known.values)
    low, high = _span(role)
    if role.whole:
        return random.randrange(int(low), int(high) + 1)
    return round(low + (high - low) * random.random(), 2)


_LARGEST = {"byte": 127, "short": 32_767, "integer": 2**31 - 1}


def _span(role: Role) -> tuple[float, float]:
    bounds = (role.known.low, role.known.high)
    low, high = (bound if isinstance(bound, (int, float)) else None for bound in bounds)
    most = _LARGEST.get(role.type, 10**12)
    start = low if low is not None else min(0.0, high or 0.0)
    end = high if high is not None else max(1_000.0, start * 3)
    return start, max(start, min(end, most))


def _date(role: Role, random: Random, now: datetime) -> Any:
    known = [moment(bound, role.format) or moment(bound, "") for bound in (role.known.low, role.known.high)]
    high = min(known[1] or now, now)
    low = min(known[0] or high - _SPAN, high)
    # Many dates in the last days, so that "yesterday" is not empty.
    span = high - low
    part = random.choice((1.0, 0.2, 0.02, 0.003)) * random.random()
    return written(high - timedelta(milliseconds=int(span / timedelta(milliseconds=1) * part)), role.format)


def _text(role: Role, random: Random, _now: datetime) -> Any:
    known = [value for value in role.known.values if isinstance(value, str)]
    return random.choice(known) if known else " ".join(random.sample(_WORDS, random.choice((2, 3, 4))))


def _boolean(role: Role, random: Random, _now: datetime) -> Any:
    if len(role.known.values) == 1:
        return role.known.values[0]
    return random.randrange(3) > 0


def _ip(role: Role, random: Random, _now: datetime) -> Any:
    if role.known.values:
        return random.choice(role.known.values)
    return f"{random.choice(('192.0.2', '198.51.100', '203.0.113'))}.{random.randrange(1, 255)}"  # RFC 5737


def _geo(role: Role, random: Random, _now: datetime) -> Any:
    if role.known.values:
        return random.choice(role.known.values)
    lat, lon = random.choice(_CITIES)
    return {"lat": round(lat + random.uniform(-1, 1), 3), "lon": round(lon + random.uniform(-1, 1), 3)}


_MAKERS: Mapping[str, Maker] = {
    "category": _category,
    "number": _number,
    "date": _date,
    "text": _text,
    "boolean": _boolean,
    "ip": _ip,
    "geo": _geo,
}

# For analyzers of n-grams, which the mapping names and the settings of the user's index define.
_TOKENIZER = {"grams": {"type": "ngram", "min_gram": 3, "max_gram": 4, "token_chars": ["letter", "digit"]}}


def settings_for(analyzers: Iterable[str]) -> dict[str, Any]:
    """Index settings that define these analyzers as n-gram analyzers."""
    grams = {name: {"type": "custom", "tokenizer": "grams", "filter": ["lowercase"]} for name in sorted(analyzers)}
    return {"analysis": {"analyzer": grams, "tokenizer": _TOKENIZER}} if grams else {}
