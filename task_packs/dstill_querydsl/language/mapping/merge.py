"""Merges any form of a mapping into a plain one: ``{properties}``, ``{mappings}``, or GET _mapping of several indices.

    merge({"logs-1": {"mappings": {"properties": {"took": {"type": "long"}}}},
           "logs-2": {"mappings": {"properties": {"took": {"type": "keyword"}}}}})
    -> Merged(mapping={"properties": {"took": {"type": "long"}}, "_meta": {"field_conflicts": {"took": …}}},
              conflicts=(Conflict(field="took", types={"long": ("logs-1",), "keyword": ("logs-2",)}),))

Where indices disagree on the type of a field, the most frequent type wins (on a tie, the first), or the widest one
if they differ in width alone (integer and long). An option that one index turns off (``doc_values: false``) is off.
Conflicts are written to the mapping's ``_meta``, so that they survive in a file and `merge` finds them again.
A plain mapping is returned unchanged. Not covered: fields that some of the indices lack.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dstill_querydsl.language.field_types import WIDENING
from dstill_querydsl.language.mapping.form import names_an_index

__all__ = ["Conflict", "Merged", "merge", "plain", "roots"]

KEY = "field_conflicts"  # in _meta
_NAME_LIMIT = 3  # indices to name for each type
_ALIAS = "alias to "
_DEPTH = 50
_ByIndex = list[tuple[str, Mapping[str, Any]]]  # the name of an index and one part of its mapping


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A field that several indices map to different types."""

    field: str
    types: Mapping[str, tuple[str, ...]]  # type → the indices that have it

    @property
    def compatible(self) -> bool:
        """Whether the types differ in width alone, so that a body means the same on all indices."""
        return _widening(self.types) is not None

    @property
    def aliases(self) -> tuple[str, ...]:
        """The target fields in the indices where the field is an alias."""
        return tuple(type_.removeprefix(_ALIAS) for type_ in self.types if type_.startswith(_ALIAS))

    def __str__(self) -> str:
        """The types, as ``long in logs-1, keyword in logs-2``."""
        return ", ".join(f"{type_} in {' and '.join(_few(names))}" for type_, names in self.types.items())


@dataclass(frozen=True, kw_only=True)
class Merged:
    """A merged mapping."""

    mapping: Mapping[str, Any]  # {"properties": …, "_meta": …, "runtime": …}
    conflicts: tuple[Conflict, ...] = ()


