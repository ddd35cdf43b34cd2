"""Tokens of answers, and those that spell a value by its characters.

"'a"          a character
"%c" "%3"     the halves of one byte in UTF-8, of a character that has no token
"""

from __future__ import annotations

import codecs

__all__ = ["CHARACTERS", "FIRST_OF_TEXT", "HALVES", "NotExpressible", "Token", "begins_utf8", "is_utf8"]

Token = str | int  # a piece of structure, or the number of a position

CHARACTERS = tuple(chr(code) for code in range(0x20, 0x7F))
HALVES = tuple(f"%{digit}" for digit in "0123456789abcdef")


class NotExpressible(ValueError):
    """The form has no tokens for this answer. The message says which part of it."""


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
