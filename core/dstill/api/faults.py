"""Errors in a task pack's code: dstill reports one for the answer that caused it, and the run goes on.

    with about("t-3") as faults:            # the id of the current example
        task.canonical(answer)              # raises inside the pack, so the core's default is used
    faults[0].message    "task 'sums': method 'canonical' raised ValueError on example 't-3': …"

The log gets one traceback for each part of the pack and type of exception. Errors that concern the machine or the setup
rather than the answer (`OWN_ERRORS`) are raised as usual, and so are KeyboardInterrupt and SystemExit.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Protocol
from weakref import WeakKeyDictionary

from dstill.api.records import Example, Level, Problem, Severity, Verdict
from dstill.errors import DstillError
from dstill.io.logs import log

__all__ = ["HINT", "OWN_ERRORS", "about", "fault", "noted", "refused", "unjudged", "with_faults"]

OWN_ERRORS = (DstillError, ImportError, MemoryError, OSError)
HINT = "this is a bug in the task pack: report it with the traceback from the run's log.txt"
# Methods without whose result it is not known whether an answer is right.
_DECIDING = ("accepts", "same", "is_refusal")
LONGEST = 200  # characters of an exception's text


class Pack(Protocol):
    """The task whose code raised."""

    @property
    def name(self) -> str:
        """The task's name."""


_reported: WeakKeyDictionary[Pack, set[tuple[str, type[Exception]]]] = WeakKeyDictionary()  # with a traceback


@dataclass(frozen=True)
class _Item:
    id: str = ""
    faults: list[Problem] = field(default_factory=list)


_item: ContextVar[_Item | None] = ContextVar("item", default=None)


@contextlib.contextmanager
def about(id: str) -> Iterator[list[Problem]]:
    """Say which example the block is about; yields the list of faults in the block, as warnings.

    A nested block about the same example has the same list.
    """
    around = _item.get()
    item = around if around is not None and around.id == id else _Item(id)
    token = _item.set(item)
    try:
        yield item.faults
    finally:
        _item.reset(token)


def fault(task: Pack, part: str, error: Exception, id: str = "") -> str:
    """Log `error`, which `part` of a pack raised, and return a line that names pack, part and example."""
    item = _item.get()
    id = id or (item.id if item else "")
    text = " ".join(str(error).split())[:LONGEST]
    where = f" on example '{id}'" if id else ""
    message = f"task '{task.name}': {part} raised {type(error).__name__}{where}: {text}"
    kind, reported = (part, type(error)), _reported.setdefault(task, set())
    if kind in reported:
        log.info("%s", message)
    else:
        reported.add(kind)
        log.warning("%s", message, exc_info=error)
    return message


def noted(task: Pack, method: str, error: Exception, id: str = "") -> None:
    """Add `error`, which a method of `task` raised, to the faults of the current example."""
    message = fault(task, f"method '{method}'", error, id)
    if (item := _item.get()) is not None:
        item.faults.append(
            Problem(layer="task", code=_code(method), message=message, hint=HINT, severity=Severity.WARNING)
        )


def refused(task: Pack, layer: str, part: str, error: Exception, id: str = "") -> Problem:
    """The problem that refuses an answer on which a check raised: nobody knows what the answer would do."""
    return Problem(layer=layer, code="check_raised", message=fault(task, part, error, id), hint=HINT)


def unjudged(task: Pack, example: Example, error: Exception) -> Verdict:
    """The verdict on an answer if judging it raised: it counts neither for nor against the student."""
    return Verdict(
        id=example.id,
        reached=Level.UNPARSED,
        checked=Level.UNPARSED,
        gold_error=fault(task, "hook 'judge_answer'", error, example.id),
        category=example.category,
        template=example.template,
        split=example.split,
    )


def with_faults(verdict: Verdict, faults: list[Problem]) -> Verdict:
    """The verdict with the faults from making it. What they leave undecided does not count."""
    message = {problem.code: problem.message for problem in reversed(faults)}
    new = [problem for problem in faults if problem not in verdict.problems]
    verdict = replace(verdict, problems=(*verdict.problems, *new))
    if gold := message.get(_code("is_trivial")):
        verdict = replace(verdict, gold_error=verdict.gold_error or gold, checked=min(verdict.checked, Level.VALID))
    if undecided := next((message[code] for name in _DECIDING if (code := _code(name)) in message), ""):
        verdict = replace(verdict, reason=undecided, checked=min(verdict.checked, Level.VALID), result_diff=None)
    if unchecked := message.get(_code("test_databases")):
        verdict = replace(verdict, test_suite_skipped=unchecked)
    return verdict


def _code(method: str) -> str:
    return f"{method}_raised"
