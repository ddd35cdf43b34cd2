"""A walk over a parsed body that follows the guard's tables, and how it reports.

In: a kind of `guard.kinds` and what stands there. Out: problems in ``problems``; whatever the
kind does not name is one. `Walk` knows objects, lists and options; what each kind of value
means is in its children.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

from dstill.api.records import Problem
from dstill_querydsl.guard import kinds as kinds
from dstill_querydsl.guard import tables as tables
from dstill_querydsl.guard.kinds import Capped, Fields, Kind, ListOf, MapOf, Options
from dstill_querydsl.guard.limits import Limits
from dstill_querydsl.language.strict import escape

__all__ = ["Walk", "brief", "items", "number", "whole"]

_LONG = 10**40


class Walk(ABC):
    """The structure of a body."""

    def __init__(self, limits: Limits) -> None:
        self.problems: list[Problem] = []
        self.limits = limits

    @abstractmethod
    def by_kind(self, kind: str, value: Any, at: str) -> None:
        """Check what stands where a kind is named by one word."""

    @abstractmethod
    def field(self, value: Any, at: str) -> None:
        """Check the name of a field."""

    @abstractmethod
    def string(self, value: str, at: str) -> None:
        """Check a text."""

    # --- reporting ----------------------------------------------------------------------

    def refuse(self, code: str, message: str, at: str, hint: str = "") -> None:
        self.problems.append(Problem(layer="guard", code=code, message=f"refused: {message}", pointer=at, hint=hint))

    def not_listed(self, name: str, at: str, what: str = "key") -> None:
        code, why = tables.REASONS.get(name, ("not_allowed", f"{what} {name!r} is not on the list"))
        self.refuse(code, why, f"{at}/{escape(name)}", "leave it out")

    def over(self, what: str, found: Any, limit: int, at: str) -> None:
        self.refuse("limit", f"{what} {brief(found)} is beyond the limit of {limit:,}", at, f"at most {limit:,}")

    def within(self, what: str, value: Any, limit: int, at: str) -> None:
        if (number := whole(value)) is not None and number > limit:
            self.over(what, number, limit, at)

    # --- structure ----------------------------------------------------------------------

    def visit(self, kind: Kind, value: Any, at: str) -> None:
        if isinstance(kind, str):
            self.by_kind(kind, value, at)
        elif isinstance(kind, Capped):
            self.capped(kind, value, at)
        elif isinstance(kind, Options):
            self.options(kind, value, at)
        elif isinstance(kind, Fields):
            self.fields(kind, value, at)
        elif isinstance(kind, ListOf):
            for step, item in items(value, at):
                self.visit(kind.item, item, step)
        elif isinstance(kind, MapOf) and self.is_object(value, at):
            for name, item in value.items():
                self.string(name, at)
                self.visit(kind.item, item, f"{at}/{escape(name)}")

    def capped(self, kind: Capped, value: Any, at: str) -> None:
        limit = kind.limit if isinstance(kind.limit, int) else int(getattr(self.limits, kind.limit))
        if kind.whole:
            self.by_kind(kinds.COUNT, value, at)
            self.within(kind.what, value, limit, at)
        elif (found := number(value)) is None or found < 0:
            self.refuse("limit", f"{brief(value)} is no number from 0 up", at, "write a number")
        elif found > limit:
            self.over(kind.what, value, limit, at)

    def options(self, options: Options, value: Any, at: str) -> None:
        if not self.is_object(value, at):
            return
        for name, item in value.items():
            if name in options.names:
                self.visit(options.names[name], item, f"{at}/{escape(name)}")
            else:
                self.not_listed(name, at)
        for name in options.required:
            if not value.get(name):
                self.refuse("unnamed_fields", f"without {name!r} it reads every field", at, f"name {name}")

    def fields(self, fields: Fields, value: Any, at: str) -> None:
        if not self.is_object(value, at):
            return
        for name, item in value.items():
            step = f"{at}/{escape(name)}"
            if name in fields.beside:
                self.visit(fields.beside[name], item, step)
                continue
            self.field(name, step)
            if isinstance(item, dict) and fields.long:
                self.options(Options(fields.long), item, step)
            elif isinstance(item, dict) and fields.entry == kinds.VALUES:
                self.refuse("foreign_read", "reads another index/document", step, "give the values as a list")
            else:
                self.visit(fields.entry, item, step)

    def is_object(self, value: Any, at: str) -> bool:
        if isinstance(value, dict):
            return True
        self.refuse("not_allowed", f"{brief(value)} is no object", at)
        return False


def items(value: Any, at: str) -> list[tuple[str, Any]]:
    """The items of a list with their pointers; anything else is its own one item."""
    return [(f"{at}/{index}", item) for index, item in enumerate(value)] if isinstance(value, list) else [(at, value)]


def whole(value: Any) -> int | None:
    """A whole number from 0 up, also written as text, as engines read it."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def number(value: Any) -> float | None:
    """A finite number, also written as text, as engines read it."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def brief(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}" if abs(value) < _LONG else "a number of more than 40 digits"
    try:
        text = repr(value)
    except ValueError:  # there is a number in it that has more digits than Python writes
        text = "a list" if isinstance(value, list) else "an object"
    return text if len(text) <= 40 else text[:37] + "…"
