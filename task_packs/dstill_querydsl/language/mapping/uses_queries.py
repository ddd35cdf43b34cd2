"""Lists the fields that queries, sorts and hits use and what they do with each.

In: one part of a body and its place. Out: one `Use` for each name:

    {"nested": {"path": "a", "query": {"term": {"a.b": 3}}}}
    -> Use(kind="path", operator="nested", name="a", …)
       Use(kind="query", operator="term", name="a.b", nested="a", values=(3,), …)

Never raises: parts that do not have the form of a search body are skipped, as the schema reports them.
"""

from __future__ import annotations

from collections.abc import (
    Iterator,
    Mapping,  # isinstance takes ten times as long with typing.Mapping
)
from dataclasses import dataclass, field, replace
from typing import Any

from dstill_querydsl.language.query_forms import (
    BOUNDS,
    DECAYS,
    FIELD_LIST,
    FIELD_OPTION,
    FIELDED,
    PLACES,
    VALUE_KEYS,
)
from dstill_querydsl.language.strict import escape

__all__ = ["Use", "UsePlace", "hits", "inner_hits", "items", "named", "query", "sort"]

_COMMON = {"boost", "_name"}
_GEO_SORT_OPTIONS = {*PLACES["geo_distance"], *_COMMON, "order", "mode", "nested"} - {"distance"}


@dataclass(frozen=True, kw_only=True)
class Use:
    """The use of one field at one place."""

    kind: str  # query, sort, aggregation, collapse, path, fetch
    operator: str  # term, terms, sort, _source …
    name: str
    pointer: str
    nested: str | None = None  # the nested path that encloses this place
    values: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)  # options next to the value: format, lenient, type …


@dataclass(frozen=True)
class UsePlace:
    """A place in a body: its JSON pointer and the nested path around it. ``place / "key"`` goes one step down."""

    pointer: str
    nested: str | None = None

    def __truediv__(self, step: object) -> UsePlace:
        return replace(self, pointer=f"{self.pointer}/{escape(str(step))}")


def hits(body: Mapping[str, Any], place: UsePlace) -> Iterator[Use]:
    """Fields in the options that a body, top_hits and inner_hits share: sort, _source, fields and so on."""
    yield from sort(body.get("sort"), place / "sort")
    yield from _source(body.get("_source"), place / "_source")
    for key in ("fields", "docvalue_fields", "stored_fields"):
        for step, item in items(body.get(key), place / key):
            name = item.get("field") if isinstance(item, Mapping) else item
            yield from named("fetch", key, name, step)
    highlight = body.get("highlight")
    if isinstance(highlight, Mapping):
        for step, group in items(highlight.get("fields"), place / "highlight" / "fields"):
            for name in group if isinstance(group, Mapping) else ():
                yield from named("fetch", "highlight", name, step / name)


def inner_hits(value: Any, place: UsePlace) -> Iterator[Use]:
    """Fields in ``inner_hits``, its collapse included."""
    if isinstance(value, Mapping):
        yield from hits(value, place)
        collapse = value.get("collapse")
        if isinstance(collapse, Mapping):
            yield from named("collapse", "collapse", collapse.get("field"), place / "collapse" / "field")


def named(kind: str, operator: str, name: Any, place: UsePlace, **more: Any) -> Iterator[Use]:
    """The use of a field called `name`; none if that is not a string."""
    if isinstance(name, str):
        yield Use(kind=kind, operator=operator, name=name, pointer=place.pointer, nested=place.nested, **more)


