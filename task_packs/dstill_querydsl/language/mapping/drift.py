"""Compares the fields of two mappings of one index, so that `dstill doctor` can check mapping.json.

    then, now = {"properties": {"took": {"type": "long"}}}, {"properties": {"took": {"type": "keyword"}, "at": …}}
    drift(then, now)   -> Drift(gone=(), new=("at",), changed=("took (long, now keyword)",))
    str(_)             -> "added at; changed took (long, now keyword)"

Fields are compared by full name and type; other options are not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from dstill.api.drift import Drift, compared
from dstill_querydsl.language.fields import Fields

__all__ = ["counted", "drift", "field_count", "fields_digest", "types_of"]


def drift(then: Mapping[str, Any], now: Mapping[str, Any]) -> Drift:
    """The differences between two mappings of one index."""
    return compared(types_of(then), types_of(now))


def fields_digest(mapping: Mapping[str, Any]) -> str:
    """SHA-256 over the names and types of a mapping's fields, whatever their order."""
    return hashlib.sha256(json.dumps(types_of(mapping), sort_keys=True).encode()).hexdigest()


def field_count(mapping: Mapping[str, Any]) -> int:
    """The number of fields with values, including sub-fields; objects themselves do not count."""
    return sum(field.family not in ("object", "nested") for field in Fields.of(mapping))


def types_of(mapping: Mapping[str, Any]) -> dict[str, str]:
    """Full name → type of each field."""
    return {field.name: field.type for field in Fields.of(mapping)}


def counted(n: int, noun: str) -> str:
    """A count with its noun: ``1 field``, ``2,000 fields``."""
    return f"{n:,} {noun}{'s' * (n != 1)}"
