"""What people and models call things, and what Query DSL calls them.

    meant("limit", {"size", "from"})    -> "size"
    meant("siez", {"size", "from"})     -> None: that is a misspelling, and near enough to be found

Only hints come of it; whether a name is right is never asked here.
"""

from __future__ import annotations

from typing import Container, Mapping

__all__ = ["meant"]

# of several, the first that is legal at the place
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


def meant(key: str, known: Container[str]) -> str | None:
    """The legal name that `key` stands for in other languages, where there is one."""
    return next((word for word in _WORDS.get(key, ()) if word in known), None)
