"""The `Form` of search bodies."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from dstill.api.form import Form, NotExpressible, Token
from dstill.api.records import Example
from dstill.linked import Ranking, Reading, Schema, read, words
from dstill_querydsl.canonical import canonical
from dstill_querydsl.language import strict
from dstill_querydsl.linked import cues, decoding, encoding, items, tokens
from dstill_querydsl.linked.allowed_places import Language
from dstill_querydsl.linked.cursor import BodyCursor, start
from dstill_querydsl.mapping.index_profile import IndexProfile

__all__ = ["QueryForm", "difference"]

SHOWN = 64  # fields of a wide mapping that the student reads


class QueryForm(Form):
    """Reads questions about mappings and writes search bodies."""

    features = items.FEATURES

    def __init__(self, profile_of: Callable[[Example], IndexProfile | None]) -> None:
        self._profile_of = profile_of
        self._rankings: dict[int, tuple[IndexProfile, Ranking]] = {}  # by the number of the profile
        self._languages: dict[int, tuple[IndexProfile, Schema, Language | None]] = {}  # by the number of the schema

    @cached_property
    def tokens(self) -> Sequence[str]:  # type: ignore[override]
        """The vocabulary."""
        return tokens.tokens()

    def read(self, example: Example) -> Reading:
        profile = self._profile_of(example)
        if profile is None:
            return read(example.question, Schema([]))
        ranking = self._ranking(profile)
        shown = None
        if len(ranking.schema.items) > SHOWN:
            shown = sorted(ranking.best(example.question, words(example.question), SHOWN))
        return read(example.question, ranking.schema, shown)

    def _ranking(self, profile: IndexProfile) -> Ranking:
        if id(profile) not in self._rankings:
            found = items.items_of(profile.fields, profile.values, ranked=profile.index.given_values is not None)
            ranking = Ranking(Schema(found), related=cues.RELATED, cues=cues.cues_of(found))
            self._rankings[id(profile)] = profile, ranking
            self._languages[id(ranking.schema)] = profile, ranking.schema, None
        return self._rankings[id(profile)][1]

    def start(self, reading: Reading) -> BodyCursor | None:
        """Where a body about the reading's mapping begins. None if this form did not read it, or without a mapping."""
        if id(reading.schema) not in self._languages:
            return None
        profile, schema, language = self._languages[id(reading.schema)]
        if language is None:
            language = Language(profile.fields, profile.limits, profile.ranges, schema.items)
            self._languages[id(schema)] = profile, schema, language
        return start(language, reading)

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