def plain(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    """The merged mapping, without the conflicts."""
    return merge(mapping).mapping


def merge(mapping: Any) -> Merged:
    """Merge a mapping and list the fields that its indices disagree on. Malformed parts are skipped."""
    indices = list(roots(mapping))
    if len(indices) == 1:
        return Merged(mapping=indices[0][1], conflicts=_recorded(indices[0][1]))
    conflicts: list[Conflict] = [known for _, root in indices for known in _recorded(root)]
    merged = _first(root for _, root in indices)
    for key in ("_meta", "runtime"):
        if parts := _parts(indices, key):
            merged[key] = _first(part for _, part in parts)
    merged["properties"] = _properties(_parts(indices, "properties"), "", conflicts)
    if serious := {conflict.field: conflict for conflict in conflicts if not conflict.compatible}:
        record = {name: {type_: _few(names) for type_, names in entry.types.items()} for name, entry in serious.items()}
        merged["_meta"] = {**merged.get("_meta", {}), KEY: record}
    return Merged(mapping=merged, conflicts=tuple(conflicts))


def roots(mapping: Any, index: str = "", depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every ``{properties}`` in any of the forms, with the name of its index, or "" if there is none."""
    if not isinstance(mapping, Mapping) or depth > 3:
        return
    if isinstance(mapping.get("properties"), Mapping) and not names_an_index(mapping):
        yield index, mapping
    elif "mappings" in mapping:
        yield from roots(mapping["mappings"], index, depth + 1)
    else:
        for name, value in mapping.items():
            yield from roots(value, index or str(name), depth + 1)


# --- merging ----------------------------------------------------------------------------


def _properties(indices: _ByIndex, prefix: str, conflicts: list[Conflict], depth: int = 0) -> dict[str, Any]:
    names = dict.fromkeys(name for _, properties in indices for name in properties)
    if depth > _DEPTH:
        return {}
    fields = {name: _field(_parts(indices, name), f"{prefix}{name}", conflicts, depth) for name in names}
    return {name: definition for name, definition in fields.items() if definition is not None}


def _field(indices: _ByIndex, path: str, conflicts: list[Conflict], depth: int) -> dict[str, Any] | None:
    types: dict[str, list[str]] = {}
    for index, definition in indices:
        types.setdefault(_type(definition), []).append(index)
    if not types:
        return None
    conflict = Conflict(field=path, types={type_: tuple(names) for type_, names in types.items()})
    if len(types) > 1:
        conflicts.append(conflict)
    order = _widening(types) if len(types) > 1 else None
    winner = max(types, key=order.index) if order else max(types, key=lambda type_: len(types[type_]))
    alike = [(index, field) for index, field in indices if order or _type(field) == winner]
    merged = _first(field for _, field in sorted(alike, key=lambda pair: _type(pair[1]) != winner))
    for option in ("index", "doc_values", "enabled"):
        if any(field.get(option) is False for _, field in alike):
            merged[option] = False
    if not all(field.get("fielddata") for _, field in alike):
        merged.pop("fielddata", None)
    return merged | _below(indices, alike, path, conflicts, depth)


def _below(indices: _ByIndex, alike: _ByIndex, path: str, conflicts: list[Conflict], depth: int) -> dict[str, Any]:
    """Inner fields from the indices that agree; sub-fields and copies from all, since they expose values."""
    parts: dict[str, Any] = {}
    if inner := _parts(alike, "properties"):
        parts["properties"] = _properties(inner, f"{path}.", conflicts, depth + 1)
    elif subs := _parts(indices, "fields"):
        parts["fields"] = _properties(subs, f"{path}.", conflicts, depth + 1)
    copies = [target for _, definition in indices for target in _listed(definition.get("copy_to"))]
    return parts | ({"copy_to": list(dict.fromkeys(copies))} if copies else {})


def _type(definition: Mapping[str, Any]) -> str:
    type_ = definition.get("type")
    if type_ == "alias":
        return f"{_ALIAS}{definition.get('path')}"
    return type_ if isinstance(type_, str) else "object"


def _widening(types: Iterable[str]) -> tuple[str, ...] | None:
    """The widening order that contains all of `types`, or None."""
    return next((order for order in WIDENING if set(types) <= set(order)), None)


def _parts(indices: _ByIndex, key: str) -> _ByIndex:
    """The object under `key` of each index that has one."""
    return [(index, part) for index, field in indices if isinstance(part := field.get(key), Mapping)]


def _first(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """All keys of all parts; the first part that has a key sets its value."""
    merged: dict[str, Any] = {}
    for part in parts:
        merged = {**part, **merged}
    return merged


def _listed(value: Any) -> list[str]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]


def _few(names: Iterable[str]) -> list[str]:
    shown = [name or "an index" for name in names]
    more = len(shown) - _NAME_LIMIT
    return shown if more <= 0 else [*shown[:_NAME_LIMIT], f"{more} more"]


def _recorded(root: Mapping[str, Any]) -> tuple[Conflict, ...]:
    """The conflicts that an earlier merge wrote to ``_meta``."""
    meta = root.get("_meta")
    record = meta.get(KEY) if isinstance(meta, Mapping) else None
    if not isinstance(record, Mapping):
        return ()
    return tuple(
        Conflict(field=name, types={str(type_): tuple(_listed(names)) for type_, names in types.items()})
        for name, types in record.items()
        if isinstance(types, Mapping)
    )
