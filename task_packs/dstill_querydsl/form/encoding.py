"""A search body as tokens.

    encode({"query": {"term": {"user.name": {"value": "rosa"}}}}, reading)
    →  ["{", "query:", "{", "term:", "{", 5, "{", "value:", 2]

The body is in canonical form, so that spellings with one meaning have one sequence. Conditions are in the order of the
question.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dstill.api.form import NotExpressible, Token
from dstill.linked import Reading
from dstill.linked.scalars import SpanWriter, as_number, spelled
from dstill_querydsl.form.places import BESIDE, CHOICES, FIELD_VALUES, Place, below, expects_number
from dstill_querydsl.form.tokens import CONSTANTS, NOTATION, tokens

__all__ = ["encode"]

# What decides the meaning of other keys comes first: the nested path, the field, the format of dates.
_FIRST_KEYS = ("path", "query", "post_filter", "field", "format")
_LAST_KEYS = ("aggs", "sort", "size", "from")
_PATH = re.compile(r"(?:a\d+|_key|_count|_bucket_count)(?:[.>\[].*)?", re.DOTALL)  # of an aggregation
_UNORDERED = ("filter", "must", "must_not", "should")
_LATE = 1_000  # the place of a condition that names no word of the question


def encode(body: Mapping[str, Any], reading: Reading) -> list[Token]:
    """The tokens of a body in canonical form, or of a refusal. Raises NotExpressible."""
    encoder = _Encoder(reading)
    if "refusal" in body:
        missing = body["refusal"].get("missing", [])
        sequence: list[Token] = ["refuse", *(encoder.listed(missing, Place.OPTIONS, "missing") if missing else [])]
    else:
        sequence = encoder.object(body, Place.BODY)
    while sequence and sequence[-1] in ("}", "]"):
        sequence.pop()
    return sequence


class _Encoder:
    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.writer = SpanWriter(reading, NOTATION)
        self.items = {item.name: reading.position(number) for number, item in enumerate(reading.items)}
        self.kinds = {item.name: item.kind for item in reading.items}
        self.values = {item.name: item.values for item in reading.items}
        self.known = frozenset(tokens())

    def object(self, value: Mapping[str, Any], place: Place, field: str = "") -> list[Token]:
        """An object with its keys in a fixed order. `field`: the field that its values are of."""
        sequence: list[Token] = ["{"]
        named = value.get("field")
        field = named if isinstance(named, str) else field
        for key in sorted(value, key=_order):
            written = self.key(key, place, is_option=not isinstance(value[key], (Mapping, list)))
            of = key if isinstance(written[0], int) else field
            sequence += [*written, *self.value(value[key], below(place, key), key, of)]
        return [*sequence, "}"]

    def key(self, key: str, place: Place, *, is_option: bool = True) -> list[Token]:
        """A field, a name of an aggregation, a key of the schema, or any other name as a value between two marks.

        `is_option`: it is not a field where it may also be an option, such as ``boost`` and ``distance``.
        """
        known = BESIDE.get(place)
        if known is not None and key in self.items and not (is_option and key in known):
            return [self.items[key]]
        is_field = known is not None and key not in known
        if is_field and not (place is Place.SORT and _PATH.fullmatch(key)):
            raise NotExpressible(f"the field '{key}' is not among those that the student reads")
        for token in (f"#{key[1:]}" if re.fullmatch(r"a\d", key) else "", f"{key}:"):
            if token in self.known and len(token) > 1:
                return [token]
        return [":", *(self.writer.text(key) if key else ["="]), ":"]

    def value(self, value: Any, place: Place, key: str, field: str = "") -> list[Token]:
        """The value of a key."""
        if isinstance(value, Mapping):
            return self.object(value, place, field)
        if isinstance(value, list):
            return self.listed(value, place, key, field)
        return self.scalar(value, key, field)

    def listed(self, values: Sequence[Any], place: Place, key: str, field: str = "") -> list[Token]:
        """A list. Conditions are in the order of the question."""
        parts = [self.value(value, place, key, field) for value in values]
        if key in _UNORDERED:
            parts.sort(key=self._first_word)
        sequence: list[Token] = ["["]
        for number, (value, part) in enumerate(zip(values, parts, strict=True)):
            sequence += [",", *part] if number and not isinstance(value, (Mapping, list)) else part
        return [*sequence, "]"]

    def scalar(self, value: Any, key: str, field: str) -> list[Token]:
        """A text, a number, true, false or null."""
        if value is None or isinstance(value, bool):
            return ["=null" if value is None else f"={str(value).lower()}"]
        numeric = expects_number(key, self.kinds.get(field, ""))
        if isinstance(value, (int, float)):
            written = self.writer.number(value)
            if f"={value}" in CONSTANTS and not isinstance(written[0], int):
                return [f"={value}"]
            return [*(() if numeric else ("number",)), *written]
        if key in FIELD_VALUES:
            name, hat, weight = value.partition("^")  # title^2
            if value in self.items or (hat and name in self.items):
                return [self.items[value]] if value in self.items else [self.items[name], *spelled(hat + weight)]
        if not value or ((key in CHOICES or _PATH.fullmatch(key)) and f"={value}" in self.known - CONSTANTS.keys()):
            return [f"={value}"]
        written = self.writer.text(value, () if numeric else self.values.get(field, ()))
        if CONSTANTS.get(f"={value}") == value and not any(isinstance(token, int) for token in written):
            return [f"={value}"]
        return [*(("text",) if numeric and as_number(value) is not None else ()), *written]

    def _first_word(self, part: Sequence[Token]) -> int:
        """Where in the question a condition begins: at its first value, else at a word that is linked to its field."""
        pointers = [token for token in part if isinstance(token, int)]
        words = [token for token in pointers if token < len(self.reading.words)]
        items = {token - len(self.reading.words) for token in pointers}
        linked = [word for word, item in self.reading.links if item in items]
        return min(words or linked or [_LATE])


def _order(key: str) -> int:
    if key in _FIRST_KEYS:
        return _FIRST_KEYS.index(key)
    return len(_FIRST_KEYS) + (_LAST_KEYS.index(key) + 1 if key in _LAST_KEYS else 0)
