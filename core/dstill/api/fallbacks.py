"""A task whose methods fall back to the default when the pack's own method raises.

    task = with_fallbacks(Sums(config))
    task.canonical("1 +")     # Sums.canonical raises: a warning names it, and `Task.canonical` answers instead

`dstill.factory.make_task` makes every task of a run this way, so no caller has to handle a pack's errors. A pack's own
tests use the class itself and see what it raises.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from dstill.api.faults import PASSING, noted
from dstill.api.protocols import NoTestDatabases, Presentation, RationaleTerms, ResultProperties, TestDatabases
from dstill.api.records import Example
from dstill.api.task import Task

__all__ = ["METHODS", "with_fallbacks"]

T = TypeVar("T", bound=Task)

# Every method that takes an answer or the result of one, and the class that defines its default.
METHODS: Mapping[str, type] = {
    **dict.fromkeys(("canonical", "cause", "clauses", "is_refusal", "parse", "same"), Task),
    **dict.fromkeys(("diff_results", "relevant_schema", "render_result", "result_tables"), Presentation),
    **dict.fromkeys(("is_empty", "is_nondeterministic", "is_trivial"), ResultProperties),
    **dict.fromkeys(("mutants", "test_databases"), TestDatabases),
    "answer_terms": RationaleTerms,
}


def with_fallbacks(task: T) -> T:
    """Wrap each of `METHODS` that `task` has, and return `task` itself."""
    for name, home in METHODS.items():
        if isinstance(task, home):
            setattr(task, name, _with_fallback(task, name, getattr(home, name)))
    return task


def _with_fallback(task: Task, name: str, default: Callable[..., Any]) -> Callable[..., Any]:
    own = getattr(task, name)

    @functools.wraps(own)
    def method(*args: Any, **kwargs: Any) -> Any:
        try:
            result = own(*args, **kwargs)
            return list(result) if isinstance(result, Iterator) else result  # a generator raises where it is read
        except (*PASSING, NoTestDatabases):
            raise
        except Exception as error:
            example = next((arg for arg in args if isinstance(arg, Example)), None)
            noted(task, name, error, example.id if example else "")
            return default(task, *args, **kwargs)

    return method
