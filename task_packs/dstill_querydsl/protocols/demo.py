"""The settings of `dstill demo --task querydsl`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from dstill.api.protocols import Demo
from dstill.api.values import BUNDLED
from dstill.errors import UsageError, did_you_mean
from dstill_querydsl.bundle import FOLDER

__all__ = ["RECORDED", "QueryDemo", "recorded"]

RECORDED = ("factbook", "birdstrikes")  # indices with questions of a teacher


def recorded(index: str) -> dict[str, Any]:
    """The settings for an index with a recorded teacher and questions that were written apart. Raises UsageError."""
    if index not in RECORDED:
        raise UsageError(
            f"no teacher's questions about '{index}' are bundled.{did_you_mean(index, RECORDED)}",
            where="--bundled-index",
            hint=f"give one of {', '.join(RECORDED)}",
        )
    return {
        "task.querydsl.aliases": f"{BUNDLED}{index}",
        "task.querydsl.index": index,
        "teacher.replay.file": str(FOLDER / "recorded" / f"{index}.jsonl"),
        "generate.test_questions": str(FOLDER / "handwritten" / f"{index}.jsonl"),
    }


class QueryDemo(Demo):
    """Distils a recorded teacher's questions about an index that the base never saw."""

    demo_settings: ClassVar[Mapping[str, Any]] = {
        **recorded("factbook"),
        "adapt.teacher": "replay",
        "adapt.held_out": 0.0,  # the questions that were written apart are the test
        "evaluate.splits": ["test_written"],
        "task.querydsl.n_questions": 600,
        "task.querydsl.free_phrasing": 0.5,
        "task.querydsl.corpora": 0,
        "train.max_steps": 600,
        "train.threads": 1,  # on a busy machine, two threads mostly wait for each other
    }
    # A quarter of the questions and of the steps.
    demo_quick_settings: ClassVar[Mapping[str, Any]] = {
        "adapt.teacher_questions": 160,
        "task.querydsl.n_questions": 150,
        "train.max_steps": 150,
    }
