"""Finds the features of Elasticsearch that the embedded engine lacks, once for each of its versions.

    probe(search) → {"queries": ["geo_grid", "knn", …], "aggregations": ["boxplot", …], "keys": ["knn", …],
                     "parts": {"rewrite constant_score_blended": "Failed to parse rewrite_method [constant_score_…]"}}

An engine reports an invented name and a name that it does not support yet in the same way. So the probe tries every
name that the client knows, and stores those that the engine does not know in ``lacking.json``, where
`unsupported_features.is_missing_feature` looks them up. To update the file after an upgrade:

    python -m dstill_querydsl.engines.probe
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from dstill_querydsl.language import schema

__all__ = ["ask_embedded", "bare", "declared", "lacking", "probe", "unknown"]

RESULT = Path(__file__).with_name("lacking.json")
Search = Callable[[Mapping[str, Any]], str]  # body → why the engine refused it, or ""

# Top-level keys of a search, each with a valid value.
KEYS: Mapping[str, Any] = {
    "collapse": {"field": "a"},
    "docvalue_fields": ["a"],
    "explain": True,
    "ext": {},
    "fields": ["a"],
    "highlight": {"fields": {"a": {}}},
    "indices_boost": [],
    "knn": {"field": "a", "query_vector": [1], "k": 1, "num_candidates": 1},
    "min_score": 0,
    "pit": {"id": "a"},
    "post_filter": {"match_all": {}},
    "profile": True,
    "rank": {"rrf": {}},
    "rescore": {"query": {"rescore_query": {"match_all": {}}}},
    "retriever": {"standard": {"query": {"match_all": {}}}},
    "runtime_mappings": {},
    "script_fields": {},
    "seq_no_primary_term": True,
    "slice": {"id": 0, "max": 2},
    "stats": ["a"],
    "stored_fields": ["a"],
    "suggest": {},
    "terminate_after": 1,
    "timeout": "1s",
    "track_scores": True,
    "version": True,
}
# Options of Elasticsearch that the embedded engine handles differently.
PARTS: Mapping[str, Mapping[str, Any]] = {
    "rewrite constant_score_blended": {
        "query": {"wildcard": {"a": {"value": "x", "rewrite": "constant_score_blended"}}}
    },
    "tdigest execution_hint": {
        "aggs": {"a": {"percentiles": {"field": "b", "tdigest": {"execution_hint": "high_accuracy"}}}}
    },
}
_UNKNOWN = re.compile(
    r"unknown query \[(\w+)\]|Unknown aggregation type \[(\w+)\]|Unknown key for an? \w+ in \[(\w+)\]", re.IGNORECASE
)
_DECLARED = ("unsupported_operation_exception", "is not supported by osmem")
_POSITION = re.compile(r"\[\d+:\d+\] ?")


def unknown(reason: str) -> tuple[str, str] | None:
    """The kind and name that an engine reports as unknown, such as ("queries", "mach")."""
    match = _UNKNOWN.search(reason)
    if match is None:
        return None
    kinds = zip(("queries", "aggregations", "keys"), match.groups(), strict=True)
    return next((kind, name) for kind, name in kinds if name)


def bare(reason: str) -> str:
    """An engine's reason without its status, type and positions in the body."""
    return _POSITION.sub("", reason.partition(": ")[2])


def declared(reason: str) -> bool:
    """Whether the engine itself says that it does not support something."""
    return any(words in reason for words in _DECLARED)


def probe(search: Search) -> dict[str, Any]:
    """Try every name on the engine behind `search`, on an index with a keyword `a` and a number `b`."""

    def lacks(reason: str, kind: str, name: str) -> bool:
        return unknown(reason) == (kind, name) or (kind != "keys" and declared(reason) and f"[{name}]" in reason)

    queries, aggregations = sorted(schema.names("query")), sorted(schema.names("aggregation"))
    parts = {label: search(body) for label, body in PARTS.items()}
    return {
        "queries": [name for name in queries if lacks(search({"query": {name: {}}}), "queries", name)],
        "aggregations": [
            name for name in aggregations if lacks(search({"aggs": {"x": {name: {}}}}), "aggregations", name)
        ],
        "keys": [name for name, value in KEYS.items() if lacks(search({name: value}), "keys", name)],
        "parts": {label: bare(reason) for label, reason in parts.items() if reason},
    }


@cache
def lacking() -> Mapping[str, Any]:
    """The stored result of `probe`, with the version of the engine."""
    table: Mapping[str, Any] = json.loads(RESULT.read_text())
    return table


def ask_embedded() -> dict[str, Any]:
    """The result of `probe` for the installed embedded engine, with its version."""
    from dstill.api.engine import Engine
    from dstill_querydsl.engines.http import HttpEngine
    from dstill_querydsl.engines.server import EmbeddedServer

    mapping = {"properties": {"a": {"type": "keyword"}, "b": {"type": "long"}}}
    with EmbeddedServer.start() as server, HttpEngine(Engine(url=server.url), writable=True) as engine:
        engine.index("dstill-probe", mapping, [("1", {"a": "x", "b": 1})])
        return {"osmem-server": server.version, **probe(lambda body: engine.search("dstill-probe", body).reason)}


def main() -> int:
    """Update the stored result."""
    RESULT.write_text(json.dumps(ask_embedded(), indent=2) + "\n")
    print(f"{RESULT.name}: {', '.join(f'{len(names)} {kind}' for kind, names in lacking().items() if kind[0] != 'o')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
