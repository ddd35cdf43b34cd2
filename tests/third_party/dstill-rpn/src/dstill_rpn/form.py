"""The form of programs for students of the kind linked: operands are words of the question, operators are tokens.

"take x, add 4, then multiply by y"    words 0 to 9
"x 4 + y *"                            [1, 4, "+", 9, "*"]
"""

from __future__ import annotations

from dataclasses import dataclass

from dstill.api import Cursor, Form, Linked, Token
from dstill.linked import Reading
from dstill_rpn.pack import VALUES, WORDS


@dataclass(frozen=True)
class Stack(Cursor):
    """A program that is being written: the operands that it has not used, and how many numbers it leaves."""

    unused: frozenset[int]
    depth: int = 0

    def allowed(self) -> list[Token]:
        return [*self.unused, *(WORDS if self.depth > 1 else ()), *([""] if self.depth == 1 else ())]

    def push(self, token: Token) -> Stack:
        return Stack(self.unused - {token}, self.depth + (1 if isinstance(token, int) else -1))


class RpnForm(Form):
    tokens = tuple(WORDS)

    def start(self, reading: Reading) -> Stack:
        return Stack(frozenset(place for place, word in enumerate(reading.words) if word.text in VALUES))


class RpnLinked(Linked):
    def form(self) -> Form:
        return RpnForm()
