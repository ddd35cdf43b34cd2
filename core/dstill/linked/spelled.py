"""Names of items that a question spells as the data has them, such as ``repo.name`` and ``price_20``.

    spelled = Spelled(["repo.name", "repo.name.keyword", "payload.push_id", "price_20", "price_200"])
    list(spelled.find("count by repo.name"))        →  [(9, 18, (0, 1))]    its sub-field is meant, too
    list(spelled.find("average push_id"))           →  [(8, 15, (2,))]      the end of a name will do
    list(spelled.find("maximum price 20"))          →  [(8, 16, (3,))]
    list(spelled.strange("count by repo.owner"))    →  ["repo.owner"]       it looks like a name, and none is so

A plain word is no such name: "status" may be prose. A name counts if it has a dot, an underscore, a hyphen or a digit.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

__all__ = ["Spelled"]

_SIGN = re.compile(r"[._\-\d]")
_WORD = re.compile(r"[\w@](?:[\w.@-]*\w)?")
_DIGITS = re.compile(r"\d+")
_LIKE_A_NAME = re.compile(r"@?[^\W\d_]\w+(?:[._][^\W\d_]\w+)+")


class Spelled:
    """The names of one schema, by how a question may spell them."""

    def __init__(self, names: Sequence[str]) -> None:
        self._whole, self._ends = (defaultdict[str, list[int]](list) for _ in range(2))
        whole = {name.lower() for name in names}
        self._above = {name[: dot.start()] for name in whole for dot in re.finditer(r"\.", name)}
        for number, name in enumerate(names):
            lower = name.lower()
            parts = lower.split(".")
            above = (".".join(parts[:n]) for n in range(len(parts) - 1, 0, -1))
            own = next((name for name in above if name in whole), lower)  # of a sub-field, the field
            for key in {lower, own}:
                self._whole[key].append(number)
            for ending in {own.partition(".")[2], own.rpartition(".")[2]} - {"", own}:
                self._ends[ending].append(number)

    def find(self, question: str) -> Iterator[tuple[int, int, Sequence[int]]]:
        """Where each name starts and ends in `question`, and the items that may be meant."""
        before: re.Match[str] | None = None
        for word in _WORD.finditer(question):
            if before is not None and _DIGITS.fullmatch(word.group()):  # "price 20"
                joined = (f"{before.group()}{sign}{word.group()}" for sign in ("_", "", "-", "."))
                if items := next(filter(None, map(self._items, joined)), None):
                    yield before.start(), word.end(), items
            if items := self._items(word.group()):
                yield word.start(), word.end(), items
            before = word

    def strange(self, question: str) -> Iterator[str]:
        """Words that look like names, and are none of an item nor of what items belong to."""
        for word in _WORD.finditer(question):
            text = word.group()
            if _LIKE_A_NAME.fullmatch(text) and not self._items(text) and text.lower() not in self._above:
                yield text

    def _items(self, text: str) -> Sequence[int] | None:
        key = text.lower()
        return (self._whole.get(key) or self._ends.get(key)) if _SIGN.search(key) else None
