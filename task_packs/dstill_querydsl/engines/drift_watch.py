"""Indices that may move while answers run on them: what they are like, and how two looks differ.

    look(server, ["logs"])    → {"logs": {"mapping": "9f2c…", "digest": "51ab…", "fields": {"at": "date", …}, …}}
    list(changes(then, now))  → [Change(message="the mapping of 'logs' differs: added x; removed y", breaks=True)]

Plain data that run.json can hold; of what a dataset was made from, the fields alone are known.
A field that is gone or has another type breaks questions of before; one that is new, and more
or fewer documents, do not.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Iterable, Iterator, Mapping

from dstill.api.engine import Change
from dstill_querydsl.engines.http import HttpEngine
from dstill_querydsl.mapping.drift import Facts, compared, counted, fields_digest, types_of

__all__ = ["changes", "look"]


def look(server: HttpEngine, names: Iterable[str]) -> Facts:
    """Each index as it is now. Raises what a missing or closed one does."""
    return {name: _now(server, name) for name in sorted(set(names))}


def _now(server: HttpEngine, name: str) -> Mapping[str, Any]:
    mapping = server.mapping(name)
    digest = hashlib.sha256(json.dumps(mapping, sort_keys=True).encode()).hexdigest()
    return {
        "mapping": digest,
        "digest": fields_digest(mapping),
        "fields": types_of(mapping),
        "documents": server.count(name),
    }


def changes(then: Facts, now: Facts) -> Iterator[Change]:
    for name in sorted(then.keys() & now.keys()):
        before, after = then[name], now[name]
        found = compared(before["fields"], after["fields"])
        if found:
            yield Change(message=f"the mapping of '{name}' differs: {found}", breaks=found.breaks)
        elif before.get("mapping", after["mapping"]) != after["mapping"]:
            yield Change(message=f"the mapping of '{name}' differs, though its fields have the same names and types")
        count = before.get("documents", after["documents"])
        if count != after["documents"]:
            yield Change(message=f"'{name}' holds {counted(after['documents'], 'document')}, and held {count:,}")
