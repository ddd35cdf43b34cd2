"""Fields that the embedded engine does not support: removes them from an index and finds bodies that use them.

    mapping = {"properties": {"labels": {"type": "flattened"}, "code": {"type": "keyword"}}}
    fields = UnsupportedFields.of(mapping, refused(mapping, accepts))
    fields.remove_from(mapping)                                 → {"properties": {"code": {"type": "keyword"}}}
    fields.reason({"query": {"term": {"labels.env": "test"}}})  → "uses 'labels' (flattened), which …"
    fields.reason({"query": {"term": {"code": "a1"}}})          → ""

`accepts` asks the engine about the definition of one field, so this finds types, analyzers and options that it lacks.
The other fields stay as they are.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dstill_querydsl.engines.unsupported_by_type import under
from dstill_querydsl.language.fields import raw_fields
from dstill_querydsl.language.mapping.uses import uses

__all__ = ["UnsupportedFields", "refused", "runtime"]

RUNTIME = "runtime"  # a field that a script computes
_ROOT = ("_meta", "_source")  # top-level options that affect results; others are about new fields or storage
_WITHOUT_EFFECT = ("dynamic", "subobjects", "synthetic_source_keep", "time_series_dimension", "time_series_metric")
_TEXTUAL = ("multi_match", "simple_query_string", "more_like_this")  # search all fields unless they name some
_NAMES_IN_TEXT = "query_string"  # its text may name any field


@dataclass(frozen=True, kw_only=True)
class UnsupportedFields:
    """The unsupported fields of one mapping."""

    types: Mapping[str, str] = dataclasses.field(default_factory=dict)  # field → type
    parents: Mapping[str, str] = dataclasses.field(default_factory=dict)  # object → an unsupported field in it

    @classmethod
    def of(cls, mapping: Mapping[str, Any], names: Iterable[str]) -> UnsupportedFields:
        """`names`: the unsupported fields of `mapping`, including runtime fields."""
        types = dict.fromkeys(names, RUNTIME)
        if not types:
            return cls()
        parents: dict[str, str] = {}
        for raw_field in raw_fields(mapping):
            if raw_field.name in types:
                types[raw_field.name] = raw_field.type
                parents |= {} if raw_field.sub else dict.fromkeys(_parents(raw_field.name), raw_field.name)
        return cls(types=types, parents=parents)

    def remove_from(self, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """`mapping` without the unsupported fields and without options that do not affect results."""
        root = {key: mapping[key] for key in _ROOT if key in mapping}
        return {**root, "properties": self._properties(mapping.get("properties") or {}, "")}

    def _properties(self, properties: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        supported = {}
        for key, field in properties.items():
            if (name := f"{prefix}{key}") not in self.types:
                supported[key] = {**own_definition(field), **self._inner(field, name)}
        return supported

    def _inner(self, field: Mapping[str, Any], name: str) -> dict[str, Any]:
        """The inner fields, sub-fields and copies of a field, as far as they are supported."""
        inner = {key: self._properties(field[key], f"{name}.") for key in ("properties", "fields") if field.get(key)}
        copies = [target for target in _listed(field.get("copy_to")) if target not in self.types]
        return inner | ({"copy_to": copies} if copies else {})

    def reason(self, body: Mapping[str, Any]) -> str:
        """Why `body` cannot run: a field that it names, matches by a pattern or searches with all fields. Or empty."""
        if not self.types:
            return ""
        name = next(filter(None, map(self._match, self._names(body))), "")
        return f"uses '{name}' ({self.types[name]}), which the embedded engine does not support" if name else ""

    def _names(self, body: Mapping[str, Any]) -> Iterator[str]:
        """The field names in `body`, and the beginnings of patterns with a star."""
        for use in uses(body):
            head, star, _ = use.name.partition("*")
            if star or use.kind != "path":  # fields below a nested path have their own names
                yield head + star
        queries = [query for kind in _TEXTUAL for query in under(kind, body)]
        all_fields = any(isinstance(query, Mapping) and not query.get("fields") for query in queries)
        if all_fields or any(under(_NAMES_IN_TEXT, body)):
            yield "*"

    def _match(self, used: str) -> str:
        """The unsupported field that a name or pattern matches, or empty."""
        if used.endswith("*"):
            head = used[:-1]
            return next((name for name in self.types if name.startswith(head) or head.startswith(f"{name}.")), "")
        return next((name for name in (used, *_parents(used)) if name in self.types), self.parents.get(used, ""))


def runtime(mapping: Mapping[str, Any]) -> list[str]:
    """The runtime fields, which scripts compute and the embedded engine does not support."""
    fields = mapping.get("runtime")
    return list(fields) if isinstance(fields, Mapping) else []


def refused(mapping: Mapping[str, Any], accepts: Callable[[Mapping[str, Any]], bool]) -> list[str]:
    """The fields whose own definition an engine does not accept, and their aliases."""
    names: set[str] = set()
    aliases = {}
    known: dict[str, bool] = {}
    for raw_field in raw_fields(mapping):
        if raw_field.type == "alias":
            aliases[raw_field.name] = raw_field.options.get("path")
        elif names.isdisjoint(_parents(raw_field.name)):
            definition = {"type": raw_field.type, **own_definition(raw_field.options)}
            key = json.dumps(definition, sort_keys=True)  # thousands of fields have a handful of definitions
            if key not in known:
                known[key] = accepts(definition)
            if not known[key]:
                names.add(raw_field.name)
    names |= {name for name, path in aliases.items() if not names.isdisjoint((path, *_parents(str(path))))}
    return sorted(names)


def own_definition(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The definition of a field without inner fields, and without options that do not affect its values."""
    others = ("properties", "fields", "copy_to", *_WITHOUT_EFFECT)
    return {key: value for key, value in definition.items() if key not in others}


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
