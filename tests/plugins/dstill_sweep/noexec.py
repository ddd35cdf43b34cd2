"""A task without an executor: answers are words in upper case."""

from __future__ import annotations

from collections.abc import Iterable

from dstill import Check, Task, hookimpl
from dstill.api.records import Example

WORDS = {"train": ("one", "two", "three"), "validation": ("four", "five")}


class NoExec(Task):
    name = "noexec"
    checks: tuple[Check, ...] = ()

    def examples(self, split: str) -> Iterable[Example]:
        for word in WORDS.get(split, ()):
            answer, rationale = word.upper(), f"large letters of {word}"
            yield Example(id=word, question=f"write {word}", answer=answer, rationale=rationale, split=split)


@hookimpl
def register_tasks() -> Iterable[type[Task]]:
    yield NoExec
