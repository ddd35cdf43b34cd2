"""Texts that a body compares fields with, and the values that the fields have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dstill.api.protocols import NamedValue, ValueLookup
from dstill.api.records import Example
from dstill.io.strict_json import dumps
from dstill_querydsl.language import strict
from dstill_querydsl.language.fields import Fields

if TYPE_CHECKING:
    from dstill_querydsl.pack import QueryDsl

__all__ = ["QueryValueLookup"]

_EQUAL = ("term", "terms", "match", "match_phrase")


class QueryValueLookup(ValueLookup):
    """Texts of `term`, `terms`, `match` and `match_phrase`. Any other field with whole values is beside one."""

    task: QueryDsl

    def named_values(self, example: Example, answer: str) -> Iterable[NamedValue]:
        fields = self._fields(example)
        for field, options in _clauses(strict.read(answer).value):
            if _listed(fields, field):
                yield from (NamedValue(item=field, text=text) for text in _texts(options))

    def items_beside(self, example: Example, item: str) -> Iterable[str]:
        fields = self._fields(example)
        return [field.name for field in fields if not field.sub and field.name != item and _listed(fields, field.name)]

    def values_query(self, example: Example, item: str, most: int) -> str:
        field = _listed(self._fields(example), item)
        return dumps({"size": 0, "aggs": {"values": {"terms": {"field": field, "size": most}}}}) if field else ""

    def listed_values(self, value: Any) -> Sequence[str]:
        buckets = value["aggregations"]["values"]["buckets"]
        return [bucket["key"] for bucket in buckets if isinstance(bucket["key"], str)]

    def with_value(self, example: Example, answer: str, old: NamedValue, new: NamedValue) -> str:
        field = new.item if new.item == old.item else _listed(self._fields(example), new.item)
        return dumps(_replaced(strict.read(answer).value, old, field, new.text))

    def _fields(self, example: Example) -> Fields:
        profile = self.task.index_profile(example)
        return Fields({}, {}) if profile is None else profile.fields


def _listed(fields: Fields, name: str) -> str:
    """The field whose terms are the whole values of `name`; empty: there is none."""
    field = fields.get(name)
    if field is None or field.nested:
        return ""
    if field.family == "text":
        return fields.exact(name) or ""
    return name if field.family == "keyword" and field.has_doc_values else ""


def _clauses(node: Any) -> Iterable[tuple[str, Any]]:
    """(field, what it is compared with) of each clause."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in _EQUAL and isinstance(value, Mapping):
                yield from ((field, options) for field, options in value.items())
            else:
                yield from _clauses(value)
    elif isinstance(node, list):
        for part in node:
            yield from _clauses(part)


def _texts(options: Any) -> list[str]:
    values = options.values() if isinstance(options, Mapping) else options if isinstance(options, list) else [options]
    return [value for value in values if isinstance(value, str)]


def _replaced(node: Any, old: NamedValue, field: str, text: str) -> Any:
    """The body in which each clause that compares the item of `old` with its text has the new field and text."""
    if isinstance(node, list):
        return [_replaced(part, old, field, text) for part in node]
    if not isinstance(node, Mapping):
        return node
    return {
        key: {
            field if name == old.item and old.text in _texts(options) else name: _with_text(options, old.text, text)
            if name == old.item
            else options
            for name, options in value.items()
        }
        if key in _EQUAL and isinstance(value, Mapping)
        else _replaced(value, old, field, text)
        for key, value in node.items()
    }


def _with_text(options: Any, old: str, new: str) -> Any:
    if isinstance(options, Mapping):
        return {key: new if value == old else value for key, value in options.items()}
    if isinstance(options, list):
        return [new if value == old else value for value in options]
    return new if options == old else options
