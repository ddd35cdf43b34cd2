"""dstill: distil a large teacher into a small student that writes a structured language.

The public names are imported when they are first used, so that ``import dstill`` is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dstill.api.task import Check as Check
    from dstill.api.task import Task as Task
    from dstill.hookspecs import hookimpl as hookimpl
    from dstill.runs.bundle import open_trained as open_trained
    from dstill.runs.distil import distil as distil
    from dstill.runs.run import Run as Run
    from dstill.stages.predict.predicted import PredictedAnswer as PredictedAnswer
    from dstill.stages.predict.predictor import Predictor as Predictor

__all__ = [
    "Check",
    "PredictedAnswer",
    "Predictor",
    "Run",
    "Task",
    "__version__",
    "distil",
    "hookimpl",
    "open_trained",
]

_HOME = {
    "PredictedAnswer": "dstill.stages.predict.predicted",
    "Predictor": "dstill.stages.predict.predictor",
    "distil": "dstill.runs.distil",
    "hookimpl": "dstill.hookspecs",
    "open_trained": "dstill.runs.bundle",
    "Run": "dstill.runs.run",
    "Task": "dstill.api.task",
    "Check": "dstill.api.task",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("dstill")
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'dstill' has no attribute '{name}'")


def __dir__() -> list[str]:
    """The public names, also those that are not imported yet."""
    return sorted(__all__)
