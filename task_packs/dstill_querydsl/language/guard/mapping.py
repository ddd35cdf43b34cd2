"""Applies `Limits.fields` to one index: also denies other names under which its mapping exposes denied values.

In: limits and a mapping. Out: limits that deny more, computed once for a mapping:

    fields = {"secret": {"type": "keyword", "copy_to": "all"}, "al": {"type": "alias", "path": "secret"}}
    limits_on({"properties": fields}, Limits(fields=("*", "!secret"))).fields   -> ("*", "!secret", "!al", "!all")

An alias exposes its target, a field exposes the values that are copied to it, and a field and its sub-fields have the
same values. An alias or a copy of a field that is not allowed is denied. A field is denied with its sub-field only if
a glob denies the sub-field: an allow-list may well name ``title`` and not ``title.keyword``. A flattened field returns
all of its keys, so it is denied (by its exact name) if a glob denies one of them. The script of a runtime field can
read anything, so such a field must be allowed by its exact name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dstill_querydsl.language.fields import raw_fields
from dstill_querydsl.language.guard.limits import Limits
from dstill_querydsl.language.mapping.merge import merge, roots

__all__ = ["limits_on"]

_FLAT = ("flattened", "flat_object")


def limits_on(mapping: Mapping[str, Any], limits: Limits) -> Limits:
    """`limits`, which also deny all names under which `mapping` exposes the values of denied fields."""
    if not limits.restricts_fields:
        return limits
    limits = limits.denying(sorted(name for name in _scripted(mapping) if name not in limits.fields))
    flat = sorted(item.name for item in raw_fields(mapping) if item.type in _FLAT and limits.denies_below(item.name))
    limits = replace(limits, fields=(*limits.fields, *(f"!={name}" for name in flat)))
    sources, subfields = _exposed(mapping)
    while True:  # an alias may lead to a field that another is copied to; each round denies at least one more name
        more = {name for name, origins in sources.items() if not all(map(limits.allows, origins))}
        more |= {name for name, subs in subfields.items() if any(map(limits.denies, subs))}
        more = {name for name in more if limits.allows(name)}
        if not more:
            return limits
        limits = limits.denying(sorted(more))


def _scripted(mapping: Mapping[str, Any]) -> set[str]:
    """Runtime fields that a script computes, which may read any field."""
    runtimes = [root.get("runtime") for _, root in roots(mapping)]
    return {
        name
        for runtime in runtimes
        for name, definition in (runtime.items() if isinstance(runtime, Mapping) else ())
        if isinstance(definition, Mapping) and "script" in definition
    }


def _exposed(mapping: Mapping[str, Any]) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Name → the fields whose values it exposes, and field → its sub-fields."""
    sources: dict[str, set[str]] = defaultdict(set)
    subfields: dict[str, set[str]] = defaultdict(set)
    for item in raw_fields(mapping):
        path, copies = item.options.get("path"), item.options.get("copy_to", ())
        if item.type == "alias" and isinstance(path, str):
            sources[item.name].add(path)
        for target in [copies] if isinstance(copies, str) else copies if isinstance(copies, list) else ():
            if isinstance(target, str):
                sources[target].add(item.name)
        if item.sub:
            subfields[item.name.rpartition(".")[0]].add(item.name)
    for conflict in merge(mapping).conflicts:  # an alias in some indices only
        sources[conflict.field].update(conflict.aliases)
    return sources, subfields
