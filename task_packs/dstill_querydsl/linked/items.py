"""The fields of a mapping as items of a schema.

items_of(fields, values)   →  [Item(name="took_ms", words=("took", "ms"), kind="number", features=("integer", …)), …]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dstill.linked import Item
from dstill.linked.names import stems
from dstill_querydsl.language.field_types import INTEGERS
from dstill_querydsl.language.fields import Field, Fields
from dstill_querydsl.language.values import Values

__all__ = ["FEATURES", "items_of"]

_KINDS = ("keyword", "text", "number", "date", "boolean", "ip", "geo_point", "nested", "flattened", "other")
_TIMES = ("@timestamp", "timestamp", "date", "datetime", "time", "event_time", "created_at", "created")
# Features with a row of their own; units and words are hashed.
FEATURES = (
    *(f"type:{kind}" for kind in _KINDS),
    *("integer", "sub-field", "first date", "epoch", "formatted", "has values", "in nested"),
)


def items_of(fields: Fields, values: Values) -> list[Item]:
    """Every field that an answer can name, in the order of the mapping."""
    first = _first_date(fields)
    return [_item(field, values, first) for field in fields if field.family not in ("object", "alias")]


def _item(field: Field, values: Values, first: str) -> Item:
    parent, _, last = field.name.rpartition(".")
    above, _, name = parent.rpartition(".") if field.sub else (parent, "", last)
    meta = field.options.get("meta")
    known = values.get(field.name) or (values.get(parent) if field.sub else None)
    named = known.values if known and field.family in ("keyword", "ip", "boolean", "flattened") else ()
    return Item(
        name=field.name,
        words=tuple(stems(name or last)),
        kind=field.family if field.family in _KINDS else "other",
        above=tuple(stems(above)),
        description=tuple(_description(meta)) if isinstance(meta, Mapping) else (),
        values=tuple(str(value) for value in named if isinstance(value, str)),
        features=tuple(_features(field, meta, first, bool(named))),
    )


def _features(field: Field, meta: Any, first: str, has_values: bool) -> Iterator[str]:
    if field.type in INTEGERS:
        yield "integer"
    if field.sub:
        yield "sub-field"
        yield f"sub={field.name.rpartition('.')[2].lower()}"
    if field.name == first:
        yield "first date"
    if field.family == "date" and field.format:
        yield "epoch" if "epoch" in field.format else "formatted"
    if has_values:
        yield "has values"
    if field.nested and field.family != "nested":
        yield "in nested"
    if isinstance(meta, Mapping) and meta.get("unit"):
        yield f"unit={str(meta['unit']).lower()}"


def _description(meta: Mapping[str, Any]) -> Iterator[str]:
    for key, text in meta.items():
        if key != "unit" and isinstance(text, str):
            yield from stems(text)


def _first_date(fields: Fields) -> str:
    """The date that a question without a date field means: the one with a usual name, else the first."""
    dates = [field.name for field in fields if field.family == "date" and not field.nested and not field.sub]
    usual = (name for time in _TIMES for name in dates if name.rpartition(".")[2].lower() == time)
    return next(usual, dates[0] if dates else "")
