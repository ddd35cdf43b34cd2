"""Faults of a task pack, and which line to change: the findings of `dstill pack check`.

Finding(code="same_not_symmetric", what="same(a, b) and same(b, a) differ on 'test-3' …",
        where="/home/me/my_sql/pack.py:71", hint="compare both values the same way")

line_of(task, "same")     → "/home/me/my_sql/pack.py:71", or the class's line if it does not define `same`
line_of_error(error, task)   → the line in the pack that raised
"""

from __future__ import annotations

import inspect
import linecache
import re
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dstill.api.records import Row, Severity

__all__ = ["Finding", "line_of", "line_of_error"]


@dataclass(frozen=True, kw_only=True)
class Finding(Row):
    """One thing that a task pack does wrong, or could do better."""

    code: str  # a stable word: same_not_symmetric
    what: str  # for people; names the example or the answer that shows it
    where: str = ""  # the code to change, as file:line; empty: not known
    hint: str = ""  # what to do about it
    severity: Severity = Severity.ERROR  # a warning is advice: the pack works without it

    @property
    def is_error(self) -> bool:
        """Whether the pack must change. False: the finding is advice."""
        return self.severity == Severity.ERROR

    def __str__(self) -> str:
        return "\n  ".join(line for line in (f"{self.code}: {self.what}", self.where, self.hint) if line)


def line_of(owner: object, name: str = "") -> str:
    """``file:line`` where the class of `owner` defines `name`, else where the class begins; empty: not known.

    `owner`: a part, its class, or a function. A name that only dstill's own classes define counts as not defined.
    """
    if inspect.isroutine(owner):
        return _line_of_function(owner)
    kind = owner if isinstance(owner, type) else type(owner)
    for base in kind.__mro__:
        if name in vars(base) and not _is_core(base.__module__):
            return _line_of_attribute(base, name)
    return _line_of_class(kind)


def line_of_error(error: BaseException, owner: object) -> str:
    """``file:line`` of the innermost frame of `error` in the package of `owner`'s class; empty: there is none.

    Code of dstill itself counts as no pack's.
    """
    kind = owner if isinstance(owner, type) else type(owner)
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    if file is None:
        return ""
    root = Path(file).resolve()
    top = root.parent if "." in kind.__module__ or root.stem == "__init__" else root
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).resolve().is_relative_to(top):
            return f"{frame.filename}:{frame.lineno}"
    return ""


def _is_core(module: str) -> bool:
    return module.partition(".")[0] == "dstill"


def _line_of_function(function: Any) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else ""


def _line_of_attribute(kind: type, name: str) -> str:
    value = inspect.getattr_static(kind, name)
    value = getattr(value, "func", getattr(value, "fget", getattr(value, "__func__", value)))
    return (inspect.isroutine(value) and _line_of_function(value)) or _line_in_class(kind, f"{name} ", f"{name}:")


def _line_of_class(kind: type) -> str:
    return _line_in_class(kind)


def _line_in_class(kind: type, *begins: str) -> str:
    """The first line of the class's source that begins with one of `begins`, else its first line.

    `inspect.getsourcelines` would parse the whole file for each class.
    """
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    lines = linecache.getlines(file) if file else []
    head = re.compile(rf"\s*class {re.escape(kind.__name__)}\b")
    first = next((n for n, line in enumerate(lines) if head.match(line)), None)
    if first is None:  # made at run time, or without its source
        return ""
    depth = len(lines[first]) - len(lines[first].lstrip())
    for number, line in enumerate(lines[first + 1 :], first + 2):
        text = line.lstrip()
        if begins and text.startswith(begins):
            return f"{file}:{number}"
        if text and not text.startswith((")", "#")) and len(line) - len(text) <= depth:
            break
    return f"{file}:{first + 1}"
