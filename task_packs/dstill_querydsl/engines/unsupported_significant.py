"""When the embedded engine computes significant_terms and significant_text differently from real engines.

reason({"aggs": {"a": {"significant_terms": {"field": "code", "gnd": {}}}}}, types, nested)
→ "uses significant_terms with gnd, which the embedded engine computes differently"
is_truncated(body["aggs"], reply["aggregations"])   # True: there are as many buckets as requested

Compared with Elasticsearch 9.2 in 5,000 replies: whole values with the default heuristic and chi_square give the same
buckets. If there are more terms with equal scores than requested, the embedded engine keeps others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dstill_querydsl.engines.bodies import aggregations_of
from dstill_querydsl.engines.unsupported_by_type import under

__all__ = ["is_truncated", "reason"]

SIZE = 10  # the default size
_WHOLE = ("keyword", "constant_keyword", "long", "integer", "short", "byte", "boolean", "ip", "date")
# Aggregation → supported types of its field. significant_terms finds nothing on text in the embedded engine.
_TYPES = {"significant_terms": _WHOLE, "significant_text": ("text", "keyword")}
_SAME = frozenset(("field", "size", "min_doc_count", "include", "exclude", "jlh", "chi_square"))


def reason(body: Mapping[str, Any], types: Mapping[str, str], nested: frozenset[str]) -> str:
    """Why the buckets may differ from those of real engines; empty if they do not.

    `types`: field → type. `nested`: nested paths.
    """
    for kind, allowed in _TYPES.items():
        for options in under(kind, body):
            if problem := _problem(options, allowed, types, nested):
                return f"uses {kind} {problem}, which the embedded engine computes differently"
    return ""


def _problem(options: Any, allowed: tuple[str, ...], types: Mapping[str, str], nested: frozenset[str]) -> str:
    if not isinstance(options, Mapping):
        return ""  # the engine refuses it
    name = str(options.get("field"))
    if others := sorted(options.keys() - _SAME):
        return f"with {others[0]}"
    if any(options.get(heuristic) for heuristic in ("jlh", "chi_square")):
        return "with options of its heuristic"
    if any(name.startswith(f"{path}.") for path in nested):
        return f"on the nested '{name}'"
    return "" if types.get(name, "keyword") in allowed else f"on '{name}' ({types[name]})"


def is_truncated(request: Mapping[str, Any], reply: Any) -> bool:
    """Whether such an aggregation returned as many buckets as requested, so that there may be more."""
    for name, agg in request.items():
        for node in _at(name, reply):
            for kind in _TYPES.keys() & agg.keys():
                size = agg[kind].get("size", SIZE)
                if isinstance(size, int) and len(node.get("buckets", ())) >= size:
                    return True
            inner = aggregations_of(agg)
            if inner and is_truncated(inner, [node, *_buckets(node)]):
                return True
    return False


def _at(name: str, reply: Any) -> Iterator[Any]:
    for part in reply if isinstance(reply, list) else [reply]:
        if isinstance(part, Mapping) and isinstance(part.get(name), Mapping):
            yield part[name]


def _buckets(node: Mapping[str, Any]) -> list[Any]:
    buckets = node.get("buckets", ())
    return list(buckets.values() if isinstance(buckets, Mapping) else buckets)
