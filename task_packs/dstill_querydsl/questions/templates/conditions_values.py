"""Conditions on whole values and on existence: is, is one of, is not, exists, is missing.

VALUES["term"](draw)     with host web-03      {"term": {"host.name": "web-03"}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dstill_querydsl.questions.templates.clause import Clause, Maker, Way, fill, worded_clause
from dstill_querydsl.questions.templates.context import Draw, Skip, values_at
from dstill_querydsl.questions.templates.roles import Role
from dstill_querydsl.questions.templates.units import spell
from dstill_querydsl.questions.templates.words import mark, sayable

__all__ = ["VALUES", "class_of", "equals", "status_classes"]

IS: Sequence[Way] = (
    "with {f} {v}", "whose {f} is {v}", "where the {f} is {v}", "that have {v} as {f}", "having {f} {v}",
)  # fmt: skip
_EITHER: Sequence[Way] = (
    "with {f} {v} or {w}", "whose {f} is {v} or {w}", "whose {f} is either {v} or {w}", "with {f} in {v}, {w}",
    "where the {f} is one of {v} and {w}",
)  # fmt: skip
# They include documents without the field. "With another {f} than {v}" would exclude those.
_NOT: Sequence[Way] = (
    "whose {f} is not {v}", "where the {f} is not {v}", "that do not have {f} {v}", "that do not have {v} as {f}",
    "not with {f} {v}",
)  # fmt: skip
_OR = ("({} or {})", "either {} or {}", "(either {} or {})", "for which one of two holds, {} or {}", "({}, or else {})")
_HAS: Sequence[Way] = (
    "that have a {f}", "with a {f}", "where the {f} is known", "with any {f} at all", "that come with a {f}",
    "whose {f} is set",
)  # fmt: skip
_LACKS: Sequence[Way] = (
    "without a {f}", "that have no {f}", "where the {f} is missing", "lacking a {f}", "whose {f} is unknown",
    "with no {f}",
)  # fmt: skip
# For fields with a plural noun, such as awards.
_HAVE: Sequence[Way] = (
    "that have {f}", "with {f}", "where the {f} are known", "with any {f} at all", "that come with {f}",
    "whose {f} are set",
)  # fmt: skip
_LACK: Sequence[Way] = (
    "without {f}", "that have no {f}", "where the {f} are missing", "lacking {f}", "whose {f} are unknown",
    "with no {f}",
)  # fmt: skip
_YES: Sequence[Way] = (
    "with {f} true", "whose {f} is true", "where {f} is yes", "with {f} set to true", "that are marked {f}",
)  # fmt: skip
_NO: Sequence[Way] = (
    "with {f} false", "whose {f} is false", "where {f} is no", "with {f} set to false", "that are not marked {f}",
)  # fmt: skip


def _shown(draw: Draw, role: Role, value: Any) -> str:
    """A value as a question writes it: a number with its unit."""
    if role.kind == "number":
        return spell(value, role.word.unit, draw.random)
    return str(value)


def equals(draw: Draw, role: Role, value: Any, field: str = "", **more: Any) -> Clause:
    """A `term` clause in one of the ways."""
    ways = (*IS, *role.word.ways, *role.word.ways)
    why = f"{role.note}: term."
    shown = _shown(draw, role, value)
    terse = mark(shown) if _is_unambiguous(draw, role, value) else ""
    return worded_clause(draw, role, ways, {"term": {field or role.field: value}}, why, v=shown, terse=terse, **more)


def _is_unambiguous(draw: Draw, role: Role, *values: Any) -> bool:
    """Whether no other field is known to have one of the values, so that a value alone identifies the field."""
    others = (other for other in draw.context.roles if other.field != role.field)
    return not any(value in other.known.values for other in others for value in values)


def term(draw: Draw) -> Clause:
    role, value = draw.known("category")
    return equals(draw, role, value)


def eq(draw: Draw) -> Clause:
    """A number with few values: a code or a count."""
    roles = [role for role in draw.context.by_kind("number") if role.whole and role.known.values]
    role = draw.among(roles)
    return equals(draw, role, draw.value(role))


def boolean(draw: Draw) -> Clause:
    role, value = draw.known("boolean")
    own = role.word.yes if value else role.word.no
    ways = (own, own, *(_YES if value else _NO)) if own else _YES if value else _NO
    terse = mark(f"{'' if value else 'not '}{role.word.noun}")
    return worded_clause(draw, role, ways, {"term": {role.field: value}}, f"{role.note}: term.", terse=terse)


def _pair(draw: Draw) -> tuple[Role, Any, Any]:
    """A field with whole values, this document's value, and another value."""
    roles = [role for role in draw.context.by_kind("category", "number", "text") if _whole(role)]
    role = draw.among(roles)
    value = draw.value(role)
    other = draw.other(role, value)
    if not (sayable(value) and sayable(other)):
        raise Skip(role.field)
    return role, value, other


def _whole(role: Role) -> bool:
    return role.kind == "category" or role.code or bool(role.exact)


def either(draw: Draw) -> Clause:
    role, *values = _pair(draw)
    pair = draw.random.sample(values, 2)
    why = f"{role.keyword_note}, one of two: terms."
    v, w = (_shown(draw, role, value) for value in pair)
    terse = f"{mark(v)}/{mark(w)}" if _is_unambiguous(draw, role, *pair) else ""
    return worded_clause(draw, role, _EITHER, {"terms": {role.keyword: pair}}, why, v=v, w=w, terse=terse)


