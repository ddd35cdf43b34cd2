"""One condition of a question, and how several stand around the noun.

Clause(text="with host web-03", body={"term": {"host.name": "web-03"}}, why="host.name is keyword: term.")
noun_phrase(draw, clauses)   "slow requests with host web-03 and with status 503"
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Literal, Mapping, Sequence

from dstill_querydsl.questions.context import Draw, Skip
from dstill_querydsl.questions.roles import Role
from dstill_querydsl.questions.words import mark

__all__ = ["Clause", "Maker", "Way", "fill", "noun_phrase", "said", "shuffled", "terse_phrase"]


@dataclass(frozen=True, kw_only=True)
class Clause:
    """How it is said, how it is written, and why so."""

    text: str
    body: Mapping[str, Any]  # one query clause
    why: str  # names the field, its type and the operator
    place: Literal["before", "after"] = "after"  # of the noun: "slow requests", "requests by user uma"
    terse: str = ""  # as in a hurried "503 DE yesterday"; empty: it has no such form
    occur: Literal["filter", "must_not"] = "filter"


Maker = Callable[[Draw], Clause]
Way = str  # "with {f} {v}": a field's noun, a value; " <" at the end puts it before the noun


def fill(way: Way, **slots: Any) -> str:
    """The way with its slots filled and marked. Values are never read as templates."""
    parts = way.removesuffix(" <").split("{")
    out = parts[0]
    for part in parts[1:]:
        name, closed, rest = part.partition("}")
        out += f"{mark(slots[name])}{rest}" if closed and name in slots else f"{{{part}"
    return out


def said(draw: Draw, role: Role, ways: Sequence[Way], body: Mapping[str, Any], why: str, **more: Any) -> Clause:
    """A clause in one of the ways; `more` are values for its slots and fields of the clause."""
    way = draw.random.choice(ways)
    own = {name: more.pop(name) for name in ("terse", "occur") if name in more}
    text = fill(way, f=role.word.noun, **more)
    place: Literal["before", "after"] = "before" if way.endswith(" <") else "after"
    return Clause(text=text, body=body, why=why, place=place, **own)


def shuffled(draw: Draw, clauses: Sequence[Clause]) -> tuple[Clause, ...]:
    """The order in which a question says its conditions, and in which the gold has them."""
    return tuple(sorted(draw.random.sample(clauses, len(clauses)), key=lambda clause: clause.place == "after"))


def noun_phrase(draw: Draw, clauses: Sequence[Clause]) -> str:
    """The document's name with its conditions, joined by "and" or not."""
    first, *rest = draw.scene.lexicon.documents
    noun = draw.random.choice(rest) if rest and draw.chance(25) else first
    before = [clause.text for clause in clauses if clause.place == "before"]
    after = [clause.text for clause in clauses if clause.place == "after"]
    joint = draw.pick(" and ", " ", ", ") if len(after) > 1 else " "
    return " ".join([*before, mark(noun), joint.join(after)]).strip()


def terse_phrase(draw: Draw, clauses: Sequence[Clause]) -> str:
    """``503 DE yesterday``. Raises Skip where a clause has no such form."""
    if not all(clause.terse for clause in clauses):
        raise Skip("no terse form")
    words = [clause.terse for clause in clauses]
    if draw.chance(50):
        words.insert(draw.random.choice((0, len(words))), mark(draw.scene.lexicon.documents[0]))
    return (" " if draw.chance(70) else ", ").join(words)
