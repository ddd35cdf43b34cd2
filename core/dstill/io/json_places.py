"""Where the parts of a JSON text are, for messages with line and column, and for edits that keep the rest as it is.

    find('{"size": 5, "from": 1}', "/from")        Place(start=20, end=21, key=(12, 18), …)

The text should be JSON; of any other text, the parts before the error are found. Python's own decoder says where each
value ends. Offsets count characters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Place", "find", "removal"]

_DECODER = json.JSONDecoder(strict=False)
_SPACE = re.compile(r"[ \t\r\n]*")
_READ_ERRORS = (ValueError, LookupError, RecursionError)  # of text that ends early, is no JSON, or is too deep


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a value is."""

    start: int
    end: int
    key: tuple[int, int] | None = None  # start and end of its key with the quotes; None: it has none
    exact: bool = True  # False: there is no such value, and this is the nearest one around it

    @property
    def first(self) -> int:
        """Where the value begins, with its key."""
        return self.key[0] if self.key else self.start


def find(text: str, pointer: str) -> Place | None:
    """The value at a JSON pointer (RFC 6901), or the nearest one around it. None: the text does not begin with one."""
    place = _root(text)
    for step in pointer.split("/")[1:] if place else ():
        inner = _step(text, place, step.replace("~1", "/").replace("~0", "~"))
        if inner is None:
            assert place is not None
            return Place(start=place.start, end=place.end, key=place.key, exact=False)
        place = inner
    return place


def removal(text: str, pointer: str) -> tuple[int, int] | None:
    """Start and end of what to cut out, with its key and comma, to remove a value. None: there is none to remove."""
    place, outer = find(text, pointer), find(text, pointer.rpartition("/")[0])
    if not pointer.startswith("/") or place is None or outer is None or not place.exact:
        return None
    members = [member for _, member in _members(text, outer.start)]
    number = members.index(place)
    if number + 1 < len(members):
        return place.first, members[number + 1].first
    return (members[number - 1].end if number else place.first), place.end


def _root(text: str) -> Place | None:
    start = _after_space(text, 0)
    try:
        return Place(start=start, end=_DECODER.raw_decode(text, start)[1])
    except _READ_ERRORS:
        return Place(start=start, end=len(text)) if text[start : start + 1] in ("{", "[") else None


def _step(text: str, outer: Place | None, step: str) -> Place | None:
    """The last member of that name, as a later one replaces those before it."""
    place = None
    if outer is not None and text[outer.start] in "{[":
        for name, member in _members(text, outer.start):
            place = member if name == step else place
    return place


def _members(text: str, start: int) -> Iterator[tuple[str, Place]]:
    """The members of the object or list that begins at `start`, up to the first that cannot be read."""
    at, number = _after_space(text, start + 1), 0
    try:
        while text[at] not in "}]":
            name, key = str(number), None
            if text[start] == "{":
                name, end = _DECODER.raw_decode(text, at)
                key, at = (at, end), _after_space(text, _after_space(text, end) + 1)  # behind the colon
            _, end = _DECODER.raw_decode(text, at)
            yield name, Place(start=at, end=end, key=key)
            at, number = _after_space(text, end), number + 1
            if text[at] == ",":
                at = _after_space(text, at + 1)
    except _READ_ERRORS:
        return


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at
