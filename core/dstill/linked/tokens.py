"""Tokens of answers, and those that spell a value by its characters.

"'a"          a character
"%c" "%3"     the halves of one byte in UTF-8, of a character that has no token
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence

__all__ = ["CHARACTERS", "FIRST_OF_TEXT", "HALVES", "NotExpressible", "Token", "TokenReader", "begins_utf8", "is_utf8"]

Token = str | int  # a piece of structure, or the number of a position

CHARACTERS = tuple(chr(code) for code in range(0x20, 0x7F))
HALVES = tuple(f"%{digit}" for digit in "0123456789abcdef")


class NotExpressible(ValueError):
    """The form has no tokens for this answer. The message says which part of it."""


class TokenReader:
    """Reads tokens one after the other. `at` is the number of the next one."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens, self.at = tokens, 0

    def peek(self) -> Token | None:
        """The next token; None: there is none."""
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def next(self) -> Token:
        """The next token. Raises NotExpressible at the end."""
        token = self.peek()
        if token is None:
            raise NotExpressible("the answer ends too early")
        self.at += 1
        return token


def is_utf8(digits: str) -> bool:
    """Whether these halves of bytes are whole characters."""
    try:
        bytes.fromhex(digits).decode()
    except ValueError:
        return False
    return True


def begins_utf8(digits: str) -> bool:
    """Whether these halves of bytes begin a text."""
    if len(digits) % 2:
        return any(begins_utf8(digits + other) for other in "0123456789abcdef")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(bytes.fromhex(digits))
    except ValueError:
        return False
    return True


# Tokens that a spelled text may begin with.
FIRST_OF_TEXT = (*(f"'{character}" for character in CHARACTERS), *(half for half in HALVES if begins_utf8(half[1:])))
