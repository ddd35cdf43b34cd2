"""The `Form` of search bodies."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from dstill.api.form import Form, NotExpressible, Token
from dstill.api.records import Example
from dstill.linked import Ranking, Reading, Schema, read, words
from dstill.linked.thesaurus import meant
from dstill_querydsl.form import cues, decoding, encoding, items, tokens
from dstill_querydsl.form.allowed_places import Language
from dstill_querydsl.form.cursor import BodyCursor, start
from dstill_querydsl.language import strict
from dstill_querydsl.language.canonical import canonical
from dstill_querydsl.language.mapping.index_profile import IndexProfile
from dstill_querydsl.language.terms import expanded

__all__ = ["QueryForm", "difference"]

FIELD_LIMIT = 64  # fields of a wide mapping that the student reads
CACHE_SIZE = 64  # mappings that were read last


class _Mapping:
    """The parts that reading and writing about one mapping needs. Computed on first use."""

    def __init__(self, profile: IndexProfile, dialect: str) -> None:
        self.profile = profile
        self._dialect = dialect

    @cached_property
    def ranking(self) -> Ranking:
        profile = self.profile
        ranked = profile.index.given_values is not None
        fields = items.items_of(profile.fields_of_students, profile.values, profile.terms, ranked=ranked)
        return Ranking(Schema(fields, meant), cues=cues.cues_of(fields))

    @cached_property
    def language(self) -> Language:
        profile = self.profile
        return Language(
            profile.fields_of_students, profile.limits, profile.ranges, self.ranking.schema.items, self._dialect
        )


class QueryForm(Form):
    """Reads questions about mappings and writes search bodies."""

    features = items.FEATURES
    bases: ClassVar = {"querydsl": Path(__file__).parents[1] / "base"}

    def __init__(
        self,
        profile_of: Callable[[Example], IndexProfile | None],
        dialect: str = "elasticsearch9",
        replay: Callable[[int], Iterator[tuple[Reading, Sequence[Token]]]] = lambda _: iter(()),
    ) -> None:
        """`replay`: as the method."""
        self._profile_of = profile_of
        self._dialect = dialect
        self._replay = replay
        self._known: OrderedDict[int, _Mapping] = OrderedDict()  # by the number of the profile; the newest last

    @cached_property
    def tokens(self) -> Sequence[str]:  # type: ignore[override]
        """The vocabulary."""
        return tokens.tokens()

    def read(self, example: Example) -> Reading:
        profile = self._profile_of(example)
        if profile is None:
            return read(example.question, Schema([]))
        ranking = self._mapping(profile).ranking
        terms = words(example.question, _day_of(profile.index.now))
        shown = None
        if len(ranking.schema.items) > FIELD_LIMIT:
            shown = sorted(ranking.best(example.question, terms, FIELD_LIMIT))
        return read(example.question, ranking.schema, shown, terms)

    def start(self, reading: Reading) -> BodyCursor | None:
        """Where a body about the reading's mapping begins. None if this form has not read that mapping lately."""
        mapping = self._of(reading)
        return None if mapping is None else start(mapping.language, reading)

    def _of(self, reading: Reading) -> _Mapping | None:
        return next((entry for entry in self._known.values() if entry.ranking.schema is reading.schema), None)

    def replay(self, seed: int) -> Iterator[tuple[Reading, Sequence[Token]]]:
        return self._replay(seed)

    def _mapping(self, profile: IndexProfile) -> _Mapping:
        entry = self._known.pop(id(profile), None) or _Mapping(profile, self._dialect)
        self._known[id(profile)] = entry
        if len(self._known) > CACHE_SIZE:
            self._known.popitem(last=False)
        return entry

    def encode(self, answer: str, reading: Reading) -> list[Token]:
        body = strict.read(answer).value
        if not isinstance(body, dict):
            raise NotExpressible("the answer is not a JSON object")
        wanted = canonical(body)
        try:
            sequence = encoding.encode(wanted, reading)
            at = difference(canonical(decoding.decode(sequence, reading)), wanted)
        except (AttributeError, TypeError, KeyError, OverflowError) as error:
            raise NotExpressible("the answer is not a search body") from error
        if at:
            raise NotExpressible(f"the value at {at} has no tokens")
        return tokens.merged(sequence)

    def decode(self, tokens_: Sequence[Token], reading: Reading) -> str:
        body = decoding.decode(tokens.split(tokens_), reading)
        if (mapping := self._of(reading)) is not None:
            body = expanded(body, mapping.profile.terms)
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _day_of(now: str) -> date:
    """The day that questions are asked on: that of the index, or today."""
    return datetime.fromisoformat(now).date() if now else datetime.now(UTC).date()


def difference(value: Any, other: Any, at: str = "") -> str:
    """The JSON pointer of the first place where two values differ; empty if they are equal. 1, 1.0 and true differ."""
    if isinstance(value, dict) and isinstance(other, dict):
        for key in sorted(value.keys() | other.keys()):
            if key not in value or key not in other:
                return f"{at}/{strict.escape(key)}"
            if place := difference(value[key], other[key], f"{at}/{strict.escape(key)}"):
                return place
    elif isinstance(value, list) and isinstance(other, list) and len(value) == len(other):
        return next(
            filter(None, (difference(*pair, f"{at}/{n}") for n, pair in enumerate(zip(value, other, strict=True)))), ""
        )
    elif type(value) is not type(other) or value != other:
        return at or "/"
    return ""
