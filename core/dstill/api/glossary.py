"""The glossary of a project: words of a trade, and what they mean in the data.

    [turnover]
    means = "orders.amount"                     # another name of a column, field or table
    [kennedy]
    means = "airports.code"
    value = "JFK"                               # one of its values
    [late]
    of = "jobs"
    condition = "finished_on > promised_on"     # in the language of the task
    also = ["overdue", "behind schedule"]
    [revenue]
    measure = "qty * price"                     # a number of each row
    [buyer]
    join = "orders.customer_id = customers.id"

    glossary = Glossary.read(tomllib.loads(text), "glossary.toml")
    glossary.named("how many jobs are overdue?")     # [Term(name="late", …)]

This module checks the form. A pack checks names and types, and lets students and teachers read the terms
(`dstill.api.protocols.Terms`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from dstill.errors import DataError, did_you_mean
from dstill.io import toml
from dstill.io.plain_files import read_bounded
from dstill.linked.known import folded

__all__ = ["Glossary", "Term", "glossary_in"]

_MEANINGS = ("means", "condition", "measure", "join")
_MOST_TERMS = 1_000
_LONGEST = 60  # characters of a name
_HINT = f"give one of {', '.join(_MEANINGS)}"


@dataclass(frozen=True, kw_only=True, eq=False)  # a condition may have no hash
class Term:
    """A term, and what it means: exactly one of `means`, `condition`, `measure` and `join` is there."""

    name: str
    where: str  # for errors: "glossary.toml, [late]"
    also: tuple[str, ...] = ()  # its other names
    means: str = ""  # the name of a column, field or table
    value: str = ""  # of the one that it means
    of: str = ""  # the table or nested field that a condition or measure is about; empty: the pack finds it
    condition: Any = None  # that rows or documents meet, in the task's language
    measure: str = ""  # a number of each row, in the task's language
    join: str = ""  # two columns that are equal
    data: str = ""  # the name of the data that it is about; empty: all
    description: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All names of the term."""
        return (self.name, *self.also)

    @property
    def identifier(self) -> str:
        """Its name as a column or field would have it: ``behind_schedule``."""
        return re.sub(r"\W+", "_", self.name.strip().lower())

    @property
    def meaning(self) -> str:
        """What it means, in a line."""
        if self.means:
            return f"{self.means} = {self.value}" if self.value else self.means
        return str(self.condition if self.condition is not None else self.measure or self.join)

    def __str__(self) -> str:
        return f"{self.name} = {self.meaning}"

    @property
    def text(self) -> str:
        """The term for a teacher: ``late (also overdue) means finished_on > promised_on``."""
        also = f" (also {', '.join(self.also)})" if self.also else ""
        note = f" ({self.description})" if self.description else ""
        return f"{self.name}{also} means {self.meaning}{note}"

    def error(self, what: str, hint: str = "") -> DataError:
        """An error in the term."""
        return DataError(what, where=self.where, hint=hint)


_KEYS = tuple(field.name for field in fields(Term) if field.name not in ("name", "where"))


class Glossary:
    """The terms of a file."""

    def __init__(self, terms: Sequence[Term] = ()) -> None:
        self.terms = tuple(terms)

    @classmethod
    def read(cls, data: Mapping[str, Any], where: str) -> Glossary:
        """The content of a glossary file. Raises DataError that names the term."""
        if len(data) > _MOST_TERMS:
            raise DataError(f"the glossary has {len(data):,} terms (limit {_MOST_TERMS:,})", where=where)
        terms = [_term(name, entry, f"{where}, [{name}]") for name, entry in data.items()]
        known: dict[str, list[Term]] = defaultdict(list)
        for term in terms:
            for name in term.names:
                for other in known[folded(name)]:
                    if other is not term and (other.data == term.data or not (other.data and term.data)):
                        raise term.error(f"'{name}' is also a name of [{other.name}]", "give each name one meaning")
                known[folded(name)].append(term)
        return cls(terms)

    def of(self, data: str) -> Glossary:
        """The terms that are about this data."""
        return Glossary([term for term in self.terms if term.data in ("", data)])

    def named(self, question: str) -> list[Term]:
        """The terms that a question names, in its order."""
        text = f" {folded(question)} "
        places = {name: text.find(f" {name} ") for name in self._by_name}
        at = sorted((place, -len(name), name) for name, place in places.items() if place >= 0)
        return list(dict.fromkeys(self._by_name[name] for *_, name in at))

    @cached_property
    def _by_name(self) -> dict[str, Term]:
        return {folded(name): term for term in self.terms for name in term.names}

    @property
    def text(self) -> str:
        """The terms for a teacher, in a line; empty: there are none."""
        return ", ".join(term.text for term in self.terms)

    def __bool__(self) -> bool:
        return bool(self.terms)


def glossary_in(file: str, where: str) -> Glossary:
    """The glossary in a file; empty without one. `where`: the setting that names it. Raises DataError."""
    return _read(file, Path.cwd(), where) if file else Glossary()


@lru_cache(maxsize=16)
def _read(file: str, folder: Path, where: str) -> Glossary:
    try:
        text = read_bounded(folder / file, toml.MOST_BYTES).decode()
        data = toml.loads(text)
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read '{file}': {error}", where=where) from None
    return Glossary.read(data, file)


def _term(name: str, entry: Any, where: str) -> Term:
    if not isinstance(entry, Mapping):
        raise DataError("a term is a table", where=where, hint=_HINT)
    for key, value in entry.items():
        if key not in _KEYS:
            raise DataError(f"unknown key '{key}'.{did_you_mean(key, _KEYS)}", where=where, hint=_HINT)
        if key == "also":
            if not isinstance(value, list) or not all(isinstance(other, str) for other in value):
                raise DataError("'also' is not a list of names", where=where, hint='also = ["overdue"]')
        elif key != "condition" and (not isinstance(value, str) or not value.strip()):
            raise DataError(f"'{key}' is not text", where=where)
    return _checked(Term(name=name, where=where, **{**entry, "also": tuple(entry.get("also", ()))}), entry)


def _checked(term: Term, entry: Mapping[str, Any]) -> Term:
    given = [key for key in _MEANINGS if entry.get(key)]
    if len(given) != 1:
        raise term.error(f"it has {' and '.join(given) or 'no meaning'}", _HINT)
    if term.value and not term.means:
        raise term.error("a value needs the column or field that has it", 'means = "airports.code"')
    for other in term.names:
        if not folded(other) or len(other) > _LONGEST or not other.isprintable():
            hint = f"one line of at most {_LONGEST} characters, with a letter or digit"
            raise term.error(f"{other[:_LONGEST]!r} is not a name", hint)
    return term
