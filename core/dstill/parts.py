"""The kinds of parts that a plugin can register, and what dstill checks of a part when it loads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any

from dstill.api.baseline import Baseline
from dstill.api.executor import Executor
from dstill.api.metric import Metric
from dstill.api.modality import Modality
from dstill.api.objective import Objective
from dstill.api.part import Part
from dstill.api.protocols import PROTOCOLS
from dstill.api.student import Student
from dstill.api.task import Task
from dstill.api.teacher import Teacher
from dstill.errors import PluginError

__all__ = ["KINDS", "parts_of", "singular"]

# Of a part: it names a table in dstill.toml, and precedes the colon in --student.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")

# Kind → the base class of its parts.
KINDS: Mapping[str, type[Part]] = {
    "tasks": Task,
    "teachers": Teacher,
    "students": Student,
    "modalities": Modality,
    "objectives": Objective,
    "executors": Executor,
    "metrics": Metric,
    "baselines": Baseline,
}


def singular(kind: str) -> str:
    """``teachers`` → ``teacher``."""
    return KINDS[kind].__name__.lower()


def parts_of(plugin: object, kind: str) -> Iterator[type[Part]]:
    """The parts of one kind that a plugin registers. Raises PluginError for a wrong or unfinished class."""
    base = KINDS[kind]
    register: Any = getattr(plugin, f"register_{kind}")
    for part in register() or ():
        if not (isinstance(part, type) and issubclass(part, base)):
            raise PluginError(f"register_{kind} yielded {part!r}, which is not a subclass of dstill's {base.__name__}")
        _refuse_unfinished(part)
        if issubclass(part, Task):
            _refuse_wrong_protocols(part)
        yield part


def _refuse_unfinished(part: type[Part]) -> None:
    """Raise PluginError for a part that could not be created later."""
    missing = sorted(getattr(part, "__abstractmethods__", ()))
    if missing:
        raise PluginError(f"{part.__name__} does not define {', '.join(missing)}")
    name = getattr(part, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PluginError(f"{part.__name__}.name is {name!r}, expected letters, digits, - and _")
    if not is_dataclass(part.Config):
        raise PluginError(f"{part.__name__}.Config is not a dataclass")


def _refuse_wrong_protocols(task: type[Task]) -> None:
    """Raise PluginError for keys that are not protocols, and for methods of a protocol that would never be called."""
    for protocol in task.protocols:
        if protocol not in PROTOCOLS:
            raise PluginError(
                f"{task.__name__}.protocols has the key {protocol!r}, which is not a protocol of dstill.api"
            )
    for protocol in PROTOCOLS:
        for name in vars(protocol):
            if not name.startswith("_") and hasattr(task, name):
                raise PluginError(
                    f"{task.__name__}.{name} would never be used: put it into a subclass of "
                    f"dstill.api.{protocol.__name__}, and name that in {task.__name__}.protocols"
                )
