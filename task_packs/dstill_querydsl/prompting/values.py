"""Known values of fields in prompts: short, and without whole documents.

    for_teacher(values, names)   {"level": ["error", "warn"], "took": {"min": 1, "max": 900}}
    for_student(known)           "error warn"

Prompts have complete lists (of fields with few values) and ranges. Examples of many values can be names and addresses
of people, so only fields that the user lists for it get them. `values` has no values that the guard denies.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

from dstill.api.values import Known, Values

__all__ = ["for_student", "for_teacher", "short"]

_VALUES = 50  # of one field, for a teacher
_EXAMPLES = 5
_CHARACTERS = 6_000  # of all of them
_LIMIT = 6  # of one field, for a student
_TEXT_LIMIT = 40  # characters of one value


def for_teacher(
    values: Values, names: Iterable[str], samples: Collection[str] = (), *, examples: int = _EXAMPLES
) -> dict[str, Any]:
    """Known values of these fields, up to a length. Fields in `samples` get this many `examples` too."""
    shown: dict[str, Any] = {}
    left = _CHARACTERS
    for name in names:
        known = values.get(name)
        summary = None if known is None else _summary(known, examples if name in samples else 0)
        if summary is None:
            continue
        left -= len(json.dumps({name: summary}, ensure_ascii=False))
        if left < 0:
            break
        shown[name] = summary
    return shown


def for_student(known: Known | None) -> str:
    """A field's values in a few words. Empty if not all values are known."""
    if known is None or not known.complete or all(isinstance(value, bool) for value in known.values):
        return ""
    return " ".join(short(value) for value in known.values[:_LIMIT]) + (" …" if len(known.values) > _LIMIT else "")


def _summary(known: Known, examples: int) -> Any:
    if known.complete:
        values = [value if not isinstance(value, str) else short(value) for value in known.values[:_VALUES]]
        more = len(known.values) - _VALUES
        return values if more <= 0 else [*values, f"… {more} more"]
    summary = {"min": known.low, "max": known.high} if known.low is not None and known.high is not None else {}
    if examples and known.values:
        summary["examples"] = [
            value if not isinstance(value, str) else short(value) for value in known.values[:examples]
        ]
    return summary or None


def short(value: Any) -> str:
    """A value as text of at most 40 characters."""
    text = str(value)
    return text if len(text) <= _TEXT_LIMIT else text[: _TEXT_LIMIT - 1] + "…"
