"""What every part is: a named class with a section of dstill.toml.

A part is a *class*. Plugins yield it from a registration hook; the runtime makes the object when a run needs it, with
its own section (``[teacher.openai]``, ``[modality.lora]``, ``[executor.http]`` …) read into its ``Config`` and checked
like the core's own keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

__all__ = ["NoConfig", "Part"]


@dataclass(frozen=True, kw_only=True)
class NoConfig:
    """For parts that have nothing to set."""


class Part:
    """A named class that plugins register; see the module's docstring."""

    name: ClassVar[str]
    Config: ClassVar[type[Any]] = NoConfig
    distributions: ClassVar[tuple[str, ...]] = ()  # packages that its results hang on: run.json has their versions

    def __init__(self, config: Any = None) -> None:
        self.config = self.Config() if config is None else config
