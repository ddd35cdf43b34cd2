"""The guard's checks of the fields that a body reads: field names, _source, sort, highlight.

_index, _id …       metadata: refused
user.*              a wildcard: refused, except in _source if no field is denied
user.email          refused if `Limits.fields` denies it
"""

from __future__ import annotations

from abc import ABC
from typing import Any

from dstill_querydsl.language.guard import kinds as kinds
from dstill_querydsl.language.guard import tables as tables
from dstill_querydsl.language.guard.kinds import Fields, Kind, ListOf, Options
from dstill_querydsl.language.guard.values import ValueChecks
from dstill_querydsl.language.guard.walk import brief, items
from dstill_querydsl.language.strict import escape

__all__ = ["Reads"]

_NESTED: dict[str, Kind] = {"path": kinds.FIELD, "filter": kinds.QUERY, "max_children": kinds.VALUE}
_NESTED["nested"] = Options(_NESTED)  # recursive: ``nested`` may contain ``nested``


class Reads(ValueChecks, ABC):
    """Checks which fields a body reads."""

    def field(self, value: Any, at: str) -> None:
        if not isinstance(value, str):
            self.refuse("not_allowed", f"{brief(value)} is not a field name", at)
            return
        self.string(value, at)
        if value == "_index":
            self.refuse("foreign_read", "reads another index/document", at, tables.METADATA_HINT)
        elif value.startswith("_"):
            self.refuse("metadata", f"{value!r} is a metadata field", at, tables.METADATA_HINT)
        elif "*" in value:
            self.refuse("field_wildcard", f"{value!r} is a wildcard for field names", at, "name each field")
        elif not self.limits.allows(value):
            self.refuse("field_denied", f"the field {value!r} is not allowed", at, "do not use this field")

    def names(self, value: Any, at: str) -> None:
        if isinstance(value, list) and len(value) > self.limits.clauses:
            self.exceeds("the number of fields", len(value), self.limits.clauses, at)
        for step, item in items(value, at):
            self.field(item.split("^", 1)[0] if isinstance(item, str) else item, step)

    def suffix(self, value: Any, at: str) -> None:
        """A suffix makes the query read other fields than it names."""
        self.value(value, at)
        if value and self.limits.restricts_fields:
            self.refuse(
                "field_denied", f"the suffix {brief(value)} changes which fields are read", at, "name each field"
            )

    def source(self, value: Any, at: str) -> None:
        if value is True and self.limits.restricts_fields:
            self.whole_source({}, at)
        elif isinstance(value, dict):
            self._source_filter(value, at)
        elif not isinstance(value, bool):
            self._source_names(value, at)
            if not value:  # an empty list returns every field
                self.whole_source({}, at)

    def _source_filter(self, value: dict[str, Any], at: str) -> None:
        for name, item in value.items():
            step = f"{at}/{escape(name)}"
            if name in ("includes", "include"):
                self._source_names(item, step)
            elif name in ("excludes", "exclude", "exclude_vectors"):
                self.values(item, step)
            else:
                self.not_allowed(name, at)
        named = [value[name] for name in ("includes", "include") if name in value]
        if not named or not all(named):  # if both are given, the engine uses the later one
            self.whole_source({}, at)

    def _source_names(self, value: Any, at: str) -> None:
        self.values(value, at)
        for step, item in items(value, at):
            if not self.limits.restricts_fields or not isinstance(item, str):
                continue
            # Elasticsearch strips blanks and control characters from a name.
            if "*" in item or item != item.strip() or not item.isprintable() or not self.limits.allows_source(item):
                message = f"{item!r} in _source may return a field that is not allowed"
                self.refuse("field_denied", message, step, "name the allowed fields one by one")

    def document_fields(self, value: Any, at: str) -> None:
        self.long_list(value, at)
        for step, item in items(value, at):
            if isinstance(item, dict):
                names = {"field": kinds.FIELD, "format": kinds.VALUE, "include_unmapped": kinds.VALUE}
                self.options(Options(names), item, step)
            else:
                self.field(item, step)

    def highlight(self, value: Any, at: str) -> None:
        entries = Options(tables.HIGHLIGHTS)
        fields = ListOf(Fields(kinds.VALUE, entries.names))
        self.options(Options({**tables.HIGHLIGHTS, "fields": fields}), value, at)

    def sort(self, value: Any, at: str) -> None:
        if isinstance(value, list) and len(value) > self.limits.clauses:
            self.exceeds("the number of sorts", len(value), self.limits.clauses, at)
        for step, item in items(value, at):
            if isinstance(item, dict):
                for name, options in item.items():
                    self._sort_by(name, options, f"{step}/{escape(name)}")
            elif item not in ("_score", "_doc"):
                self.field(item, step)

    def _sort_by(self, name: str, options: Any, at: str) -> None:
        if name == "_geo_distance":
            others = {**tables.GEO_SORT, "nested": Options(_NESTED)}
            self.fields(Fields(kinds.POINT, options=others), options, at)
            return
        if name == "_script":
            self.not_allowed(name, at.rsplit("/", 1)[0])
        elif name not in ("_score", "_doc"):
            self.field(name, at)
        if isinstance(options, dict):
            if name != "_script":
                self.options(Options({**tables.SORT_OPTIONS, "nested": Options(_NESTED)}), options, at)
        else:
            self.value(options, at)

    def whole_source(self, hits: dict[str, Any], at: str) -> None:
        """Without ``_source`` a hit returns every field, including denied ones."""
        if self.limits.restricts_fields and "_source" not in hits:
            hint = "name the fields in _source, or set it to false"
            self.refuse("field_denied", "hits would return all fields, but some are not allowed", at, hint)
