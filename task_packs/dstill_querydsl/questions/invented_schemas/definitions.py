"""The mapping of one invented field, its values, and what of them is known.

definition(concept, random)      {"type": "text", "fields": {"raw": {"type": "keyword"}}}
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Any

from dstill.api.values import Known
from dstill_querydsl.questions.free_phrasing.wording import table
from dstill_querydsl.questions.invented_schemas.vocabulary import Concept, vocabulary

__all__ = ["definition", "known_values", "shown_values"]

_EXACT = ("keyword", "keyword", "keyword", "raw", "kw", "exact", "sort", "untouched")
_FORMATS = (
    *("",) * 14, "epoch_millis", "epoch_millis", "epoch_second", "yyyy-MM-dd", "yyyy-MM-dd",
    "strict_date_optional_time||epoch_millis", "yyyy-MM-dd HH:mm:ss",
)  # fmt: skip
_GRAMS = {"type": "text", "analyzer": "trigrams"}
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"


def definition(concept: Concept, random: Random) -> dict[str, Any]:
    """The field's part of the mapping."""
    field: dict[str, Any] = {"type": concept.kind}
    if concept.kind == "category":
        field = _category(random)
    elif concept.kind == "number":
        field = _number(concept, random)
    elif concept.kind == "date":
        if form := random.choice(_FORMATS):
            field["format"] = form
    elif concept.kind == "text":
        if random.random() < 0.35:
            field["fields"] = {random.choice(_EXACT): {"type": "keyword"}}
        elif random.random() < 0.1:
            field["fields"] = {"grams": _GRAMS}
    elif concept.kind == "geo":
        field = {"type": "geo_point"}
    return field


def _category(random: Random) -> dict[str, Any]:
    draw = random.random()
    if draw < 0.7:
        return {"type": "keyword"}
    if draw < 0.9:
        return {"type": "text", "fields": {random.choice(_EXACT): {"type": "keyword"}}}
    if draw < 0.95:
        return {"type": "keyword", "fields": {random.choice(("text", "words", "search")): {"type": "text"}}}
    return {"type": "keyword", "fields": {random.choice(("grams", "part")): _GRAMS}}


def _number(concept: Concept, random: Random) -> dict[str, Any]:
    if concept.whole:
        large = concept.high > 30_000
        field: dict[str, Any] = {"type": random.choice(("long", "integer") if large else ("integer", "long", "short"))}
        if concept.high > 2**31:
            field = {"type": "long"}
    else:
        field = {"type": random.choice(("double", "float", "double", "half_float"))}
        if random.random() < 0.1:
            field = {"type": "scaled_float", "scaling_factor": 100}
    if concept.unit and random.random() < 0.7:
        field["meta"] = {"unit": concept.unit}
    return field


# --- values -----------------------------------------------------------------------------


def known_values(concept: Concept, random: Random, now: datetime, days: int) -> tuple[Known, dict[str, str]]:
    """Values for documents, and the words of people for codes among them."""
    if concept.kind == "category":
        values, codes = _texts_of(concept, random)
        return Known(values=tuple(values), complete=True), codes
    if concept.kind == "number":
        return _numbers(concept, random), {}
    if concept.kind == "date":
        high = now - timedelta(minutes=random.randrange(1, 600))
        low = high - timedelta(days=days)
        return Known(low=low.isoformat(), high=high.isoformat()), {}
    if concept.kind == "text":
        return Known(values=tuple(_sentence(random) for _ in range(16))), {}
    if concept.kind == "ip":
        first = random.choice(("10.0.4", "192.168.1", "203.0.113", "172.16.9"))
        return Known(values=tuple(f"{first}.{random.randrange(1, 255)}" for _ in range(12))), {}
    return Known(), {}


