"""Where a field's values stand in a document, and which fields could be taken for one another.

layout = Layout(mapping)
layout.home("url.path.raw")      -> "url.path", whose values a sub-field repeats
layout.alike("source.ip")        -> ["client.ip"]: same family, same nested objects, other values
layout.fillable                  -> the fields that documents may hold, as `Field`s by name
"""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Any, Mapping

from dstill_querydsl.language.fields import Field, Fields, raw_fields

__all__ = ["Layout"]

# Families for which documents are given values. The others stay empty: no boundary is known there.
FILLED = ("number", "keyword", "text", "date", "boolean", "ip", "geo_point")
# Types of those families whose values an engine holds to rules of their own.
_LEFT_OUT = ("constant_keyword", "token_count", "aggregate_metric_double", "unsigned_long", "semantic_text", "lookup")


class Layout:
    """Of one mapping."""

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
            if not field.sub and field.family in FILLED and field.type not in _LEFT_OUT
        }

    def _above(self, name: str) -> str:
        return self._homes[name.rpartition(".")[0]]

    def home(self, name: str) -> str:
        """The field that holds the values which `name` stands for; below a flattened one, the name itself."""
        found = self._homes.get(name, name)
        return self._homes.get(found, found)  # an alias of a sub-field

    def field(self, name: str) -> Field | None:
        """The field that holds the values of `name`."""
        return self.fillable.get(self.home(name)) or self.fields.get(name)

    def subs(self, name: str) -> list[Field]:
        """`name`'s field in all its forms: itself and its sub-fields."""
        home = self.home(name)
        return [field for field in self.fields if self.home(field.name) == home and field.family in FILLED]

    def alike(self, name: str, most: int = 3, *, any_family: bool = False) -> list[str]:
        """Fields that could be written for `name`, the most similar names first."""
        field = self.fields.get(name)
        if field is None:
            return []
        others = [
            other.name
            for other in self.fields
            if (other.family in FILLED if any_family else other.family == field.family)
            and other.nested == field.nested
            and self.home(other.name) != self.home(name)
        ]
        return sorted(others, key=lambda other: (-_similar(name, other), other))[:most]


def _similar(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
