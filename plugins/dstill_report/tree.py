"""Two texts laid out in lines and set against each other, with what differs marked.

    against('{"query": {"term": {"code": 503}}}', '{"query": {"term": {"code": 404}}}')
    →  ((Line(parts=(Part('{"query": {"term": {"code": '), Part("503", differs=True), …)),), (Line(…),))

JSON is broken only where it would not fit a line, and its keys stand in the order in which the gold has them: to JSON
their order says nothing. Where the answer is none, both stand as they were written. Both sides have equally many lines,
some of them empty: what is the same stands side by side.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, Iterator, Sequence

from dstill.io.strict_json import NotStrict, loads

__all__ = ["Line", "Part", "against", "laid_out", "marked"]

WIDTH = 64  # of a line of laid-out JSON
ALIKE = 0.6  # two lines of which so much is the same are one line that was changed
LONGEST = 600  # characters of a line within which words are compared
_WORDS = re.compile(r"\w+|\s+|[^\w\s]+")


@dataclass(frozen=True)
class Part:
    text: str
    differs: bool = False  # the other side has not this


@dataclass(frozen=True)
class Line:
    parts: tuple[Part, ...] = ()  # none: an empty line, as the other side has one here that this has not

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)

    @property
    def differs(self) -> bool:
        return any(part.differs for part in self.parts)


Sides = tuple[tuple[Line, ...], tuple[Line, ...]]


def against(gold: str, answer: str) -> Sides:
    """Two answers, line by line."""
    wanted, given = _structure(gold), _structure(answer)
    if wanted is None or given is None:
        return marked(gold.split("\n"), answer.split("\n"))
    return marked(list(_broken(wanted, "", "", "")), list(_broken(_as_in(given, wanted), "", "", "")))


def marked(gold: Sequence[str], answer: Sequence[str]) -> Sides:
    """Lines of two sides, set against each other."""
    left: list[Line] = []
    right: list[Line] = []
    for kind, a, b, c, d in SequenceMatcher(a=gold, b=answer, autojunk=False).get_opcodes():
        for mine, other in zip_longest(gold[a:b], answer[c:d]):
            lines = (Line((Part(mine),)), Line((Part(other),))) if kind == "equal" else _changed(mine, other)
            left.append(lines[0])
            right.append(lines[1])
    return tuple(left), tuple(right)


def _changed(gold: str | None, answer: str | None) -> tuple[Line, Line]:
    """A line that became another: only the words that differ are marked, where the two are much alike."""
    if gold is None or answer is None or max(len(gold), len(answer)) > LONGEST:
        return _whole(gold), _whole(answer)
    a, b = _WORDS.findall(gold), _WORDS.findall(answer)
    matcher = SequenceMatcher(a=a, b=b, autojunk=False)
    if matcher.ratio() < ALIKE:
        return _whole(gold), _whole(answer)
    steps = matcher.get_opcodes()
    left = tuple(Part("".join(a[i:j]), kind != "equal") for kind, i, j, _, _ in steps if i < j)
    right = tuple(Part("".join(b[i:j]), kind != "equal") for kind, _, _, i, j in steps if i < j)
    return Line(left), Line(right)


def _whole(text: str | None) -> Line:
    if text is None:
        return Line()
    words = text.lstrip(" ")
    return Line((*([Part(text[: -len(words)])] if len(words) < len(text) else ()), Part(words, differs=True)))


# --- JSON -------------------------------------------------------------------------------


def laid_out(text: str) -> list[str]:
    """JSON in lines, broken only where it would not fit one; any other text as it stands."""
    value = _structure(text)
    return text.split("\n") if value is None else list(_broken(value, "", "", ""))


def _structure(text: str) -> Any:
    """The object or array that `text` is; None where it is no strict JSON, or a bare value."""
    try:
        value = loads(text)
    except NotStrict:
        return None
    return value if isinstance(value, (dict, list)) else None


def _as_in(value: Any, model: Any) -> Any:
    """`value` with its keys in the order of `model`, those that it has alone last."""
    if isinstance(value, dict) and isinstance(model, dict):
        keys = [*(key for key in model if key in value), *(key for key in value if key not in model)]
        return {key: _as_in(value[key], model.get(key)) for key in keys}
    if isinstance(value, list) and isinstance(model, list):
        return [_as_in(one, like) for one, like in zip(value, [*model, *[None] * len(value)], strict=False)]
    return value


def _broken(value: Any, indent: str, before: str, after: str) -> Iterator[str]:
    flat = json.dumps(value, ensure_ascii=False)
    if not value or not isinstance(value, (dict, list)) or len(indent + before + flat + after) <= WIDTH:
        yield indent + before + flat + after
        return
    brackets = "{}" if isinstance(value, dict) else "[]"
    yield indent + before + brackets[0]
    items = value.items() if isinstance(value, dict) else (("", item) for item in value)
    for number, (key, item) in enumerate(items, start=1):
        name = f"{json.dumps(key, ensure_ascii=False)}: " if isinstance(value, dict) else ""
        yield from _broken(item, f"{indent}  ", name, "," if number < len(value) else "")
    yield indent + brackets[1] + after