def shown_values(concept: Concept, known: Known, random: Random) -> Known | None:
    """The values that are known to who asks: all, some, a range, or none."""
    draw = random.random()
    if concept.kind == "category":
        if draw < 0.75:
            return known
        some = known.values[: max(1, len(known.values) // 2)]
        return Known(values=some) if draw < 0.85 else None
    if concept.kind == "number":
        few = known.values if concept.whole and len(set(known.values)) <= 8 else ()
        return Known(values=few, low=min(known.values), high=max(known.values)) if draw < 0.85 else None
    if concept.kind == "date":
        return known if draw < 0.85 else None
    return known if draw < 0.3 and concept.kind in ("ip", "text") else None


def _numbers(concept: Concept, random: Random) -> Known:
    low, high = concept.low, concept.high
    count = random.choice((4, 12, 24, 24))
    skew = random.choice((1, 1, 2, 3))  # many small numbers
    drawn = [low + (high - low) * random.random() ** skew for _ in range(count)]
    digits = random.choice((1, 2, 2))
    values = {_plain(number if concept.whole else round(number, digits), concept.whole) for number in drawn}
    return Known(values=tuple(sorted(values)), low=min(values), high=max(values))


def _plain(value: float, whole: bool) -> int | float:
    return int(value) if whole or value == int(value) else value


def _texts_of(concept: Concept, random: Random) -> tuple[list[str], dict[str, str]]:
    """Values of a category in one of many forms."""
    draw = random.random()
    if draw < 0.62 or (concept.codes and draw < 0.85):
        values = random.sample(concept.values, random.randrange(2, len(concept.values) + 1))
        return values, {value: text for value, text in concept.codes.items() if value in values}
    if draw < 0.76:
        change = random.choice((str.upper, str.lower, str.title, lambda text: text.replace(" ", "_")))
        return list(dict.fromkeys(change(value) for value in concept.values)), {}
    if draw < 0.79 and len({value[0].upper() for value in concept.values}) == len(concept.values):
        letters = {value[0].upper(): value for value in concept.values}
        return list(letters), letters
    form = random.choice(_FORMS)
    return list(dict.fromkeys(form(random) for _ in range(random.randrange(3, 11)))), {}


def _word(random: Random, parts: int = 2) -> str:
    return "".join(random.choice(_CONSONANTS) + random.choice(_VOWELS) for _ in range(parts)) + random.choice("nrlst")


def _two_names(random: Random) -> str:
    return f"{_word(random).capitalize()} {_word(random).capitalize()}"


def _number_code(random: Random) -> str:
    return str(random.randrange(100, 99_999))


def _code(random: Random) -> str:
    return f"{_word(random, 1)}-{random.randrange(1, 99):02d}"


def _capital_code(random: Random) -> str:
    return f"{random.choice('ABCDEFGHKLMNPRSTVWXZ')}{random.choice('ABCDEFGHKLMNPRSTVWXZ')}{random.randrange(10, 9999)}"


def _short_code(random: Random) -> str:
    return "".join(random.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(random.choice((2, 2, 3))))


def _version(random: Random) -> str:
    return f"{random.randrange(1, 9)}.{random.randrange(20)}.{random.randrange(10)}"


def _mail(random: Random) -> str:
    return f"{_word(random)}.{_word(random)}@{_word(random)}.example"


def _path(random: Random) -> str:
    return f"/{_word(random)}/{_word(random)}"


def _snake(random: Random) -> str:
    return f"{_word(random)}_{_word(random)}"


_FORMS = (
    _word, _word, lambda random: _word(random).capitalize(), _two_names, _two_names, _number_code, _code, _capital_code,
    _short_code, _version, _mail, _path, _snake, lambda random: _snake(random).upper(),
)  # fmt: skip


@cache
def _things() -> tuple[str, ...]:
    words = table("asked.toml")["refusal_words"]
    return tuple(part.strip() for key in ("things", "quantities") for part in words[key].split(";") if part.strip())


def _sentence(random: Random) -> str:
    parts: Sequence[str] = random.sample(vocabulary().fragments, random.choice((1, 1, 2)))
    text = ", ".join(parts)
    if random.random() < 0.3:  # a text may have words that are refused elsewhere
        text = f"{text}, {random.choice(_things())}"
    draw = random.random()
    if draw < 0.3:
        text = f"{text} {random.randrange(1, 99)}{random.choice(('km', 'x', 'mm', 'kg', 'h', 'th', '%'))}"
    elif draw < 0.5:
        text = f"{_word(random).capitalize()} {text}"
    return text[0].upper() + text[1:] if random.random() < 0.5 else text
