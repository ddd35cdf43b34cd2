"""Prints trees as far as their text stays small.

    text_of(read("SELECT ROUND(km) FROM trips", "duckdb"), "duckdb")     "SELECT ROUND(km) FROM trips"

sqlglot writes some calls in another form, with an argument twice or more: ``CEIL(a, b)`` has its `b` three times. Such
calls within each other grow without end, so that a text of 200 characters would print for hours.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlglot import Dialect as Grammar
from sqlglot import exp
from sqlglot.generator import Generator

from dstill_sql.language.dialects import Dialect
from dstill_sql.language.engine_text import NotPrintable

__all__ = ["MOST_CHARACTERS", "MOST_PARTS", "text_of"]

MOST_PARTS = 30_000  # that are printed; an answer has at most some 4,000 words and signs
MOST_CHARACTERS = 200_000


def text_of(tree: exp.Expr, dialect: Dialect) -> str:
    """The text of a tree, without comments. Raises NotPrintable where it is too long, and whatever sqlglot raises."""
    grammar = Grammar.get_or_raise(dialect)
    text: str = _bounded(grammar.generator_class)(dialect=grammar, comments=False).generate(tree)
    return text


@lru_cache(maxsize=8)
def _bounded(kind: type[Generator]) -> Any:
    """The printer of a dialect, which counts what it prints."""

    class Bounded(kind):  # type: ignore[valid-type,misc]
        parts = 0

        def sql(self, *given: Any, **named: Any) -> str:
            self.parts += 1
            text: str = super().sql(*given, **named)
            if self.parts > MOST_PARTS or len(text) > MOST_CHARACTERS:
                raise NotPrintable("its text is too long: calls that are written out repeat their arguments")
            return text

    return Bounded
