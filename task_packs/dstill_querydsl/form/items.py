"""The fields of a mapping as items of a schema.

items_of(fields, values)   →  [Item(name="took_ms", words=("took", "ms"), kind="number", features=("integer", …)), …]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dstill.api.values import Known, Values
from dstill.linked import Item, KnownTexts
from dstill.linked.moments import lateness
from dstill.linked.names import stems
from dstill_querydsl.language.field_types import INTEGERS
from dstill_querydsl.language.fields import Field, Fields
from dstill_querydsl.language.terms import Terms

__all__ = ["FEATURES", "first_date", "items_of"]

_KINDS = ("keyword", "text", "number", "date", "boolean", "ip", "geo_point", "nested", "flattened", "other")
_LARGE = 100
# Features with a row of their own; units and words are hashed.
FEATURES = (
    *(f"type:{kind}" for kind in _KINDS),
    *("integer", "sub-field", "first date", "epoch", "formatted", "has values", "in nested"),
)


def items_of(fields: Fields, values: Values, terms: Terms | None = None, *, ranked: bool = False) -> list[Item]:
    """Every field that an answer can name, in the order of the mapping.

    `terms`: of a glossary. `ranked`: `values` starts with the fields that most documents have, as `init` writes it.
    """
    first = first_date(fields)
    priors = _priors(values, ranked=ranked)
    subs: dict[str, list[str]] = defaultdict(list)
    for field in fields:
        if field.sub:
            subs[field.name.rpartition(".")[0]].append(field.name)
    return [
        replace(
            _item(field, values, first),
            needs=(*field.nested, *_around(field), *subs.get(field.name, ())),
            called=terms.called.get(field.name, ()) if terms else (),
            made_of=terms.made_of(field.name) if terms and field.name in terms.definitions else (),
            prior=1.0 if field.name == first else priors.get(field.name, 0.0),
        )
        for field in fields
        if field.family not in ("object", "alias")
    ]


def _around(field: Field) -> Iterator[str]:
    if field.sub:
        yield field.name.rpartition(".")[0]


def _priors(values: Values, *, ranked: bool) -> dict[str, float]:
    """Questions without words of a field are more often about one with known values."""
    return {name: 0.5 / (1 + place) if ranked else 0.5 for place, name in enumerate(values)}


def _item(field: Field, values: Values, first: str) -> Item:
    parent, _, last = field.name.rpartition(".")
    above, _, name = parent.rpartition(".") if field.sub else (parent, "", last)
    meta = field.options.get("meta")
    known = values.get(field.name) or (values.get(parent) if field.sub else None)
    named = known.values if known and field.family in ("keyword", "ip", "boolean", "flattened") else ()
    return Item(
        name=field.name,
        words=_words(name or last),
        kind=field.family if field.family in _KINDS else "other",
        above=_words(above) if above else (),
        description=tuple(_description(meta)) if isinstance(meta, Mapping) else (),
        values=KnownTexts(_spoken(named), known.aliases) if known and named else tuple(_large(known)),
        features=tuple(_features(field, meta, first, bool(named))),
    )


def _words(name: str) -> tuple[str, ...]:
    """The words of a name, or the name itself if it has no letters and digits."""
    return tuple(stems(name)) or (name,)


def _spoken(values: Sequence[Any]) -> Iterator[str]:
    yield from (value for value in values if isinstance(value, str))


def _large(known: Known | None) -> Iterator[str]:
    """Numbers that are hardly there by chance, such as the 404 of a status."""
    for value in known.values if known else ():
        if isinstance(value, int) and not isinstance(value, bool) and value >= _LARGE:
            yield str(value)


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


def first_date(fields: Fields) -> str:
    """The date that a question without a date field means: when it happened, not when that was noted.

    `start` comes before `created`, `due` and `updated_at`, wherever they are in the mapping.
    """
    dates = [field.name for field in fields if field.family == "date" and not field.nested and not field.sub]
    # created_at of the event, not of the user in it
    return min(dates, key=lambda name: (lateness(name.rpartition(".")[2]), name.count(".")), default="")
