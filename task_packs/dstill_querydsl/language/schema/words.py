"""Words from SQL and other languages, and their names in Query DSL.

    synonym("limit", {"size", "from"})    -> "size"
    synonym("siez", {"size", "from"})     -> None: a misspelling, which a search for similar names finds

Used for hints only, never to decide whether a name is valid.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

__all__ = ["synonym"]

# Where a word has several meanings, the first that is valid at its place wins.
_WORDS: Mapping[str, tuple[str, ...]] = {
    "from": ("gte",), "min": ("gte",), "ge": ("gte",), "after": ("gt",), "greater_than": ("gt",), "since": ("gte",),
    "to": ("lte",), "max": ("lte",), "le": ("lte",), "before": ("lt",), "less_than": ("lt",), "until": ("lte",),
    "limit": ("size",), "count": ("size", "value_count"), "top": ("size",), "offset": ("from",), "skip": ("from",),
    "order_by": ("sort", "order"), "orderBy": ("sort", "order"), "sorting": ("sort",), "direction": ("order",),
    "where": ("query", "filter"), "filter": ("query",), "filters": ("filter",),
    "select": ("_source",), "source": ("_source",), "columns": ("fields", "_source"),
    "facets": ("aggs",), "group_by": ("aggs", "terms"), "groupBy": ("aggs", "terms"),
    "equals": ("term",), "equal": ("term",), "eq": ("term",), "is": ("term",), "in": ("terms",), "any": ("terms",),
    "between": ("range",), "contains": ("match", "wildcard"), "like": ("wildcard", "match"), "text": ("match",),
    "starts_with": ("prefix",), "startsWith": ("prefix",), "missing": ("exists",), "has": ("exists",),
    "and": ("bool", "must"), "or": ("bool", "should"), "not": ("bool", "must_not"), "filtered": ("bool",),
    "average": ("avg",), "mean": ("avg",), "median": ("percentiles",), "total": ("sum",), "distinct": ("cardinality",),
    "unique": ("cardinality",), "unique_count": ("cardinality",), "std_dev": ("extended_stats",),
    "interval": ("calendar_interval",), "every": ("calendar_interval", "fixed_interval"), "step": ("interval",),
    "nested_path": ("path",), "column": ("field",), "on": ("field",), "val": ("value",), "name": ("key",),
}  # fmt: skip


def synonym(key: str, known: Container[str]) -> str | None:
    """The name among `known` that means what `key` means in other languages, or None."""
    return next((word for word in _WORDS.get(key, ()) if word in known), None)
