"""Fields that the embedded engine cannot hold: left out of an index, and known where a body would reach one.

    mapping = {"properties": {"labels": {"type": "flattened"}, "code": {"type": "keyword"}}}
    unheld = Unheld.of(mapping, refused(mapping, takes))
    unheld.held(mapping)                                         → {"properties": {"code": {"type": "keyword"}}}
    unheld.reached({"query": {"term": {"labels.env": "test"}}})  → "uses 'labels' (flattened), which …"
    unheld.reached({"query": {"term": {"code": "a1"}}})          → ""

`takes` asks the engine about one field's definition, so that a type, an analyzer or an option that it lacks
are found alike. Without them the other fields are what they were: documents just do not hold these.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Iterator, Mapping

from dstill_querydsl.engines.unsupported_by_type import under
from dstill_querydsl.language.fields import raw_fields
from dstill_querydsl.mapping.uses import uses

__all__ = ["Unheld", "refused", "runtime"]

RUNTIME = "runtime"  # not kept with documents, but computed by a script
_ROOT = ("_meta", "_source")  # of a mapping's top what decides results; the rest is about fields to come, or storage
_SILENT = ("dynamic", "subobjects", "synthetic_source_keep", "time_series_dimension", "time_series_metric")
_TEXTUAL = ("multi_match", "simple_query_string", "more_like_this")  # ask every field where they name none
_NAMES_IN_TEXT = "query_string"


@dataclass(frozen=True, kw_only=True)
class Unheld:
    """Of one mapping."""

    types: Mapping[str, str] = field(default_factory=dict)  # by the field's name
    above: Mapping[str, str] = field(default_factory=dict)  # objects that hold one of them → which

    @classmethod
    def of(cls, mapping: Mapping[str, Any], names: Iterable[str]) -> Unheld:
        gone = dict.fromkeys(names, RUNTIME)
        if not gone:
            return cls()
        above: dict[str, str] = {}
        for one in raw_fields(mapping):
            if one.name in gone:
                gone[one.name] = one.type
                above |= {} if one.sub else dict.fromkeys(_parents(one.name), one.name)
        return cls(types=gone, above=above)

    def held(self, mapping: Mapping[str, Any]) -> dict[str, Any]:
        """`mapping` without them, and without what says nothing of documents that are written once."""
        kept = {key: mapping[key] for key in _ROOT if key in mapping}
        return {**kept, "properties": self._properties(mapping.get("properties") or {}, "")}

    def _properties(self, properties: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        kept = {}
        for key, one in properties.items():
            if (name := f"{prefix}{key}") not in self.types:
                kept[key] = {**bare(one), **self._beside(one, name)}
        return kept

    def _beside(self, one: Mapping[str, Any], name: str) -> dict[str, Any]:
        found = {key: self._properties(one[key], f"{name}.") for key in ("properties", "fields") if one.get(key)}
        copies = [target for target in _listed(one.get("copy_to")) if target not in self.types]
        return found | ({"copy_to": copies} if copies else {})

    def reached(self, body: Mapping[str, Any]) -> str:
        """Which of them `body` names, or may find by a pattern or in a search through all fields; or nothing."""
        if not self.types:
            return ""
        name = next(filter(None, map(self._at, self._asked(body))), "")
        return f"uses '{name}' ({self.types[name]}), which the embedded engine does not hold" if name else ""

    def _asked(self, body: Mapping[str, Any]) -> Iterator[str]:
        """Names, and beginnings of names with a star."""
        for use in uses(body):
            head, star, _ = use.name.partition("*")
            if star or use.kind != "path":  # what lies in a nested object is named by itself
                yield head + star
        asked = [one for kind in _TEXTUAL for one in under(kind, body)]
        if any(isinstance(one, Mapping) and not one.get("fields") for one in asked) or any(under(_NAMES_IN_TEXT, body)):
            yield "*"

    def _at(self, asked: str) -> str:
        """The one that `asked` reaches."""
        if asked.endswith("*"):
            head = asked[:-1]
            return next((name for name in self.types if name.startswith(head) or head.startswith(f"{name}.")), "")
        return next((name for name in (asked, *_parents(asked)) if name in self.types), self.above.get(asked, ""))


def runtime(mapping: Mapping[str, Any]) -> list[str]:
    """The fields that scripts compute, which that engine has none of."""
    found = mapping.get("runtime")
    return list(found) if isinstance(found, Mapping) else []


def refused(mapping: Mapping[str, Any], takes: Callable[[Mapping[str, Any]], bool]) -> list[str]:
    """The fields whose definition, alone, an engine does not take; and aliases of such."""
    gone: set[str] = set()
    aliases = {}
    known: dict[str, bool] = {}
    for one in raw_fields(mapping):
        if one.type == "alias":
            aliases[one.name] = one.options.get("path")
        elif gone.isdisjoint(_parents(one.name)):
            definition = {"type": one.type, **bare(one.options)}
            key = json.dumps(definition, sort_keys=True)  # thousands of fields have a handful of definitions
            if key not in known:
                known[key] = takes(definition)
            if not known[key]:
                gone.add(one.name)
    gone |= {name for name, path in aliases.items() if not gone.isdisjoint((path, *_parents(str(path))))}
    return sorted(gone)


def bare(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A field's own definition: without others in it, and without what says nothing of its values."""
    beside = ("properties", "fields", "copy_to", *_SILENT)
    return {key: value for key, value in definition.items() if key not in beside}


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
