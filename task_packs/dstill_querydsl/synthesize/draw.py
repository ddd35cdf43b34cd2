"""What questions are made of: clauses drawn from one real document, and the noun phrase around them.

    draw = Draw(random=Random(1), source={"user": {"name": "uma"}, …}, now=datetime(2025, 3, 27, 12, tzinfo=UTC))
    draw.value("user.name")     "uma"

A clause is one condition with the words that ask for it. All clauses of a question come
from one document, so that at least that document meets them together: a gold is not empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Callable

from dstill_querydsl.questions.clause import Clause
from dstill_querydsl.questions.context import Drawn, Skip

__all__ = ["Clause", "Draw", "Maker", "Skip", "noun_phrase", "terse_phrase"]


@dataclass(kw_only=True)
class Draw(Drawn):
    """One document, and when it is asked about."""

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
