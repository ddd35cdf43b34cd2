"""What `Limits.fields` denies on one index: also the other names by which its mapping shows a denied field's values.

In: limits and a mapping. Out: limits that deny more, worked out once for a mapping:

    fields = {"secret": {"type": "keyword", "copy_to": "all"}, "al": {"type": "alias", "path": "secret"}}
    limits_on({"properties": fields}, Limits(fields=("*", "!secret"))).fields   -> ("*", "!secret", "!al", "!all")

An alias leads to its target, a field holds what is copied to it, and a field and its sub-fields hold the
same values. An alias or a copy follows whatever is not allowed; a field follows its sub-field only where a
glob denies that one, as an allow-list may well leave ``title.keyword`` out and name ``title``. A flattened
field shows all that it holds, and is denied by its own name where a glob denies a key of it. What the
script of a runtime field reads cannot be seen, so that such a field must be allowed by its own name.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any, Mapping

from dstill_querydsl.guard.limits import Limits
from dstill_querydsl.language.fields import raw_fields
from dstill_querydsl.mapping.merge import merge, roots

__all__ = ["limits_on"]

_FLAT = ("flattened", "flat_object")


def limits_on(mapping: Mapping[str, Any], limits: Limits) -> Limits:
    """`limits`, with the names denied that `mapping` gives to values of denied fields."""
    if not limits.restricts_fields:
        return limits
    limits = limits.denying(sorted(name for name in _scripted(mapping) if name not in limits.fields))
    flat = sorted(item.name for item in raw_fields(mapping) if item.type in _FLAT and limits.denies_below(item.name))
    limits = replace(limits, fields=(*limits.fields, *(f"!={name}" for name in flat)))
    shown, forms = _shown(mapping)
    while True:  # an alias may lead to a field that another is copied to; each round denies at least one name more
        more = {name for name, sources in shown.items() if not all(map(limits.allows, sources))}
        more |= {name for name, subs in forms.items() if any(map(limits.denies, subs))}
        more = {name for name in more if limits.allows(name)}
        if not more:
            return limits
        limits = limits.denying(sorted(more))


def _scripted(mapping: Mapping[str, Any]) -> set[str]:
    """Runtime fields that a script computes, from whatever it likes."""
    runtimes = [root.get("runtime") for _, root in roots(mapping)]
    return {
        name
        for runtime in runtimes
        for name, definition in (runtime.items() if isinstance(runtime, Mapping) else ())
        if isinstance(definition, Mapping) and "script" in definition
    }


def _shown(mapping: Mapping[str, Any]) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Of each name the fields whose values it shows, and of each field its sub-fields."""
    shown: dict[str, set[str]] = defaultdict(set)
    forms: dict[str, set[str]] = defaultdict(set)
    for item in raw_fields(mapping):
        path, copies = item.options.get("path"), item.options.get("copy_to", ())
        if item.type == "alias" and isinstance(path, str):
            shown[item.name].add(path)
        for target in [copies] if isinstance(copies, str) else copies if isinstance(copies, list) else ():
            if isinstance(target, str):
                shown[target].add(item.name)
        if item.sub:
            forms[item.name.rpartition(".")[0]].add(item.name)
    for conflict in merge(mapping).conflicts:  # an alias in some indices only
        shown[conflict.field].update(conflict.aliases)
    return shown, forms
