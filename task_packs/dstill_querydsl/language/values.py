"""The known values of an index's fields (`dstill.api.values`), from its documents."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dstill.api.values import MOST, Known, Values
from dstill_querydsl.language.fields import Fields

__all__ = ["values_in"]

_SCALARS = (str, int, float, bool)


def values_in(mapping: Mapping[str, Any], documents: Iterable[Mapping[str, Any]]) -> Values:
    """The values of each field in `documents` (their sources), in the order of the mapping. Texts are skipped."""
    fields = Fields.of(mapping)
    counts: defaultdict[str, Counter[Any]] = defaultdict(Counter)
    for source in documents:
        for name, value in _leaves(source):
            counts[name][value] += 1
    values: dict[str, Known] = {}
    for field in fields:
        counted = counts.get(field.name.rpartition(".")[0] if field.sub else field.name)
        if counted and (known := _for_family(field.family, counted)) is not None:
            values[field.name] = known
    return Values(values)


def _for_family(family: str, counted: Counter[Any]) -> Known | None:
    frequent = tuple(value for value, _ in counted.most_common(MOST))
    if family in ("keyword", "boolean"):
        return Known(values=frequent, complete=len(counted) <= MOST)
    if family == "ip":
        return Known(values=frequent)
    if family == "number":
        numbers = [value for value in counted if isinstance(value, (int, float)) and not isinstance(value, bool)]
        few = frequent if len(counted) <= MOST else ()
        return Known(values=few, low=min(numbers), high=max(numbers)) if numbers else None
    if family == "date":
        days = [value for value in counted if isinstance(value, str)]
        return Known(low=min(days), high=max(days)) if days else None
    return None


def _leaves(source: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(source, _SCALARS):  # most are
        yield path, source
    elif isinstance(source, Mapping):
        for key, inner in source.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(source, list):
        for inner in source:
            yield from _leaves(inner, path)
