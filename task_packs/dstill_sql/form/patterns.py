"""Which function of `functions` a part of a query is.

    found = Patterns.of("duckdb").match(part)      Match(function=FUNCTIONS["year"], arguments=[Column(…)], number="")

The texts of the functions are parsed like answers, so every spelling that is the same in canonical form is found.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlglot import exp

from dstill_sql.form.functions import FUNCTIONS, Function
from dstill_sql.language.canonical import canonical
from dstill_sql.language.dialects import Dialect
from dstill_sql.language.statements import read

__all__ = ["Match", "Patterns", "bare"]

_NUMBER = "987654321"  # stands for {n} in a pattern
_HOLE = re.compile(r"hole_([0-9])")
# What sqlglot notes for itself, which the text of a query does not have.
_NOTES = frozenset(("big_int", "safe", "typed", "nulls_first", "date_part_boundary", "quoted", "nested", "_type"))


@dataclass(frozen=True, kw_only=True)
class Match:
    """A function with what it is of."""

    function: Function
    arguments: list[exp.Expr]
    number: str = ""  # {n}


@dataclass
class _Match:
    arguments: dict[int, exp.Expr] = field(default_factory=dict)
    number: str = ""


class Patterns:
    """The functions of one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._by_type: dict[type[exp.Expr], list[tuple[Function, exp.Expr]]] = defaultdict(list)
        for function in FUNCTIONS.values():
            if (text := function.text(dialect)) is not None:
                pattern = _parsed(text, dialect)
                self._by_type[type(pattern)].append((function, pattern))
        for patterns in self._by_type.values():
            patterns.sort(key=lambda pair: (-_size(pair[1]), pair[0].counted))  # what says more comes first

    @staticmethod
    @lru_cache(maxsize=3)
    def of(dialect: Dialect) -> Patterns:
        """The patterns of a dialect."""
        return Patterns(dialect)

    def match(self, part: exp.Expr) -> Match | None:
        """The function that a part of a canonical query is; None: it is none."""
        return next(self.matches(part), None)

    def matches(self, part: exp.Expr) -> Iterator[Match]:
        """All functions that it may be, the one that says most first."""
        for function, pattern in self._by_type.get(type(part), ()):
            match = _Match()
            if _fits(pattern, part, match):
                arguments = [match.arguments[place] for place in sorted(match.arguments)]
                yield Match(function=function, arguments=arguments, number=match.number)


def bare(part: exp.Expr) -> exp.Expr:
    """A part of a query without brackets around it. Those of a query inside stay."""
    while isinstance(part, exp.Paren):
        part = part.this
    return part


def _parsed(text: str, dialect: Dialect) -> exp.Expr:
    for place in (0, 1):
        text = text.replace(f"{{{place}}}", f"hole_{place}")
    query = canonical(read(f"SELECT {text.replace('{n}', _NUMBER)}", dialect), dialect)
    node: exp.Expr = query.selects[0].unnest()
    return node


def _size(pattern: exp.Expr) -> int:
    return sum(not isinstance(node, (exp.Column, exp.Identifier)) for node in pattern.walk())


def _fits(pattern: exp.Expr, part: exp.Expr, match: _Match) -> bool:
    if isinstance(pattern, exp.Column) and (hole := _HOLE.fullmatch(pattern.name)):
        match.arguments[int(hole[1])] = bare(part)
        return True
    part = bare(part) if not isinstance(pattern, exp.Paren) else part
    if isinstance(pattern, exp.Paren):
        return _fits(pattern.this, bare(part), match)
    if type(pattern) is not type(part):
        return False
    if isinstance(pattern, exp.Literal) and _NUMBER in pattern.name:
        return _has_number(pattern, part, match)
    names = {*pattern.args, *part.args} - _NOTES
    return all(_same(pattern.args.get(name), part.args.get(name), match) for name in names)


def _has_number(pattern: exp.Expr, part: exp.Expr, match: _Match) -> bool:
    before, _, after = pattern.name.partition(_NUMBER)
    text = re.fullmatch(re.escape(before) + r"([0-9]+(?:\.[0-9]+)?)" + re.escape(after), part.name)
    if text is None or pattern.is_string != part.is_string:
        return False
    match.number = text[1]
    return True


def _same(part: Any, other: Any, match: _Match) -> bool:
    if isinstance(part, exp.Expr) and isinstance(other, exp.Expr):
        return _fits(part, other, match)
    if isinstance(part, list) and isinstance(other, list):
        return len(part) == len(other) and all(_same(*pair, match) for pair in zip(part, other, strict=True))
    if isinstance(part, str) and isinstance(other, str):
        return part.casefold() == other.casefold()
    return (part or None) == (other or None)