def excluded(draw: Draw) -> Clause:
    role, _, other = _pair(draw)
    why = f"{role.keyword_note}, excluded: term in must_not."
    shown = _shown(draw, role, other)
    terse = f"not {mark(shown)}" if _is_unambiguous(draw, role, other) else ""
    return worded_clause(draw, role, _NOT, {"term": {role.keyword: other}}, why, v=shown, occur="must_not", terse=terse)


def or_fields(draw: Draw) -> Clause:
    """Either of two conditions on two fields."""
    first, second = (equals(draw, *draw.known("category", "ip")) for _ in range(2))
    if "before" in (first.place, second.place):
        raise Skip("no or before a noun")
    text = draw.pick(*_OR).format(first.text, second.text)
    fields = " or ".join(next(iter(clause.body["term"])) for clause in (first, second))
    return Clause(
        text=text,
        body={"bool": {"should": [first.body, second.body]}},
        why=f"{fields} holds the value, keywords: one of two terms in should.",
    )


_ANY = ("category", "number", "date", "text", "boolean", "ip", "geo")


def _sparse(draw: Draw, here: bool) -> Role:
    """A field that this document has (`here`) or lacks. Fields that are sometimes missing are preferred."""
    roles = draw.context.by_kind(*_ANY)
    telling = [role for role in roles if role.field in draw.context.sparse and role.stored not in draw.used]
    role = draw.among(telling or roles)
    if bool(values_at(draw.source, role.stored.split("."))) is not here:
        raise Skip(role.field)
    return role


def has(draw: Draw) -> Clause:
    role = _sparse(draw, True)
    ways = _HAVE if role.word.nouns == role.word.noun else _HAS
    return worded_clause(draw, role, ways, {"exists": {"field": role.field}}, f"{role.field} is there: exists.")


def lacks(draw: Draw) -> Clause:
    role = _sparse(draw, False)
    why = f"{role.field} is missing: exists in must_not."
    ways = _LACK if role.word.nouns == role.word.noun else _LACKS
    return worded_clause(draw, role, ways, {"exists": {"field": role.field}}, why, occur="must_not")


def coded(draw: Draw) -> Clause:
    """A code by the name that people use: Germany is DE."""
    role = draw.among([role for role in draw.context.by_kind("category") if role.word.codes])
    value = draw.value(role)
    spoken = role.word.codes.get(str(value))
    if spoken is None:
        raise Skip(role.field)
    ways = (*IS, *role.word.ways, *role.word.ways)
    why = f"{spoken} is {value}; {role.note}: term."
    return worded_clause(draw, role, ways, {"term": {role.field: value}}, why, v=spoken, terse=mark(spoken))


_CLASSES = {2: "successful", 3: "redirect", 4: "client error", 5: "server error"}


def status_classes(draw: Draw) -> list[Role]:
    """Fields with HTTP status codes."""
    numbers = draw.context.by_kind("number")
    return [role for role in numbers if role.stored.rpartition(".")[2] in ("status_code", "statusCode")]


def class_of(role: Role, value: Any) -> tuple[str, dict[str, int]]:
    """The class of a status code and its bounds: 503 is in 5xx, which is 500 to 599. Raises Skip."""
    hundreds = int(value) // 100
    if hundreds not in _CLASSES:
        raise Skip(role.field)
    return f"{hundreds}xx", {"gte": hundreds * 100, "lt": hundreds * 100 + 100}


def status_class(draw: Draw) -> Clause:
    roles = status_classes(draw)
    role = draw.among(roles)
    digits, bounds = class_of(role, draw.value(role))
    called = _CLASSES[int(digits[0])]
    ways = (
        f"with a {{f}} of {digits}", f"with {{f}} {digits}", f"that returned a {called} {{f}}",
        f"whose {{f}} is a {called}", f"in the {digits} range of {{f}}",
    )  # fmt: skip
    why = f"{digits} is {bounds['gte']} to {bounds['lt'] - 1}; {role.note}: range."
    terse = digits if len(roles) == 1 else f"{mark(role.word.noun)} {digits}"
    return worded_clause(draw, role, ways, {"range": {role.field: bounds}}, why, terse=terse)


def named(draw: Draw) -> Clause:
    """A word that stands for a range, such as slow."""
    conditions = draw.context.lexicon.conditions
    if not conditions:
        raise Skip("no such words")
    condition = draw.random.choice(conditions)
    role = draw.among([role for role in draw.context.by_kind("number") if role.field == condition.field])
    if not _within(draw.value(role), condition.bounds):
        raise Skip(condition.word)
    why = f"{condition.word} means {condition.means}; {role.note}: range."
    body = {"range": {role.field: dict(condition.bounds)}}
    return Clause(text=fill("{v}", v=condition.word), place="before", body=body, why=why, terse=mark(condition.word))


def _within(value: Any, bounds: Mapping[str, float]) -> bool:
    tests = {"gt": lambda b: value > b, "gte": lambda b: value >= b, "lt": lambda b: value < b}
    return all(tests.get(name, lambda b: value <= b)(bound) for name, bound in bounds.items())


VALUES: Mapping[str, Maker] = {
    "term": term,
    "eq": eq,
    "boolean": boolean,
    "either": either,
    "not": excluded,
    "or_fields": or_fields,
    "has": has,
    "lacks": lacks,
    "coded": coded,
    "status_class": status_class,
    "named": named,
}
