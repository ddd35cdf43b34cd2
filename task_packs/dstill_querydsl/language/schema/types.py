"""Reads names, arguments and shapes from the typed classes of ``elasticsearch.dsl``.

In: the installed client. Out: every query and aggregation, each with its arguments:

    queries()["match_phrase"]           -> <class 'elasticsearch.dsl.query.MatchPhrase'>
    arguments(queries()["nested"])      -> {"path": Argument(hint=str…, required=True), "query": …}
    TypeReader(define).shape(hint, …)   -> the JSON that this type hint accepts

The names of queries, aggregations and options all come from the client, so a newer client brings new ones.
`schema.forms` says where Elasticsearch's parsers differ from these classes.
"""

from __future__ import annotations

import inspect
import re
import types as python_types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from dstill_querydsl.language.schema.shapes import (
    JsonSchema,
    Shape,
    anything,
    array,
    boolean,
    literals,
    null,
    number,
    obj,
    text,
    union,
    with_extra,
)

__all__ = [
    "Argument",
    "TypeReader",
    "aggregations",
    "arguments",
    "classes_of",
    "is_bucket",
    "queries",
    "score_functions",
    "typed",
]

_REQUIRED = re.compile(r":arg (\w+): \(required\)")


@dataclass(frozen=True)
class Argument:
    """One argument of a typed class."""

    hint: Any
    required: bool


@cache
def queries() -> dict[str, type]:
    """Name → class of every query."""
    from elasticsearch.dsl import Query, query

    return _named(query, Query)


@cache
def aggregations() -> dict[str, type]:
    """Name → class of every aggregation."""
    from elasticsearch.dsl import aggs

    return _named(aggs, aggs.Agg)


@cache
def score_functions() -> dict[str, type]:
    """Name → class of every function of a function_score."""
    from elasticsearch.dsl import function

    return _named(function, function.ScoreFunction)


def is_bucket(cls: type) -> bool:
    """Whether an aggregation takes sub-aggregations."""
    from elasticsearch.dsl import aggs

    return issubclass(cls, aggs.Bucket)


def typed(name: str) -> type:
    """The class of this name in ``elasticsearch.dsl.types``."""
    from elasticsearch.dsl import types

    kind: type = getattr(types, name)
    return kind


def _named(module: python_types.ModuleType, base: type) -> dict[str, type]:
    classes = [c for c in vars(module).values() if inspect.isclass(c) and issubclass(c, base)]
    return {c.name: c for c in classes if getattr(c, "name", None)}  # type: ignore[attr-defined]


@cache
def arguments(cls: type) -> dict[str, Argument]:
    """The arguments of a class by their JSON names (``from`` for ``from_``).

    ``_field`` and ``_value`` are the placeholders of a class for a field's name and what is given for it.
    """
    hints = typing.get_type_hints(cls.__init__, _namespace())  # type: ignore[misc]
    required = set(_REQUIRED.findall(cls.__doc__ or ""))
    out = {}
    for name, hint in hints.items():
        if name not in ("kwargs", "return"):
            plain = name.removesuffix("_")
            out[plain] = Argument(hint, plain in required)
    return out


@cache
def _namespace() -> dict[str, Any]:
    from elastic_transport.client_utils import DefaultType
    from elasticsearch.dsl import Query, aggs, function, types, wrappers
    from elasticsearch.dsl.document_base import InstrumentedField

    own = {"Query": Query, "InstrumentedField": InstrumentedField, "DefaultType": DefaultType}
    modules = {"types": types, "wrappers": wrappers, "aggs": aggs, "function": function}
    return {**vars(typing), **vars(types), **own, **modules}


class TypeReader:
    """Converts type hints to shapes. `define` returns a schema reference to objects of one or several typed classes."""

    def __init__(self, define: Callable[[tuple[type, ...], bool], JsonSchema]) -> None:
        self._define = define

    def shape(self, hint: Any, loose: bool) -> Shape:
        """The values that `hint` accepts, under a parser that is `loose` about strings or one that is not."""
        options = _options(hint)
        classes = tuple(option for option in options if _is_typed(option))
        rest = [option for option in options if option not in classes]
        if classes or any(_is_mapping(option) and typing.get_args(option)[1:] != (Any,) for option in rest):
            rest = [option for option in rest if not _is_raw(option)]
        read = self._place if typed("LatLonGeoLocation") in classes else self._single
        shapes = [read(option, loose) for option in rest]
        if classes:
            shapes.append(obj(self._define(classes, loose)))
        return union(*shapes)

    def _place(self, hint: Any, loose: bool) -> Shape:
        """Short forms of a place: "40.7,-74", "POINT (-74 40.7)", a geohash or [-74, 40.7], but no bare number."""
        if hint is str:
            return with_extra(text(loose=False), minLength=1)
        return array(number()) if typing.get_args(hint) == (float,) else self._single(hint, loose)

    def _single(self, hint: Any, loose: bool) -> Shape:
        origin, args = typing.get_origin(hint) or hint, typing.get_args(hint)
        if origin is typing.Literal:
            return literals(str(arg) for arg in args)
        if inspect.isclass(origin) and issubclass(origin, Sequence) and origin is not str:
            # A declarative parser accepts a single item for a list of one, and is loose about strings in lists.
            items = array(self.shape(args[0], loose or not _holds_typed(args[0])))
            return items if loose else union(items, self.shape(args[0], loose))
        if _is_mapping(hint):
            value = self.shape(args[1], loose).render()
            return obj({"type": "object", "additionalProperties": value} if value else None)
        return _scalar(origin, loose)


def _scalar(hint: Any, loose: bool) -> Shape:
    if hint is bool:
        return boolean()
    if hint in (int, float):
        return number()
    if hint is type(None):
        return null()
    if hint is str or getattr(hint, "__name__", "") == "InstrumentedField":
        return text(loose=loose)
    if hint is Any or isinstance(hint, typing.TypeVar):
        return anything()
    name = {"Query": "query", "Agg": "aggregation", "ScoreFunction": "score_function"}[hint.__name__]
    return obj({"$ref": f"#/$defs/{name}"})


def classes_of(hint: Any) -> list[type]:
    """The typed classes among a hint's alternatives."""
    return [option for option in _options(hint) if _is_typed(option)]


def _options(hint: Any) -> list[Any]:
    """The members of a union, without the marker for an argument that is not set."""
    if typing.get_origin(hint) is typing.Union:
        return [option for arg in typing.get_args(hint) for option in _options(arg)]
    return [] if getattr(hint, "__name__", "") == "DefaultType" else [hint]


def _is_typed(hint: Any) -> bool:
    origin = typing.get_origin(hint) or hint
    return inspect.isclass(origin) and origin.__module__ in ("elasticsearch.dsl.types", "elasticsearch.dsl.wrappers")


def _holds_typed(hint: Any) -> bool:
    return any(_is_typed(option) or _is_mapping(option) for option in _options(hint))


def _is_mapping(hint: Any) -> bool:
    origin = typing.get_origin(hint)
    return inspect.isclass(origin) and issubclass(origin, Mapping)


def _is_raw(hint: Any) -> bool:
    """Whether this is ``Dict[str, Any]``, the alternative to a typed class for an object written as a dict."""
    if typing.get_origin(hint) is Sequence or typing.get_origin(hint) is typing.get_origin(Sequence[int]):
        return _is_raw(typing.get_args(hint)[0])
    return _is_mapping(hint) and typing.get_args(hint)[1] is Any
