"""Tokens as a search body: the other way of `encoding`.

decode(["{", "query:", "{", "term:", "{", 5, "{", "value:", 2], reading)
→  {"query": {"term": {"user.name": {"value": "rosa"}}}}
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from dstill.api.form import NotExpressible, Token
from dstill.linked import Reading, partial_values, same_value
from dstill.linked.scalars import read_value, scalar
from dstill.linked.tokens import TokenReader
from dstill_querydsl.form.places import FIELD_VALUES, Place, below, expects_number
from dstill_querydsl.form.tokens import CONSTANTS, LEVELS
from dstill_querydsl.language.strict import MAX_DEPTH

__all__ = ["REASON", "decode"]

REASON = "the index cannot answer this"


def decode(tokens: Sequence[Token], reading: Reading) -> dict[str, Any]:
    """The body or refusal of tokens. Raises NotExpressible."""
    decoder = _Decoder(tokens, reading)
    if tokens[:1] == ["refuse"]:
        decoder.at = 1
        missing = decoder.value(Place.OPTIONS, "missing", "") if decoder.peek() else []
        answer = {"refusal": {"reason": REASON, "missing": missing if isinstance(missing, list) else [missing]}}
    else:
        body = decoder.value(Place.BODY, "", "")
        if not isinstance(body, dict):
            raise NotExpressible("an answer begins with an object")
        answer = body
    if decoder.peek() is not None:
        raise NotExpressible(f"{decoder.peek()!r} after the end")
    return answer


class _Decoder(TokenReader):
    def __init__(self, tokens: Sequence[Token], reading: Reading) -> None:
        super().__init__(tokens)
        self.reading, self.depth = reading, 0
        self.kinds = {item.name: item.kind for item in reading.items}
        self.values = {item.name: item.values for item in reading.items}

    def value(self, place: Place, key: str, field: str) -> Any:
        """The next value, as that of `key`."""
        token = self.peek()
        if token not in ("{", "["):
            return self.scalar(key, field)
        if self.depth == MAX_DEPTH:
            raise NotExpressible(f"nested more than {MAX_DEPTH} deep")
        self.depth += 1
        value = self.object(place, field) if token == "{" else self.list(place, key, field)
        self.depth -= 1
        return value

    def object(self, place: Place, field: str) -> dict[str, Any]:
        self.next()
        entries: dict[str, Any] = {}
        while (token := self.peek()) not in (None, "}"):
            self.at += 1
            key, of = self.key(token, place), field
            if isinstance(token, int):
                of = key
            if key in entries:
                raise NotExpressible(f"the key {key!r} is there twice")
            entries[key] = self.value(below(place, key), key, of)
            if key == "field" and isinstance(entries[key], str):
                field = entries[key]
        self.at += token is not None
        return entries

    def key(self, token: Token | None, place: Place) -> str:
        if isinstance(token, int):
            return self.field(token)
        if token == ":":
            return self.spelled_key()
        if isinstance(token, str) and token in LEVELS:
            return f"a{token[1:]}"
        if isinstance(token, str) and token.endswith(":") and len(token) > 1:
            return token[:-1]
        raise NotExpressible(f"{token!r} is not a key")

    def spelled_key(self) -> str:
        key = self.scalar("", "")
        if self.next() != ":" or not isinstance(key, str):
            raise NotExpressible("a key that is spelled ends with ':'")
        return key

    def field(self, position: int) -> str:
        if not len(self.reading.words) <= position < len(self.reading):
            raise NotExpressible("expected a field")
        return self.reading.item(position).name

    def list(self, place: Place, key: str, field: str) -> list[Any]:
        self.next()
        items: list[Any] = []
        while (token := self.peek()) not in (None, "]"):
            if token == ",":
                self.at += 1
            items.append(self.value(place, key, field))
        self.at += token is not None
        return items

    def scalar(self, key: str, field: str) -> Any:
        token = self.next()
        if isinstance(token, int) and token >= len(self.reading.words):
            if key not in FIELD_VALUES:
                raise NotExpressible(f"a field as the value of {key!r}")
            weight = list(takewhile(_is_character, self.tokens[self.at :])) if self.peek() == "'^" else []
            self.at += len(weight)
            return self.field(token) + (str(read_value(weight, self.reading)) if weight else "")
        if token == "known":
            return self.known(field)
        if token in CONSTANTS:
            return CONSTANTS[str(token)]
        if isinstance(token, str) and token.startswith("="):
            return token[1:]
        numeric = expects_number(key, self.kinds.get(field, ""))
        if token in ("number", "text"):
            numeric = token == "number"
            token = self.next()
        value: list[Token] = [token]
        while (following := self.peek()) is not None and _continues(value, following):
            value.append(self.next())
        result = scalar(value, self.reading, numeric=numeric)
        if isinstance(result, str) and all(isinstance(part, int) or part == ".." for part in value):
            values = self.values.get(field, ())
            return result if result in values else (same_value(result, values) or result)
        return result

    def known(self, field: str) -> str:
        """The known value of the field that has the next words."""
        first = last = self.next()
        if self.peek() == "..":
            self.at += 1
            last = self.next()
        spans = partial_values(self.reading.question, self.reading.words, self.values.get(field, ()))
        if not (isinstance(first, int) and isinstance(last, int) and (first, last) in spans):
            raise NotExpressible(f"no known value of {field!r}")
        return spans[first, last]


def _is_character(token: Token) -> bool:
    return isinstance(token, str) and token[0] in "'%"


def _continues(value: Sequence[Token], token: Token) -> bool:
    """Whether `token` belongs to the value that begins with the tokens before it."""
    last = value[-1]
    if isinstance(token, int):
        return last in ("..", "page") or (isinstance(last, str) and last.startswith("+") and len(value) == 1)
    if token in ("..", "page") or token[0] == "*":
        return isinstance(last, int)
    if token[0] == "+":
        return True
    return _is_character(token) and _is_character(last)
