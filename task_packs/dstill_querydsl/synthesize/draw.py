"""What questions are made of: clauses drawn from one real document, and the noun phrase around them.

    draw = Draw(random=Random(1), source={"user": {"name": "uma"}, …}, now=datetime(2025, 3, 27, 12, tzinfo=UTC))
    draw.value("user.name")     "uma"

A clause is one condition with the words that ask for it. All clauses of a question come
from one document, so that at least that document meets them together: a gold is not empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, Callable, Literal, Mapping

__all__ = ["Clause", "Draw", "Maker", "Skip", "noun_phrase", "terse_phrase"]

Body = Mapping[str, Any]


class Skip(Exception):
    """This document cannot serve this template: draw another."""


@dataclass(frozen=True, kw_only=True)
class Draw:
    """One document and the random numbers to make a question about it."""

    random: Random
    source: Mapping[str, Any]
    now: datetime

    def value(self, path: str) -> Any:
        """The document's value of a field; one of them where it has several. Raises Skip where it has none."""
        here: Any = self.source
        for name in path.split("."):
            if isinstance(here, list):
                here = self.random.choice(here)
            if name not in here:
                raise Skip(path)
            here = here[name]
        return self.random.choice(here) if isinstance(here, list) else here

    @property
    def time(self) -> datetime:
        return datetime.fromisoformat(self.value("@timestamp"))

    def pick(self, *options: str) -> str:
        return self.random.choice(options)

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent


@dataclass(frozen=True, kw_only=True)
class Clause:
    """One condition: how it is said, how it is written, and why so."""

    text: str
    body: Body  # one query clause
    why: str  # names the field, its type and the operator
    place: Literal["before", "after"] = "after"  # of the noun: "GET requests", "requests by user uma"
    terse: str = ""  # as in a hurried "503 DE yesterday"; empty: it has no such form
    occur: Literal["filter", "must_not", "should"] = "filter"


Maker = Callable[[Draw], Clause]


def noun_phrase(draw: Draw, clauses: tuple[Clause, ...]) -> str:
    """``slow requests by user uma``, in any order of the clauses."""
    noun = draw.random.choices(("requests", "calls", "log entries"), (70, 15, 15))[0]
    shuffled = draw.random.sample(clauses, len(clauses))
    before = [clause.text for clause in shuffled if clause.place == "before"]
    after = [clause.text for clause in shuffled if clause.place == "after"]
    return " ".join([*before, noun, *after])


def terse_phrase(draw: Draw, clauses: tuple[Clause, ...]) -> str:
    """``503 /shop/cart yesterday``. Raises Skip where a clause has no such form."""
    shuffled = draw.random.sample(clauses, len(clauses))
    if not all(clause.terse for clause in clauses):
        raise Skip("no terse form")
    return " ".join(clause.terse for clause in shuffled)
