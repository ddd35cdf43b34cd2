"""Parses texts as far as that takes few steps.

    parsed_tokens(grammar.tokenize(text), text, grammar)     [Select(…)]

sqlglot tries several readings of a call with the name of a type: ``DATE(DATE(DATE(x)))`` takes it twice as long for
each more of them, so that a text of 150 characters would be read for hours.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlglot import Dialect as Grammar
from sqlglot import exp
from sqlglot.parser import Parser

__all__ = ["parsed_tokens"]

_STEPS = 20_000  # that any text may take
_STEPS_OF_TOKEN = 20  # and as many more; most texts take one or two


def parsed_tokens(tokens: list[Any], text: str, grammar: Grammar) -> list[exp.Expr | None]:
    """The statements of a text. Raises RecursionError where the parser goes back too often, and as sqlglot does."""
    parser = _bounded(grammar.parser_class)(dialect=grammar)
    parser.left = _STEPS + _STEPS_OF_TOKEN * len(tokens)
    statements: list[exp.Expr | None] = parser.parse(tokens, text)
    return statements


@lru_cache(maxsize=8)
def _bounded(kind: type[Parser]) -> Any:
    """The parser of a dialect, which counts its steps."""

    class Bounded(kind):  # type: ignore[valid-type,misc]
        left = 0

        def _advance(self, times: int = 1) -> None:
            self.left -= 1
            if self.left < 0:
                raise RecursionError("the text is nested too deeply")  # sqlglot itself catches its own errors
            super()._advance(times)

    return Bounded
