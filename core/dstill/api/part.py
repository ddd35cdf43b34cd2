"""Parts: the named classes that plugins register, each with a section of dstill.toml.

A part is a *class*. A plugin yields it from a registration hook, or yields its declaration: then the class is imported
when dstill first uses it. dstill creates the object when a run needs it, and reads the part's section
(``[teacher.openai]``, ``[modality.lora]``, ``[executor.http]`` …) into its ``Config``. The keys of that section are
checked like the core's keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any, ClassVar

__all__ = ["Declaration", "NoConfig", "Part", "declare", "on_use"]


@dataclass(frozen=True, kw_only=True)
class NoConfig:
    """The `Config` of parts that have nothing to set."""


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """A part without its class: see `declare`."""

    name: str
    target: str  # "module:Class"
    facts: Mapping[str, Any] = field(default_factory=dict)  # class attributes, by name


def declare(name: str, target: str, **facts: Any) -> Declaration:
    """A part whose class ``module:Class`` is imported when dstill first uses it.

    `facts` are the class attributes that dstill reads to choose among parts (`dstill.parts.FACTS`), where they differ
    from those of the base class. The class takes name and facts from its declaration:

        MINE = declare("mine", "my_package.engine:Mine", url_schemes=("mine",))

        class Mine(Executor, declared=MINE): ...
    """
    return Declaration(name=name, target=target, facts=facts)


def on_use(target: str) -> Callable[..., Any]:
    """A function that imports ``module:function`` when it is called, and calls it."""

    def call(*arguments: Any) -> Any:
        return resolve_name(target)(*arguments)

    return call


class Part:
    """Base of everything that a plugin registers: tasks, teachers, students, executors, metrics and so on.

    Args:
        config: an instance of `Config`. None: `Config` with its defaults.
    """

    name: ClassVar[str]  # unique among the parts of one kind: letters, digits, - and _
    Config: ClassVar[type[Any]] = NoConfig  # a dataclass: the keys of the part's section
    distributions: ClassVar[tuple[str, ...]] = ()  # packages that change its results: run.json records their versions

    def __init_subclass__(cls, declared: Declaration | None = None, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        if declared is not None:
            for name, value in {"name": declared.name, **declared.facts}.items():
                setattr(cls, name, value)

    def __init__(self, config: Any = None) -> None:
        self.config = self.Config() if config is None else config
