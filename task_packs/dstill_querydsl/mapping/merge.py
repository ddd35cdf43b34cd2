"""One plain mapping out of what people have: ``{properties}``, ``{mappings}``, or GET _mapping of several indices.

    merge({"logs-1": {"mappings": {"properties": {"took": {"type": "long"}}}},
           "logs-2": {"mappings": {"properties": {"took": {"type": "keyword"}}}}})
    -> Merged(mapping={"properties": {"took": {"type": "long"}}, "_meta": {"field_conflicts": {"took": …}}},
              conflicts=(Conflict(field="took", types={"long": ("logs-1",), "keyword": ("logs-2",)}),))

Where indices disagree on a field's type, the type of most of them stands (of equally many, the first), the
widest where all are of one kind (integer and long). What one index forbids, as ``doc_values: false``, is
forbidden. The conflicts stay in the mapping's ``_meta``, where a file keeps them and `merge` finds them again.
A mapping that is plain already is given back as it is. Not covered: fields that some of the indices lack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Mapping

from dstill_querydsl.language.field_types import WIDENING
from dstill_querydsl.mapping.form import names_an_index

__all__ = ["Conflict", "Merged", "merge", "plain", "roots"]

KEY = "field_conflicts"  # in _meta
_NAMED = 3  # indices that are named of each type
_ALIAS = "alias to "
_DEPTH = 50
_Given = list[tuple[str, Mapping[str, Any]]]  # an index' name, and what it says


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """One name that indices map to several types."""

    field: str
    types: Mapping[str, tuple[str, ...]]  # a type, and the indices that have it

    @property
    def compatible(self) -> bool:
        """Whether the types differ in width alone, so that one body means the same on all."""
        return _widening(self.types) is not None

    @property
    def aliases(self) -> tuple[str, ...]:
        """The fields that the name leads to in some indices."""
        return tuple(type_.removeprefix(_ALIAS) for type_ in self.types if type_.startswith(_ALIAS))

    def __str__(self) -> str:
        """``long in logs-1, keyword in logs-2``"""
        return ", ".join(f"{type_} in {' and '.join(_few(names))}" for type_, names in self.types.items())


@dataclass(frozen=True, kw_only=True)
class Merged:
    mapping: Mapping[str, Any]  # {"properties": …, "_meta": …, "runtime": …}
    conflicts: tuple[Conflict, ...] = ()


def plain(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    """The mapping of `merge`."""
    return merge(mapping).mapping


def merge(mapping: Any) -> Merged:
    """One mapping, and on which fields its indices disagree. Malformed parts are passed over."""
    given = list(roots(mapping))
    if len(given) == 1:
        return Merged(mapping=given[0][1], conflicts=_told(given[0][1]))
    conflicts: list[Conflict] = [known for _, root in given for known in _told(root)]
    merged = _first(root for _, root in given)
    for key in ("_meta", "runtime"):
        if parts := _parts(given, key):
            merged[key] = _first(part for _, part in parts)
    merged["properties"] = _properties(_parts(given, "properties"), "", conflicts)
    if serious := {one.field: one for one in conflicts if not one.compatible}:
        told = {name: {type_: _few(names) for type_, names in one.types.items()} for name, one in serious.items()}
        merged["_meta"] = {**merged.get("_meta", {}), KEY: told}
    return Merged(mapping=merged, conflicts=tuple(conflicts))


def roots(mapping: Any, index: str = "", depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every ``{properties}`` in any of the forms, with the name of its index where one stands."""
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


def _properties(given: _Given, prefix: str, conflicts: list[Conflict], depth: int = 0) -> dict[str, Any]:
    names = dict.fromkeys(name for _, properties in given for name in properties)
    if depth > _DEPTH:
        return {}
    fields = {name: _field(_parts(given, name), f"{prefix}{name}", conflicts, depth) for name in names}
    return {name: definition for name, definition in fields.items() if definition is not None}


def _field(given: _Given, path: str, conflicts: list[Conflict], depth: int) -> dict[str, Any] | None:
    types: dict[str, list[str]] = {}
    for index, definition in given:
        types.setdefault(_type(definition), []).append(index)
    if not types:
        return None
    conflict = Conflict(field=path, types={type_: tuple(names) for type_, names in types.items()})
    if len(types) > 1:
        conflicts.append(conflict)
    order = _widening(types) if len(types) > 1 else None
    stands = max(types, key=order.index) if order else max(types, key=lambda type_: len(types[type_]))
    alike = [(index, one) for index, one in given if order or _type(one) == stands]
    merged = _first(one for _, one in sorted(alike, key=lambda pair: _type(pair[1]) != stands))
    for option in ("index", "doc_values", "enabled"):
        if any(one.get(option) is False for _, one in alike):
            merged[option] = False
    if not all(one.get("fielddata") for _, one in alike):
        merged.pop("fielddata", None)
    return merged | _below(given, alike, path, conflicts, depth)


def _below(given: _Given, alike: _Given, path: str, conflicts: list[Conflict], depth: int) -> dict[str, Any]:
    """What fields hold: inner fields of those alike; sub-fields and copies of all, since they show values."""
    found: dict[str, Any] = {}
    if inner := _parts(alike, "properties"):
        found["properties"] = _properties(inner, f"{path}.", conflicts, depth + 1)
    elif subs := _parts(given, "fields"):
        found["fields"] = _properties(subs, f"{path}.", conflicts, depth + 1)
    copies = [one for _, definition in given for one in _listed(definition.get("copy_to"))]
    return found | ({"copy_to": list(dict.fromkeys(copies))} if copies else {})


def _type(definition: Mapping[str, Any]) -> str:
    type_ = definition.get("type")
    if type_ == "alias":
        return f"{_ALIAS}{definition.get('path')}"
    return type_ if isinstance(type_, str) else "object"


def _widening(types: Iterable[str]) -> tuple[str, ...] | None:
    """The order of widths that holds all of `types`, if one does."""
    return next((order for order in WIDENING if set(types) <= set(order)), None)


def _parts(given: _Given, key: str) -> _Given:
    """What each index says under `key`, where that is an object."""
    return [(index, part) for index, one in given if isinstance(part := one.get(key), Mapping)]


def _first(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """All keys of all parts; where several have one, the first part's value."""
    merged: dict[str, Any] = {}
    for part in parts:
        merged = {**part, **merged}
    return merged


def _listed(value: Any) -> list[str]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]


def _few(names: Iterable[str]) -> list[str]:
    all_of_them = [name or "an index" for name in names]
    more = len(all_of_them) - _NAMED
    return all_of_them if more <= 0 else [*all_of_them[:_NAMED], f"{more} more"]


def _told(root: Mapping[str, Any]) -> tuple[Conflict, ...]:
    """The conflicts that an earlier merge wrote into ``_meta``."""
    meta = root.get("_meta")
    told = meta.get(KEY) if isinstance(meta, Mapping) else None
    if not isinstance(told, Mapping):
        return ()
    return tuple(
        Conflict(field=name, types={str(type_): tuple(_listed(names)) for type_, names in types.items()})
        for name, types in told.items()
        if isinstance(types, Mapping)
    )
