"""The task that is killed: the toy's language, 48 questions, and an abacus that takes its time.

    dstill --plugin tests/support/kill/pack.py generate --task sums

`replies` is what the loopback teacher says to each question; some of it no check accepts.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from support.kill import points
from support.toy import Abacus, Toy

from dstill import Task, hookimpl
from dstill.api.executor import Executor
from dstill.api.records import Example, Outcome

__all__ = ["replies"]

SECONDS = 0.004  # that an answer runs
SPLITS = {"train": range(1, 6), "validation": range(6, 7), "test": range(7, 9)}  # by the first number


class Sums(Toy):
    """Sums and differences, more of them."""

    name = "sums"
    executors = ("slow_abacus",)

    def examples(self, split: str) -> Iterable[Example]:
        for a in SPLITS.get(split, ()):
            for b in (12, 23, 34):
                yield self.example(f"{split}-add-{a}-{b}", f"add {a} and {b}", f"{a}+{b}", "add", split)
                yield self.example(f"{split}-take-{a}-{b}", f"take {a} from {b}", f"{b}-{a}", "take", split)


class SlowAbacus(Abacus):
    """Counts, slowly."""

    name = "slow_abacus"
    parallel = 1

    def execute(self, answer: str, example: Example) -> Outcome:
        points.mark("run", "engine")
        time.sleep(SECONDS)
        return super().execute(answer, example)


# What some questions are answered with: an answer that is no sum, one with too large a number.
WRONG = {"test-take-8-23": "eight", "train-take-4-34": "100+1"}
LOOSE = {"train-add-2-12": "It is fourteen ({words})."}  # not in the form that was asked; mended when sent back


def replies() -> dict[str, list[str]]:
    """Question → replies in turn, each of which holds the hash of what was asked (``{words}``)."""
    task = Sums(Sums.Config())
    said = {}
    for split in SPLITS:
        for example in task.examples(split):
            answer = WRONG.get(example.id, example.answer or "")
            said[example.question] = [task.reply_text(f"{example.rationale}, {{words}}", answer)]
            if example.id in LOOSE:
                said[example.question].insert(0, LOOSE[example.id])
    return said


@hookimpl
def register_tasks() -> Iterable[type[Task]]:
    yield Sums


@hookimpl
def register_executors() -> Iterable[type[Executor]]:
    yield SlowAbacus
