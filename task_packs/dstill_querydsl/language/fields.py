"""The fields of a mapping, by their full names.

In: ``{properties}``, ``{mappings}`` or the output of ``GET _mapping`` for one or several indices. Out: `Fields`, with
sub-fields, aliases, runtime fields and nested parents:

    fields = Fields.of({"properties": {"title": {"type": "text", "fields": {"raw": {"type": "keyword"}}}}})
    fields.get("title.raw")      -> Field(name="title.raw", type="keyword", family="keyword", nested=(), …)
    fields.get("titel")          -> None
    fields.nearest("titel")      -> "title"
    fields.exact("title")        -> "title.raw", the sub-field that holds the whole value

Malformed parts of a mapping are skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher, get_close_matches
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from typing import Any

from dstill_querydsl.language.field_types import BELOW, GRAMS, NO_DOC_VALUES, family
from dstill_querydsl.language.mapping.merge import Conflict, merge, roots

__all__ = ["Field", "Fields", "raw_fields"]

_METADATA = {"_id": "keyword", "_index": "keyword", "_routing": "keyword", "_ignored": "keyword", "_tier": "keyword"}
_METADATA |= {"_field_names": "keyword", "_doc_count": "long", "_seq_no": "long", "_size": "integer"}
_METADATA |= {"_version": "long", "_primary_term": "long", "_type": "keyword", "_doc": "long", "_score": "float"}
_MAX_DEPTH = 50


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field that a body can name."""

    name: str
    type: str
    nested: tuple[str, ...] = ()  # nested paths around it, outermost first
    options: Mapping[str, Any] = field(default_factory=dict)  # as in the mapping
    sub: bool = False  # a sub-field (multi-field), which indexes its parent's values in another way

    @cached_property  # building a grammar reads it hundreds of times for each field
    def family(self) -> str:
        return family(self.type)

    @cached_property
    def has_doc_values(self) -> bool:
        """Whether the field can be sorted or aggregated by."""
        if self.family == "text":
            return bool(self.options.get("fielddata"))
        return self.family not in NO_DOC_VALUES and self.options.get("doc_values") is not False

    @property
    def format(self) -> str | None:
        """The date format, if the mapping sets one."""
        value = self.options.get("format")
        return value if isinstance(value, str) else None


class Fields:
    """Every field of one or several mappings."""

    def __init__(self, fields: Mapping[str, Field], conflicts: Mapping[str, Conflict]) -> None:
        self._fields = dict(fields)
        self.conflicts = dict(conflicts)  # fields that several indices map to different types
        # slow among thousands of names, and models repeat wrong names
        self._nearest = lru_cache(maxsize=4096)(self._find)
        self._lower = {name.lower(): name for name in self._fields}

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> Fields:
        merged = merge(mapping)
        fields = dict(_walk(merged.mapping.get("properties"), "", (), 0))
        fields |= {item.name: item for item in _runtime(merged.mapping.get("runtime"))}
        return cls(_with_aliases(fields), {conflict.field: conflict for conflict in merged.conflicts})

    def get(self, name: str) -> Field | None:
        """The field with that full name. Every name below a ``flattened`` field is a field."""
        field = self._fields.get(name)
        if field is not None:
            return field
        if name in _METADATA:
            return Field(name=name, type=_METADATA[name])
        parent = name.rpartition(".")[0]
        while parent:
            above = self._fields.get(parent)
            if above is not None:
                return _below(above, name)
            parent = parent.rpartition(".")[0]
        return None

    def with_more(self, more: Iterable[Field]) -> Fields:
        """These fields and others."""
        return Fields({**self._fields, **{item.name: item for item in more}}, self.conflicts)

    def matching(self, pattern: str) -> list[Field]:
        """Fields whose names match a wildcard pattern."""
        return [field for name, field in self._fields.items() if fnmatchcase(name, pattern)]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._fields)

    def __iter__(self) -> Iterator[Field]:
        return iter(self._fields.values())

    def nearest(self, name: str) -> str | None:
        """The most similar name, which was probably meant. None if no name is similar."""
        return self._nearest(name)

    def _find(self, name: str) -> str | None:
        if name.lower() in self._lower:
            return self._lower[name.lower()]
        parent = name.rpartition(".")[0]
        above = self._fields.get(parent)
        if above is not None and above.family not in (
            "object",
            "nested",
        ):  # a sub-field that does not exist, such as title.keyword
            return self.exact(parent) or parent
        near = get_close_matches(name, self._fields, n=1, cutoff=0.5)
        if near and SequenceMatcher(None, near[0], name).ratio() >= 0.7:
            return near[0]
        last = get_close_matches(name.rpartition(".")[2], self._leaves, n=1, cutoff=0.8)
        if last:
            return self._leaves[last[0]]
        return parent if above is not None else near[0] if near else None

    @cached_property
    def _leaves(self) -> dict[str, str]:
        """The last step of every name → the full name."""
        return {known.rpartition(".")[2]: known for known in self._fields}

    def exact(self, name: str) -> str | None:
        """The keyword sub-field of `name`, which has whole values. None if it has none."""
        subs = [f for f in self._fields.values() if f.sub and f.name.rpartition(".")[0] == name]
        return next((f.name for f in subs if f.family == "keyword" and f.has_doc_values), None)


def _below(above: Field, name: str) -> Field | None:
    """A field that the mapping does not declare: inside a flattened field, or n-grams of a search_as_you_type field."""
    if above.type == "search_as_you_type" and name.removeprefix(f"{above.name}.") in GRAMS:
        return Field(name=name, type="text", nested=above.nested, sub=True)
    type_ = BELOW.get(above.family)
    return None if type_ is None else Field(name=name, type=type_, nested=above.nested)


def raw_fields(mapping: Mapping[str, Any]) -> Iterator[Field]:
    """The fields of every index as declared: aliases are not resolved, and conflicting fields are all given."""
    for _, root in roots(mapping):
        for _, item in _walk(root.get("properties"), "", (), 0):
            yield item


def _walk(properties: Any, prefix: str, nested: tuple[str, ...], depth: int) -> Iterator[tuple[str, Field]]:
    if not isinstance(properties, Mapping) or depth > _MAX_DEPTH:
        return
    for key, definition in properties.items():
        if not isinstance(key, str) or not isinstance(definition, Mapping):
            continue
        name = f"{prefix}{key}"
        type_ = definition.get("type")
        if not isinstance(type_, str):
            type_ = "object"
        yield name, Field(name=name, type=type_, nested=nested, options=definition)
        below = (*nested, name) if type_ == "nested" else nested
        yield from _walk(definition.get("properties"), f"{name}.", below, depth + 1)
        for sub, item in _walk(definition.get("fields"), f"{name}.", nested, depth + 1):
            yield sub, Field(name=sub, type=item.type, nested=nested, options=item.options, sub=True)


def _runtime(runtime: Any) -> Iterator[Field]:
    if isinstance(runtime, Mapping):
        for name, definition in runtime.items():
            if isinstance(name, str) and isinstance(definition, Mapping) and isinstance(definition.get("type"), str):
                yield Field(name=name, type=definition["type"], options={"runtime": True})


def _with_aliases(fields: dict[str, Field]) -> dict[str, Field]:
    out = {}
    for name, item in fields.items():
        target = item
        for _ in range(3):  # an alias of an alias is not legal, and a cycle must end
            if target.type != "alias":
                break
            path = target.options.get("path")
            target = fields.get(path, target) if isinstance(path, str) else target
        out[name] = item if target is item else Field(
            name=name, type=target.type, nested=target.nested, options=target.options
        )  # fmt: skip
    return out
