r"""Wordings that are chosen at the end, when the whole question is known.

    deferred_way("with {f} over {v}")       a way with the same slots, in which the wording is only a number
    read("\x03…")                           [WordingNode("over", {"f": [Mark("price")], "v": [Mark("5")]})]

The synthesizer fills a deferred way like any other, so its questions become trees that `question_text` puts into words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from dstill_querydsl.questions.invented_schemas.vocabulary import table, vocabulary
from dstill_querydsl.questions.templates.words import mark

__all__ = ["Item", "Mark", "WordingNode", "deferred_way", "read"]

_OPEN, _CLOSE = mark("")[0], mark("")[1]
_NODE, _SLOT, _VALUE, _END = "\x03", "\x04", "\x05", "\x06"
_TOKEN = re.compile(
    rf"(?P<mark>{_OPEN}[^{_OPEN}-{_END}]+{_CLOSE})|{_NODE}(?P<node>\d+)|{_SLOT}(?P<slot>\d+){_VALUE}|(?P<end>{_END})"
    rf"|[{_OPEN}{_CLOSE}]|(?P<text>[^{_OPEN}-{_END}]+)"
)


class Mark(str):
    """A value, or the name of something."""


@dataclass(frozen=True)
class WordingNode:
    """One wording without its words."""

    key: str  # in `groups` of phrases.toml
    slots: Mapping[str, list[Item]]


Item = str | Mark | WordingNode


@dataclass(frozen=True)
class _Group:
    key: str
    way: str
    slots: tuple[str, ...]


@cache
def _groups() -> tuple[Mapping[str, str], tuple[_Group, ...]]:
    """First wording → its deferred way, and the groups by number."""
    ways: dict[str, str] = {}
    groups: list[_Group] = []
    for key, line in table("phrases.toml")["groups"].items():
        first, _, more = line.partition(" + ")
        first = first.strip()
        slots = _once(re.findall(r"{(\w*)}", f"{first} {more}"))
        names = tuple(slot or str(at) for at, slot in enumerate(slots))
        inner = "".join(f"{_SLOT}{at}{_VALUE}{{{slot}}}" for at, slot in enumerate(slots))
        ways[first] = f"{_NODE}{len(groups)}{inner}{_END}"
        groups.append(_Group(key, ways[first], names))
    for concept in vocabulary().concepts["boolean"]:
        ways |= {concept.yes: ways["with {f} true"], concept.no: ways["with {f} false"]} if concept.yes else {}
    return ways, tuple(groups)


def _once(slots: list[str]) -> list[str]:
    """Each named slot once. Those without a name are filled in their order."""
    return slots if "" in slots else list(dict.fromkeys(slots))


def deferred_way(first: str) -> str | None:
    """The deferred way for a group of wordings, by its first wording. None if there is none."""
    return _groups()[0].get(first)


def read(text: str) -> list[Item]:
    """The tree of a filled way."""
    groups = _groups()[1]
    top: list[Item] = []
    stack: list[tuple[WordingNode, _Group]] = []
    here = top
    for match in _TOKEN.finditer(text):
        if match["mark"]:
            here.append(Mark(match["mark"][1:-1]))
        elif match["text"]:
            here.append(match["text"])
        elif match["node"]:
            group = groups[int(match["node"])]
            node = WordingNode(group.key, {})
            here.append(node)
            stack.append((node, group))
        elif match["slot"]:
            node, group = stack[-1]
            here = node.slots.setdefault(group.slots[int(match["slot"])], [])  # type: ignore[attr-defined]
        elif match["end"]:
            stack.pop()
            here = _last_slot(stack) if stack else top
    return top


def _last_slot(stack: list[tuple[WordingNode, _Group]]) -> list[Item]:
    return list(stack[-1][0].slots.values())[-1]
