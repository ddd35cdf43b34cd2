"""The fields of an index as a person reads them beside a question: those that the answer uses, then the others.

    excerpt(study, {"query": {"term": {"level": "error"}}})
    RelevantSchema(title="fields of logs", used=(("level", "keyword: error, warn"),), rest=(("took", "long"), …))

Values that the guard keeps back are not told (`Study.values`).
"""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from dstill.api.records import RelevantSchema
from dstill_querydsl.language.fields import Field
from dstill_querydsl.language.values import Known
from dstill_querydsl.mapping.index_profile import Study
from dstill_querydsl.mapping.uses import uses
from dstill_querydsl.prompting import fields_of
from dstill_querydsl.prompting.values import short

__all__ = ["excerpt"]

MOST = 300  # fields that the answer does not use
_VALUES = 8  # of one field


def excerpt(study: Study, body: Mapping[str, Any]) -> RelevantSchema:
    """The fields that `body` uses, in its order, and the index's others."""
    named = list(dict.fromkeys(use.name for use in uses(body)))
    known = [field for name in named if (field := study.fields.get(name)) is not None]
    others = [
        field
        for name, _ in fields_of(study.index.mapping)
        if name not in named and (field := study.fields.get(name)) is not None
    ]
    rest = [(field.name, _words(field, study.values.get(field.name))) for field in others[:MOST]]
    if len(others) > MOST:
        rest.append(("…", f"{len(others) - MOST} more"))
    return RelevantSchema(
        title=f"fields of {study.index.name or 'the index'}",
        used=tuple((field.name, _words(field, study.values.get(field.name))) for field in known),
        rest=tuple(rest),
    )


def _words(field: Field, known: Known | None) -> str:
    return ": ".join((field.type, "; ".join(told))) if (told := list(_told(field, known))) else field.type


def _told(field: Field, known: Known | None) -> Iterator[str]:
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
