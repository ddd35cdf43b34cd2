"""Pairs of fields with the same values, such as home and away teams, which a preposition or a verb tells apart.

    sisters(topics, random)
    →  (Sister(concept=Concept(nouns=("sender", …), …), ways=("from {v}", …)), Sister(…, ways=("to {v}", …)))

A value without a word for its role is one of the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

from dstill_querydsl.questions.invented_schemas.vocabulary import Concept, fitting, table

__all__ = ["Sister", "sisters"]


@dataclass(frozen=True, kw_only=True)
class Sister:
    """One field of a pair."""

    concept: Concept
    ways: tuple[str, ...]  # conditions on it, with {v}


def sisters(topics: frozenset[str], random: Random) -> tuple[Sister, Sister] | None:
    """A pair that fits these topics. None if there is none."""
    pairs = _pairs()
    rows = fitting([main.concept for main, _ in pairs], topics)
    chosen = random.choice(rows) if rows else None
    return next((pair for pair in pairs if pair[0].concept is chosen), None)


@cache
def _pairs() -> tuple[tuple[Sister, Sister], ...]:
    return tuple(_read())


def _read() -> Iterator[tuple[Sister, Sister]]:
    for line in table("words.toml")["sisters"].strip().splitlines():
        first, first_ways, second, second_ways, topics, values = (cell.strip() for cell in line.split("|"))
        yield (
            _sister(first, first_ways, topics, values),
            _sister(second, second_ways, topics, values),
        )


def _sister(words: str, ways: str, topics: str, values: str) -> Sister:
    nouns, _, names = words.partition("/")
    concept = Concept(
        kind="category",
        nouns=_listed(nouns),
        names=_listed(names),
        topics=frozenset(_listed(topics)),
        values=_listed(values),
    )
    return Sister(concept=concept, ways=_listed(ways, ";"))


def _listed(cell: str, sign: str = ",") -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(sign) if part.strip())
