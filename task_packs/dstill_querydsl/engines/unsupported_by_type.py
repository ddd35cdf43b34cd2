"""Types of fields that the embedded engine holds otherwise than real ones: where in a body that shows.

    ByType.of({"speed": "integer_range"}).meets({"aggs": {"a": {"cardinality": {"field": "speed"}}}})
    → "uses 'speed' (integer_range) in aggs, where the embedded engine differs"

Found by running each type on it and on Elasticsearch 9.2 and OpenSearch 3.8 (tests/live/test_unsupported_features.py).
What the mapping check refuses anyhow is not listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping

__all__ = ["ByType", "type_of", "under", "words"]

_RANGES = tuple(f"{of}_range" for of in ("integer", "long", "float", "double", "date", "ip"))
# Type → the keys of a body under which its fields differ; "" for anywhere.
_PARTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_RANGES, ("aggs", "aggregations", "sort", "docvalue_fields")),
    "geo_shape": ("aggs", "aggregations", "docvalue_fields", "fields"),
    "version": ("",),  # sorted as text
    "unsigned_long": ("",),  # beyond 2^63 it turns negative
    "constant_keyword": ("range", "prefix", "wildcard"),
    "match_only_text": ("prefix", "wildcard"),
    "search_as_you_type": ("prefix", "wildcard"),
    "half_float": ("docvalue_fields", "fields"),  # rounded otherwise
    "date_nanos": ("docvalue_fields", "fields"),  # cut to milliseconds
    "date, in seconds": ("query", "post_filter"),  # Elasticsearch takes numbers otherwise
    "flat_object": ("fields",),
    "rank_feature": ("fields",),
    "rank_features": ("fields",),
}


@dataclass(frozen=True, kw_only=True)
class ByType:
    """Of one index: key of a body → the fields that differ there, with their types."""

    fields: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, types: Mapping[str, str]) -> ByType:
        """`types`: each field's type by its full name."""
        found: dict[str, dict[str, str]] = {}
        for name, type_ in types.items():
            for part in _PARTS.get(type_, ()):
                found.setdefault(part, {})[name] = type_
        return cls(fields=found)

    def meets(self, body: Mapping[str, Any]) -> str:
        """Which of them `body` meets, or nothing."""
        for part, fields in self.fields.items():
            named = set(words(list(under(part, body)) if part else body))
            if found := fields.keys() & named:
                name, where = min(found), f" in {part}" if part else ""
                return f"uses '{name}' ({fields[name]}){where}, where the embedded engine differs"
        return ""


def type_of(field: Mapping[str, Any]) -> str:
    """A field's type, in the words of `_PARTS`."""
    type_ = str(field.get("type", ""))
    return "date, in seconds" if type_ == "date" and "epoch_second" in str(field.get("format", "")) else type_


def words(value: Any) -> Iterator[Any]:
    """Every key and scalar of a tree; of ``title^2`` the field's name."""
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
    """Everything that stands under `key`, at any depth: sorts of hits and of top_hits alike."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from under(key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from under(key, inner)
