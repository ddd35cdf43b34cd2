"""The values that one place of a body accepts, by JSON type, and their JSON Schema.

In: alternatives ("a number or an object like this"). Out: one schema without ``anyOf``, so that validation takes
one path and an error is about the value that was found:

    union(number(), text(loose=False)).render()  -> {"type": ["number", "string"], "title": "…"}

Elasticsearch has two kinds of parsers. Its hand-written query parsers accept a number or a boolean where they expect
a string (*loose*); its declarative parsers (aggregations, highlight, sort) do not. Both accept ``"10"`` as a number
and ``"true"`` as a boolean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = [
    "JsonSchema",
    "Shape",
    "any_way",
    "anything",
    "array",
    "bare_number",
    "boolean",
    "literals",
    "null",
    "number",
    "obj",
    "pattern",
    "text",
    "union",
    "with_extra",
]

JsonSchema = dict[str, Any]

_UNSIGNED = r"(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?\s*"
_NUMBER = r"\s*[-+]?" + _UNSIGNED
_NOT_NEGATIVE = r"\s*\+?" + _UNSIGNED
_BOOLEAN = "true|false|"
_NOUNS = {"object": "an object", "array": "a list", "number": "a number", "boolean": "true or false", "null": "null"}


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Alternatives, merged by JSON type."""

    kinds: frozenset[str] = frozenset()  # JSON types; "string" means any string
    words: frozenset[str] = frozenset()  # strings that are accepted where "string" is not among the kinds
    patterns: frozenset[str] = frozenset()  # regular expressions of further strings that are accepted
    items: Shape | None = None  # items of a list; None: anything
    object: JsonSchema | None = None  # schema of an object; None: any object, if "object" is among the kinds
    everything: bool = False  # any JSON value
    extra: JsonSchema = field(default_factory=dict)  # further keywords: minimum, minItems …

    def render(self) -> JsonSchema:
        """The alternatives as one JSON Schema."""
        if self.everything:
            return {}
        if self.kinds == {"object"} and self.object and not (self.words or self.patterns):
            return {**self.object, **self.extra}
        return {
            "type": self._types(),
            **self._strings(),
            **self._arrays(),
            **self._objects(),
            **self._title(),
        } | self.extra

    def _types(self) -> str | list[str]:
        kinds = set(self.kinds)
        if self.words or self.patterns:
            kinds.add("string")
        return next(iter(kinds)) if len(kinds) == 1 else sorted(kinds)

    def _strings(self) -> JsonSchema:
        if "string" in self.kinds or not (self.words or self.patterns):
            return {}
        if not self.kinds and not self.patterns:
            return {"enum": sorted(self.words)}
        parts = [*(re.escape(word) for word in sorted(self.words)), *sorted(self.patterns)]
        return {"pattern": f"^({'|'.join(parts)})$"}

    def _arrays(self) -> JsonSchema:
        return {"items": self.items.render()} if "array" in self.kinds and self.items else {}

    def _objects(self) -> JsonSchema:
        return {"if": {"type": "object"}, "then": self.object} if self.object else {}

    def _title(self) -> JsonSchema:
        nouns = [noun for kind, noun in _NOUNS.items() if kind in self.kinds]
        if "string" in self.kinds:
            nouns.append("a string")
        elif self.words - {"true", "false"}:
            nouns.append("one of " + ", ".join(sorted(word for word in self.words if word == word.lower())[:8]))
        return {"title": " or ".join(nouns)} if nouns else {}


def union(*shapes: Shape) -> Shape:
    """Accepts what any of `shapes` accepts. Raises ValueError for two different kinds of objects."""
    if any(shape.everything for shape in shapes):
        return anything()
    lists = [shape for shape in shapes if "array" in shape.kinds]
    typed = [shape.items for shape in lists if shape.items is not None]
    return Shape(
        kinds=frozenset().union(*(shape.kinds for shape in shapes)),
        words=frozenset().union(*(shape.words for shape in shapes)),
        patterns=frozenset().union(*(shape.patterns for shape in shapes)),
        items=_items(typed) if len(typed) == len(lists) else None,
        object=_only(shape.object for shape in shapes),
        # Each limit is about one type (minimum: numbers, maxLength: strings), so limits do not clash.
        extra={k: v for shape in shapes for k, v in shape.extra.items() if k != "title"} | _titles(shapes),
    )


def _titles(shapes: Iterable[Shape]) -> JsonSchema:
    """The names of the forms of strings among `shapes`, which say more than "a string"."""
    titles = dict.fromkeys(shape.extra["title"] for shape in shapes if "title" in shape.extra)
    return {"title": " or ".join(titles)} if titles else {}


def _items(shapes: list[Shape]) -> Shape | None:
    return shapes[0] if len(shapes) == 1 else union(*shapes) if shapes else None


def _only(schemas: Iterable[JsonSchema | None]) -> JsonSchema | None:
    distinct: list[JsonSchema] = []
    for schema in schemas:
        if schema is not None and schema not in distinct:
            distinct.append(schema)
    if len(distinct) > 1:
        raise ValueError(f"two kinds of objects at one place: {distinct}")
    return distinct[0] if distinct else None


def anything() -> Shape:
    """Any JSON value."""
    return Shape(everything=True)


def null() -> Shape:
    """The value null."""
    return Shape(kinds=frozenset({"null"}))


def text(*, loose: bool) -> Shape:
    """A string; if `loose`, also a number or a boolean."""
    return Shape(kinds=frozenset({"string", "number", "boolean"} if loose else {"string"}))


def number(**extra: float) -> Shape:
    """A number, or a string such as "10". `extra` are limits: ``minimum``, ``maximum`` and so on."""
    lowest = extra.get("minimum", extra.get("exclusiveMinimum", -1))
    as_string = _NUMBER if lowest < 0 else _NOT_NEGATIVE
    return Shape(kinds=frozenset({"number"}), patterns=frozenset({as_string}), extra=dict(extra))


def bare_number(**extra: float) -> Shape:
    """A number, but not a string such as "10"."""
    return Shape(kinds=frozenset({"number"}), extra=dict(extra))


def boolean() -> Shape:
    """True, false, or one of the strings "true", "false" and ""."""
    return Shape(kinds=frozenset({"boolean"}), patterns=frozenset({_BOOLEAN}))


def literals(words: Iterable[str]) -> Shape:
    """One of these strings."""
    return Shape(words=frozenset(words))


def any_way(shape: Shape) -> Shape:
    """`shape`, which also accepts its words as Asc or ASC."""
    return replace(
        shape, words=frozenset(way for word in shape.words for way in (word, word.upper(), word.capitalize()))
    )


def array(items: Shape) -> Shape:
    """A list of `items`."""
    return Shape(kinds=frozenset({"array"}), items=items)


def pattern(regex: str, title: str) -> Shape:
    """A string that `regex` matches as a whole; `title` describes it in messages."""
    return Shape(patterns=frozenset({regex}), extra={"title": title})


def obj(schema: JsonSchema | None = None) -> Shape:
    """An object of this JSON Schema, or any object."""
    return Shape(kinds=frozenset({"object"}), object=schema)


def with_extra(shape: Shape, **extra: Any) -> Shape:
    """`shape` with further JSON Schema keywords."""
    return replace(shape, extra={**shape.extra, **extra})
