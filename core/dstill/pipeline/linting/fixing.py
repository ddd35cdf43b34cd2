"""Repairs answers without a change of their meaning: tries what a task proposes, and keeps what it can prove.

    safe_fixes(task, example, Source.of('{"size": "10"}'), problems)     [Fix(edits=(Edit(start=9, end=13, text="10"),)…
    repaired(task, example, Source.of('{"size": "10"}'))                 Source(answer='{"size": 10}', shown=…)

A fix is safe if the checks find less in the new answer and no more errors, and if its canonical form is that of the old
one, unless the pack vouches for it (`Fix.same_meaning`). An answer that a layer marked ``parses`` refuses has no meaning
to keep.
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
        if any(self.answer[one.start : one.end] != self.shown[one.start : one.end] for one in fix.edits):
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
    if not problems or not is_parsed(task, problems):
        return []
    proposed = AnswerFiles.of(task).answer_fixes(example, source.answer, problems)
    return [fix for fix in proposed if _safely_fixed(task, example, source, problems, fix)]


def repaired(task: Task, example: Example, source: Source) -> Source:
    """The answer after all safe fixes, one after the other."""
    for _ in range(MOST_FIXES):
        problems = _problems(task, example, source.answer)
        if not problems or not is_parsed(task, problems):
            break
        proposed = AnswerFiles.of(task).answer_fixes(example, source.answer, problems)
        after = (_safely_fixed(task, example, source, problems, fix) for fix in proposed)
        new = next(filter(None, after), None)
        if new is None:
            break
        source = new
    return source


def _safely_fixed(task: Task, example: Example, source: Source, problems: Sequence[Problem], fix: Fix) -> Source | None:
    """The source after `fix`; None: it is not safe."""
    new = source.fixed(fix)
    if new is None or not (fix.same_meaning or task.canonical(new.answer) == task.canonical(source.answer)):
        return None
    left = _problems(task, example, new.answer)
    better = len(left) < len(problems) and _errors(left) <= _errors(problems)
    return new if better and is_parsed(task, left) else None


def _errors(problems: Sequence[Problem]) -> int:
    return sum(problem.is_error for problem in problems)


def _problems(task: Task, example: Example, answer: str) -> list[Problem]:
    return list(find_problems(task, example, Draft(answer=answer)))
