"""Conditions on nested objects, which one object has to meet together.

NESTED["pair"](draw)   where the same credits entry has role director and name …
                       {"nested": {"path": "credits", "query": {"bool": {"filter": [{"term": …}, {"term": …}]}}}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dstill_querydsl.questions.templates.clause import Clause, Maker, Way, fill
from dstill_querydsl.questions.templates.conditions_numbers import limits
from dstill_querydsl.questions.templates.context import Draw, Skip, usable, values_at
from dstill_querydsl.questions.templates.roles import Role
from dstill_querydsl.questions.templates.units import spell
from dstill_querydsl.questions.templates.words import noun_of, sayable

__all__ = ["NESTED", "inner_measure", "leaf_noun"]

_ONE: Sequence[Way] = (
    "with a {p} entry whose {f} is {v}", "where one of the {p} has {f} {v}", "with {v} as {f} of one of the {p}",
    "that list {f} {v} among the {p}", "having {p} with {f} {v}",
)  # fmt: skip
_PAIR: Sequence[Way] = (
    "with a {p} entry whose {f} is {v} and whose {g} is {w}", "where the same {p} entry has {f} {v} and {g} {w}",
    "where one of the {p} has both {f} {v} and {g} {w}", "with {f} {v} and {g} {w} in one and the same {p} entry",
    "that list {f} {v} as {g} {w} among the {p}",
)  # fmt: skip
_RANGE: Sequence[Way] = (
    "with a {p} entry whose {f} is {v} and whose {g} is over {w}",
    "where the same {p} entry has {f} {v} and a {g} above {w}",
    "where one of the {p} has {f} {v} and more than {w} {g}",
    "with {f} {v} and {g} greater than {w} in one {p} entry", "having a {p} entry with {f} {v} and {g} exceeding {w}",
)  # fmt: skip
_WHOLE = ("category", "boolean", "ip")


def leaf_noun(role: Role) -> str:
    """The noun of a field, without the name of its list."""
    above = noun_of(role.nested, 1)
    return role.word.noun.removeprefix(f"{above} ") or role.word.noun


def inner_measure(draw: Draw) -> Role:
    """A number in a nested object that can be summed. Raises Skip."""
    roles = [role for roles in draw.context.nested.values() for role in roles]
    return draw.among([role for role in roles if role.kind == "number" and role.groups and role.measures])


def _object(draw: Draw, *kinds: str) -> tuple[str, list[tuple[Role, Any]]]:
    """The path of a nested object of this document, and a field with a value for each kind. A text uses its keyword."""
    paths = list(draw.context.nested)
    if not paths:
        raise Skip("nothing nested")
    path = draw.random.choice(paths)
    objects = values_at(draw.source, path.split("."))
    objects = [entry for item in objects for entry in (item if isinstance(item, list) else [item])]
    if not objects:
        raise Skip(path)
    source = draw.random.choice(objects)
    chosen: list[tuple[Role, Any]] = []
    for kind in kinds:
        taken = {role.stored for role, _ in chosen}
        options = [
            (_exact(role), value)
            for role in draw.context.nested[path]
            if role.stored not in taken and _serves(role, kind)
            for value in values_at(source, role.stored.removeprefix(f"{path}.").split("."))
            if usable(role, value) and (sayable(value) or kind != "value")
        ]
        if not options:
            raise Skip(path)
        chosen.append(draw.random.choice(options))
    draw.used |= {role.stored for role, _ in chosen}
    return path, chosen


def _serves(role: Role, kind: str) -> bool:
    """Whether a field fits the kind. ``value`` is any field with whole values."""
    return role.kind in _WHOLE or bool(role.exact) if kind == "value" else role.kind == kind


def _exact(role: Role) -> Role:
    return replace(role, field=role.exact, type="keyword") if role.exact else role


def _spoken(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _nested(path: str, *inner: Mapping[str, Any]) -> dict[str, Any]:
    return {"nested": {"path": path, "query": {"bool": {"filter": list(inner)}}}}


def inner(draw: Draw) -> Clause:
    path, [(role, value)] = _object(draw, "value")
    text = fill(draw.random.choice(_ONE), p=noun_of(path, 1), f=leaf_noun(role), v=_spoken(value))
    why = f"{path} is nested, {role.note}: term in a nested query."
    return Clause(text=text, body=_nested(path, {"term": {role.field: value}}), why=why)


def pair(draw: Draw) -> Clause:
    """Two conditions on one nested object."""
    path, [(role, value), (other, more)] = _object(draw, "value", "value")
    text = fill(
        draw.random.choice(_PAIR),
        p=noun_of(path, 1),
        f=leaf_noun(role),
        v=_spoken(value),
        g=leaf_noun(other),
        w=_spoken(more),
    )
    body = _nested(path, {"term": {role.field: value}}, {"term": {other.field: more}})
    why = f"{path} is nested, {role.field} and {other.field} of the same object: both terms in one nested query."
    return Clause(text=text, body=body, why=why)


def inner_range(draw: Draw) -> Clause:
    path, [(role, value), (other, more)] = _object(draw, "value", "number")
    low, _ = limits(other, more)
    if low == more:
        raise Skip(other.field)
    shown = spell(low, other.word.unit, draw.random)
    text = fill(
        draw.random.choice(_RANGE), p=noun_of(path, 1), f=leaf_noun(role), v=_spoken(value), g=leaf_noun(other), w=shown
    )
    body = _nested(path, {"term": {role.field: value}}, {"range": {other.field: {"gt": low}}})
    why = f"{path} is nested, {role.field} and {other.field} of the same object: term and range in one nested query."
    return Clause(text=text, body=body, why=why)


_KINDS: Sequence[Maker] = (inner, pair, inner_range)
NESTED: Mapping[str, Maker] = {maker.__name__: maker for maker in _KINDS}
