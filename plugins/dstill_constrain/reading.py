"""One line of EBNF, read: the name of the rule and the tree of what stands behind it.

read('ITEM ::= "a" [b-d]{1,3}', 7)
-> ("ITEM", Sequenced((Literal("a"), Repeat(Characters(((98, 100),), False), 1, 3))))
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from dstill.errors import DataError

__all__ = ["Alternatives", "Characters", "Literal", "Node", "Reference", "Repeat", "Sequenced", "read"]

_TOKEN = re.compile(
    r'\s*(?:(?P<literal>"(?:[^"\\]|\\.)*")|(?P<class>\[(?:[^\]\\]|\\.)+\])|(?P<name>[A-Za-z_][A-Za-z0-9_]*)'
    r"|(?P<times>[?*+]|\{(?P<low>\d+)(?P<comma>,)?(?P<high>\d+)?\})|(?P<sign>[|()]))"
)
_HEAD = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*::=")
_IN_CLASS = re.compile(r"\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\(.)|(.)", re.DOTALL)
_SIGNS = {"n": "\n", "r": "\r", "t": "\t"}
_LAST = 0x10FFFF


@dataclass(frozen=True)
class Literal:
    text: str
    written: str  # with its quotes and escapes


@dataclass(frozen=True)
class Characters:
    """One character out of these ranges of code points, or out of all others."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool

    @property
    def regex(self) -> str:
        inner = "".join(f"\\u{{{low:x}}}-\\u{{{high:x}}}" for low, high in self.ranges)
        return f"[{'^' * self.negated}{inner}]"

    @property
    def widest(self) -> int:
        """The bytes of the longest of them in UTF-8."""
        return len(chr(self._highest()).encode("utf-8", "surrogatepass"))

    def _highest(self) -> int:
        if not self.negated:
            return max(high for _, high in self.ranges)
        highest = _LAST
        for low, high in sorted(self.ranges, reverse=True):
            if low <= highest <= high:
                highest = low - 1
        return max(highest, 0)


@dataclass(frozen=True)
class Reference:
    name: str


@dataclass(frozen=True)
class Repeat:
    item: Node
    least: int
    most: int | None  # None: without end

    @property
    def times(self) -> str:
        return f"{{{self.least},{'' if self.most is None else self.most}}}"


@dataclass(frozen=True)
class Sequenced:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Alternatives:
    parts: tuple[Node, ...]


Node: TypeAlias = Literal | Characters | Reference | Repeat | Sequenced | Alternatives
_TIMES: dict[str, tuple[int, int | None]] = {"?": (0, 1), "*": (0, None), "+": (1, None)}


def read(line: str, number: int) -> tuple[str, Node]:
    """Raises DataError with the line and the column."""
    head = _HEAD.match(line)
    if head is None:
        raise DataError("no rule of a grammar", where=f"grammar:{number}", hint='a line is: name ::= "text" other_rule')
    reader = _Reader(line, head.end(), number)
    node = reader.alternatives()
    if line[reader.at :].strip():
        raise reader.wrong()
    return head[1], node


class _Reader:
    def __init__(self, line: str, at: int, number: int) -> None:
        self._line, self.at, self._number = line, at, number
        self._looked = -1
        self._seen: re.Match[str] | None = None  # a token is looked at for what it may be, several times over

    def _next(self) -> re.Match[str] | None:
        """The token that comes next."""
        if self._looked != self.at:
            self._looked, self._seen = self.at, _TOKEN.match(self._line, self.at)
        return self._seen

    def alternatives(self) -> Node:
        parts = [self._sequence()]
        while self._takes("|"):
            parts.append(self._sequence())
        return parts[0] if len(parts) == 1 else Alternatives(tuple(parts))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while (item := self._item()) is not None:
            parts.append(self._repeated(item))
        if not parts:
            raise self.wrong()
        return parts[0] if len(parts) == 1 else Sequenced(tuple(parts))

    def _item(self) -> Node | None:
        found = self._next()
        if found is None or found["times"] or (found["sign"] and found["sign"] != "("):
            return None
        self.at = found.end()
        if found["literal"]:
            return self._literal(found["literal"])
        if found["class"]:
            return _characters(found["class"])
        if found["name"]:
            return Reference(found["name"])
        inner = self.alternatives()
        if not self._takes(")"):
            raise self.wrong()
        return inner

    def _literal(self, written: str) -> Literal:
        try:
            return _literal(written)
        except ValueError:
            raise self.wrong() from None

    def _repeated(self, item: Node) -> Node:
        while (found := self._next()) and found["times"]:
            self.at = found.end()
            if found["low"] is None:
                item = Repeat(item, *_TIMES[found["times"]])
            else:
                low = int(found["low"])
                item = Repeat(item, low, int(found["high"]) if found["high"] else None if found["comma"] else low)
        return item

    def _takes(self, sign: str) -> bool:
        found = self._next()
        if found is None or found["sign"] != sign:
            return False
        self.at = found.end()
        return True

    def wrong(self) -> DataError:
        rest = self._line[self.at :].strip()[:20]
        return DataError(
            f"the grammar cannot be read at {rest!r}" if rest else "a rule of the grammar ends too soon",
            where=f"grammar:{self._number}:{self.at + 1}",
        )


@lru_cache(maxsize=20_000)
def _literal(written: str) -> Literal:
    """Among many fields each name stands in many rules. Raises ValueError."""
    return Literal(json.loads(written), written)


@lru_cache(maxsize=1_000)
def _characters(written: str) -> Characters:
    inner = written[1:-1]
    negated = inner.startswith("^")
    points: list[tuple[int, bool]] = []  # a code point, and whether it is a bare minus sign
    for found in _IN_CLASS.finditer(inner[negated:]):
        digits = found[1] or found[2] or found[3]
        sign = _SIGNS.get(found[4], found[4]) if found[4] else found[5]
        points.append((int(digits, 16) if digits else ord(sign), found[5] == "-"))
    return Characters(tuple(_ranges(points)), negated)


def _ranges(points: list[tuple[int, bool]]) -> list[tuple[int, int]]:
    out, at = [], 0
    while at < len(points):
        if at + 2 < len(points) and points[at + 1][1]:
            out.append((points[at][0], points[at + 2][0]))
            at += 3
        else:
            out.append((points[at][0], points[at][0]))
            at += 1
    return out
