"""One condition of a question, and the noun phrase with several.

Clause(text="with host web-03", body={"term": {"host.name": "web-03"}}, why="host.name is keyword: term.")
noun_phrase(draw, clauses)   "slow requests with host web-03 and with status 503"
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dstill_querydsl.questions.templates.context import Draw, Skip
from dstill_querydsl.questions.templates.roles import Role
from dstill_querydsl.questions.templates.words import mark

__all__ = ["Clause", "Maker", "Way", "fill", "noun_phrase", "shuffled", "terse_phrase", "worded_clause"]


@dataclass(frozen=True, kw_only=True)
class Clause:
    """One condition: its words, its query clause, and its rationale."""

    text: str
    body: Mapping[str, Any]  # one query clause
    why: str  # names the field, its type and the operator
    place: Literal["before", "after"] = "after"  # the noun: "slow requests", "requests by user uma"
    terse: str = ""  # in a short form, as in "503 DE yesterday". Empty: there is none
    occur: Literal["filter", "must_not"] = "filter"


Maker = Callable[[Draw], Clause]
Way = str  # "with {f} {v}", with the field's noun and a value. " <" at the end puts it before the noun


def fill(way: Way, **slots: Any) -> str:
    """Fill and mark the slots of a way. Braces in values are not slots."""
    parts = way.removesuffix(" <").split("{")
    out = parts[0]
    for part in parts[1:]:
        name, closed, rest = part.partition("}")
        out += f"{mark(slots[name])}{rest}" if closed and name in slots else f"{{{part}"
    return out


def worded_clause(
    draw: Draw, role: Role, ways: Sequence[Way], body: Mapping[str, Any], why: str, **more: Any
) -> Clause:
    """A clause in one of the ways. `more` has values for its slots, and fields of the clause."""
    way = draw.random.choice(ways)
    own = {name: more.pop(name) for name in ("terse", "occur") if name in more}
    text = fill(way, f=role.word.noun, **more)
    place: Literal["before", "after"] = "before" if way.endswith(" <") else "after"
    return Clause(text=text, body=body, why=why, place=place, **own)


def shuffled(draw: Draw, clauses: Sequence[Clause]) -> tuple[Clause, ...]:
    """The clauses in random order, those before the noun first. Question and gold use this order."""
    return tuple(sorted(draw.random.sample(clauses, len(clauses)), key=lambda clause: clause.place == "after"))


def noun_phrase(draw: Draw, clauses: Sequence[Clause]) -> str:
    """The noun for documents with its conditions."""
    first, *rest = draw.context.lexicon.documents
    noun = draw.random.choice(rest) if rest and draw.chance(25) else first
    before = [clause.text for clause in clauses if clause.place == "before"]
    after = [clause.text for clause in clauses if clause.place == "after"]
    joint = draw.pick(" and ", " ", ", ") if len(after) > 1 else " "
    return " ".join([*before, mark(noun), joint.join(after)]).strip()


def terse_phrase(draw: Draw, clauses: Sequence[Clause]) -> str:
    """A short form, such as ``503 DE yesterday``. Raises Skip if a clause has none."""
    if not all(clause.terse for clause in clauses):
        raise Skip("no terse form")
    words = [clause.terse for clause in clauses]
    if draw.chance(50):
        words.insert(draw.random.choice((0, len(words))), mark(draw.context.lexicon.documents[0]))
    return (" " if draw.chance(70) else ", ").join(words)
