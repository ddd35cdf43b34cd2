"""Files of users that hold answers, as `dstill check` reads them: where the answers are, and how they can be repaired.

    FileAnswer(start=0, end=14)                                  one answer, from the first character to the 14th
    Fix(edits=(Edit(start=9, end=13, text="10"),), problem=…)    writes 10 in place of "10"

Offsets count characters: those of a `FileAnswer` in the file's text, those of an `Edit` in the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dstill.api.records import Problem

__all__ = ["Edit", "FileAnswer", "Fix", "edited"]


@dataclass(frozen=True, kw_only=True)
class FileAnswer:
    """One answer in a file."""

    start: int  # where it begins in the text of the file
    end: int
    # The answer, if the file does not have it character by character. One that is as long as its part of the file has
    # each character at its place, such as an answer whose comments are blanked out. Of any other, all problems are
    # reported where it begins, and it is not repaired.
    text: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)  # what the file says about it: `Example.context`
    id: str = ""  # as the file calls it
    error: str = ""  # why there is no answer to read here


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One change of an answer: `text` in place of the characters from `start` to `end`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Fix:
    """A repair that leaves the meaning of an answer as it is.

    dstill proves it before it proposes it: the checks find less afterwards, and `Task.canonical` is the same as before.
    Where the canonical form does not know the old spelling, the pack vouches for the meaning with `same_meaning`.
    """

    edits: tuple[Edit, ...]  # none may overlap another
    problem: Problem  # what it repairs
    same_meaning: bool = False


def edited(text: str, edits: Sequence[Edit]) -> str:
    """`text` after all `edits`. Raises ValueError if they overlap or lie outside of it."""
    parts, at = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if not at <= edit.start <= edit.end <= len(text):
            raise ValueError(f"the edit at {edit.start}–{edit.end} overlaps another, or is outside of the text")
        parts += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*parts, text[at:]])
