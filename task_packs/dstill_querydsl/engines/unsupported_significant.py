"""significant_terms and significant_text: where the embedded engine finds what real ones find, and where not.

differs({"aggs": {"a": {"significant_terms": {"field": "code", "gnd": {}}}}}, types, nested)
→ "asks for significant_terms with gnd, which the embedded engine computes otherwise"
cut(body["aggs"], reply["aggregations"])   # True: as many buckets as were asked for, so that ties decided

Found by running both on it and on Elasticsearch 9.2: whole values under the usual heuristic and
chi_square, 5,000 replies, give the same buckets; of equal scores it keeps other ones where there
is no room for all.
"""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from dstill_querydsl.engines.bodies import aggregations_of
from dstill_querydsl.engines.unsupported_by_type import under

__all__ = ["cut", "differs"]

SIZE = 10  # of a body that names none
_WHOLE = ("keyword", "constant_keyword", "long", "integer", "short", "byte", "boolean", "ip", "date")
# Kind → types of fields; text in significant_terms finds nothing on it.
_TYPES = {"significant_terms": _WHOLE, "significant_text": ("text", "keyword")}
_SAME = frozenset(("field", "size", "min_doc_count", "include", "exclude", "jlh", "chi_square"))


def differs(body: Mapping[str, Any], types: Mapping[str, str], nested: frozenset[str]) -> str:
    """Why its buckets may differ from real ones', or nothing. `types` by field, `nested` paths."""
    for kind, allowed in _TYPES.items():
        for one in under(kind, body):
            if problem := _problem(one, allowed, types, nested):
                return f"asks for {kind} {problem}, which the embedded engine computes otherwise"
    return ""


def _problem(one: Any, allowed: tuple[str, ...], types: Mapping[str, str], nested: frozenset[str]) -> str:
    if not isinstance(one, Mapping):
        return ""  # refused as it is
    name = str(one.get("field"))
    if others := sorted(one.keys() - _SAME):
        return f"with {others[0]}"
    if any(one.get(heuristic) for heuristic in ("jlh", "chi_square")):
        return "with options of its heuristic"
    if any(name.startswith(f"{path}.") for path in nested):
        return f"of the nested '{name}'"
    return "" if types.get(name, "keyword") in allowed else f"of '{name}' ({types[name]})"


def cut(request: Mapping[str, Any], reply: Any) -> bool:
    """Whether some such aggregation filled its size."""
    for name, one in request.items():
        for node in _at(name, reply):
            for kind in _TYPES.keys() & one.keys():
                size = one[kind].get("size", SIZE)
                if isinstance(size, int) and len(node.get("buckets", ())) >= size:
                    return True
            inner = aggregations_of(one)
            if inner and cut(inner, [node, *_buckets(node)]):
                return True
    return False


def _at(name: str, reply: Any) -> Iterator[Any]:
    for one in reply if isinstance(reply, list) else [reply]:
        if isinstance(one, Mapping) and isinstance(one.get(name), Mapping):
            yield one[name]


def _buckets(node: Mapping[str, Any]) -> list[Any]:
    found = node.get("buckets", ())
    return list(found.values() if isinstance(found, Mapping) else found)
