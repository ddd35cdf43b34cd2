"""Choose a new name for every field of a mapping, and apply the names to the mapping and to documents.

In: properties, a naming and a structure. Out: old full name → new full name, sub-fields and objects included:

    places({"http": {"properties": {"status": {"type": "keyword"}}}}, naming, "kept", random)
    {"http": "Http", "http.status": "Http.State"}
    … "opened"     {"http.status": "HttpState"}                     plain objects are flattened
    … "grouped"    {"http": "Data.Http", "http.status": "Data.Http.State"}

    moved_mapping(properties, names)      the properties under their new names
    moved_source(source, names, leaves)   a document under its new names
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from random import Random
from typing import Any

from dstill_querydsl.language.field_types import family
from dstill_querydsl.language.variants.naming import Naming, words

__all__ = ["STRUCTURES", "moved_mapping", "moved_source", "places"]

STRUCTURES = ("kept", "opened", "grouped")
_GROUPS = ("data", "attributes", "payload", "details", "record")
_GROUPED = 70  # percent of the top-level fields


# --- names ------------------------------------------------------------------------------


def places(properties: Mapping[str, Any], naming: Naming, structure: str, random: Random) -> dict[str, str]:
    """Old full name → new full name. A flattened object has none."""
    names: dict[str, str] = {}
    if structure == "grouped":
        group = naming.segment([random.choice(_GROUPS)], leaf=False)
        inside = {key for key in properties if random.randrange(100) < _GROUPED} or set(properties)
        names.update(_level({k: v for k, v in properties.items() if k in inside}, naming, below=f"{group}."))
        rest = {k: v for k, v in properties.items() if k not in inside}
        names.update(_level(rest, naming, taken={group}))
    else:
        names.update(_level(properties, naming, opens=structure == "opened"))
    return names


def _level(
    properties: Mapping[str, Any],
    naming: Naming,
    *,
    old: str = "",
    below: str = "",  # the new path above
    opens: bool = False,
    before: tuple[str, ...] = (),  # words of the flattened objects above
    taken: Collection[str] = (),
) -> dict[str, str]:
    names: dict[str, str] = {}
    for key, definition in properties.items():
        name, parts, inner = f"{old}{key}", (*before, *words(key)), definition.get("properties")
        used = {new.removeprefix(below) for new in names.values()} | set(taken)
        if opens and inner and definition.get("type") != "nested":
            names |= _level(inner, naming, old=f"{name}.", below=below, opens=True, before=parts, taken=used)
            continue
        names[name] = below + naming.segment(parts, used, leaf=inner is None)
        subs: set[str] = set()
        for sub, sub_definition in definition.get("fields", {}).items():
            subs.add(new := naming.sub(sub, family(sub_definition.get("type", "")), subs))
            names[f"{name}.{sub}"] = f"{names[name]}.{new}"
        if inner:
            names |= _level(inner, naming, old=f"{name}.", below=f"{names[name]}.", opens=opens)
    return names


# --- mapping ----------------------------------------------------------------------------


def moved_mapping(properties: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The properties under their new names."""
    root: dict[str, Any] = {}
    for name, definition in _definitions(properties):
        if name not in names:
            continue
        place = root
        *above, last = names[name].split(".")
        for step in above:
            place = place.setdefault("properties", {}).setdefault(step, {})
        place.setdefault("properties", {})[last] = _definition(name, definition, names)
    return dict(root.get("properties", {}))


def _definitions(properties: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every field except sub-fields. Objects come before their fields."""
    for key, definition in properties.items():
        yield f"{path}{key}", definition
        yield from _definitions(definition.get("properties", {}), f"{path}{key}.")


def _definition(name: str, definition: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A definition without inner fields. Sub-fields, alias paths and `copy_to` get the new names."""
    new = {key: value for key, value in definition.items() if key not in ("properties", "fields")}
    if subs := definition.get("fields"):
        new["fields"] = {names[f"{name}.{sub}"].rpartition(".")[2]: field for sub, field in subs.items()}
    if new.get("type") == "alias":
        new["path"] = names.get(new["path"], new["path"])
    if "copy_to" in new:
        targets = new["copy_to"] if isinstance(new["copy_to"], list) else [new["copy_to"]]
        new["copy_to"] = [names.get(target, target) for target in targets]
    return new


# --- documents --------------------------------------------------------------------------


def moved_source(source: Mapping[str, Any], names: Mapping[str, str], objects: Collection[str]) -> dict[str, Any]:
    """A document under the new names. `objects` are the old names of all objects, nested or not."""
    out: dict[str, Any] = {}
    _move(source, "", "", out, names, objects)
    return out


def _move(
    source: Mapping[str, Any],
    old: str,
    below: str,
    out: dict[str, Any],
    names: Mapping[str, str],
    objects: Collection[str],
) -> None:
    for key, value in source.items():
        name = f"{old}{key}"
        if name in objects and name not in names:  # flattened: its fields take its place
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, Mapping):
                    _move(item, f"{name}.", below, out, names, objects)
            continue
        new = names.get(name, name)
        if name in objects:
            value = _objects(value, f"{name}.", f"{new}.", names, objects)
        _put(out, new.removeprefix(below).split("."), value)


def _objects(value: Any, old: str, below: str, names: Mapping[str, str], objects: Collection[str]) -> Any:
    if isinstance(value, list):
        return [_objects(item, old, below, names, objects) for item in value]
    if not isinstance(value, Mapping):
        return value
    out: dict[str, Any] = {}
    _move(value, old, below, out, names, objects)
    return out


def _put(out: dict[str, Any], steps: list[str], value: Any) -> None:
    """Set a value. If there is one already, such as from another object of a list, keep both."""
    *above, last = steps
    for step in above:
        out = out.setdefault(step, {})
    if last in out:
        both = [item if isinstance(item, list) else [item] for item in (out[last], value)]
        out[last] = [*both[0], *both[1]]
    else:
        out[last] = value
