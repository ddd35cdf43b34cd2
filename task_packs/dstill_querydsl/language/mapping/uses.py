"""Lists the fields that a body uses and what it does with each. This module: aggregations and the whole body.

In: any JSON object. Out: one `Use` for each place, in the order of the body:

    {"aggs": {"x": {"nested": {"path": "a"}, "aggs": {"y": {"max": {"field": "a.b"}}}}}}
    -> Use(kind="path", operator="nested", name="a", …)
       Use(kind="aggregation", operator="max", name="a.b", nested="a", …)

Never raises: parts that do not have the form of a search body are skipped, as the schema reports them.
"""

from __future__ import annotations

from collections.abc import (
    Iterator,
    Mapping,  # isinstance takes ten times as long with typing.Mapping
)
from dataclasses import replace
from typing import Any

from dstill_querydsl.language.mapping.uses_queries import Use, UsePlace, hits, inner_hits, items, named, query, sort

__all__ = ["Use", "uses"]

_BELOW = ("aggs", "aggregations")


def uses(body: Mapping[str, Any]) -> Iterator[Use]:
    """Every use of a field in `body`."""
    root = UsePlace("")
    for key in ("query", "post_filter"):
        yield from query(body.get(key), root / key)
    for key in ("aggs", "aggregations"):
        yield from _level(body.get(key), root / key)
    yield from hits(body, root)
    collapse = body.get("collapse")
    if isinstance(collapse, Mapping):
        yield from named("collapse", "collapse", collapse.get("field"), root / "collapse" / "field")
        for step, inner in items(collapse.get("inner_hits"), root / "collapse" / "inner_hits"):
            yield from inner_hits(inner, step)


def _level(value: Any, place: UsePlace) -> Iterator[Use]:
    if isinstance(value, Mapping):
        for name, definition in value.items():
            if isinstance(definition, Mapping):
                yield from _aggregation(definition, place / name)


def _aggregation(definition: Mapping[str, Any], place: UsePlace) -> Iterator[Use]:
    below = place
    for operator, options in definition.items():
        if operator in _BELOW or operator == "meta":
            continue
        if isinstance(options, Mapping):
            yield from _options(operator, options, place / operator)
            below = _inside(operator, options, below)
    for key in _BELOW:
        yield from _level(definition.get(key), replace(place / key, nested=below.nested))


def _inside(operator: str, options: Mapping[str, Any], place: UsePlace) -> UsePlace:
    """The place of sub-aggregations, whose nested path nested, reverse_nested and global change."""
    path = options.get("path")
    if operator == "nested" and isinstance(path, str):
        return replace(place, nested=path)
    if operator in ("reverse_nested", "global"):
        return replace(place, nested=path if isinstance(path, str) and operator == "reverse_nested" else None)
    return place


def _options(operator: str, options: Mapping[str, Any], place: UsePlace) -> Iterator[Use]:
    if operator in ("nested", "reverse_nested"):
        yield from named("path", operator, options.get("path"), place / "path")
    elif operator == "filter":
        yield from query(options, place)
    elif operator == "top_hits":
        yield from hits(options, place)
    elif operator == "composite":
        yield from _composite(options, place)
    else:
        # include and exclude hold values if they are lists; a single string is a regular expression.
        values = [item for key in ("include", "exclude") for item in _list(options.get(key))]
        more = {"values": tuple(values), "options": options}
        yield from named("aggregation", operator, options.get("field"), place / "field", **more)
        yield from _inner_fields(operator, options, place)


def _inner_fields(operator: str, options: Mapping[str, Any], place: UsePlace) -> Iterator[Use]:
    """Fields one level down, in weighted_avg, t_test, multi_terms, top_metrics, matrix_stats, filters."""
    for key in ("value", "weight", "a", "b", "terms", "metrics"):
        for step, item in items(options.get(key), place / key):
            if isinstance(item, Mapping):
                yield from named("aggregation", operator, item.get("field"), step / "field", options=item)
                yield from query(item.get("filter"), step / "filter")
    if operator == "matrix_stats":
        for step, name in items(options.get("fields"), place / "fields"):
            yield from named("aggregation", operator, name, step)
    if operator == "top_metrics":
        yield from sort(options.get("sort"), place / "sort")
    filters = options.get("filters")
    for step, item in items(filters, place / "filters"):
        if isinstance(filters, Mapping) and isinstance(item, Mapping):
            for name, filtering in item.items():
                yield from query(filtering, step / name)
        else:
            yield from query(item, step)
    yield from query(options.get("background_filter"), place / "background_filter")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _composite(options: Mapping[str, Any], place: UsePlace) -> Iterator[Use]:
    after = options.get("after")
    after = after if isinstance(after, Mapping) else {}
    for step, source in items(options.get("sources"), place / "sources"):
        for name, definition in source.items() if isinstance(source, Mapping) else ():
            for operator, item in definition.items() if isinstance(definition, Mapping) else ():
                if isinstance(item, Mapping):
                    at = step / name / operator / "field"
                    values = (after[name],) if name in after else ()
                    yield from named("aggregation", operator, item.get("field"), at, values=values, options=item)
