"""Parses one line of EBNF into the rule's name and the tree of its right-hand side.

parse_rule('ITEM ::= "a" [b-d]{1,3}', 7)
-> ("ITEM", Sequenced((Literal("a", '"a"'), Repeat(Characters(((98, 100),), False), 1, 3))))
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from dstill.errors import DataError

__all__ = ["Alternatives", "Characters", "Literal", "Node", "Reference", "Repeat", "Sequenced", "parse_rule"]

_TOKEN = re.compile(
    r'\s*(?:(?P<literal>"(?:[^"\\]|\\.)*")|(?P<class>\[(?:[^\]\\]|\\.)+\])|(?P<name>[A-Za-z_][A-Za-z0-9_]*)'
    r"|(?P<quantifier>[?*+]|\{(?P<low>\d+)(?P<comma>,)?(?P<high>\d+)?\})|(?P<sign>[|()]))"
)
_HEAD = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*::=")
_IN_CLASS = re.compile(r"\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\(.)|(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_LAST_CODE_POINT = 0x10FFFF


@dataclass(frozen=True)
class Literal:
    """A text in quotes."""

    text: str
    source: str  # as in the grammar, with its quotes and escapes


@dataclass(frozen=True)
class Characters:
    """One character from these ranges of code points or, if negated, one outside them."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool

    @property
    def regex(self) -> str:
        inner = "".join(f"\\u{{{low:x}}}-\\u{{{high:x}}}" for low, high in self.ranges)
        return f"[{'^' * self.negated}{inner}]"

    @property
    def widest(self) -> int:
        """The UTF-8 bytes of the longest character."""
        return len(chr(self._highest()).encode("utf-8", "surrogatepass"))

    def _highest(self) -> int:
        if not self.negated:
            return max(high for _, high in self.ranges)
        highest = _LAST_CODE_POINT
        for low, high in sorted(self.ranges, reverse=True):
            if low <= highest <= high:
                highest = low - 1
        return max(highest, 0)


@dataclass(frozen=True)
class Reference:
    """The name of another rule or token."""

    name: str


@dataclass(frozen=True)
class Repeat:
    """`item`, `least` to `most` times."""

    item: Node
    least: int
    most: int | None  # None: no limit

    @property
    def quantifier(self) -> str:
        return f"{{{self.least},{'' if self.most is None else self.most}}}"


@dataclass(frozen=True)
class Sequenced:
    """All parts, in order."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Alternatives:
    """One of the parts."""

    parts: tuple[Node, ...]


Node: TypeAlias = Literal | Characters | Reference | Repeat | Sequenced | Alternatives
_QUANTIFIERS: dict[str, tuple[int, int | None]] = {"?": (0, 1), "*": (0, None), "+": (1, None)}


def parse_rule(line: str, number: int) -> tuple[str, Node]:
    """Parse line `number` of a grammar. Raises DataError with the line and the column."""
    head = _HEAD.match(line)
    if head is None:
        raise DataError(
            "this line is not a grammar rule", where=f"grammar:{number}", hint='write: name ::= "text" other_rule'
        )
    parser = _Parser(line, head.end(), number)
    node = parser.alternatives()
    if line[parser.position :].strip():
        raise parser.error()
    return head[1], node


class _Parser:
    """Recursive descent over one line."""

    def __init__(self, line: str, position: int, number: int) -> None:
        self._line, self.position, self._number = line, position, number
        self._peeked_at = -1
        self._peeked: re.Match[str] | None = None

    def _peek(self) -> re.Match[str] | None:
        """The next token, which stays unread; cached because several rules look at it."""
        if self._peeked_at != self.position:
            self._peeked_at, self._peeked = self.position, _TOKEN.match(self._line, self.position)
        return self._peeked

    def alternatives(self) -> Node:
        parts = [self._sequence()]
        while self._accept("|"):
            parts.append(self._sequence())
        return parts[0] if len(parts) == 1 else Alternatives(tuple(parts))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while (item := self._item()) is not None:
            parts.append(self._quantified(item))
        if not parts:
            raise self.error()
        return parts[0] if len(parts) == 1 else Sequenced(tuple(parts))

    def _item(self) -> Node | None:
        token = self._peek()
        if token is None or token["quantifier"] or (token["sign"] and token["sign"] != "("):
            return None
        self.position = token.end()
        if token["literal"]:
            return self._literal(token["literal"])
        if token["class"]:
            return _characters(token["class"])
        if token["name"]:
            return Reference(token["name"])
        inner = self.alternatives()
        if not self._accept(")"):
            raise self.error()
        return inner

    def _literal(self, source: str) -> Literal:
        try:
            return _literal(source)
        except ValueError:
            raise self.error() from None

    def _quantified(self, item: Node) -> Node:
        while (token := self._peek()) and token["quantifier"]:
            self.position = token.end()
            if token["low"] is None:
                item = Repeat(item, *_QUANTIFIERS[token["quantifier"]])
            else:
                low = int(token["low"])
                item = Repeat(item, low, int(token["high"]) if token["high"] else None if token["comma"] else low)
        return item

    def _accept(self, sign: str) -> bool:
        token = self._peek()
        if token is None or token["sign"] != sign:
            return False
        self.position = token.end()
        return True

    def error(self) -> DataError:
        rest = self._line[self.position :].strip()[:20]
        return DataError(
            f"the grammar cannot be read at {rest!r}" if rest else "a grammar rule ends too soon",
            where=f"grammar:{self._number}:{self.position + 1}",
        )


# Cached: in a grammar of many fields, the same literals and classes recur in many rules.
@lru_cache(maxsize=20_000)
def _literal(source: str) -> Literal:
    """Raises ValueError for an escape that JSON does not have."""
    return Literal(json.loads(source), source)


@lru_cache(maxsize=1_000)
def _characters(source: str) -> Characters:
    inner = source[1:-1]
    negated = inner.startswith("^")
    points: list[tuple[int, bool]] = []  # a code point, and whether it is an unescaped minus sign
    for match in _IN_CLASS.finditer(inner[negated:]):
        digits = match[1] or match[2] or match[3]
        character = _ESCAPES.get(match[4], match[4]) if match[4] else match[5]
        points.append((int(digits, 16) if digits else ord(character), match[5] == "-"))
    return Characters(tuple(_ranges(points)), negated)


def _ranges(points: list[tuple[int, bool]]) -> list[tuple[int, int]]:
    ranges, at = [], 0
    while at < len(points):
        if at + 2 < len(points) and points[at + 1][1]:
            ranges.append((points[at][0], points[at + 2][0]))
            at += 3
        else:
            ranges.append((points[at][0], points[at][0]))
            at += 1
    return ranges
