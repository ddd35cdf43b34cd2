"""The settings of `dstill demo --task sql`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from dstill.api.protocols import Demo
from dstill.api.values import BUNDLED

__all__ = ["SqlDemo"]

BUNDLE = Path(__file__).parents[1] / "bundle"
DATABASE = "festival"


class SqlDemo(Demo):
    """Distils a recorded teacher's questions about a database that the base never saw."""

    demo_settings: ClassVar[Mapping[str, Any]] = {
        "adapt.held_out": 0.0,  # the questions that were written apart are the test
        "adapt.teacher": "replay",
        "evaluate.splits": ["test_written"],
        "generate.test_questions": str(BUNDLE / "handwritten" / f"{DATABASE}.jsonl"),
        "task.sql.aliases": f"{BUNDLED}{DATABASE}",
        "task.sql.db": DATABASE,
        "task.sql.n_questions": 600,
        "task.sql.test_databases": 0,
        "teacher.replay.file": str(BUNDLE / "recorded" / f"{DATABASE}.jsonl"),
        "train.max_steps": 600,
        "train.threads": 1,  # on a busy machine, two threads mostly wait for each other
    }
    # A quarter of the questions and of the steps.
    demo_quick_settings: ClassVar[Mapping[str, Any]] = {
        "adapt.teacher_questions": 160,
        "task.sql.n_questions": 150,
        "train.max_steps": 150,
    }
