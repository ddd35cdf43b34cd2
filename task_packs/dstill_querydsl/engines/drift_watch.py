"""Takes snapshots of indices that may change while answers run on them, and compares two snapshots.

    snapshot(server, ["logs"])  → {"logs": {"mapping": "9f2c…", "digest": "51ab…", "fields": {"at": "date", …}, …}}
    list(changes(then, now))    → [Change(message="the mapping of 'logs' differs: added x; removed y", breaks=True)]

A snapshot is plain data for run.json; that of a dataset has the fields only. Removed fields and changed types break
earlier questions. New fields and another number of documents do not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dstill.api.drift import Facts, compared
from dstill.api.engine import Change
from dstill_querydsl.engines.http import HttpEngine
from dstill_querydsl.language.mapping.drift import counted, fields_digest, types_of

__all__ = ["changes", "snapshot"]


def snapshot(server: HttpEngine, names: Iterable[str]) -> Facts:
    """Index → digests, fields and number of documents now. Raises ServiceError for a missing or closed index."""
    return {name: _facts(server, name) for name in sorted(set(names))}


def _facts(server: HttpEngine, name: str) -> Mapping[str, Any]:
    mapping = server.mapping(name)
    digest = hashlib.sha256(json.dumps(mapping, sort_keys=True).encode()).hexdigest()
    return {
        "mapping": digest,
        "digest": fields_digest(mapping),
        "fields": types_of(mapping),
        "documents": server.count(name),
    }


def changes(then: Facts, now: Facts) -> Iterator[Change]:
    """The differences between two snapshots, for indices that are in both."""
    for name in sorted(then.keys() & now.keys()):
        before, after = then[name], now[name]
        diff = compared(before["fields"], after["fields"])
        if diff:
            yield Change(message=f"the mapping of '{name}' differs: {diff}", breaks=diff.breaks)
        elif before.get("mapping", after["mapping"]) != after["mapping"]:
            yield Change(message=f"the mapping of '{name}' differs, though its fields have the same names and types")
        count = before.get("documents", after["documents"])
        if count != after["documents"]:
            yield Change(message=f"'{name}' has {counted(after['documents'], 'document')}, and had {count:,}")
