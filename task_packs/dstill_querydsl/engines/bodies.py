"""Reads what a search body asks for. Lenient: these functions raise for no body.

page({"from": 20, "size": "10"})      → (20, 10)
sort_of({"sort": "price:desc"})       → ["price:desc"];  of {"sort": ["_score"]} → None
asks_fields({"_source": ["title"]})   → True
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["aggregations_of", "asks_fields", "asks_page", "counts_hits", "page", "sort_of"]

SIZE = 10  # the engines' default


def page(body: Mapping[str, Any]) -> tuple[int, int]:
    """(from, size), with the engines' defaults."""
    return _whole(body.get("from"), 0), _whole(body.get("size"), SIZE)


def _whole(value: Any, default: int) -> int:
    try:
        return default if value is None else int(value)
    except (TypeError, ValueError):
        return default


def asks_page(body: Mapping[str, Any]) -> bool:
    """Whether the body sets which hits to return."""
    return "size" in body or "from" in body


def sort_of(body: Mapping[str, Any]) -> list[Any] | None:
    """The sort as a list, or None if hits come by relevance or in index order."""
    sort = body.get("sort")
    keys = sort if isinstance(sort, list) else [] if sort is None else [sort]
    by_default = all(key in ("_score", "_doc") or (isinstance(key, dict) and set(key) <= {"_doc"}) for key in keys)
    return None if by_default or _is_score_descending(keys) else keys


def _is_score_descending(keys: list[Any]) -> bool:
    if len(keys) != 1 or not isinstance(keys[0], dict) or list(keys[0]) != ["_score"]:
        return False
    order = keys[0]["_score"]
    return str(order.get("order", "desc") if isinstance(order, dict) else order).lower() == "desc"


def counts_hits(body: Mapping[str, Any]) -> bool:
    """Whether the answer includes single documents. With aggregations it does only if the body asks for hits."""
    if page(body)[1] == 0:
        return False
    return not aggregations_of(body) or asks_page(body) or sort_of(body) is not None


def aggregations_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The aggregations under ``aggs`` or ``aggregations``; empty without any."""
    aggs = body.get("aggs") or body.get("aggregations")
    return aggs if isinstance(aggs, dict) else {}


def asks_fields(body: Mapping[str, Any]) -> bool:
    """Whether the body selects fields; ``_source`` true or false selects none."""
    source = body.get("_source")
    return isinstance(source, (str, list, dict)) or bool(body.get("fields") or body.get("docvalue_fields"))
