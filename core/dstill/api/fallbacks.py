"""A task whose methods, and those of its protocols, fall back to the default when the pack's own method raises.

    task = with_fallbacks(Sums(config))
    task.canonical("1 +")     # Sums.canonical raises: a warning names it, and `Task.canonical` answers instead
    task.examples("test")     # has no default: a PluginError names task, method, file and line

`dstill.factory.make_task` makes every task of a run this way, so no caller has to handle a pack's errors. A pack's own
tests use the class itself and see what it raises.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from dstill.api.faults import HINT, OWN_ERRORS, fault, noted
from dstill.api.finding import line_of, line_of_error
from dstill.api.protocols import (
    AnswerFiles,
    ConstrainedOutput,
    DataProfile,
    Linked,
    NoTestDatabases,
    Presentation,
    RationaleTerms,
    Readback,
    ResultProperties,
    Synthesis,
    TestDatabases,
    ValueLookup,
    methods_of,
)
from dstill.api.records import Example
from dstill.api.task import Task, TaskProtocol
from dstill.errors import PluginError

__all__ = ["METHODS", "with_fallbacks"]

T = TypeVar("T", bound=Task)

# Every method that takes an answer or the result of one, and the class that defines its default.
METHODS: Mapping[str, type[Task] | type[TaskProtocol]] = {
    **dict.fromkeys(("canonical", "cause", "clauses", "is_refusal", "parse", "same"), Task),
    **{
        name: protocol
        for protocol in (
            AnswerFiles,
            Presentation,
            RationaleTerms,
            Readback,
            ResultProperties,
            TestDatabases,
            ValueLookup,
        )
        for name in methods_of(protocol)
    },
}
# Methods without which a command cannot go on.
NEEDS: Mapping[str, type[Task] | type[TaskProtocol]] = {
    **dict.fromkeys(("correction", "examples", "model_input", "prompt", "reply_text"), Task),
    **{
        name: protocol
        for protocol in (ConstrainedOutput, DataProfile, Linked, Synthesis)
        for name in methods_of(protocol)
    },
}


def with_fallbacks(task: T) -> T:
    """Wrap each of `METHODS` and `NEEDS` of `task` and of its protocols, and return `task` itself."""
    _wrap(task, task)
    task.prepare_protocol = functools.partial(_wrap, task)
    return task


def _wrap(task: Task, owner: Task | TaskProtocol) -> None:
    for name, home in METHODS.items():
        if isinstance(owner, home):
            setattr(owner, name, _with_fallback(task, owner, name, getattr(home, name)))
    for name, home in NEEDS.items():
        if isinstance(owner, home):
            setattr(owner, name, _named(task, owner, name))


def _named(task: Task, owner: Task | TaskProtocol, name: str) -> Callable[..., Any]:
    own = getattr(owner, name)

    def failed(error: Exception, args: tuple[Any, ...]) -> PluginError:
        example = next((arg for arg in args if isinstance(arg, Example)), None)
        what = fault(task, f"method '{name}'", error, example.id if example else "")
        return PluginError(what, where=line_of_error(error, task) or line_of(owner, name), hint=HINT)

    def read(items: Iterator[Any], args: tuple[Any, ...]) -> Iterator[Any]:
        try:
            yield from items
        except OWN_ERRORS:
            raise
        except Exception as error:
            raise failed(error, args) from error

    @functools.wraps(own)
    def method(*args: Any, **kwargs: Any) -> Any:
        try:
            result = own(*args, **kwargs)
        except OWN_ERRORS:
            raise
        except Exception as error:
            raise failed(error, args) from error
        return read(result, args) if isinstance(result, Iterator) else result

    return method


def _with_fallback(
    task: Task, owner: Task | TaskProtocol, name: str, default: Callable[..., Any]
) -> Callable[..., Any]:
    own = getattr(owner, name)

    @functools.wraps(own)
    def method(*args: Any, **kwargs: Any) -> Any:
        try:
            result = own(*args, **kwargs)
            return list(result) if isinstance(result, Iterator) else result  # a generator raises where it is read
        except (*OWN_ERRORS, NoTestDatabases):
            raise
        except Exception as error:
            example = next((arg for arg in args if isinstance(arg, Example)), None)
            noted(task, name, error, example.id if example else "")
            return default(owner, *args, **kwargs)

    return method
