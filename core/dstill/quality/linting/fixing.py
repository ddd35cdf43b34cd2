"""Repairs answers without a change of their meaning: tries what a task proposes, and keeps what it can prove.

    safe_fixes(task, example, Source.of('{"size": "10"}'), problems)     [Fix(edits=(Edit(start=9, end=13, text="10"),)…
    repaired(task, example, Source.of('{"size": "10"}'), problems)       Source(answer='{"size": 10}', shown=…)

A fix is safe if the checks find less afterwards, alone or with others, and no more errors, and if the canonical form
of the answer stays the same, unless the pack vouches for the meaning (`Fix.same_meaning`). An answer that a layer
marked ``parses`` refuses has no meaning to keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from dstill.api.answer_files import Fix, edited
from dstill.api.checking import find_problems
from dstill.api.protocols import AnswerFiles
from dstill.api.records import Draft, Example, Problem
from dstill.api.task import Task

__all__ = ["Source", "is_parsed", "repaired", "safe_fixes"]

MOST_FIXES = 200  # of one answer


@dataclass(frozen=True, kw_only=True)
class Source:
    """An answer, and the text of the same length that its file has for it, which may have comments in it."""

    answer: str
    shown: str

    @classmethod
    def of(cls, answer: str) -> Self:
        """The source of an answer without comments."""
        return cls(answer=answer, shown=answer)

    def fixed(self, fix: Fix) -> Self | None:
        """Both after a fix; None: it would delete a comment, or its edits are not possible."""
        if any(self.answer[edit.start : edit.end] != self.shown[edit.start : edit.end] for edit in fix.edits):
            return None
        try:
            return type(self)(answer=edited(self.answer, fix.edits), shown=edited(self.shown, fix.edits))
        except ValueError:
            return None


def is_parsed(task: Task, problems: Sequence[Problem]) -> bool:
    """Whether the answer with these problems is in the language."""
    gates = {check.name for check in task.checks if check.parses}
    return not any(problem.is_error and problem.layer in gates for problem in problems)


def safe_fixes(task: Task, example: Example, source: Source, problems: Sequence[Problem]) -> list[Fix]:
    """The fixes that are safe, each without the others."""
    old = _Answer(task, example, source, problems)
    return [fix for fix in old.proposed() if (new := old.after(fix)) and (new.is_better(old) or new.repaired() != new)]


def repaired(task: Task, example: Example, source: Source, problems: Sequence[Problem]) -> Source:
    """The answer after all safe fixes, one after the other."""
    return _Answer(task, example, source, problems).repaired().source


@dataclass(frozen=True)
class _Answer:
    """An answer on its way, and what the checks find in it."""

    task: Task
    example: Example
    source: Source
    problems: Sequence[Problem]

    def proposed(self) -> Sequence[Fix]:
        if not self.problems or not is_parsed(self.task, self.problems):
            return ()
        return tuple(AnswerFiles.of(self.task).answer_fixes(self.example, self.source.answer, self.problems))

    def after(self, fix: Fix) -> _Answer | None:
        """The answer after a fix; None: it changes the meaning, or makes the answer worse."""
        source = self.source.fixed(fix)
        if source is None:
            return None
        if not fix.same_meaning and self.task.canonical(source.answer) != self.task.canonical(self.source.answer):
            return None
        left = tuple(find_problems(self.task, self.example, Draft(answer=source.answer)))
        new = _Answer(self.task, self.example, source, left)
        return new if is_parsed(self.task, left) and _all(new) <= _all(self) and _errors(new) <= _errors(self) else None

    def is_better(self, other: _Answer) -> bool:
        """Whether the checks find less in this answer."""
        return _all(self) < _all(other)

    def repaired(self) -> _Answer:
        """The last of a chain of fixes that ends in a better answer; else this one.

        A fix in between need not be better by itself: a layer may only run when the one before it finds nothing.
        """
        seen, now = {self.source.answer}, self
        for _ in range(MOST_FIXES):
            steps = (now.after(fix) for fix in now.proposed())
            new = next((step for step in steps if step and step.source.answer not in seen), None)
            if new is None:
                break
            seen.add(new.source.answer)
            now = new
        return now if now.is_better(self) else self


def _all(answer: _Answer) -> int:
    return len(answer.problems)


def _errors(answer: _Answer) -> int:
    return sum(problem.is_error for problem in answer.problems)
