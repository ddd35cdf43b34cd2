"""The twelve documents and the mapping of `dstill doctor --load-data`.

DOCUMENTS["d01"]   {"level": "error", "took": 10, "at": "2025-01-01T00:00:00Z", …}

They contain the traps of real indices: keyword and text fields with the same values, lists, a missing value, a field
without values, a nested object and a plain one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["DOCUMENTS", "MAPPING"]

MAPPING: Mapping[str, Any] = {
    "dynamic": False,
    "properties": {
        "level": {"type": "keyword"},
        "tags": {"type": "keyword"},
        "message": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "title": {"type": "text"},
        "took": {"type": "integer"},
        "price": {"type": "double"},
        "at": {"type": "date"},
        "day": {"type": "date", "format": "dd/MM/yyyy"},
        "ok": {"type": "boolean"},
        "client": {"type": "ip"},
        "place": {"type": "geo_point"},
        "empty": {"type": "keyword"},
        "owner": {"properties": {"name": {"type": "keyword"}}},
        "steps": {"type": "nested", "properties": {"name": {"type": "keyword"}, "ms": {"type": "integer"}}},
    },
}

_BERLIN, _PARIS, _ROME = {"lat": 52.52, "lon": 13.41}, {"lat": 48.86, "lon": 2.35}, {"lat": 41.9, "lon": 12.5}
_NAMES = ("level", "tags", "message", "title", "took", "price", "at", "day", "ok", "client", "place", "owner", "steps")
# One row per document, in the order of _NAMES; steps are (name, ms). None: the document lacks the field.
_ROWS: tuple[tuple[Any, ...], ...] = (
    ("error", ["a", "b"], "Disk full on node one", "storage alarm", 10, 1.5, "2025-01-01T00:00:00Z", "01/01/2025",
     True, "192.0.2.1", _BERLIN, "ada", [("read", 1), ("write", 9)]),
    ("info", ["a"], "node one left the cluster", "cluster news", 20, 2.5, "2025-01-01T12:00:00Z", "01/01/2025",
     False, "192.0.2.2", _BERLIN, "bob", [("read", 5)]),
    ("warn", ["b"], "disk nearly full", "storage notice", 30, 0.5, "2025-01-01T23:59:59Z", "01/01/2025",
     True, "192.0.2.3", _PARIS, "ada", [("write", 2), ("sync", 3)]),
    ("error", ["c"], "node two left the cluster", "cluster alarm", 40, 4.0, "2025-01-02T00:00:00Z", "02/01/2025",
     False, "198.51.100.1", _PARIS, "cy", [("read", 9), ("write", 1)]),
    ("info", ["a", "c"], "request took long", "slow query", 50, 5.5, "2025-01-02T08:30:00Z", "02/01/2025",
     True, "198.51.100.2", _ROME, "bob", []),
    ("Error", ["b", "c"], "request failed", "failed query", 60, 6.0, "2025-01-03T00:00:00Z", "03/01/2025",
     True, "198.51.100.3", _ROME, "dee", [("sync", 7)]),
    ("info", [], "user rosa signed in", "access", 70, 7.5, "2025-01-05T06:00:00Z", "05/01/2025",
     False, "203.0.113.1", None, "ada", [("read", 2), ("read", 9)]),
    ("debug", ["d"], "cache is full of old entries", "cache", 80, 8.0, "2025-01-06T00:00:00Z", "06/01/2025",
     True, "203.0.113.2", _BERLIN, "bob", []),
    ("info", ["d", "a"], "cluster is green", "cluster news", 90, 9.5, "2025-01-08T10:00:00Z", "08/01/2025",
     True, "203.0.113.3", _PARIS, "cy", [("write", 9)]),
    ("warn", ["e"], "clock moved back", "time", None, 2.0, "2025-01-31T23:30:00Z", "31/01/2025",
     False, None, _ROME, "dee", [("sync", 1)]),
    ("info", ["e"], "node two joined the cluster", "cluster news", 100, None, "2025-02-01T00:30:00Z", "01/02/2025",
     True, "2001:db8::1", None, "bob", []),
    ("error", ["a", "e"], "the disk of node one failed", "storage alarm", 110, 3.0, "2025-02-10T00:00:00Z",
     "10/02/2025", False, "2001:db8::2", _BERLIN, "ada", [("read", 3)]),
)  # fmt: skip


def _document(row: tuple[Any, ...]) -> dict[str, Any]:
    document = {name: value for name, value in zip(_NAMES, row, strict=True) if value is not None}
    document["owner"] = {"name": document["owner"]}
    document["steps"] = [{"name": name, "ms": ms} for name, ms in document["steps"]]
    return document


DOCUMENTS: Mapping[str, Mapping[str, Any]] = {f"d{n:02}": _document(row) for n, row in enumerate(_ROWS, 1)}
