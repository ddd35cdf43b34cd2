"""What may stand at one place of a body, by JSON kind, and how that is said in JSON Schema.

In: alternatives ("a number or an object like this"). Out: one schema without ``anyOf``,
so that validation follows one road and an error is about what stood there:

    union(number(), text(loose=False)).render()  -> {"type": ["number", "string"], "title": "…"}

Elasticsearch reads scalars by two habits. Its hand-written query parsers take a number or a
boolean where they want text (*loose*); its declared parsers (aggregations, highlight, sort)
do not. Both take ``"10"`` for a number and ``"true"`` for a boolean.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, Iterable

__all__ = [
    "Schema",
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

Schema = dict[str, Any]

_UNSIGNED = r"(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?\s*"
_NUMBER = r"\s*[-+]?" + _UNSIGNED
_NOT_NEGATIVE = r"\s*\+?" + _UNSIGNED
_BOOLEAN = "true|false|"
_NOUNS = {"object": "an object", "array": "a list", "number": "a number", "boolean": "true or false", "null": "null"}


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Alternatives, merged kind by kind."""

    kinds: frozenset[str] = frozenset()  # JSON types; "string" here means any string
    words: frozenset[str] = frozenset()  # the only strings, where "string" is not among the kinds
    patterns: frozenset[str] = frozenset()  # and strings like these
    items: Shape | None = None  # of an array; None: anything
    object: Schema | None = None  # schema of an object; None: any, where "object" is among the kinds
    everything: bool = False
    extra: Schema = field(default_factory=dict)  # further keywords: minimum, minItems …

    def render(self) -> Schema:
        """As one schema."""
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

    def _strings(self) -> Schema:
        if "string" in self.kinds or not (self.words or self.patterns):
            return {}
        if not self.kinds and not self.patterns:
            return {"enum": sorted(self.words)}
        parts = [*(re.escape(word) for word in sorted(self.words)), *sorted(self.patterns)]
        return {"pattern": f"^({'|'.join(parts)})$"}

    def _arrays(self) -> Schema:
        return {"items": self.items.render()} if "array" in self.kinds and self.items else {}

    def _objects(self) -> Schema:
        return {"if": {"type": "object"}, "then": self.object} if self.object else {}

    def _title(self) -> Schema:
        nouns = [noun for kind, noun in _NOUNS.items() if kind in self.kinds]
        if "string" in self.kinds:
            nouns.append("text")
        elif self.words - {"true", "false"}:
            nouns.append("one of " + ", ".join(sorted(word for word in self.words if word == word.lower())[:8]))
        return {"title": " or ".join(nouns)} if nouns else {}


def union(*shapes: Shape) -> Shape:
    """What any of `shapes` allows."""
    if any(shape.everything for shape in shapes):
        return anything()
    lists = [shape for shape in shapes if "array" in shape.kinds]
    typed = [shape.items for shape in lists if shape.items is not None]
    return Shape(
        kinds=frozenset().union(*(shape.kinds for shape in shapes)),
        words=frozenset().union(*(shape.words for shape in shapes)),
        patterns=frozenset().union(*(shape.patterns for shape in shapes)),
        items=_items(typed) if len(typed) == len(lists) else None,
        object=_one(shape.object for shape in shapes),
        # A limit is on one kind each (minimum on numbers, maxLength on text), so limits do not meet.
        extra={k: v for shape in shapes for k, v in shape.extra.items() if k != "title"} | _titles(shapes),
    )


def _titles(shapes: Iterable[Shape]) -> Schema:
    """What the forms of text among `shapes` are called, which says more than "text"."""
    titles = dict.fromkeys(shape.extra["title"] for shape in shapes if "title" in shape.extra)
    return {"title": " or ".join(titles)} if titles else {}


def _items(shapes: list[Shape]) -> Shape | None:
    return shapes[0] if len(shapes) == 1 else union(*shapes) if shapes else None


def _one(schemas: Iterable[Schema | None]) -> Schema | None:
    distinct: list[Schema] = []
    for schema in schemas:
        if schema is not None and schema not in distinct:
            distinct.append(schema)
    if len(distinct) > 1:
        raise ValueError(f"two kinds of objects at one place: {distinct}")
    return distinct[0] if distinct else None


def anything() -> Shape:
    return Shape(everything=True)


def null() -> Shape:
    return Shape(kinds=frozenset({"null"}))


def text(*, loose: bool) -> Shape:
    return Shape(kinds=frozenset({"string", "number", "boolean"} if loose else {"string"}))


def number(**extra: float) -> Shape:
    """A number, or text that reads as one."""
    least = extra.get("minimum", extra.get("exclusiveMinimum", -1))
    written = _NUMBER if least < 0 else _NOT_NEGATIVE
    return Shape(kinds=frozenset({"number"}), patterns=frozenset({written}), extra=dict(extra))


def bare_number(**extra: float) -> Shape:
    """A number, and no text that reads as one."""
    return Shape(kinds=frozenset({"number"}), extra=dict(extra))


def boolean() -> Shape:
    return Shape(kinds=frozenset({"boolean"}), patterns=frozenset({_BOOLEAN}))


def literals(words: Iterable[str]) -> Shape:
    return Shape(words=frozenset(words))


def any_way(shape: Shape) -> Shape:
    """`shape`, whose words may also be written Asc or ASC."""
    return replace(
        shape, words=frozenset(way for word in shape.words for way in (word, word.upper(), word.capitalize()))
    )


def array(items: Shape) -> Shape:
    return Shape(kinds=frozenset({"array"}), items=items)


def pattern(regex: str, title: str) -> Shape:
    """Text that `regex` matches as a whole; `title` says what that is."""
    return Shape(patterns=frozenset({regex}), extra={"title": title})


def obj(schema: Schema | None = None) -> Shape:
    return Shape(kinds=frozenset({"object"}), object=schema)


def with_extra(shape: Shape, **extra: Any) -> Shape:
    """`shape` with further keywords of JSON Schema."""
    return replace(shape, extra={**shape.extra, **extra})
