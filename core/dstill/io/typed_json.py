"""JSON values of files that somebody else may have written, checked against type annotations.

    convert(Score, {"name": "valid", "value": 0.5, "n": 2})  →  Score(name="valid", value=0.5, n=2)
    convert(Score, {"name": "valid", "value": "0.5"})        →  Misfit: value is text, expected a number

A form is a type annotation: a dataclass (an object becomes an instance), a TypedDict (an object is checked and stays a
dict), a dict, list, tuple, union, literal, enum or `Any`. Keys that a form does not name are ignored. Numbers beyond
`LARGEST` are refused: no number of a run is that large, and arithmetic with them overflows.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Mapping, Sequence, Set
from functools import cache
from typing import (
    Annotated,
    Any,
    Literal,
    Never,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    is_typeddict,
)

from dstill.io.strict_json import kind

__all__ = ["Misfit", "convert"]

LARGEST = 10**18
_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", type(None): "null"}


class Misfit(ValueError):
    """A value does not fit its form. The message starts with its place: ``stages/train/steps is …``."""

    def __init__(self, what: str, place: tuple[str, ...] = ()) -> None:
        super().__init__(f"{'/'.join(place) or 'it'} {what}")
        self.what, self.place = what, place

    def at(self, name: str) -> Misfit:
        """The same error one level further out: `name` is the key or position of the outer value."""
        return Misfit(self.what, (name[:80], *self.place))


def convert(form: Any, value: Any) -> Any:
    """`value` as an instance of the annotation `form`. Raises Misfit."""
    if form is Any or form is object or (form is str and type(value) is str):  # the most frequent ones first
        return value
    if (converter := _CONVERTERS.get(get_origin(form))) is not None:
        return converter(form, value)
    if dataclasses.is_dataclass(form):
        return value if isinstance(value, form) else _instance(form, value)  # type: ignore[arg-type]
    if is_typeddict(form):
        _fields(value, _hints(form), form.__required_keys__)
        return value
    if isinstance(form, type) and issubclass(form, enum.Enum):
        return _member(form, value)
    return _plain(form, value)


def _in_range(form: Any, value: Any) -> Any:
    """A number of ``Annotated[int, range(1, 100)]``, or another value that its type allows."""
    limits = form.__metadata__[0]
    if isinstance(convert(form.__origin__, value), int) and value not in limits:
        raise Misfit(f"is {value}, expected {limits.start} to {limits.stop - 1}")
    return value


def _wrapped(form: Any, value: Any) -> Any:
    return convert(get_args(form)[0], value)


def _literal(form: Any, value: Any) -> Any:
    if value not in get_args(form) or isinstance(value, bool):
        raise Misfit(f"is '{str(value)[:80]}', expected one of {', '.join(map(str, get_args(form)))}")
    return value


def _dict(form: Any, value: Any) -> Any:
    _require(isinstance(value, Mapping), value, "an object")
    keys, values = get_args(form)
    return {_in(key, keys, key): _in(key, values, item) for key, item in value.items()}


def _plain(form: Any, value: Any) -> Any:
    if form is Never:
        raise Misfit("is not expected here")
    if form in (dict, list):
        _require(isinstance(value, form), value, "an object" if form is dict else "a list")
        return value
    wanted = (int, float) if form is float else form
    _require(isinstance(value, wanted) and (form is bool or not isinstance(value, bool)), value, _NAMES[form])
    if form in (int, float) and not -LARGEST <= value <= LARGEST:
        raise Misfit("is a number that is too large")
    return value


def _one_of(form: Any, value: Any) -> Any:
    problems = []
    for choice in get_args(form):
        try:
            return convert(choice, value)
        except Misfit as error:
            problems.append(error)
    raise max(problems, key=lambda error: len(error.place))  # of the choice that fits best


def _instance(form: type, value: Any) -> Any:
    return form(**_fields(value, *_parameters(form)))


@cache
def _parameters(form: type) -> tuple[Mapping[str, Any], Set[str]]:
    """The annotations of the fields of a dataclass, and the names of those without a default."""
    hints, fields = _hints(form), dataclasses.fields(form)
    return {f.name: hints[f.name] for f in fields}, {f.name for f in fields if _has_no_default(f)}


def _has_no_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _fields(value: Any, forms: Mapping[str, Any], required: Set[str]) -> dict[str, Any]:
    _require(isinstance(value, Mapping), value, "an object")
    if missing := sorted(required - value.keys()):
        raise Misfit("is missing", (missing[0],))
    return {name: _in(name, form, value[name]) for name, form in forms.items() if name in value}


def _list(form: Any, value: Any) -> Any:
    origin, forms = get_origin(form), get_args(form)
    _require(isinstance(value, (list, tuple)), value, "a list")
    if origin is tuple and forms[-1] is not ...:
        if len(value) != len(forms):
            raise Misfit(f"has {len(value)} items, expected {len(forms)}")
        return tuple(_in(str(n), of, item) for n, (of, item) in enumerate(zip(forms, value, strict=True)))
    items = [_in(str(n), forms[0], item) for n, item in enumerate(value)]
    return tuple(items) if origin is tuple else items


def _member(form: type[enum.Enum], value: Any) -> enum.Enum:
    if isinstance(value, bool) or value not in [member.value for member in form]:
        raise Misfit(f"is '{str(value)[:80]}', expected one of {', '.join(str(member.value) for member in form)}")
    return form(value)


def _in(name: str, form: Any, value: Any) -> Any:
    try:
        return convert(form, value)
    except Misfit as error:
        raise error.at(name) from None


def _require(fits: bool, value: Any, expected: str) -> None:
    if not fits:
        raise Misfit(f"is {kind(value)}, expected {expected}")


@cache
def _hints(form: Any) -> dict[str, Any]:
    return typing.get_type_hints(form, include_extras=True)


_CONVERTERS: dict[Any, Callable[[Any, Any], Any]] = {  # by the origin of a form
    Annotated: _in_range,
    NotRequired: _wrapped,
    Required: _wrapped,
    Union: _one_of,
    types.UnionType: _one_of,
    Literal: _literal,
    dict: _dict,
    Mapping: _dict,
    list: _list,
    tuple: _list,
    Sequence: _list,
}
