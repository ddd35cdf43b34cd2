"""Domains as subjects of questions, with names in some style.

subject_of(domains()["taxi"], PLAIN, Random(0), now=datetime(2026, 1, 1))    Subject(entities=…, relations=…)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any

from dstill.synthesis.domains.definitions import Domain, DomainAttribute, DomainEntity
from dstill.synthesis.domains.naming import Style
from dstill.synthesis.domains.rows import rows_of
from dstill.synthesis.subjects import Attribute, Entity, Kind, Relation, Subject

__all__ = ["subject_of"]

_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("person", "company", "title", "first"), "name"),
    **dict.fromkeys(("town", "country", "language", "colour", "enum"), "category"),
    **dict.fromkeys(("code", "email", "phone"), "code"),
    **dict.fromkeys(("street", "text"), "text"),
    **dict.fromkeys(("int", "num", "money", "pct"), "number"),
    "year": "year",
    **dict.fromkeys(("bool", "has"), "boolean"),
    **dict.fromkeys(("date", "time"), "date"),
}
_NAMES = ("name", "title")
_KNOWN = 30  # values of an attribute that are known
_LEFT_OUT = 0.12  # share of attributes that some data lack


def subject_of(domain: Domain, style: Style, random: Random, *, now: datetime, size: int = 24) -> Subject:
    """A subject of the domain with new values, without some attributes."""
    rows = rows_of(domain, random.randrange(2**32), now=now, size=size)
    names = {entity.noun: style.entity(entity.noun, entity.nouns[0]) for entity in domain.entities}
    relations = [
        Relation(
            child=names[entity.noun],
            parent=names[relation.to],
            role=relation.role,
            column=style.relation(relation.role),
            to_column=style.primary(relation.to),
            nullable=relation.nullable,
        )
        for entity in domain.entities
        for relation in entity.relations
    ]
    entities = [_entity(entity, names[entity.noun], style, rows[entity.noun], random) for entity in domain.entities]
    return Subject(entities=entities, relations=relations)


def _entity(of: DomainEntity, name: str, style: Style, rows: Sequence[Sequence[Any]], random: Random) -> Entity:
    key_name = style.primary(of.noun)
    key = Attribute(name=key_name, noun="id", kind="code", values=tuple(row[0] for row in rows[:_KNOWN]), whole=True)
    taken = {key_name, *(style.relation(relation.role) for relation in of.relations)}
    attributes = [key]
    for place, own in enumerate(of.attributes, 1 + len(of.relations)):
        spelled = style.attribute(own.words, of.noun, own.unit)
        if spelled in taken or (own.words not in _NAMES and random.random() < _LEFT_OUT):
            continue
        taken.add(spelled)
        attributes.append(_attribute(own, spelled, [row[place] for row in rows]))
    return Entity(name=name, noun=of.noun, attributes=attributes, key=key)


def _attribute(own: DomainAttribute, name: str, column: Sequence[Any]) -> Attribute:
    kind = "name" if own.words in _NAMES else _KINDS[own.kind]
    values = list(dict.fromkeys(value for value in column if value is not None))
    ordered = kind in ("number", "year", "date")
    return Attribute(
        name=name,
        noun=own.words,
        kind=kind,
        values=tuple(values[:_KNOWN]) if kind != "boolean" else (),
        low=min(values, default=None) if ordered else None,
        high=max(values, default=None) if ordered else None,
        whole=own.kind in ("int", "year"),
        nullable=own.nullable,
        has=own.kind == "has",
        unit=own.unit,
    )
