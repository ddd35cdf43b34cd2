"""JSON values of files that somebody else may have written, checked against type annotations.

    built(Score, {"name": "valid", "value": 0.5, "n": 2})  →  Score(name="valid", value=0.5, n=2)
    built(Score, {"name": "valid", "value": "0.5"})        →  Misfit: value is text, expected a number

Forms are the annotations that the code has anyway: dataclasses (an object becomes an instance), TypedDicts (an object
is checked and stays a dict), dicts, lists, tuples, unions, literals, enums and `Any`. Keys that a form does not
name are ignored. Numbers beyond `LARGEST` are refused: no figure of a run is that large, and arithmetic with them
overflows.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import types
import typing
from functools import cache
from typing import Annotated, Any, Literal, Mapping, Never, Union, get_args, get_origin, is_typeddict

from dstill.io.strict_json import kind

__all__ = ["Misfit", "built"]

LARGEST = 10**18
_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", type(None): "null"}


class Misfit(ValueError):
    """A value has another form than expected. The message begins with its place: ``stages/train/steps is …``."""

    def __init__(self, what: str, place: tuple[str, ...] = ()) -> None:
        super().__init__(f"{'/'.join(place) or 'it'} {what}")
        self.what, self.place = what, place

    def at(self, name: str) -> Misfit:
        return Misfit(self.what, (name[:80], *self.place))


def built(form: Any, value: Any) -> Any:
    """`value` as `form` has it. Raises Misfit."""
    origin = get_origin(form)
    if form is Any or form is object:
        return value
    if origin is Annotated:  # Annotated[int, range(1, 100)]: a number within that range
        limits = form.__metadata__[0]
        if isinstance(built(form.__origin__, value), int) and value not in limits:
            raise Misfit(f"is {value}, expected {limits.start} to {limits.stop - 1}")
        return value
    if origin in (typing.NotRequired, typing.Required):
        return built(get_args(form)[0], value)
    if origin in (Union, types.UnionType):
        return _one_of(get_args(form), value)
    if origin is Literal:
        if value not in get_args(form) or isinstance(value, bool):
            raise Misfit(f"is '{str(value)[:80]}', expected one of {', '.join(map(str, get_args(form)))}")
        return value
    if dataclasses.is_dataclass(form):
        return value if isinstance(value, form) else _instance(form, value)  # type: ignore[arg-type]
    if is_typeddict(form):
        _fields(value, _hints(form), form.__required_keys__)
        return value
    if origin in (dict, collections.abc.Mapping):
        _require(isinstance(value, Mapping), value, "an object")
        keys, values = get_args(form)
        return {_in(key, keys, key): _in(key, values, item) for key, item in value.items()}
    if origin in (list, tuple, collections.abc.Sequence):
        return _list(origin, get_args(form), value)
    if isinstance(form, type) and issubclass(form, enum.Enum):
        return _member(form, value)
    return _plain(form, value)


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


def _one_of(forms: tuple[Any, ...], value: Any) -> Any:
    problems = []
    for form in forms:
        try:
            return built(form, value)
        except Misfit as error:
            problems.append(error)
    raise max(problems, key=lambda error: len(error.place))  # of the form that fits best


def _instance(form: type, value: Any) -> Any:
    hints = _hints(form)
    required = {f.name for f in dataclasses.fields(form) if _has_no_default(f)}
    return form(**_fields(value, {f.name: hints[f.name] for f in dataclasses.fields(form)}, required))


def _has_no_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _fields(value: Any, forms: Mapping[str, Any], required: collections.abc.Set[str]) -> dict[str, Any]:
    _require(isinstance(value, Mapping), value, "an object")
    if missing := sorted(required - value.keys()):
        raise Misfit("is missing", (missing[0],))
    return {name: _in(name, form, value[name]) for name, form in forms.items() if name in value}


def _list(origin: Any, forms: tuple[Any, ...], value: Any) -> Any:
    _require(isinstance(value, (list, tuple)), value, "a list")
    if origin is tuple and forms[-1] is not ...:
        if len(value) != len(forms):
            raise Misfit(f"has {len(value)} items, expected {len(forms)}")
        return tuple(_in(str(n), form, item) for n, (form, item) in enumerate(zip(forms, value, strict=True)))
    items = [_in(str(n), forms[0], item) for n, item in enumerate(value)]
    return tuple(items) if origin is tuple else items


def _member(form: type[enum.Enum], value: Any) -> enum.Enum:
    if isinstance(value, bool) or value not in [member.value for member in form]:
        raise Misfit(f"is '{str(value)[:80]}', expected one of {', '.join(str(member.value) for member in form)}")
    return form(value)


def _in(name: str, form: Any, value: Any) -> Any:
    try:
        return built(form, value)
    except Misfit as error:
        raise error.at(name) from None


def _require(fits: bool, value: Any, expected: str) -> None:
    if not fits:
        raise Misfit(f"is {kind(value)}, expected {expected}")


@cache
def _hints(form: Any) -> dict[str, Any]:
    return typing.get_type_hints(form, include_extras=True)
