"""Domains of invented data, written as one line an entity.

    film / films / movies > director=person (directed|directed by), studio?: title=title, budget=money 1e5..2e8, …

Before ``>``: what one is called, what several are, and further plurals. After it, the entities that this one refers to:
``?`` allows none, ``role=`` says what the relation is called, and in brackets is what the other does to this one
(``directed``) and what this one is to the other (``directed by``). After the colon, attributes as ``words=kind``, where
`values` lists the kinds; ``?`` allows none. A line that is indented goes on with the one before it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from dstill.synthesis.subjects import plural

__all__ = ["Domain", "DomainAttribute", "DomainEntity", "DomainRelation", "domains", "read"]

_COMMA = re.compile(r",\s+(?![^{(]*[})])")  # commas outside of brackets
_RELATION = re.compile(r"(?:(?P<role>[\w ]+)=)?(?P<to>[\w ]+?)(?P<null>\?)?\s*(?:\((?P<verbs>[^)]*)\))?")
_ATTRIBUTE = re.compile(
    r"(?P<words>[\w ]+)=(?P<kind>\{.*?\}|\w+)(?P<null>\?)?\s*"
    r"(?P<range>-?[\d.e]+\.\.-?[\d.e]+)?\s*(?P<rest>.*?)(?P<late>\?)?"
)


@dataclass(frozen=True, kw_only=True)
class DomainAttribute:
    """An attribute of a domain's entity."""

    words: str  # "unit price"
    kind: str  # money, person …; "enum": one of `options`
    options: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    unit: str = ""
    nullable: bool = False


@dataclass(frozen=True, kw_only=True)
class DomainRelation:
    """A relation of a domain's entity to another."""

    role: str  # "home team"
    to: str  # "team"
    nullable: bool = False
    active: str = ""  # "directed": what the other did to this
    passive: str = ""  # "directed by"


@dataclass(frozen=True, kw_only=True)
class DomainEntity:
    """An entity of a domain."""

    noun: str
    nouns: tuple[str, ...]  # plurals, the usual one first
    relations: tuple[DomainRelation, ...]
    attributes: tuple[DomainAttribute, ...]


@dataclass(frozen=True, kw_only=True)
class Domain:
    """The entities of a domain, each after those that it refers to."""

    name: str
    entities: tuple[DomainEntity, ...]


def read(name: str, text: str) -> Domain:
    """The domain that the lines describe. Raises ValueError that names a line which is not as it should be."""
    known: list[str] = []
    entities = []
    for line in _lines(text):
        head, separator, attributes = line.partition(":")
        nouns, _, relations = head.partition(">")
        singular, *several = (part.strip() for part in nouns.split("/"))
        known.append(singular)
        edges = tuple(_relation(part, line) for part in _COMMA.split(relations.strip()) if part)
        if not separator or any(relation.to not in known for relation in edges):
            raise ValueError(f"{name}: a colon is missing, or an entity comes later: {line}")
        entities.append(
            DomainEntity(
                noun=singular,
                nouns=tuple(several) or (plural(singular),),
                relations=edges,
                attributes=tuple(_attribute(part, line) for part in _COMMA.split(attributes.strip()) if part),
            )
        )
    return Domain(name=name, entities=tuple(entities))


@lru_cache(maxsize=1)
def domains() -> Mapping[str, Domain]:
    """The domains of `domains.toml`: name → domain."""
    return {
        name: read(name, text)
        for name, text in tomllib.loads(
            files("dstill.synthesis.domains").joinpath("domains.toml").read_text(encoding="utf-8")
        ).items()
    }


def _lines(text: str) -> Iterator[str]:
    line = ""
    for more in text.strip("\n").splitlines():
        if more.startswith(" "):
            line += " " + more.strip()
            continue
        if line:
            yield line
        line = more.strip()
    if line:
        yield line


def _relation(text: str, line: str) -> DomainRelation:
    match = _RELATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not a relation: '{text}' in {line}")
    active, _, passive = (match["verbs"] or "").partition("|")
    return DomainRelation(
        role=match["role"] or match["to"], to=match["to"], nullable=bool(match["null"]), active=active, passive=passive
    )


def _attribute(text: str, line: str) -> DomainAttribute:
    match = _ATTRIBUTE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not an attribute: '{text}' in {line}")
    kind, bounds = match["kind"], (match["range"] or "").split("..")
    options = tuple(option.strip() for option in kind[1:-1].split("|")) if kind.startswith("{") else ()
    return DomainAttribute(
        words=match["words"].strip(),
        kind="enum" if options else kind,
        options=options,
        low=float(bounds[0]) if bounds[0] else None,
        high=float(bounds[1]) if bounds[0] else None,
        unit=match["rest"].strip(),
        nullable=bool(match["null"] or match["late"]),
    )
