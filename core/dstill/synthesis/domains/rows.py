"""Rows of a domain.

    rows_of(domains()["taxi"], seed=0, now=datetime(2026, 1, 1))["driver"]      [[1, "Maria Novak", …], …]

The same domain and seed give the same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from dstill.synthesis.domains import values as kinds
from dstill.synthesis.domains.definitions import Domain, DomainAttribute, DomainEntity, DomainRelation

__all__ = ["rows_of"]

_NULL_SHARE = 0.2  # share of values that are missing where a domain allows it
_UNUSED_SHARE = 0.12  # share of rows that nothing refers to
_NAMES = ("name", "title", "code", "number")


def rows_of(domain: Domain, seed: int, *, now: datetime, size: int = 40) -> dict[str, list[list[Any]]]:
    """Rows by the noun of their entity: the key, the relations, the attributes."""
    random = Random(f"{domain.name} {seed}")
    cells: dict[str, list[list[Any]]] = {}
    for entity in domain.entities:
        count = _count(entity, size, random)
        used = {relation.to: _used(len(cells.get(relation.to, range(count))), random) for relation in entity.relations}
        rows: list[list[Any]] = []
        names: set[Any] = set()
        for key in range(1, count + 1):
            refers = [_referred(relation, used[relation.to], key, entity.noun, random) for relation in entity.relations]
            rows.append([key, *refers, *_own(entity, key, names, now, random)])
        cells[entity.noun] = rows
    return cells


def _count(entity: DomainEntity, size: int, random: Random) -> int:
    lists = [
        len(attribute.options) for attribute in entity.attributes if attribute.words == "name" and attribute.options
    ]
    if lists and not entity.relations:
        return lists[0]
    return round(size * (0.5, 1.0, 2.0, 2.5)[min(len(entity.relations), 3)] * random.uniform(0.7, 1.3))


def _used(count: int, random: Random) -> list[int]:
    """The keys that are referred to, some more often than others."""
    keys = random.sample(range(1, count + 1), max(1, round(count * (1 - _UNUSED_SHARE))))
    return [key for place, key in enumerate(keys) for _ in range(1 + 3 * (place % 5 == 0) + place % 2)]


def _referred(relation: DomainRelation, used: Sequence[int], key: int, noun: str, random: Random) -> int | None:
    if relation.nullable and (random.random() < _NULL_SHARE or (relation.to == noun and key == 1)):
        return None
    return (
        random.choice([other for other in used if other < key] or used) if relation.to == noun else random.choice(used)
    )


def _own(entity: DomainEntity, key: int, names: set[Any], now: datetime, random: Random) -> list[Any]:
    values: list[Any] = []
    first: str | None = None  # when the row began
    for attribute in entity.attributes:
        if attribute.nullable and random.random() < _NULL_SHARE:
            values.append(None)
            continue
        value = _value(attribute, first, now, random)
        if attribute.words == "name" and attribute.options and not entity.relations and key <= len(attribute.options):
            value = attribute.options[key - 1]
        elif attribute.words in _NAMES and not attribute.options:
            value = next((new for _ in range(20) if (new := _value(attribute, first, now, random)) not in names), value)
            names.add(value)
        if attribute.kind in ("date", "time"):
            first = first or value
        values.append(value)
    return values


def _value(attribute: DomainAttribute, first: str | None, now: datetime, random: Random) -> Any:
    """A value; a date without bounds comes after the first one of its row."""
    if first is None or attribute.kind not in ("date", "time") or attribute.low is not None:
        return kinds.make(random, attribute, now)
    later = datetime.fromisoformat(first) + timedelta(days=random.randrange(1, 45), minutes=random.randrange(600))
    return later.date().isoformat() if attribute.kind == "date" else later.isoformat(sep=" ")
