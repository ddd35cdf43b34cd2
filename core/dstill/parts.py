"""The kinds of parts that a plugin can register, and the checks of a part when it is registered and when it loads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from pkgutil import resolve_name
from typing import Any

from dstill.api.baseline import Baseline
from dstill.api.executor import Executor
from dstill.api.metric import Metric
from dstill.api.modality import Modality
from dstill.api.objective import Objective
from dstill.api.part import Declaration, Part
from dstill.api.protocols import PROTOCOLS
from dstill.api.student import Student
from dstill.api.task import Task
from dstill.api.teacher import Teacher
from dstill.errors import PluginError

__all__ = ["FACTS", "KINDS", "fact", "load", "registered", "singular"]

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


# Kind → the class attributes that dstill reads of every part to choose among them. A declaration has those that differ
# from the base class.
FACTS: Mapping[str, tuple[str, ...]] = {
    "tasks": ("base", "data_noun", "default", "distributions", "executors", "options"),
    "teachers": ("distributions",),
    "students": ("default", "distributions", "suffixes"),
    "modalities": ("distributions",),
    "objectives": ("distributions",),
    "executors": ("distributions", "url_schemes"),
    "metrics": ("distributions",),
    "baselines": ("distributions",),
}


def registered(plugin: object, kind: str) -> Iterator[type[Part] | Declaration]:
    """A plugin's parts of one kind. Raises PluginError for a wrong or unfinished class or declaration."""
    register: Any = getattr(plugin, f"register_{kind}")
    for part in register() or ():
        if isinstance(part, Declaration):
            _refuse_name(part.name, f"declare({part.name!r}, …)")
            if unknown := sorted(part.facts.keys() - FACTS[kind]):
                raise PluginError(f"{kind} have no fact '{unknown[0]}' to declare: {', '.join(FACTS[kind])}")
        else:
            _check(part, kind, f"register_{kind} yielded")
        yield part


def load(declaration: Declaration, kind: str) -> type[Part]:
    """The class that is declared. Raises PluginError if it is wrong, and what its import raises."""
    part: type[Part] = resolve_name(declaration.target)
    _check(part, kind, f"'{declaration.target}' is")
    for attribute in ("name", *FACTS[kind]):
        declared = declaration.name if attribute == "name" else fact(declaration, kind, attribute)
        if getattr(part, attribute, "") != declared:
            raise PluginError(f"{part.__name__}.{attribute} is not what is declared: {declared!r}")
    return part


def fact(part: type[Part] | Declaration, kind: str, name: str) -> Any:
    """A fact about a part, one of `FACTS`, without importing it."""
    usual = getattr(KINDS[kind], name, "")
    return part.facts.get(name, usual) if isinstance(part, Declaration) else getattr(part, name, usual)


def _check(part: Any, kind: str, text: str) -> None:
    base = KINDS[kind]
    if not (isinstance(part, type) and issubclass(part, base)):
        raise PluginError(f"{text} {part!r}, which is not a subclass of dstill's {base.__name__}")
    _refuse_unfinished(part)
    if issubclass(part, Task):
        _refuse_wrong_protocols(part)


def _refuse_unfinished(part: type[Part]) -> None:
    """Raise PluginError for a part that could not be created later."""
    missing = sorted(getattr(part, "__abstractmethods__", ()))
    if missing:
        raise PluginError(f"{part.__name__} does not define {', '.join(missing)}")
    _refuse_name(getattr(part, "name", None), f"{part.__name__}.name")
    if not is_dataclass(part.Config):
        raise PluginError(f"{part.__name__}.Config is not a dataclass")


def _refuse_name(name: Any, place: str) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PluginError(f"{place} is {name!r}, expected letters, digits, - and _")


def _refuse_wrong_protocols(task: type[Task]) -> None:
    """Raise PluginError for keys that are not protocols, and for methods of a protocol that would never be called."""
    for protocol in task.protocols:
        if protocol not in PROTOCOLS:
            what = f"has the key {protocol!r}, which is not a protocol of dstill.api"
            raise PluginError(f"{task.__name__}.protocols {what}")
    for protocol in PROTOCOLS:
        for name in vars(protocol):
            if not name.startswith("_") and hasattr(task, name):
                raise PluginError(
                    f"{task.__name__}.{name} would never be used: put it into a subclass of "
                    f"dstill.api.{protocol.__name__}, and name that in {task.__name__}.protocols"
                )
