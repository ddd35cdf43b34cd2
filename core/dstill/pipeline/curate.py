"""Labelled rows → dataset, without near duplicates, contamination and leaks between the splits.

    dataset = curated(task, examples, rows)
    dataset.records        # the rows of every split
    dataset.rejections     # the others, each with its problems
    dataset.counts         # DatasetCounts(questions=7000, accepted=6950, splits={"train": 6000, …}, …)

`executed` runs answers before they become records; `with_given` puts answers that came with the questions in place of
the teacher's (`dstill.pipeline.given`); `relabelled` makes the rows again from replies in the store.
Nothing here asks a teacher or writes a file.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dstill.api.executor import Executor
from dstill.api.records import SPLITS, Example, Record, Rejection, TeacherRequest
from dstill.api.task import Task
from dstill.factory import Setup
from dstill.pipeline import given, label, steps
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
    "with_given",
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
    labels: Mapping[str, int] = field(default_factory=dict)  # whose answers the rows have (`given.count`)


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
    rows: Sequence[Record | Rejection]  # of the teacher's replies


def curated(task: Task, examples: Sequence[Example], rows: Sequence[Record | Rejection]) -> Dataset:
    """The dataset of `rows`, the labels of `examples`."""
    selected = select(rows, task)
    records = [row for row in selected if isinstance(row, Record)]
    rejections = [row for row in selected if isinstance(row, Rejection)]
    return Dataset(records=records, rejections=rejections, counts=_counts(task, examples, records, rejections))


def relabelled(setup: Setup, requests: Sequence[TeacherRequest], store: ReplyStore) -> Relabelled:
    """The dataset of the replies that `store` holds.

    A better parser, other checks or another engine make another dataset of the same replies.
    """
    teacher, outcomes = setup.settings.generate.teacher, Counter[str]()
    examples = [request.example for request in requests]
    with opened_executor(setup) as executor:
        rows = stored_rows(setup, requests, store, executor, outcomes)
        labelled = with_given(setup, examples, rows, executor, outcomes)
    return Relabelled(
        dataset=curated(setup.task, examples, labelled),
        source=LabelSource(teacher=teacher, models=label.models(requests, store), outcomes=dict(outcomes)),
        rows=rows,
    )


def stored_rows(
    setup: Setup,
    requests: Sequence[TeacherRequest],
    store: ReplyStore,
    executor: Executor | None,
    outcomes: Counter[str],
) -> list[Record | Rejection]:
    """The rows of stored replies: for each question the first one that passes the checks, else the last."""
    teacher, settings = setup.settings.generate.teacher, setup.settings.generate
    taught = {request.id for request in requests if not given.is_label(request.example, settings)}
    rows: list[Record | Rejection] = [label.unanswered(request) for request in requests]
    for n in range(label.MAX_RETRIES + 1):
        open_ = [at for at, request in enumerate(requests) if isinstance(rows[at], Rejection) and len(request.keys) > n]
        found = {at: reply for at in open_ if (reply := store.get(requests[at].keys[n])) is not None}
        parsed = [
            label.row(setup.plugins, setup.task, teacher, requests[at].example, reply, settings)
            for at, reply in found.items()
        ]
        for at, row in zip(found, executed(setup, parsed, executor, outcomes, among=taught), strict=True):
            rows[at] = row
    return rows


def with_given(
    setup: Setup,
    examples: Sequence[Example],
    rows: Sequence[Record | Rejection],
    executor: Executor | None,
    outcomes: Counter[str],
) -> list[Record | Rejection]:
    """The rows of `examples`: the given answers where they count, which are run, else `rows`, those of the replies."""
    settings, labelled = setup.settings.generate, list[Record | Rejection]()
    own = {example.id for example in examples if given.is_label(example, settings)}
    for example, row in zip(examples, rows, strict=True):
        if example.id in own:
            row = label.settled(setup.plugins, setup.task, example, row)
            if settings.questions and isinstance(row, Record):
                row = replace(row, teacher="")  # also if a teacher that looks replies up has repeated it
        labelled.append(row)
    return list(executed(setup, labelled, executor, outcomes, among=own))


def opened_executor(setup: Setup) -> AbstractContextManager[Executor | None]:
    """The executor of answers before they become records, open during the block; None: ``generate.execute`` is none."""
    return contextlib.nullcontext() if setup.settings.generate.execute == "none" else setup.opened_executor()


def executed(
    setup: Setup,
    rows: Sequence[Record | Rejection],
    executor: Executor | None,
    outcomes: Counter[str],
    *,
    among: Collection[str],
) -> Iterator[Record | Rejection]:
    """`rows` in their order, after those answers with an id in `among` were run that ``generate.execute`` chooses.

    Counts in `outcomes` how they ran. Without an `executor`, the rows as they are.
    """
    if executor is None:
        yield from rows
        return
    every = setup.settings.generate.execute == "all"
    chosen = [isinstance(r, Record) and r.id in among and (every or r.split not in LEARNT_FROM) for r in rows]
    wanted = [row for row, is_chosen in zip(rows, chosen, strict=True) if is_chosen]
    ran = steps.execute(wanted, executor, setup.task, outcomes)
    done = 0
    for row, is_chosen in zip(rows, chosen, strict=True):
        yield next(ran) if is_chosen else row
        if is_chosen:
            done += 1
            setup.progress("running the answers", done, len(wanted))


def _counts(
    task: Task, examples: Sequence[Example], records: Sequence[Record], rejections: Sequence[Rejection]
) -> DatasetCounts:
    codes = Counter(next(p.code for p in r.problems if p.is_error) for r in rejections)
    return DatasetCounts(
        questions=len(examples),
        accepted=len(records),
        rejected=len(rejections),
        splits={split: n for split in SPLITS if (n := sum(r.split == split for r in records))},
        categories=dict(sorted(Counter(r.category for r in records if r.category).items())),
        rejections=dict(codes.most_common()),
        labels=given.count(task, examples, records),
    )
