"""Conditions in plain words. Brackets are around parts with AND or OR inside others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sqlglot import exp

from dstill.linked.spoken import listed
from dstill_sql.language.readback.dates import DATES as DATE_WORDS
from dstill_sql.language.readback.expressions import ATOMS, DATES, Expressions, quoted_text, said_args
from dstill_sql.language.readback.functions import FUNCTIONS

__all__ = ["Conditions", "conjuncts"]

_COMPARED: Mapping[type[exp.Expr], tuple[str, str]] = {  # of numbers and texts, of dates
    exp.EQ: ("is", "is"),
    exp.NEQ: ("is not", "is not"),
    exp.GT: ("is more than", "is after"),
    exp.GTE: ("is at least", "is on or after"),
    exp.LT: ("is less than", "is before"),
    exp.LTE: ("is at most", "is on or before"),
    exp.NullSafeEQ: ("is the same as", "is the same as"),
    exp.NullSafeNEQ: ("is not the same as", "is not the same as"),
}
_MIRRORED: Mapping[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.EQ, exp.NEQ: exp.NEQ, exp.GT: exp.LT, exp.LT: exp.GT, exp.GTE: exp.LTE, exp.LTE: exp.GTE,
}  # fmt: skip
_OPPOSITE: Mapping[type[exp.Expr], type[exp.Expr]] = {exp.EQ: exp.NEQ, exp.NEQ: exp.EQ}  # under NOT
_WORDS = {exp.And: "and", exp.Or: "or"}
# Patterns, with · for a text → the verb, and its form after "does not".
_PATTERNS = {
    "%·%": ("contains", "contain"),
    "·%": ("starts with", "start with"),
    "%·": ("ends with", "end with"),
    "·": ("reads", "read"),
}
_OTHER = ("matches the pattern", "match the pattern")


def conjuncts(node: exp.Expr) -> list[exp.Expr]:
    """The conditions between which there is AND."""
    inner = node.unnest()
    return list(inner.flatten()) if isinstance(inner, exp.And) else [inner]


class Conditions(Expressions):
    """Conditions of one query."""

    vocabulary: ClassVar = {**ATOMS, **FUNCTIONS, **DATE_WORDS}

    def condition(self, node: exp.Expr) -> str:
        inner = node.unnest()
        if isinstance(inner, exp.Connector) and type(inner) in _WORDS:
            word = _WORDS[type(inner)]
            return f"{'either' if word == 'or' else 'both'} {f' {word} '.join(map(self.part, inner.flatten()))}"
        negated = isinstance(inner, exp.Not)
        plain = inner.this.unnest() if negated else inner
        if text := self._plain(plain, negated=negated):
            return text
        return f"not ({self.condition(plain)})" if negated else f"{self.value(plain)} is yes"

    def part(self, node: exp.Expr) -> str:
        """A condition beside others: in brackets if it has AND or OR."""
        text = self.condition(node)
        return f"({text})" if isinstance(node.unnest(), exp.Connector) else text

    def _plain(self, node: exp.Expr, *, negated: bool) -> str:
        """A condition without AND and OR, or its opposite; empty: it has no words of its own."""
        if isinstance(node, exp.Column):
            return f"{self.value(node)} is no" if negated else ""
        if type(node) in _COMPARED and said_args(node, "this", "expression"):
            kind = _OPPOSITE.get(type(node)) if negated else type(node)
            return self._compared(kind, node.this, node.expression) if kind is not None else ""
        if isinstance(node, exp.Exists) and said_args(node, "this"):
            return self.exists(node.this, negated=negated)
        if isinstance(node, exp.Boolean):
            return "always" if bool(node.this) is not negated else "never"
        if text := self._tested(node, negated=negated):
            return f"{self.value(node.this)} {text}"
        return f"{self.sql(node)} holds" if isinstance(node, exp.Predicate) and not negated else ""

    def _tested(self, node: exp.Expr, *, negated: bool) -> str:
        """What IS, BETWEEN, IN or LIKE says of its first part, or the opposite; empty: it is none of these."""
        if isinstance(node, exp.Is) and said_args(node, "this", "expression"):
            return self._state(node.expression, negated=negated)
        if isinstance(node, exp.Between) and said_args(node, "this", "low", "high"):
            low, high = (self._side(node.args[end], node.this) for end in ("low", "high"))
            return f"is{' not' * negated} from {low} to {high}"
        if isinstance(node, exp.In) and said_args(node, "this", "expressions", "query"):
            return f"is {self._members(node, negated=negated)}"
        if isinstance(node, (exp.Like, exp.ILike)) and said_args(node, "this", "expression", "negate"):
            return self._like(node, negated=negated is not bool(node.args.get("negate")))
        return ""

    def _compared(self, kind: type[exp.Expr], left: exp.Expr, right: exp.Expr) -> str:
        if kind in _MIRRORED and isinstance(right, exp.Column) and not isinstance(left, exp.Column):
            left, right, kind = right, left, _MIRRORED[kind]
        sides = [self._side(left, right), self._side(right, left)]
        is_date = {self.family(left), self.family(right)} & {*DATES}
        return f" {_COMPARED[kind][bool(is_date)]} ".join(sides)

    def _side(self, node: exp.Expr, other: exp.Expr) -> str:
        """A side of a comparison with the `other`."""
        return self.literal(node, self.family(other)) if isinstance(node, exp.Literal) else self.value(node)

    def _state(self, what: exp.Expr, *, negated: bool) -> str:
        """IS NULL, IS TRUE and IS FALSE, or their opposites."""
        if isinstance(what, exp.Null):
            return "has a value" if negated else "has no value"
        return f"is {'not ' if negated else ''}known to be {self.value(what)}"

    def _members(self, node: exp.In, *, negated: bool) -> str:
        """What IN compares with."""
        among = "not among" if negated else "among"
        if (query := node.args.get("query")) is not None:
            return f"{among} {self.subquery(query)}"
        members = [self._side(member, node.this) for member in node.expressions]
        plain = all(isinstance(member.unnest(), (exp.Literal, exp.Neg)) for member in node.expressions)
        if not plain or len(members) == 1:
            return f"{among} ({listed(members)})"
        if not negated:
            return listed(members, "or")
        return f"none of {listed(members)}" if len(members) > 2 else f"neither {listed(members, 'nor')}"

    def _like(self, node: exp.Like | exp.ILike, *, negated: bool) -> str:
        pattern = node.expression
        text = pattern.name.strip("%") if isinstance(pattern, exp.Literal) and pattern.is_string else ""
        form = pattern.name.replace(text, "·", 1) if text and not set(text) & set("%_\\") else ""
        if form not in _PATTERNS:
            text = pattern.name if isinstance(pattern, exp.Literal) else ""
        said = self.value(pattern) if form not in _PATTERNS else quoted_text(text)
        verb = _PATTERNS.get(form, _OTHER)[negated]
        self.values.update({text: None} if text else {})
        ending = " in capital or small letters" if isinstance(node, exp.ILike) else ""
        return f"{'does not ' if negated else ''}{verb} {said}{ending}"
