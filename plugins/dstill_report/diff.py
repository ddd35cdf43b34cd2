"""A side-by-side diff of two answers, line by line and word by word.

    diff_answers('{"query": {"term": {"code": 503}}}', '{"query": {"term": {"code": 404}}}')
    →  ((Line(parts=(Part('{"query": {"term": {"code": '), Part("503", differs=True), …)),), (Line(…),))

JSON is formatted first: an object or array is broken into lines only if it does not fit on one, and the answer's keys
are put in the gold's order, since the order has no meaning in JSON. If either answer is not JSON, both are compared as
written. Both sides have the same number of lines, padded with empty ones, so that equal lines are next to each other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

from dstill.io.pretty_json import pretty_lines
from dstill.io.strict_json import NotStrict, loads

__all__ = ["Line", "Part", "diff_answers", "diff_lines", "format_json"]

WIDTH = 64  # characters of a line of formatted JSON
SIMILAR = 0.6  # lines with at least this similarity ratio are compared word by word
LONGEST = 600  # longer lines (in characters) are not compared word by word
_WORDS = re.compile(r"\w+|\s+|[^\w\s]+")


@dataclass(frozen=True)
class Part:
    """A piece of a line."""

    text: str
    differs: bool = False  # the other side lacks it


@dataclass(frozen=True)
class Line:
    """One line of one side."""

    parts: tuple[Part, ...] = ()  # empty: padding for a line that only the other side has

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)

    @property
    def differs(self) -> bool:
        return any(part.differs for part in self.parts)


Sides = tuple[tuple[Line, ...], tuple[Line, ...]]


def diff_answers(gold: str, answer: str) -> Sides:
    """Compare two answers, formatted as JSON if both are JSON."""
    gold_value, answer_value = _parse(gold), _parse(answer)
    if gold_value is None or answer_value is None:
        return diff_lines(gold.split("\n"), answer.split("\n"))
    values = gold_value, _reorder(answer_value, gold_value)
    return diff_lines(*(list(pretty_lines(value, WIDTH)) for value in values))


def diff_lines(gold: Sequence[str], answer: Sequence[str]) -> Sides:
    """Align the lines of two texts and mark what differs."""
    left: list[Line] = []
    right: list[Line] = []
    for kind, a, b, c, d in SequenceMatcher(a=gold, b=answer, autojunk=False).get_opcodes():
        for mine, other in zip_longest(gold[a:b], answer[c:d]):
            lines = (Line((Part(mine),)), Line((Part(other),))) if kind == "equal" else _diff_words(mine, other)
            left.append(lines[0])
            right.append(lines[1])
    return tuple(left), tuple(right)


def _diff_words(gold: str | None, answer: str | None) -> tuple[Line, Line]:
    """Two lines with the differing words marked, or marked whole if they have little in common."""
    if gold is None or answer is None or max(len(gold), len(answer)) > LONGEST:
        return _all_differs(gold), _all_differs(answer)
    a, b = _WORDS.findall(gold), _WORDS.findall(answer)
    matcher = SequenceMatcher(a=a, b=b, autojunk=False)
    if matcher.ratio() < SIMILAR:
        return _all_differs(gold), _all_differs(answer)
    steps = matcher.get_opcodes()
    left = tuple(Part("".join(a[i:j]), kind != "equal") for kind, i, j, _, _ in steps if i < j)
    right = tuple(Part("".join(b[i:j]), kind != "equal") for kind, _, _, i, j in steps if i < j)
    return Line(left), Line(right)


def _all_differs(text: str | None) -> Line:
    """A line marked whole, except for its indentation."""
    if text is None:
        return Line()
    words = text.lstrip(" ")
    return Line((*([Part(text[: -len(words)])] if len(words) < len(text) else ()), Part(words, differs=True)))


# --- JSON -------------------------------------------------------------------------------


def format_json(text: str) -> list[str]:
    """The lines of `text`: formatted if it is a JSON object or array, otherwise as written."""
    value = _parse(text)
    return text.split("\n") if value is None else list(pretty_lines(value, WIDTH))


def _parse(text: str) -> Any:
    """The object or array in `text`; None for a bare value or anything that is not strict JSON."""
    try:
        value = loads(text)
    except NotStrict:
        return None
    return value if isinstance(value, (dict, list)) else None


def _reorder(value: Any, model: Any) -> Any:
    """`value` with its keys in the order of `model`, followed by the keys that `model` lacks."""
    if isinstance(value, dict) and isinstance(model, dict):
        keys = [*(key for key in model if key in value), *(key for key in value if key not in model)]
        return {key: _reorder(value[key], model.get(key)) for key in keys}
    if isinstance(value, list) and isinstance(model, list):
        return [_reorder(part, like) for part, like in zip(value, [*model, *[None] * len(value)], strict=False)]
    return value
