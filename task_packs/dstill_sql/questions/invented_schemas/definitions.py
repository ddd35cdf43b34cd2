"""Domains of invented databases, written as one line a table.

    film / films / movies > director=person (directed|directed by), studio?: title=title, budget=money 1e5..2e8, …

Before ``>``: what one row is called, what several are, and further plurals. After it, the tables that this one refers
to: ``?`` allows NULL, ``role=`` says what the reference is called, and in brackets is what the other does to this one
(``directed``) and what this one is to the other (``directed by``). After the colon, columns as ``words=kind``, where
`values` lists the kinds; ``?`` allows NULL. A line that is indented goes on with the one before it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from dstill_sql.questions.words import plural

__all__ = ["ColumnOf", "Domain", "ReferenceOf", "TableOf", "domains", "read"]

_COMMA = re.compile(r",\s+(?![^{(]*[})])")  # commas outside of brackets
_REFERENCE = re.compile(r"(?:(?P<role>[\w ]+)=)?(?P<to>[\w ]+?)(?P<null>\?)?\s*(?:\((?P<verbs>[^)]*)\))?")
_COLUMN = re.compile(
    r"(?P<words>[\w ]+)=(?P<kind>\{.*?\}|\w+)(?P<null>\?)?\s*"
    r"(?P<range>-?[\d.e]+\.\.-?[\d.e]+)?\s*(?P<rest>.*?)(?P<late>\?)?"
)


@dataclass(frozen=True, kw_only=True)
class ColumnOf:
    """A column of a domain's table."""

    words: str  # "unit price"
    kind: str  # money, person …; "enum": one of `options`
    options: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    unit: str = ""
    nullable: bool = False


@dataclass(frozen=True, kw_only=True)
class ReferenceOf:
    """A reference of a domain's table to another."""

    role: str  # "home team"
    to: str  # "team"
    nullable: bool = False
    active: str = ""  # "directed": what the other did to this
    passive: str = ""  # "directed by"


@dataclass(frozen=True, kw_only=True)
class TableOf:
    """A table of a domain."""

    noun: str
    nouns: tuple[str, ...]  # plurals, the usual one first
    references: tuple[ReferenceOf, ...]
    columns: tuple[ColumnOf, ...]


@dataclass(frozen=True, kw_only=True)
class Domain:
    """The tables of a domain, each after those that it refers to."""

    name: str
    tables: tuple[TableOf, ...]


def read(name: str, text: str) -> Domain:
    """The domain that the lines describe. Raises ValueError that names a line which is not as it should be."""
    known: list[str] = []
    tables = []
    for line in _lines(text):
        head, separator, columns = line.partition(":")
        nouns, _, references = head.partition(">")
        singular, *several = (part.strip() for part in nouns.split("/"))
        known.append(singular)
        edges = tuple(_reference(part, line) for part in _COMMA.split(references.strip()) if part)
        if not separator or any(reference.to not in known for reference in edges):
            raise ValueError(f"{name}: a colon is missing, or a table comes later: {line}")
        tables.append(
            TableOf(
                noun=singular,
                nouns=tuple(several) or (plural(singular),),
                references=edges,
                columns=tuple(_column(part, line) for part in _COMMA.split(columns.strip()) if part),
            )
        )
    return Domain(name=name, tables=tuple(tables))


@lru_cache(maxsize=1)
def domains() -> Mapping[str, Domain]:
    """The domains of `domains.toml`: name → domain."""
    return {
        name: read(name, text)
        for name, text in tomllib.loads(
            files("dstill_sql.questions.invented_schemas").joinpath("domains.toml").read_text(encoding="utf-8")
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


def _reference(text: str, line: str) -> ReferenceOf:
    match = _REFERENCE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not a reference: '{text}' in {line}")
    active, _, passive = (match["verbs"] or "").partition("|")
    return ReferenceOf(
        role=match["role"] or match["to"], to=match["to"], nullable=bool(match["null"]), active=active, passive=passive
    )


def _column(text: str, line: str) -> ColumnOf:
    match = _COLUMN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not a column: '{text}' in {line}")
    kind, bounds = match["kind"], (match["range"] or "").split("..")
    options = tuple(option.strip() for option in kind[1:-1].split("|")) if kind.startswith("{") else ()
    return ColumnOf(
        words=match["words"].strip(),
        kind="enum" if options else kind,
        options=options,
        low=float(bounds[0]) if bounds[0] else None,
        high=float(bounds[1]) if bounds[0] else None,
        unit=match["rest"].strip(),
        nullable=bool(match["null"] or match["late"]),
    )
