"""What is killed: the toy's sums for most trials, and questions of the Query DSL on its embedded engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path

from support.kill import pack
from support.kill.lab import Subject

__all__ = ["CURATED", "QUERYDSL", "SUMS"]

LIMIT = 40  # questions of the Query DSL
SMALL = {"n_questions": 120, "documents": 500}  # making the questions is no part of what is killed


def _golds() -> Mapping[str, str]:
    """Question → gold, of more questions than are asked."""
    from dstill.api.records import SPLITS
    from dstill_querydsl.pack import QueryDsl

    task = QueryDsl(replace(QueryDsl.Config(), **SMALL))  # type: ignore[arg-type]
    return {
        example.question: task.reply_text(f"{example.rationale} {{words}}", example.answer or "")
        for split in SPLITS
        for example in islice(task.examples(split), LIMIT)
    }


SUMS = Subject(plugin=Path(pack.__file__), settings={"project.task": "sums", "generate.shots": 0}, replies=pack.replies)
CURATED = replace(SUMS, before=SUMS.command, command=("data", "curate", "run"))
QUERYDSL = Subject(
    plugin=None,
    imported=("elasticsearch", "jsonschema", "dstill_querydsl.questions.example_splits"),
    settings={
        "project.task": "querydsl",
        "generate.limit": LIMIT,
        "generate.shots": 0,
        **{f"task.querydsl.{key}": value for key, value in SMALL.items()},
    },
    replies=_golds,
)
