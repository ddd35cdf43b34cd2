"""Texts that an engine may get: `printing` makes them from trees, `fixed` from words in dstill's code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, LiteralString

from dstill_sql.language.dialects import Dialect

if TYPE_CHECKING:
    from sqlglot import exp

__all__ = ["NotPrintable", "Statement", "fixed"]


class NotPrintable(ValueError):
    """No text of a tree is safe to send. The message says why."""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A text for an engine."""

    text: str
    dialect: Dialect
    tree: exp.Expr | None = field(default=None, repr=False, compare=False)  # that the engine must read; None: our words


def fixed(text: LiteralString, dialect: Dialect) -> Statement:
    """A statement that is written out in dstill's code. Its values are parameters."""
    return Statement(text=text, dialect=dialect)
