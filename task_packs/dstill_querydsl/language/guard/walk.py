"""Walks a parsed body along the guard's tables and collects problems.

In: a kind of `guard.kinds` and a value. Out: problems in ``problems``, one for everything that the kind does not
allow. `Walk` handles objects, lists and options; its subclasses check each kind of value.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

from dstill.api.records import Problem
from dstill_querydsl.language.guard import kinds as kinds
from dstill_querydsl.language.guard import tables as tables
from dstill_querydsl.language.guard.kinds import Capped, Fields, Kind, ListOf, MapOf, Options
from dstill_querydsl.language.guard.limits import Limits
from dstill_querydsl.language.strict import escape

__all__ = ["Walk", "brief", "items", "number", "whole"]

_LONG = 10**40


class Walk(ABC):
    """Checks the structure of a body. ``at`` is the JSON pointer of a value."""

    def __init__(self, limits: Limits) -> None:
        self.problems: list[Problem] = []
        self.limits = limits

    @abstractmethod
    def by_kind(self, kind: str, value: Any, at: str) -> None:
        """Check a value whose kind is one of the words of `guard.kinds`."""

    @abstractmethod
    def field(self, value: Any, at: str) -> None:
        """Check a field name."""

    @abstractmethod
    def string(self, value: str, at: str) -> None:
        """Check a string."""

    # --- reporting ----------------------------------------------------------------------

    def refuse(self, code: str, message: str, at: str, hint: str = "") -> None:
        self.problems.append(Problem(layer="guard", code=code, message=f"refused: {message}", pointer=at, hint=hint))

    def not_allowed(self, name: str, at: str, kind: str = "key") -> None:
        code, reason = tables.REASONS.get(name, ("not_allowed", f"{kind} {name!r} is not allowed"))
        self.refuse(code, reason, f"{at}/{escape(name)}", "remove it")

    def exceeds(self, label: str, value: Any, limit: int, at: str) -> None:
        self.refuse("limit", f"{label} is {brief(value)}, the limit is {limit:,}", at, f"use at most {limit:,}")

    def within(self, label: str, value: Any, limit: int, at: str) -> None:
        if (number := whole(value)) is not None and number > limit:
            self.exceeds(label, number, limit, at)

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
        elif (size := number(value)) is None or size < 0:
            self.refuse("limit", f"{brief(value)} is not a number of 0 or more", at, "write a number")
        elif size > limit:
            self.exceeds(kind.what, value, limit, at)

    def options(self, options: Options, value: Any, at: str) -> None:
        if not self.is_object(value, at):
            return
        for name, item in value.items():
            if name in options.names:
                self.visit(options.names[name], item, f"{at}/{escape(name)}")
            else:
                self.not_allowed(name, at)
        for name in options.required:
            if not value.get(name):
                self.refuse("unnamed_fields", f"without {name!r} this query searches every field", at, f"add {name!r}")

    def fields(self, fields: Fields, value: Any, at: str) -> None:
        if not self.is_object(value, at):
            return
        for name, item in value.items():
            step = f"{at}/{escape(name)}"
            if name in fields.options:
                self.visit(fields.options[name], item, step)
                continue
            self.field(name, step)
            if isinstance(item, dict) and fields.long:
                self.options(Options(fields.long), item, step)
            elif isinstance(item, dict) and fields.entry == kinds.VALUES:
                self.refuse("foreign_read", "reads another index/document", step, "write the values as a list")
            else:
                self.visit(fields.entry, item, step)

    def is_object(self, value: Any, at: str) -> bool:
        if isinstance(value, dict):
            return True
        self.refuse("not_allowed", f"{brief(value)} is not an object", at)
        return False


def items(value: Any, at: str) -> list[tuple[str, Any]]:
    """The items of a list with their pointers; any other value is a single item."""
    return [(f"{at}/{index}", item) for index, item in enumerate(value)] if isinstance(value, list) else [(at, value)]


def whole(value: Any) -> int | None:
    """A whole number of 0 or more, also from a string, as engines read it; else None."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def number(value: Any) -> float | None:
    """A finite number, also from a string, as engines read it; else None."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def brief(value: Any) -> str:
    """A value for a message, cut to about 40 characters."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}" if abs(value) < _LONG else "a number of more than 40 digits"
    try:
        text = repr(value)
    except ValueError:  # it contains a number with more digits than Python prints
        text = "a list" if isinstance(value, list) else "an object"
    return text if len(text) <= 40 else text[:37] + "…"
