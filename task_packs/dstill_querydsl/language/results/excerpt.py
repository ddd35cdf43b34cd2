"""The fields of an index for a person who reads an answer: first those that the answer uses, then the others.

    excerpt(profile, {"query": {"term": {"level": "error"}}})
    RelevantSchema(title="fields of logs", used=(("level", "keyword: error, warn"),), rest=(("took", "long"), …))

It has no values that the guard denies (`IndexProfile.values`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dstill.api.records import RelevantSchema
from dstill.api.values import Known
from dstill_querydsl.language.fields import Field
from dstill_querydsl.language.mapping.index_profile import IndexProfile
from dstill_querydsl.language.mapping.uses import uses
from dstill_querydsl.prompting import fields_of
from dstill_querydsl.prompting.values import short

__all__ = ["excerpt"]

MOST = 300  # fields shown that the answer does not use
_VALUES = 8  # of one field


def excerpt(profile: IndexProfile, body: Mapping[str, Any]) -> RelevantSchema:
    """The fields that `body` uses, in its order, and the other fields of the index."""
    named = list(dict.fromkeys(use.name for use in uses(body)))
    known = [field for name in named if (field := profile.fields.get(name)) is not None]
    others = [
        field
        for name, _ in fields_of(profile.index.mapping)
        if name not in named
        and (field := profile.fields.get(name)) is not None
        and field.family not in ("object", "nested")  # as `field_count`: they have no values
    ]
    rest = [(field.name, _words(field, profile.values.get(field.name))) for field in others[:MOST]]
    if len(others) > MOST:
        rest.append(("…", f"{len(others) - MOST} more"))
    return RelevantSchema(
        title=f"fields of {profile.index.name or 'the index'}",
        used=tuple((field.name, _words(field, profile.values.get(field.name))) for field in known),
        rest=tuple(rest),
    )


def _words(field: Field, known: Known | None) -> str:
    return ": ".join((field.type, "; ".join(notes))) if (notes := list(_notes(field, known))) else field.type


def _notes(field: Field, known: Known | None) -> Iterator[str]:
    meta = field.options.get("meta")
    if isinstance(meta, Mapping) and isinstance(description := meta.get("description"), str):
        yield description
    if field.format:
        yield f"format {field.format}"
    if field.nested:
        yield f"nested in {field.nested[-1]}"
    if known is None:
        return
    if known.low is not None and known.high is not None:
        yield f"{known.low} to {known.high}"
    elif known.values:
        more = "" if known.complete and len(known.values) <= _VALUES else " …"
        yield ("" if known.complete else "as ") + ", ".join(short(value) for value in known.values[:_VALUES]) + more
