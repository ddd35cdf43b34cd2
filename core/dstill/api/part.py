"""Parts: the named classes that plugins register, each with a section of dstill.toml.

A part is a *class*. A plugin yields it from a registration hook. dstill creates the object when a run needs it, and
reads the part's section (``[teacher.openai]``, ``[modality.lora]``, ``[executor.http]`` …) into its ``Config``. The
keys of that section are checked like the core's keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

__all__ = ["NoConfig", "Part"]


@dataclass(frozen=True, kw_only=True)
class NoConfig:
    """The `Config` of parts that have nothing to set."""


class Part:
    """Base of everything that a plugin registers: tasks, teachers, students, executors, metrics and so on.

    Args:
        config: an instance of `Config`. None: `Config` with its defaults.
    """

    name: ClassVar[str]  # unique among the parts of one kind: letters, digits, - and _
    Config: ClassVar[type[Any]] = NoConfig  # a dataclass: the keys of the part's section
    distributions: ClassVar[tuple[str, ...]] = ()  # packages that change its results: run.json records their versions

    def __init__(self, config: Any = None) -> None:
        self.config = self.Config() if config is None else config
