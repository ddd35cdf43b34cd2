"""Field types that behave differently in the embedded engine, and the parts of a body where they do.

    ByType.of({"speed": "integer_range"}).reason({"aggs": {"a": {"cardinality": {"field": "speed"}}}})
    → "uses 'speed' (integer_range) in aggs, where the embedded engine differs"

Found by running each type on it, on Elasticsearch 9.2 and on OpenSearch 3.8 (tests/live/test_unsupported_features.py).
Bodies that the mapping check refuses are not listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["ByType", "type_of", "under", "words"]

_RANGES = tuple(f"{of}_range" for of in ("integer", "long", "float", "double", "date", "ip"))
# Type → the keys of a body below which its fields differ; "" means everywhere.
_PARTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_RANGES, ("aggs", "aggregations", "sort", "docvalue_fields")),
    "geo_shape": ("aggs", "aggregations", "docvalue_fields", "fields"),
    "version": ("",),  # sorted as a string
    "unsigned_long": ("",),  # negative from 2^63 on
    "constant_keyword": ("range", "prefix", "wildcard"),
    "match_only_text": ("prefix", "wildcard"),
    "search_as_you_type": ("prefix", "wildcard"),
    "half_float": ("docvalue_fields", "fields"),  # rounded differently
    "date_nanos": ("docvalue_fields", "fields"),  # truncated to milliseconds
    "date, in seconds": ("query", "post_filter"),  # Elasticsearch reads numbers differently
    "flat_object": ("fields",),
    "rank_feature": ("fields",),
    "rank_features": ("fields",),
}


@dataclass(frozen=True, kw_only=True)
class ByType:
    """The fields of one index that behave differently: key of a body → field → type."""

    fields: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, types: Mapping[str, str]) -> ByType:
        """`types`: full name of a field → its type, as `type_of` returns it."""
        fields: dict[str, dict[str, str]] = {}
        for name, type_ in types.items():
            for part in _PARTS.get(type_, ()):
                fields.setdefault(part, {})[name] = type_
        return cls(fields=fields)

    def reason(self, body: Mapping[str, Any]) -> str:
        """Why the embedded engine may answer `body` differently; empty if it does not."""
        for part, fields in self.fields.items():
            named = set(words(list(under(part, body)) if part else body))
            if names := fields.keys() & named:
                name, where = min(names), f" in {part}" if part else ""
                return f"uses '{name}' ({fields[name]}){where}, where the embedded engine differs"
        return ""


def type_of(field: Mapping[str, Any]) -> str:
    """The type of a field, as `_PARTS` names it."""
    type_ = str(field.get("type", ""))
    return "date, in seconds" if type_ == "date" and "epoch_second" in str(field.get("format", "")) else type_


def words(value: Any) -> Iterator[Any]:
    """Every key and scalar of a tree; from ``title^2`` only the field name."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from words(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from words(inner)
    elif isinstance(value, str):
        yield value.partition("^")[0]
    elif isinstance(value, (int, float)):
        yield value


def under(key: str, value: Any) -> Iterator[Any]:
    """Every value of `key` at any depth, such as the sorts of hits and of top_hits."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from under(key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from under(key, inner)
