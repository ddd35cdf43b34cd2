"""What fields are known to hold, as teachers and students are told it: short, and nothing of single documents.

    for_teacher(values, names)   {"level": ["error", "warn"], "took": {"min": 1, "max": 900}}
    for_student(known)           "error warn"

Told are lists that are complete (fields with few values) and ranges; examples of many, which may be names and
addresses of people, only of fields that were named for it. Values that a guard keeps back are not among
`values` at all, and whole documents are never sent.
"""

from __future__ import annotations

import json
from typing import Any, Collection, Iterable

from dstill_querydsl.language.values import Known, Values

__all__ = ["for_student", "for_teacher", "short"]

_VALUES = 30  # of one field, for a teacher
_EXAMPLES = 5
_LETTERS = 6_000  # of all of them
_FEW = 6  # of one field, for a student
_SHORT = 40  # letters of one value


def for_teacher(values: Values, names: Iterable[str], samples: Collection[str] = ()) -> dict[str, Any]:
    """Of these fields what is known, as long as there is room; of `samples` also a few examples."""
    told: dict[str, Any] = {}
    room = _LETTERS
    for name in names:
        known = values.get(name)
        one = None if known is None else _told(known, name in samples)
        if one is None:
            continue
        room -= len(json.dumps({name: one}, ensure_ascii=False))
        if room < 0:
            break
        told[name] = one
    return told


def for_student(known: Known | None) -> str:
    """A field's values in a few words; empty where they are not all known."""
    if known is None or not known.complete or all(isinstance(value, bool) for value in known.values):
        return ""
    return " ".join(short(value) for value in known.values[:_FEW]) + (" …" if len(known.values) > _FEW else "")


def _told(known: Known, sampled: bool) -> Any:
    if known.complete:
        values = [value if not isinstance(value, str) else short(value) for value in known.values[:_VALUES]]
        more = len(known.values) - _VALUES
        return values if more <= 0 else [*values, f"… {more} more"]
    told = {"min": known.low, "max": known.high} if known.low is not None and known.high is not None else {}
    if sampled and known.values:
        told["examples"] = [value if not isinstance(value, str) else short(value) for value in known.values[:_EXAMPLES]]
    return told or None


def short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"
