"""A task whose methods may be asked about any answer: where the pack's own raises, the core's default answers.

    task = careful(Sums(config))
    task.canonical("1 +")     # Sums.canonical raises: a warning that names it, and the text as `Task.canonical` has it

`factory.make_task` makes every task of a run this way, so no caller has to think of it. A pack's own tests use the
class itself and see what it raises.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from dstill.api.faults import PASSING, noted
from dstill.api.records import Example
from dstill.api.task import NoCorpora, Task

__all__ = ["METHODS", "careful"]

T = TypeVar("T", bound=Task)

# Every method of a task that is given an answer, or what running one gave.
METHODS = (
    "arbitrary",
    "canonical",
    "cause",
    "clauses",
    "contrast",
    "corpora",
    "empty",
    "excerpt",
    "is_refusal",
    "neighbours",
    "parse",
    "same",
    "show",
    "tables",
    "terms",
    "vacuous",
)


def careful(task: T) -> T:
    """`task` itself, with each of `METHODS` guarded."""
    for name in METHODS:
        setattr(task, name, _guarded(task, name))
    return task


def _guarded(task: Task, name: str) -> Callable[..., Any]:
    own = getattr(task, name)

    @functools.wraps(own)
    def method(*args: Any, **kwargs: Any) -> Any:
        try:
            found = own(*args, **kwargs)
            return list(found) if isinstance(found, Iterator) else found  # a generator raises where it is read
        except (*PASSING, NoCorpora):
            raise
        except Exception as error:
            example = next((one for one in args if isinstance(one, Example)), None)
            noted(task, name, error, example.id if example else "")
            return getattr(Task, name)(task, *args, **kwargs)

    return method
