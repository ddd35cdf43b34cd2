"""A task whose methods may be asked about any answer: where the pack's own raises, the default answers.

    task = careful(Sums(config))
    task.canonical("1 +")     # Sums.canonical raises: a warning that names it, and the text as `Task.canonical` has it

`factory.make_task` makes every task of a run this way, so no caller has to think of it. A pack's own tests use the
class itself and see what it raises.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from dstill.api.faults import PASSING, noted
from dstill.api.protocols import NoTestDatabases, Presentation, RationaleTerms, ResultProperties, TestDatabases
from dstill.api.records import Example
from dstill.api.task import Task

__all__ = ["METHODS", "careful"]

T = TypeVar("T", bound=Task)

# Every method that is given an answer, or what running one gave, and the class that has its default.
METHODS: Mapping[str, type] = {
    **dict.fromkeys(("canonical", "cause", "clauses", "is_refusal", "parse", "same"), Task),
    **dict.fromkeys(("diff_results", "relevant_schema", "render_result", "result_tables"), Presentation),
    **dict.fromkeys(("is_empty", "is_nondeterministic", "is_trivial"), ResultProperties),
    **dict.fromkeys(("mutants", "test_databases"), TestDatabases),
    "answer_terms": RationaleTerms,
}


def careful(task: T) -> T:
    """`task` itself, with each of `METHODS` that it has guarded."""
    for name, home in METHODS.items():
        if isinstance(task, home):
            setattr(task, name, _guarded(task, name, getattr(home, name)))
    return task


def _guarded(task: Task, name: str, default: Callable[..., Any]) -> Callable[..., Any]:
    own = getattr(task, name)

    @functools.wraps(own)
    def method(*args: Any, **kwargs: Any) -> Any:
        try:
            found = own(*args, **kwargs)
            return list(found) if isinstance(found, Iterator) else found  # a generator raises where it is read
        except (*PASSING, NoTestDatabases):
            raise
        except Exception as error:
            example = next((one for one in args if isinstance(one, Example)), None)
            noted(task, name, error, example.id if example else "")
            return default(task, *args, **kwargs)

    return method
