r"""Lines and columns of a text, and where in an answer a problem is.

    Lines("a\nbc").region(2, 4)                     Region(line=2, column=1, end_line=2, end_column=3)
    span('{"size": "x"}', "/size", is_json=True)    (1, 7): the key
    span("sum of totl", "1:8")                      (7, 11): the word

A problem points by a JSON pointer, or by ``line:column`` in its answer. A line ends only at ``\n``. Columns count
characters from 1.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from dstill.io.json_places import find

__all__ = ["Lines", "Region", "span"]

_PLACE = re.compile(r"(\d{1,9}):(\d{1,9})")
_WORD = re.compile(r"\w+|\"[^\"\n]*\"|.|\Z", re.DOTALL)
_FIRST_LINE = re.compile(r"(?:[^\n]*\S)?")


@dataclass(frozen=True, kw_only=True)
class Region:
    """A part of a text; its end is behind its last character."""

    line: int
    column: int
    end_line: int
    end_column: int


class Lines:
    """The lines of a text."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._length = len(text)

    def region(self, start: int, end: int) -> Region:
        """The part from `start` to `end`."""
        line, column = self._place(start)
        end_line, end_column = self._place(max(start, end))
        return Region(line=line, column=column, end_line=end_line, end_column=end_column)

    def offset(self, line: int, column: int) -> int:
        """The offset of a place, or the nearest one that exists."""
        start = self._starts[min(max(line, 1), len(self._starts)) - 1]
        return min(start + max(column, 1) - 1, self._length)

    def _place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def span(answer: str, pointer: str, *, is_json: bool = False) -> tuple[int, int]:
    """Start and end of what a problem is about; of an unknown place, the first line of the answer."""
    if match := _PLACE.fullmatch(pointer):
        start = Lines(answer).offset(int(match[1]), int(match[2]))
        return start, _end(_WORD, answer, start)
    if is_json and pointer.startswith("/") and (place := find(answer, pointer)):
        if place.key:
            return place.key
        return place.start, min(place.end, _end(_FIRST_LINE, answer, place.start))
    return 0, _end(_FIRST_LINE, answer, 0)


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    token = pattern.match(text, start)
    return token.end() if token else start
