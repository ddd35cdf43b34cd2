"""The words of `words.toml`: domains, and concepts that fields are about.

vocabulary().domains[0]     Domain(noun="order", many=("orders", …), objects=("customer", …), topics={"trade", …})
vocabulary().concepts["number"][0]
→  Concept(kind="number", nouns=("price", "cost"), names=("prc", …), low=1, high=900, …)
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["Concept", "Domain", "Vocabulary", "fitting", "table", "vocabulary"]

ANY = "*"  # the topic of concepts that fit every domain
# key of words.toml → kind
_KINDS = {
    "categories": "category",
    "numbers": "number",
    "dates": "date",
    "texts": "text",
    "booleans": "boolean",
    "places": "geo",
    "addresses": "ip",
}


@dataclass(frozen=True, kw_only=True)
class Domain:
    """A kind of documents that an index holds, and words for them."""

    noun: str
    many: tuple[str, ...]
    objects: tuple[str, ...]  # that group fields
    topics: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Concept:
    """Something that a field can hold, and the words for it."""

    kind: str  # as in `templates.roles`: category, number, date, text, boolean, geo, ip
    nouns: tuple[str, ...]
    names: tuple[str, ...]  # for fields, besides the nouns: abbreviations and words of other languages
    topics: frozenset[str]
    values: tuple[str, ...] = ()  # of a category
    codes: Mapping[str, str] = field(default_factory=dict)  # value → what people say
    unit: str = ""  # of a number
    low: float = 0
    high: float = 0
    whole: bool = False
    most: str = ""  # "slowest"
    least: str = ""
    yes: str = ""  # of a boolean: "that are paid"
    no: str = ""


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """All words of words.toml."""

    domains: tuple[Domain, ...]
    concepts: Mapping[str, tuple[Concept, ...]]  # by kind
    nested: tuple[tuple[str, frozenset[str]], ...]  # names of lists of objects, with their topics
    fragments: tuple[str, ...]  # parts of texts
    absent: tuple[str, ...]  # things that no schema has


@cache
def table(name: str) -> Mapping[str, Any]:
    """A TOML file of this folder."""
    return tomllib.loads(files("dstill_querydsl.questions.invented_schemas").joinpath(name).read_text(encoding="utf-8"))


@cache
def vocabulary() -> Vocabulary:
    """The content of words.toml."""
    words = table("words.toml")
    return Vocabulary(
        domains=tuple(
            Domain(noun=noun, many=_listed(many), objects=_listed(objects), topics=_topics(topics))
            for noun, many, objects, topics in _rows(words["domains"])
        ),
        concepts={kind: tuple(_concept(kind, row) for row in _rows(words[key])) for key, kind in _KINDS.items()},
        nested=tuple((name, _topics(topics)) for name, topics in _rows(words["nested"])),
        fragments=_listed(words["fragments"], ";"),
        absent=_listed(words["absent"], ";"),
    )


def fitting(concepts: Sequence[Concept], topics: frozenset[str]) -> list[Concept]:
    """The concepts that a domain with these topics can have."""
    return [concept for concept in concepts if ANY in concept.topics or not topics.isdisjoint(concept.topics)]


def _rows(lines: str) -> Iterator[list[str]]:
    for line in lines.strip().splitlines():
        yield [cell.strip() for cell in line.split("|")]


def _listed(cell: str, sign: str = ",") -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(sign) if part.strip())


def _topics(cell: str) -> frozenset[str]:
    return frozenset(_listed(cell))


def _concept(kind: str, row: Sequence[str]) -> Concept:
    nouns, names, topics, *more = row
    own: dict[str, Any] = {}
    if kind == "category":
        pairs = [value.partition("=") for value in _listed(more[0])]
        own = {"values": tuple(key for key, _, _ in pairs), "codes": {key: text for key, _, text in pairs if text}}
    elif kind == "number":
        unit, low, high, whole, extremes = more
        most, _, least = extremes.partition(",")
        own = {"unit": unit, "low": float(low), "high": float(high), "whole": whole == "yes"}
        own |= {"most": most.strip(), "least": least.strip()}
    elif kind == "boolean":
        own = {"yes": more[0], "no": more[1]}
    return Concept(kind=kind, nouns=_listed(nouns), names=_listed(names), topics=_topics(topics), **own)
