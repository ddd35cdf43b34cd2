"""Labelled rows → dataset, without near duplicates, contamination and leaks between the splits.

    dataset = curated(task, examples, rows)
    dataset.records        # the rows of every split
    dataset.rejections     # the others, each with its problems
    dataset.counts         # DatasetCounts(questions=7000, accepted=6950, splits={"train": 6000, …}, …)

`executed` runs answers before they become records; `relabelled` makes the rows again from replies in the store.
Nothing here asks a teacher or writes a file.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dstill.api.executor import Executor
from dstill.api.records import SPLITS, Example, Record, Rejection, TeacherRequest
from dstill.api.task import Task
from dstill.factory import Setup
from dstill.pipeline import label, steps
from dstill.pipeline.dedup import LEARNT_FROM, select

if TYPE_CHECKING:
    from dstill.teacher.cache import ReplyStore

__all__ = [
    "Dataset",
    "DatasetCounts",
    "LabelSource",
    "Relabelled",
    "curated",
    "executed",
    "opened_executor",
    "relabelled",
    "stored_rows",
]


@dataclass(frozen=True, kw_only=True)
class DatasetCounts:
    """How many questions became rows, and why the others did not."""

    questions: int
    accepted: int
    rejected: int
    splits: Mapping[str, int]  # split → rows
    categories: Mapping[str, int]  # category → rows, in the order of their names
    rejections: Mapping[str, int]  # code of the first error → questions, the most frequent first


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """What became of all questions."""

    records: Sequence[Record]
    rejections: Sequence[Rejection]
    counts: DatasetCounts


@dataclass(frozen=True, kw_only=True)
class LabelSource:
    """Who wrote the labels of a dataset, and how its answers ran."""

    teacher: str
    models: Mapping[str, int]  # model, as its endpoint calls it → last replies that it wrote
    outcomes: Mapping[str, int]  # value of `OutcomeKind` → answers that were run


@dataclass(frozen=True, kw_only=True)
class Relabelled:
    """What `relabelled` returns."""

    dataset: Dataset
    source: LabelSource


def curated(task: Task, examples: Sequence[Example], rows: Sequence[Record | Rejection]) -> Dataset:
    """The dataset of `rows`, the labels of `examples`."""
    selected = select(rows, task)
    records = [row for row in selected if isinstance(row, Record)]
    rejections = [row for row in selected if isinstance(row, Rejection)]
    return Dataset(records=records, rejections=rejections, counts=_counts(examples, records, rejections))


def relabelled(setup: Setup, requests: Sequence[TeacherRequest], store: ReplyStore) -> Relabelled:
    """The dataset of the replies that `store` holds.

    A better parser, other checks or another engine make another dataset of the same replies.
    """
    teacher, outcomes = setup.settings.generate.teacher, Counter[str]()
    with opened_executor(setup) as executor:
        rows = stored_rows(setup, requests, store, executor, outcomes)
    return Relabelled(
        dataset=curated(setup.task, [request.example for request in requests], rows),
        source=LabelSource(teacher=teacher, models=label.models(requests, store), outcomes=dict(outcomes)),
    )


def stored_rows(
    setup: Setup,
    requests: Sequence[TeacherRequest],
    store: ReplyStore,
    executor: Executor | None,
    outcomes: Counter[str],
) -> list[Record | Rejection]:
    """The rows of stored replies: for each question the first one that passes the checks, else the last."""
    teacher = setup.settings.generate.teacher
    rows: list[Record | Rejection] = [label.unanswered(request) for request in requests]
    for n in range(label.MAX_RETRIES + 1):
        open_ = [at for at, request in enumerate(requests) if isinstance(rows[at], Rejection) and len(request.keys) > n]
        found = {at: reply for at in open_ if (reply := store.get(requests[at].keys[n])) is not None}
        parsed = [
            label.row(setup.plugins, setup.task, teacher, requests[at].example, reply) for at, reply in found.items()
        ]
        for at, row in zip(found, executed(setup, parsed, executor, outcomes), strict=True):
            rows[at] = row
    return rows


def opened_executor(setup: Setup) -> AbstractContextManager[Executor | None]:
    """The executor of answers before they become records, open during the block; None: ``generate.execute`` is none."""
    return contextlib.nullcontext() if setup.settings.generate.execute == "none" else setup.opened_executor()


def executed(
    setup: Setup, rows: Sequence[Record | Rejection], executor: Executor | None, outcomes: Counter[str]
) -> Iterator[Record | Rejection]:
    """`rows` in their order, after the answers that ``generate.execute`` chooses were run.

    Counts in `outcomes` how they ran. Without an `executor`, the rows as they are.
    """
    if executor is None:
        yield from rows
        return
    every = setup.settings.generate.execute == "all"
    chosen = [isinstance(row, Record) and (every or row.split not in LEARNT_FROM) for row in rows]
    wanted = [row for row, is_chosen in zip(rows, chosen, strict=True) if is_chosen]
    ran = steps.execute(wanted, executor, setup.task, outcomes)
    done = 0
    for row, is_chosen in zip(rows, chosen, strict=True):
        yield next(ran) if is_chosen else row
        if is_chosen:
            done += 1
            setup.progress("running the answers", done, len(wanted))


def _counts(examples: Sequence[Example], records: Sequence[Record], rejections: Sequence[Rejection]) -> DatasetCounts:
    codes = Counter(next(p.code for p in r.problems if p.is_error) for r in rejections)
    return DatasetCounts(
        questions=len(examples),
        accepted=len(records),
        rejected=len(rejections),
        splits={split: n for split in SPLITS if (n := sum(r.split == split for r in records))},
        categories=dict(sorted(Counter(r.category for r in records if r.category).items())),
        rejections=dict(codes.most_common()),
    )
