"""The settings of `dstill demo --task querydsl`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from dstill.api.protocols import Demo

__all__ = ["QueryDemo"]


class QueryDemo(Demo):
    """Trains on questions about the bundled data."""

    demo_settings: ClassVar[Mapping[str, Any]] = {
        "evaluate.splits": ["test", "test_unseen_templates", "test_unseen_data"],
        "task.querydsl.n_questions": 5_000,
        "train.max_steps": 200,  # almost every row once
        "train.threads": 1,  # on a busy machine, two threads mostly wait for each other
    }
    # A quarter of the rows and of the steps.
    demo_quick_settings: ClassVar[Mapping[str, Any]] = {"task.querydsl.n_questions": 1_250, "train.max_steps": 50}
