"""Mutation steps for fields and operators: a similar field, term instead of match, or instead of and.

{"term": {"source.ip": "192.0.2.1"}}  → {"term": {"client.ip": "192.0.2.1"}}
{"term": {"title.raw": "Alien"}}      → {"match": {"title": "Alien"}}
{"match": {"title": "red planet"}}    → operator and; match_phrase; {"term": {"title.raw": "red planet"}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dstill_querydsl.language.mapping.uses import Use, uses
from dstill_querydsl.language.query_forms import FIELDED
from dstill_querydsl.testdata.layout import Layout
from dstill_querydsl.testdata.mutations import Edit, Path, at, put, read_pointer, rename

__all__ = ["operators", "swapped"]

_ON_WORDS = tuple(name for name, value in FIELDED.items() if value == "query")
_FOR_ANY_TYPE = ("exists", "missing", "terms", "value_count", "cardinality")  # legal for fields of other types too
_ON_VALUES = ("term", "terms", "prefix", "wildcard")


def swapped(body: Mapping[str, Any], layout: Layout) -> Iterator[Edit]:
    """Use another field in each place."""
    for use in uses(body):
        if use.kind == "path" or "*" in use.name:
            continue
        path = read_pointer(body, use.pointer)
        others = layout.similar(use.name, most=2 if use.kind == "fetch" else 3)
        if use.operator in _FOR_ANY_TYPE:
            others += layout.similar(use.name, most=2, any_family=True)
        for other in dict.fromkeys(others):
            yield f"{use.name}→{other} at {use.pointer}", _named(body, path, use.name, other)


def _named(body: Mapping[str, Any], path: Path, old: str, new: str) -> Any:
    """`body` with the field `new` at `path`, where the field is a key or a text."""
    value = at(body, path)
    if path[-1] == old and not isinstance(value, str):
        return rename(body, path, new)
    if isinstance(value, str) and value.partition("^")[0] == old:
        return put(body, path, new + value[len(old) :])
    return rename(body, path, new) if path[-1] == old else put(body, path, new)


def operators(body: Mapping[str, Any], layout: Layout) -> Iterator[Edit]:
    """Use another operator in each place."""
    for use in uses(body):
        if use.kind == "query":
            yield from _words(body, use, layout)
            yield from _exact(body, use, layout)


def _replaced(body: Mapping[str, Any], use: Use, operator: str, field: str, value: Any) -> Edit:
    path = read_pointer(body, use.pointer)[:-2]  # above {operator: {field: …}}
    name = f"{use.operator}→{operator}" + ("" if field == use.name else f" on {field}")
    return f"{name} at {use.pointer}", put(body, path, {operator: {field: value}})


def _words(body: Mapping[str, Any], use: Use, layout: Layout) -> Iterator[Edit]:
    if use.operator not in _ON_WORDS or len(use.values) != 1 or not isinstance(use.values[0], str):
        return
    text = use.values[0]
    for field in layout.subs(use.name):
        if field.family == "keyword" and field.name != use.name:
            yield _replaced(body, use, "term", field.name, text)
    if len(text.split()) < 2:
        return
    loose = str(use.options.get("operator", "or")).lower() == "or" and "minimum_should_match" not in use.options
    if use.operator == "match":
        yield _replaced(body, use, "match_phrase", use.name, text)
        query = {"query": text, "operator": "and"} if loose else text
        yield (
            "or→and" + f" at {use.pointer}" if loose else f"and→or at {use.pointer}",
            _replaced(body, use, "match", use.name, query)[1],
        )
    else:
        yield _replaced(body, use, "match", use.name, text)
        yield _replaced(body, use, "match", use.name, {"query": text, "operator": "and"})


def _exact(body: Mapping[str, Any], use: Use, layout: Layout) -> Iterator[Edit]:
    if use.operator not in _ON_VALUES or not use.values or not isinstance(use.values[0], str):
        return
    texts = [field.name for field in layout.subs(use.name) if field.family == "text"]
    for name in texts:
        yield _replaced(body, use, "match", name, use.values[0])
    family = getattr(layout.fields.get(use.name), "family", "")
    if use.operator == "prefix":
        yield _replaced(body, use, "term", use.name, use.values[0])
    elif use.operator == "term" and family == "keyword":
        yield _replaced(body, use, "prefix", use.name, use.values[0])
    if use.operator == "wildcard" and set("*?") & set(use.values[0][:-1]):  # otherwise a prefix matches the same
        yield _replaced(body, use, "prefix", use.name, use.values[0].partition("*")[0] or use.values[0].strip("*?"))
