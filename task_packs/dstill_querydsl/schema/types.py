"""The typed classes of ``elasticsearch.dsl``, read as names, arguments and shapes.

In: the installed client. Out: every query and aggregation by name, each with its arguments:

    queries()["match_phrase"]           -> <class 'elasticsearch.dsl.query.MatchPhrase'>
    arguments(queries()["nested"])      -> {"path": Argument(hint=str…, required=True), "query": …}
    Reader(define).shape(hint, …)       -> what JSON may stand where that hint is

No name of a query, an aggregation or an option is written here: a newer client brings its own.
What Elasticsearch takes beyond these classes, or refuses within them, is in `schema.forms`.
"""

from __future__ import annotations

import inspect
import re
import types as python_types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Callable

from dstill_querydsl.schema.shapes import (
    Schema,
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
    "Reader",
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
    from elasticsearch.dsl import Query, query

    return _named(query, Query)


@cache
def aggregations() -> dict[str, type]:
    from elasticsearch.dsl import aggs

    return _named(aggs, aggs.Agg)


@cache
def score_functions() -> dict[str, type]:
    from elasticsearch.dsl import function

    return _named(function, function.ScoreFunction)


def is_bucket(cls: type) -> bool:
    """Whether an aggregation takes sub-aggregations."""
    from elasticsearch.dsl import aggs

    return issubclass(cls, aggs.Bucket)


def typed(name: str) -> type:
    """A class of ``elasticsearch.dsl.types`` by name."""
    from elasticsearch.dsl import types

    found: type = getattr(types, name)
    return found


def _named(module: python_types.ModuleType, base: type) -> dict[str, type]:
    classes = [c for c in vars(module).values() if inspect.isclass(c) and issubclass(c, base)]
    return {c.name: c for c in classes if getattr(c, "name", None)}  # type: ignore[attr-defined]


@cache
def arguments(cls: type) -> dict[str, Argument]:
    """Arguments by their name in JSON (``from_`` is ``from``); ``_field`` and ``_value`` stand for a field's entry."""
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


class Reader:
    """Hints → shapes. `define` gives the reference to what one or several typed classes allow together."""

    def __init__(self, define: Callable[[tuple[type, ...], bool], Schema]) -> None:
        self._define = define

    def shape(self, hint: Any, loose: bool) -> Shape:
        """What may stand where `hint` is, under a parser that is `loose` about text or is not."""
        options = _options(hint)
        classes = tuple(option for option in options if _is_typed(option))
        rest = [option for option in options if option not in classes]
        if classes or any(_is_mapping(option) and typing.get_args(option)[1:] != (Any,) for option in rest):
            rest = [option for option in rest if not _is_raw(option)]
        read = self._place if typed("LatLonGeoLocation") in classes else self._one
        shapes = [read(option, loose) for option in rest]
        if classes:
            shapes.append(obj(self._define(classes, loose)))
        return union(*shapes)

    def _place(self, hint: Any, loose: bool) -> Shape:
        """A place's short forms: "40.7,-74", "POINT (-74 40.7)", a geohash, [-74, 40.7]; a bare number is none."""
        if hint is str:
            return with_extra(text(loose=False), minLength=1)
        return array(number()) if typing.get_args(hint) == (float,) else self._one(hint, loose)

    def _one(self, hint: Any, loose: bool) -> Shape:
        origin, args = typing.get_origin(hint) or hint, typing.get_args(hint)
        if origin is typing.Literal:
            return literals(str(arg) for arg in args)
        if inspect.isclass(origin) and issubclass(origin, Sequence) and origin is not str:
            # A declared parser takes one item for a list of one, and reads a list's texts loosely.
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
    """A union's members, without the marker for an argument that was not given."""
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
    """``Dict[str, Any]``, which stands beside a typed class for the same thing written as a dict."""
    if typing.get_origin(hint) is Sequence or typing.get_origin(hint) is typing.get_origin(Sequence[int]):
        return _is_raw(typing.get_args(hint)[0])
    return _is_mapping(hint) and typing.get_args(hint)[1] is Any
