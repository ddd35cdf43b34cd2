"""The `Form` of search bodies."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cached_property

from dstill.api.form import Form, NotExpressible, Token
from dstill.api.records import Example
from dstill.linked import Ranking, Reading, Schema, read, words
from dstill_querydsl.canonical import canonical
from dstill_querydsl.language import strict
from dstill_querydsl.linked import cues, decoding, encoding, items, tokens
from dstill_querydsl.mapping.index_profile import IndexProfile

__all__ = ["QueryForm"]

SHOWN = 64  # fields of a wide mapping that the student reads


class QueryForm(Form):
    """Reads questions about mappings and writes search bodies."""

    features = items.FEATURES

    def __init__(self, profile_of: Callable[[Example], IndexProfile | None]) -> None:
        self._profile_of = profile_of
        self._rankings: dict[int, tuple[IndexProfile, Ranking]] = {}

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
        return self._rankings[id(profile)][1]

    def encode(self, answer: str, reading: Reading) -> list[Token]:
        body = strict.read(answer).value
        if not isinstance(body, dict):
            raise NotExpressible("the answer is not a JSON object")
        return tokens.merged(encoding.encode(canonical(body), reading))

    def decode(self, tokens_: Sequence[Token], reading: Reading) -> str:
        body = decoding.decode(tokens.split(tokens_), reading)
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
