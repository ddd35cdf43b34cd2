"""Where the values of fields are in documents, and which fields can be confused.

layout = Layout(mapping)
layout.source_field("url.path.raw")      -> "url.path", since a sub-field has the values of its field
layout.similar("source.ip")        -> ["client.ip"]: of the same family and nested path, with other values
layout.fillable                  -> the fields that documents can have, by name
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any

from dstill_querydsl.language.fields import Field, Fields, raw_fields

__all__ = ["Layout"]

# Families that get values in documents. For other families no boundary values are known.
FAMILIES = ("number", "keyword", "text", "date", "boolean", "ip", "geo_point")
# Types of these families with special rules for their values.
_SPECIAL = ("constant_keyword", "token_count", "aggregate_metric_double", "unsigned_long", "semantic_text", "lookup")


class Layout:
    """The fields of one mapping in documents."""

    def __init__(self, mapping: Mapping[str, Any]) -> None:
        self.fields = Fields.of(mapping)
        raw = list(raw_fields(mapping))
        self._homes = {field.name: field.name for field in raw}
        for field in raw:
            if field.sub:
                self._homes[field.name] = self._above(field.name)
            elif field.type == "alias" and isinstance(field.options.get("path"), str):
                self._homes[field.name] = field.options["path"]
        self.fillable = {
            field.name: field
            for field in raw
            if not field.sub and field.family in FAMILIES and field.type not in _SPECIAL
        }

    def _above(self, name: str) -> str:
        return self._homes[name.rpartition(".")[0]]

    def source_field(self, name: str) -> str:
        """The field whose values `name` has. Below a flattened field, `name` itself."""
        home = self._homes.get(name, name)
        return self._homes.get(home, home)  # an alias of a sub-field

    def field(self, name: str) -> Field | None:
        """The same as `source_field`, as a `Field`."""
        return self.fillable.get(self.source_field(name)) or self.fields.get(name)

    def subs(self, name: str) -> list[Field]:
        """The field of `name` and all its sub-fields."""
        home = self.source_field(name)
        return [field for field in self.fields if self.source_field(field.name) == home and field.family in FAMILIES]

    def similar(self, name: str, most: int = 3, *, any_family: bool = False) -> list[str]:
        """Fields that could be confused with `name`, the most similar names first."""
        field = self.fields.get(name)
        if field is None:
            return []
        others = [
            other.name
            for other in self.fields
            if (other.family in FAMILIES if any_family else other.family == field.family)
            and other.nested == field.nested
            and self.source_field(other.name) != self.source_field(name)
        ]
        return sorted(others, key=lambda other: (-_similar(name, other), other))[:most]


def _similar(need: str, other: str) -> float:
    return SequenceMatcher(None, need, other, autojunk=False).ratio()
