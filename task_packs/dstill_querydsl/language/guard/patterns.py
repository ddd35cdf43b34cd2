"""Parses a Lucene regular expression to see how it can begin and how large its automaton is.

    read(".*foo").open               True: a match can begin with an unbounded repeat, so every term is read
    read("(a|[^q]+)foo").open        True: groups and classes under * or + count as well
    read("[Jj]ohn.*").open           False: every match begins with one of two letters
    read("a{1000}").size             2000: states and transitions
    read("(a?){1000}").size          501,500: each copy can be followed by every later one
    read("[[[").open                 True: a pattern that cannot be parsed counts as the worst

A repeat of one plain character (``a+b``) is not open. The automaton is Glushkov's: one state per character,
one transition per pair of characters that can follow each other. On the patterns with the most transitions, it agrees
with Lucene's own messages ("automaton with 10001 states and 19801 transitions").

Never raises. Takes time linear in the length of the pattern, so check the length first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

__all__ = ["ENDLESS_SIZE", "Read", "read"]

ENDLESS_SIZE = 10**15  # the size of a pattern that cannot be parsed

_COUNT = re.compile(r"\{(\d{1,9})(?:(,)(\d{0,9}))?\}", re.ASCII)
_INTERVAL = re.compile(r"<(\d{1,10})-(\d{1,10})>", re.ASCII)
_CLASS_ESCAPES = frozenset("wdsWDS")
_UNBOUNDED = 100  # a repeat of more than this counts as unbounded
_DEPTH = 40
_DETERMINISTIC = 10_000  # Lucene's limit on states when it determinizes, as for a complement


@dataclass(frozen=True)
class Read:
    """A pattern, or a part of one."""

    open: bool = False  # it can begin with an unbounded repeat
    passes: bool = True  # it can match the empty string or any character, so the next part can be the beginning too
    empty: bool = True  # it can match the empty string
    plain: bool = False  # it is one plain character
    states: int = 0
    transitions: int = 0  # between its states
    first: int = 0  # transitions into its first states
    last: int = 0  # states in which it can end
    repeats: int = 0  # repeats of more than one, at any depth
    spent: int = 0  # size of temporary automata: for a complement, an intersection, (a{99}){0}

    @property
    def size(self) -> int:
        """States and transitions, including those of temporary automata."""
        return self.states + self.transitions + self.first + self.spent


class _Unreadable(Exception):
    pass


def read(pattern: str) -> Read:
    """Parse `pattern`. A pattern that cannot be parsed is open and has the size `ENDLESS`."""
    try:
        return _Reader(pattern).all()
    except _Unreadable:
        return Read(open=True, states=ENDLESS_SIZE)


class _Reader:
    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0

    def all(self) -> Read:
        part = self._union(0)
        if self._at < len(self._text):  # a closing parenthesis too many
            raise _Unreadable
        # Refused like a leading ? in a wildcard query.
        return replace(part, open=True) if self._text[:2] in (".?", ".{") else part

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, sign: str) -> bool:
        taken = self._text.startswith(sign, self._at)
        self._at += len(sign) * taken
        return taken

    def _union(self, depth: int) -> Read:
        if depth > _DEPTH:
            raise _Unreadable
        part = self._intersection(depth)
        while self._take("|"):
            part = _either(part, self._intersection(depth))
        return part

    def _intersection(self, depth: int) -> Read:
        part = self._sequence(depth)
        while self._take("&"):
            part = _both(part, self._sequence(depth))
        return part

    def _sequence(self, depth: int) -> Read:
        part = Read()
        while (sign := self._peek()) and sign not in "|&)":
            part = _then(part, self._repeated(depth))
        return part

    def _repeated(self, depth: int) -> Read:
        if depth > _DEPTH:
            raise _Unreadable
        if self._take("~"):
            return _complement(self._repeated(depth + 1))
        part = self._atom(depth)
        while sign := self._peek():
            if sign in "*+?":
                self._at += 1
                part = _repeat(part, int(sign == "+"), 1 if sign == "?" else None)
            elif sign == "{":
                count = _COUNT.match(self._text, self._at)
                if count is None:
                    raise _Unreadable
                self._at = count.end()
                low = int(count[1])
                part = _repeat(part, low, low if not count[2] else int(count[3]) if count[3] else None)
            else:
                break
        return part

    def _atom(self, depth: int) -> Read:
        sign = self._peek()
        self._at += 1
        if sign == "(":
            part = self._union(depth + 1)
            if not self._take(")"):
                raise _Unreadable
            return replace(part, plain=False)
        if sign == "[":
            return self._class()
        if sign == '"':
            end = self._text.find('"', self._at)
            if end < 0:
                raise _Unreadable
            length, self._at = end - self._at, end + 1
            return Read() if length == 0 else _symbol(states=length, transitions=length - 1)
        if sign == "<" and (interval := _INTERVAL.match(self._text, self._at - 1)):
            self._at = interval.end()
            digits = max(len(interval[1]), len(interval[2])) + 1
            # <1-99999999> has 81 states and 397 transitions in Lucene.
            return _symbol(states=digits**2, transitions=5 * digits**2, first=10)
        if sign == "\\":
            sign, self._at = self._peek(), self._at + 1
            wide = sign in _CLASS_ESCAPES
            return _symbol(plain=not wide, passes=sign in ("W", "D", "S"), first=4 if wide else 1)
        if sign == "@":
            return Read(open=True, states=1, transitions=1, first=1, last=1, repeats=1)
        return _symbol(plain=sign != ".", passes=sign == ".")

    def _class(self) -> Read:
        start, inside = self._at, self._at + (self._peek() == "^")
        end = inside + (self._text[inside : inside + 1] == "]")
        while (sign := self._text[end : end + 1]) != "]":
            if not sign:  # stop here, so that many unclosed brackets do not take quadratic time
                raise _Unreadable
            end += 1 + (sign == "\\")
        self._at = end + 1
        negated = self._text[start : start + 1] == "^"
        return _symbol(plain=False, passes=negated, first=end - start + 1)


def _symbol(*, states: int = 1, transitions: int = 0, first: int = 1, plain: bool = True, passes: bool = False) -> Read:
    return Read(passes=passes, empty=False, plain=plain, states=states, transitions=transitions, first=first, last=1)


def _then(left: Read, right: Read) -> Read:
    return Read(
        open=left.open or (left.passes and right.open),
        passes=left.passes and right.passes,
        empty=left.empty and right.empty,
        plain=right.plain if left.states == 0 else False,
        states=left.states + right.states,
        transitions=left.transitions + right.transitions + left.last * right.first,
        first=left.first + right.first * left.empty,
        last=right.last + left.last * right.empty,
        repeats=left.repeats + right.repeats,
        spent=left.spent + right.spent,
    )


def _either(left: Read, right: Read) -> Read:
    return Read(
        open=left.open or right.open,
        passes=left.passes or right.passes,
        empty=left.empty or right.empty,
        states=left.states + right.states,
        transitions=left.transitions + right.transitions,
        first=left.first + right.first,
        last=left.last + right.last,
        repeats=left.repeats + right.repeats,
        spent=left.spent + right.spent,
    )


def _both(left: Read, right: Read) -> Read:
    """An intersection has a state for each pair of states."""
    return replace(
        _either(left, right),
        states=left.states * right.states,
        transitions=left.transitions * right.transitions,
        first=left.first * right.first,
        last=left.last * right.last,
        spent=left.size + right.size,
    )


def _repeat(part: Read, low: int, high: int | None) -> Read:
    """`low` copies, each followed by the next (or by every later one, if it can be empty), then optional copies."""
    if high == 0:
        return Read(repeats=part.repeats, spent=part.size)
    copies = max(low + 1 if high is None and low else low if high is None else high, low, 1)
    optional = copies - low
    pairs = low * (low - 1) // 2 + low * (optional > 0) if part.empty else max(low - 1, 0)
    loops = int(high is None)
    begins = low if part.empty else min(low, 1)
    return Read(
        open=part.open or (not part.plain and (high is None or high > _UNBOUNDED)),
        passes=part.passes or low == 0,
        empty=part.empty or low == 0,
        plain=part.plain,
        states=copies * part.states,
        transitions=copies * part.transitions + part.first * part.last * (pairs + optional + loops),
        first=part.first * max(begins, 1),
        last=part.last * (begins + optional),
        repeats=part.repeats + (high is None or high > 1),
        spent=part.spent,
    )


def _complement(part: Read) -> Read:
    states = min(2 ** min(part.states, 20), _DETERMINISTIC) + 1
    return Read(
        open=True,
        states=states,
        transitions=4 * states,
        first=4,
        last=states,
        repeats=part.repeats + 1,
        spent=part.size,
    )
