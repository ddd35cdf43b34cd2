"""Questions that no query can answer: what is not in the database, changes, opinions, forecasts and small talk.

REFUSALS["missing_metric"](subject, filters)
Refused(wording="average {x} of {w}", slots={"x": "calories"}, missing=("calories",), reason="no column holds calories")
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

from dstill.linked.names import stems
from dstill_sql.questions.draw import Filter, Skip, Subject
from dstill_sql.questions.entities import View
from dstill_sql.questions.words import plural

__all__ = ["REFUSALS", "Refused"]


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A question to refuse, and why."""

    wording: str
    reason: str
    missing: tuple[str, ...] = ()
    slots: Mapping[str, str] = field(default_factory=dict)


@lru_cache(maxsize=1)
def _file() -> Mapping[str, str]:
    texts: Mapping[str, str] = tomllib.loads(
        files("dstill_sql.questions").joinpath("refusals.toml").read_text(encoding="utf-8")
    )
    return texts


@lru_cache(maxsize=64)
def _words(name: str) -> tuple[str, ...]:
    return tuple(" ".join(word.split()) for word in _file()[name].split("|"))


@lru_cache(maxsize=64)
def _lines(name: str) -> tuple[str, ...]:
    return tuple(line for line in _file()[name].splitlines() if line)


def _vocabulary(view: View) -> frozenset[str]:
    """All words in names, nouns and known values."""
    words: set[str] = set()
    for entity in view.entities.values():
        words |= {word for noun in (entity.name, entity.words.noun, *entity.words.plurals) for word in stems(noun)}
        for column in entity.table.columns:
            words |= set(stems(f"{column.name} {column.comment}"))
        for part in entity.fields:
            words |= set(stems(part.noun))
        for link in entity.up:
            words |= set(stems(link.words.role))
    return frozenset(words)


def _absent(subject: Subject, name: str) -> str:
    """A word that the database does not have."""
    view = subject.draw.view
    if (vocabulary := view._cache.get("vocabulary")) is None:
        vocabulary = view._cache["vocabulary"] = _vocabulary(view)
    word = subject.draw.pick(_words(name))
    if set(stems(word)) & vocabulary:
        raise Skip("the database has it")
    return word


def _missing(subject: Subject, _found: Sequence[Filter], kind: str, words: str) -> Refused:
    word = _absent(subject, words)
    wording = subject.draw.pick(_lines(kind))
    text = plural(word) if "{xs}" in wording else word
    number = str(subject.draw.random.randrange(2, 90))
    holds = "table" if words == "things" else "column"
    slots = {"x": word, "xs": plural(word), "n": number}
    return Refused(wording=wording, reason=f"no {holds} holds {text}", missing=(text,), slots=slots)


def _change(subject: Subject, _found: Sequence[Filter]) -> Refused:
    column = subject.draw.pick(subject.entity.fields)
    slots = {"f": column.noun, "n": str(subject.draw.random.randrange(2, 90))}
    return Refused(wording=subject.draw.pick(_lines("change")), reason="this asks for a change", slots=slots)


def _opinion(subject: Subject, _found: Sequence[Filter]) -> Refused:
    word = subject.draw.pick(_words("opinions"))
    return Refused(
        wording=subject.draw.pick(_lines("opinion")),
        reason="the database holds no opinions",
        missing=(word,),
        slots={"x": word},
    )


def _unknowable(subject: Subject, _found: Sequence[Filter], kind: str, word: str, reason: str) -> Refused:
    slots = {"x": word, "f": subject.draw.pick(subject.entity.fields).noun}
    return Refused(wording=subject.draw.pick(_lines(kind)), reason=reason, missing=(word,), slots=slots)


def _small_talk(subject: Subject, _found: Sequence[Filter]) -> Refused:
    return Refused(wording=subject.draw.pick(_lines("small_talk")), reason="this asks nothing about the database")


REFUSALS: Mapping[str, Callable[[Subject, Sequence[Filter]], Refused]] = {
    "missing_metric": lambda subject, filters: _missing(subject, filters, "missing_metric", "concepts"),
    "missing_filter": lambda subject, filters: _missing(subject, filters, "missing_filter", "concepts"),
    "missing_table": lambda subject, filters: _missing(subject, filters, "missing_table", "things"),
    "change": _change,
    "opinion": _opinion,
    "forecast": lambda subject, filters: _unknowable(
        subject, filters, "forecast", "will", "the database has no forecast"
    ),
    "advice": lambda subject, filters: _unknowable(
        subject, filters, "advice", "should", "the database gives no advice"
    ),
    "small_talk": _small_talk,
}
