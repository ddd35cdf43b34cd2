"""An index as a subject of questions: its documents are the only entity.

subject_of(roles, "ticket")     IndexSubject(subject=Subject(…), roles={"status": Role(…), …})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from dstill.synthesis.subjects import Attribute, Entity, Kind, Subject
from dstill_querydsl.questions.templates.roles import Role

__all__ = ["IndexSubject", "subject_of"]

_NAMING = ("name", "title", "label", "subject", "nickname")
_YES = frozenset(("yes", "y", "t", "true"))
_NO = frozenset(("no", "n", "f", "false"))
_OTHER_NOUNS = 0.3  # share of fields that are called by another of their nouns


@dataclass(frozen=True, kw_only=True)
class IndexSubject:
    """A subject, and the roles that its attributes stand for."""

    subject: Subject
    roles: Mapping[str, Role]


def subject_of(
    roles: Sequence[Role], noun: str, random: Random, others: Mapping[str, Sequence[str]] | None = None
) -> IndexSubject:
    """`noun`: what a document is called. `others`: noun of a field → other words for it, which are used at random."""
    used = {role.field: role for role in roles if not role.nested and role.kind not in ("ip", "geo")}
    attributes = [_attribute(role) for role in used.values()]
    if others:
        attributes = [
            replace(attribute, noun=random.choice(others[attribute.noun]))
            if others.get(attribute.noun) and random.random() < _OTHER_NOUNS
            else attribute
            for attribute in attributes
        ]
    nouns = [attribute.noun for attribute in attributes]
    clear = [attribute for attribute in attributes if nouns.count(attribute.noun) == 1]
    return IndexSubject(subject=Subject(entities=(Entity(name="", noun=noun, attributes=clear),)), roles=used)


def _attribute(role: Role) -> Attribute:
    kind, known = _kind(role), role.known
    values = known.values
    if kind == "yes_no":
        values = tuple(sorted(values, key=lambda value: str(value).casefold() in _NO))
    noun = role.word.noun
    return Attribute(
        name=role.field, noun=noun.removeprefix("has "), kind=kind, values=values, low=known.low, high=known.high,
        whole=role.whole, nullable=True, has=noun.startswith("has "), groups=bool(role.groups or role.exact),
        unit=role.word.unit if kind == "number" and len(role.word.unit) < 4 else "",
    )  # fmt: skip


def _kind(role: Role) -> Kind:
    last = role.word.noun.split(" ")[-1].lower()
    if role.kind == "number":
        return "year" if last == "year" else "number" if role.measures else "code"
    if role.kind == "text" and not role.exact:
        return "text"
    if role.kind in ("category", "text"):
        texts = {str(value).casefold() for value in role.known.values}
        if len(texts) == 2 and texts & _YES and texts & _NO:
            return "yes_no"
        return "name" if last in _NAMING else "category" if role.known.values else "code"
    return "date" if role.kind == "date" else "boolean"
