"""Looks up the texts that an answer compares items with, and writes the values that the data have in their place.

    with_values_of_the_data(task, example, answer, run)
    → Corrected(answer="… WHERE town = 'Spring'", changes=("shops.town has no 'pring': read as 'Spring'",))

For answers that find nothing (`second_look`). A text that is no value of its item is read as the value that it means:
the same in another case or form, the only one that has its words, or one that is spelled nearly so; of that item or of
one beside it. `run` runs an answer of the task and gives its result, so the engine's limits hold.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dstill.api.protocols import NamedValue, ValueLookup
from dstill.api.records import Example
from dstill.api.task import Task
from dstill.linked.known import folded, same_value, value_said

__all__ = ["Corrected", "with_values_of_the_data"]

MOST_TEXTS = 3  # texts of one answer that are looked up
MOST_BESIDE = 6  # items beside one that are looked through
MOST_VALUES = 1_000  # of one item, the most frequent ones
NEARLY = 0.8  # how alike two spellings are: 2 × equal characters / all characters

Run = Callable[[str], Any]  # an answer → its result; None: it does not pass the checks, or did not run


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """An answer with other values."""

    answer: str
    changes: Sequence[str]  # what was read as what


def with_values_of_the_data(task: Task, example: Example, answer: str, run: Run) -> Corrected | None:
    """The answer with values that the data have; None: all of its texts are values, or none is like them."""
    lookup = ValueLookup.of(task)
    values = _Values(lookup, example, run)
    changes: list[str] = []
    for named in [*dict.fromkeys(lookup.named_values(example, answer))][:MOST_TEXTS]:
        meant = values.resolve(named)
        if meant is None or meant == named:
            continue
        answer = lookup.with_value(example, answer, named, meant)
        place = "" if meant.item == named.item else f" of {meant.item}"
        changes.append(f"{named.item} has no '{named.text}': read as '{meant.text}'{place}")
    return Corrected(answer=answer, changes=changes) if changes else None


class _Values:
    """The values of items, each read once."""

    def __init__(self, lookup: ValueLookup, example: Example, run: Run) -> None:
        self._lookup, self._example, self._run = lookup, example, run
        self._read: dict[str, tuple[str, ...]] = {}

    def look_up(self, item: str) -> tuple[str, ...]:
        if item not in self._read:
            query = self._lookup.values_query(self._example, item, MOST_VALUES)
            result = self._run(query) if query else None
            self._read[item] = () if result is None else tuple(self._lookup.listed_values(result))
        return self._read[item]

    def resolve(self, named: NamedValue) -> NamedValue | None:
        """The value that is meant, perhaps of another item; None: not known."""
        if named.text in self.look_up(named.item):
            return named
        beside = [*self._lookup.items_beside(self._example, named.item)][:MOST_BESIDE]
        for like in (same_value, value_said, _nearest):
            for item in (named.item, *beside):
                if value := like(named.text, self.look_up(item)):
                    return NamedValue(item=item, text=value)
        return None


def _nearest(text: str, values: Sequence[str]) -> str | None:
    """The value that is spelled most like `text`; None: none is, or two are equally so."""
    spelled = {folded(value): value for value in values}
    wanted = folded(text)
    near = difflib.get_close_matches(wanted, spelled, n=2, cutoff=NEARLY)
    if len(near) == 2 and _alike(wanted, near[0]) == _alike(wanted, near[1]):
        return None
    return spelled[near[0]] if near else None


def _alike(first: str, second: str) -> float:
    return difflib.SequenceMatcher(None, second, first).ratio()