def items(value: Any, place: UsePlace) -> Iterator[tuple[UsePlace, Any]]:
    """The items of a list with their places; any other value is a single item. None has no items."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield place / index, item
    elif value is not None:
        yield place, value


# --- queries ----------------------------------------------------------------------------


def query(value: Any, place: UsePlace) -> Iterator[Use]:
    """Fields in one query or a list of queries. Unknown names are searched for queries inside them."""
    for step, item in items(value, place):
        if isinstance(item, Mapping):
            for operator, options in item.items():
                yield from _clause(operator, options, step / operator)


def _clause(operator: str, options: Any, place: UsePlace) -> Iterator[Use]:
    if not isinstance(options, Mapping):
        return
    if operator in FIELDED or operator in PLACES:
        yield from _fielded(operator, options, place)
    elif operator == "nested":
        yield from _nested(options, place)
    elif operator == "function_score":
        yield from _function_score(options, place)
    elif operator in FIELD_LIST:
        yield from _listed(operator, options, place)
    else:
        if operator in FIELD_OPTION:
            yield from named("query", operator, options.get("field"), place / "field")
        for key, item in options.items():
            if isinstance(item, (Mapping, list)):
                yield from query(item, place / key)


def _fielded(operator: str, options: Mapping[str, Any], place: UsePlace) -> Iterator[Use]:
    names = {*PLACES.get(operator, ()), *(_COMMON if len(options) > 1 else ())}
    beside = {name: entry for name, entry in options.items() if name in names and not isinstance(entry, Mapping)}
    for name, entry in options.items():
        if name in beside:
            continue
        more = entry if isinstance(entry, Mapping) else {}
        values = _values(operator, entry)
        yield from named("query", operator, name, place / name, values=values, options={**beside, **more})
        if operator == "terms_set":
            counted, at = "minimum_should_match_field", place / name / "minimum_should_match_field"
            yield from named("query", counted, more.get(counted), at)


def _values(operator: str, entry: Any) -> tuple[Any, ...]:
    if operator.startswith("geo_") or operator == "intervals":
        return ()
    if operator == "range":
        return tuple(entry[key] for key in BOUNDS if key in entry) if isinstance(entry, Mapping) else ()
    if isinstance(entry, Mapping):
        entry = next((entry[key] for key in VALUE_KEYS if key in entry), None)
    return tuple(entry) if isinstance(entry, list) else () if entry is None else (entry,)


def _listed(operator: str, options: Mapping[str, Any], place: UsePlace) -> Iterator[Use]:
    query = options.get("query")
    values = (query,) if operator == "multi_match" and query is not None else ()
    for step, name in items(options.get("fields"), place / "fields"):
        if isinstance(name, str):
            yield from named("query", operator, name.split("^", 1)[0], step, values=values, options=options)
    yield from named("query", operator, options.get("default_field"), place / "default_field", options=options)


def _nested(options: Mapping[str, Any], place: UsePlace) -> Iterator[Use]:
    path = options.get("path")
    yield from named("path", "nested", path, place / "path", options=options)
    inside = replace(place, nested=path) if isinstance(path, str) else place
    yield from query(options.get("query"), inside / "query")
    yield from inner_hits(options.get("inner_hits"), inside / "inner_hits")


def _function_score(options: Mapping[str, Any], place: UsePlace) -> Iterator[Use]:
    yield from query(options.get("query"), place / "query")
    yield from _function(options, place)
    for step, item in items(options.get("functions"), place / "functions"):
        if isinstance(item, Mapping):
            yield from _function(item, step)


def _function(options: Mapping[str, Any], place: UsePlace) -> Iterator[Use]:
    """Fields that one function reads and that its filter uses."""
    yield from query(options.get("filter"), place / "filter")
    for operator in ("field_value_factor", "random_score"):
        inside = options.get(operator)
        if isinstance(inside, Mapping):
            yield from named("query", operator, inside.get("field"), place / operator / "field")
    for decay in DECAYS:
        inside = options.get(decay)
        for name in inside if isinstance(inside, Mapping) else ():
            if name != "multi_value_mode":
                yield from named("query", decay, name, place / decay / name)


# --- sort and _source -------------------------------------------------------------------


def sort(value: Any, place: UsePlace) -> Iterator[Use]:
    """Fields in a ``sort``."""
    for step, item in items(value, place):
        if isinstance(item, str):
            yield from _sort_by(item, {}, step)
        elif isinstance(item, Mapping):
            for name, options in item.items():
                if name == "_geo_distance" and isinstance(options, Mapping):
                    for key in options:
                        if key not in _GEO_SORT_OPTIONS:
                            yield from named("query", "geo_distance", key, step / name / key)
                else:
                    yield from _sort_by(name, options if isinstance(options, Mapping) else {}, step / name)


def _sort_by(name: str, options: Mapping[str, Any], place: UsePlace) -> Iterator[Use]:
    if name in ("_score", "_doc", "_script", "_shard_doc"):
        return
    nested = options.get("nested")
    if isinstance(nested, Mapping) and isinstance(nested.get("path"), str):
        yield from named("path", "nested", nested["path"], place / "nested" / "path")
        place = replace(place, nested=nested["path"])
        yield from query(nested.get("filter"), place / "nested" / "filter")
    yield from named("sort", "sort", name, place, options=options)


def _source(value: Any, place: UsePlace) -> Iterator[Use]:
    if isinstance(value, Mapping):
        for key in ("includes", "include", "excludes", "exclude"):
            yield from _source(value.get(key), place / key)
        return
    for step, name in items(value, place):
        yield from named("fetch", "_source", name, step)
