"""Compares the fields of two mappings of one index, so that `dstill doctor` can check mapping.json.

    then, now = {"properties": {"took": {"type": "long"}}}, {"properties": {"took": {"type": "keyword"}, "at": …}}
    drift(then, now)   -> Drift(gone=(), new=("at",), changed=("took (long, now keyword)",))
    str(_)             -> "added at; changed took (long, now keyword)"

Fields are compared by full name and type; other options are not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dstill_querydsl.language.fields import Fields

__all__ = ["Drift", "compared", "counted", "drift", "field_count", "fields_digest", "types_of", "unlearnt"]

NAMED = 5  # fields to name of each kind

Facts = Mapping[str, Mapping[str, Any]]  # index → facts


@dataclass(frozen=True, kw_only=True)
class Drift:
    """The fields that differ; false if there are none."""

    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gone or self.new or self.changed)

    @property
    def breaks(self) -> bool:
        """Whether questions from before the change may have no answer now."""
        return bool(self.gone or self.changed)

    def __str__(self) -> str:
        kinds = {"added": self.new, "removed": self.gone, "changed": self.changed}
        return "; ".join(f"{kind} {_named(names)}" for kind, names in kinds.items() if names)


def drift(then: Mapping[str, Any], now: Mapping[str, Any]) -> Drift:
    """The differences between two mappings of one index."""
    return compared(types_of(then), types_of(now))


def compared(before: Mapping[str, str], after: Mapping[str, str]) -> Drift:
    """The differences between two results of `types_of`."""
    return Drift(
        gone=tuple(name for name in before if name not in after),
        new=tuple(name for name in after if name not in before),
        changed=tuple(
            f"{name} ({type_}, now {after[name]})" for name, type_ in before.items() if after.get(name, type_) != type_
        ),
    )


def unlearnt(then: Facts, now: Facts) -> Iterator[str]:
    """Messages about fields that a student learnt and that are removed or changed now.

    `then` and `now` are results of `drift_watch.snapshot`; only ``fields`` is used. If both are about a single index,
    they are compared even if its name changed.
    """
    pairs = {name: (then[name], now[name]) for name in then if name in now}
    if not pairs and len(then) == len(now) == 1:
        pairs = {name: (then[name], next(iter(now.values()))) for name in then}
    for name, (before, after) in pairs.items():
        found = compared(before["fields"], after["fields"])
        kinds = [("gone", found.gone), ("changed", found.changed)]
        if found.breaks:
            of = f" of '{name}'" if len(then) > 1 else ""
            differences = "; ".join(f"{kind}: {_named(names)}" for kind, names in kinds if names)
            yield f"fields{of} that the student learnt are {differences}"


def fields_digest(mapping: Mapping[str, Any]) -> str:
    """SHA-256 over the names and types of a mapping's fields, whatever their order."""
    return hashlib.sha256(json.dumps(types_of(mapping), sort_keys=True).encode()).hexdigest()


def field_count(mapping: Mapping[str, Any]) -> int:
    """The number of fields with values, including sub-fields; objects themselves do not count."""
    return sum(field.family not in ("object", "nested") for field in Fields.of(mapping))


def types_of(mapping: Mapping[str, Any]) -> dict[str, str]:
    """Full name → type of each field."""
    return {field.name: field.type for field in Fields.of(mapping)}


def _named(names: tuple[str, ...]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def counted(n: int, noun: str) -> str:
    """A count with its noun: ``1 field``, ``2,000 fields``."""
    return f"{n:,} {noun}{'s' * (n != 1)}"
