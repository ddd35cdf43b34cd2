"""Draw a document for a question, and put its clauses into a noun phrase.

    draw = Draw(random=Random(1), source={"user": {"name": "uma"}, …}, now=datetime(2025, 3, 27, 12, tzinfo=UTC))
    draw.value("user.name")     "uma"

A clause is one condition with its words. All clauses of a question come
from one document, so at least that document matches and the result is not empty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dstill_querydsl.questions.clause import Clause
from dstill_querydsl.questions.context import Drawn, Skip

__all__ = ["Clause", "Draw", "Maker", "Skip", "noun_phrase", "terse_phrase"]


@dataclass(kw_only=True)
class Draw(Drawn):
    """One document, and the time of the question."""

    now: datetime

    def value(self, path: str) -> Any:
        """The document's value of a field, or one of several values. Raises Skip if it has none."""
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


Maker = Callable[[Draw], Clause]


def noun_phrase(draw: Draw, clauses: tuple[Clause, ...]) -> str:
    """A noun with its clauses in random order: ``slow requests by user uma``."""
    noun = draw.random.choices(("requests", "calls", "log entries"), (70, 15, 15))[0]
    shuffled = draw.random.sample(clauses, len(clauses))
    before = [clause.text for clause in shuffled if clause.place == "before"]
    after = [clause.text for clause in shuffled if clause.place == "after"]
    return " ".join([*before, noun, *after])


def terse_phrase(draw: Draw, clauses: tuple[Clause, ...]) -> str:
    """A short form: ``503 /shop/cart yesterday``. Raises Skip if a clause has none."""
    shuffled = draw.random.sample(clauses, len(clauses))
    if not all(clause.terse for clause in clauses):
        raise Skip("no terse form")
    return " ".join(clause.terse for clause in shuffled)
