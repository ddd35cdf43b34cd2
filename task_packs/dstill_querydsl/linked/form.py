"""The `Form` of search bodies."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from dstill.api.form import Form, NotExpressible, Token
from dstill.api.records import Example
from dstill.linked import Reading, Schema, read
from dstill_querydsl.canonical import canonical
from dstill_querydsl.language import strict
from dstill_querydsl.language.fields import Fields
from dstill_querydsl.linked import decoding, encoding, items, tokens
from dstill_querydsl.linked.allowed_places import Language
from dstill_querydsl.linked.cursor import BodyCursor, start
from dstill_querydsl.mapping.index_profile import IndexProfile

__all__ = ["QueryForm", "difference"]

SHOWN = 40  # fields of a wide mapping that the student reads


class QueryForm(Form):
    """Reads questions about mappings and writes search bodies."""

    features = items.FEATURES

    def __init__(self, profile_of: Callable[[Example], IndexProfile | None]) -> None:
        self._profile_of = profile_of
        self._schemas: dict[int, tuple[IndexProfile, Schema]] = {}
        self._languages: dict[int, Language] = {}

    @cached_property
    def tokens(self) -> Sequence[str]:  # type: ignore[override]
        """The vocabulary."""
        return tokens.tokens()

    def read(self, example: Example) -> Reading:
        profile = self._profile_of(example)
        if profile is None:
            return read(example.question, Schema([]))
        schema = self._schema(profile)
        shown = None
        if len(schema.items) > SHOWN:
            names = Fields.of(profile.shown(example.question, SHOWN).mapping).names
            shown = [number for number, item in enumerate(schema.items) if item.name in names][:SHOWN]
        return read(example.question, schema, shown)

    def _schema(self, profile: IndexProfile) -> Schema:
        if id(profile) not in self._schemas:
            self._schemas[id(profile)] = profile, Schema(items.items_of(profile.fields, profile.values))
        return self._schemas[id(profile)][1]

    def start(self, reading: Reading) -> BodyCursor | None:
        """Where a body about the reading's mapping begins. None if this form has not read that mapping."""
        language = self._language(reading)
        return None if language is None else start(language, reading)

    def _language(self, reading: Reading) -> Language | None:
        for key, (profile, schema) in self._schemas.items():
            if reading.items and reading.items[0] in schema.items and {*reading.items} <= {*schema.items}:
                if key not in self._languages:
                    self._languages[key] = Language(profile.fields, profile.limits, profile.ranges, schema.items)
                return self._languages[key]
        return None

    def encode(self, answer: str, reading: Reading) -> list[Token]:
        body = strict.read(answer).value
        if not isinstance(body, dict):
            raise NotExpressible("the answer is not a JSON object")
        wanted = canonical(body)
        found = encoding.encode(wanted, reading)
        if at := difference(canonical(decoding.decode(found, reading)), wanted):
            raise NotExpressible(f"the value at {at} has no tokens")
        return tokens.merged(found)

    def decode(self, tokens_: Sequence[Token], reading: Reading) -> str:
        body = decoding.decode(tokens.split(tokens_), reading)
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def difference(one: Any, other: Any, at: str = "") -> str:
    """The JSON pointer of the first place where two values differ; empty if they are equal. 1, 1.0 and true differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in one.keys() | other.keys():
            if key not in one or key not in other:
                return f"{at}/{strict.escape(key)}"
            if found := difference(one[key], other[key], f"{at}/{strict.escape(key)}"):
                return found
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return next(
            filter(None, (difference(*pair, f"{at}/{n}") for n, pair in enumerate(zip(one, other, strict=True)))), ""
        )
    elif type(one) is not type(other) or one != other:
        return at or "/"
    return ""
