"""Labelled rows → dataset, without near duplicates, contamination and leaks between the splits.

    dataset = curated(task, examples, rows)
    dataset.records        # the rows of every split
    dataset.rejections     # the others, each with its problems
    dataset.counts         # DatasetCounts(questions=7000, accepted=6950, splits={"train": 6000, …}, …)

`executed` runs answers before they become records; `with_given` puts answers that came with the questions in place of
the teacher's (`dstill.inputs.given`); `relabelled` makes the rows again from replies in the store.
Nothing here asks a teacher or writes a file.
"""

from __future__ import annotations

import contextlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from dstill.answering import steps
from dstill.api.executor import Executor
from dstill.api.records import SPLITS, Example, Record, Rejection, TeacherRequest
from dstill.api.task import Task
from dstill.factory import Setup
from dstill.inputs import given
from dstill.inputs.dedup import LEARNING_SPLITS, select
from dstill.io.spool import View
from dstill.runtime import spooled
from dstill.runtime.progress import Progress, silent
from dstill.stages.generate import label

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
    """The rows of all questions."""

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
    """The result of `relabelled`."""

    dataset: Dataset
    source: LabelSource
    rows: Sequence[Record | Rejection]  # of the teacher's replies


def curated(
    task: Task, examples: Sequence[Example], rows: Iterable[Record | Rejection], progress: Progress = silent
) -> Dataset:
    """The dataset of `rows`, the labels of `examples` in their order."""
    selected = select(rows, task, progress)
    accepted, rejected = array("Q"), array("Q")
    for at, row in enumerate(selected):
        (accepted if isinstance(row, Record) else rejected).append(at)
    records: Sequence[Any] = View(selected.__getitem__, accepted)
    rejections: Sequence[Any] = View(selected.__getitem__, rejected)
    return Dataset(records=records, rejections=rejections, counts=_counts(task, examples, records, rejections))


def relabelled(setup: Setup, requests: Sequence[TeacherRequest], store: ReplyStore) -> Relabelled:
    """The dataset of the replies that `store` holds.

    A better parser, other checks or another engine make another dataset of the same replies.
    """
    teacher, outcomes = setup.settings.generate.teacher, Counter[str]()
    examples = View(attrgetter("example"), requests)
    with opened_executor(setup) as executor:
        rows = stored_rows(setup, requests, store, executor, outcomes)
        labelled = with_given(setup, examples, rows, executor, outcomes)
        dataset = curated(setup.task, examples, labelled, setup.progress)
    return Relabelled(
        dataset=dataset,
        source=LabelSource(teacher=teacher, models=label.models(requests, store), outcomes=dict(outcomes)),
        rows=rows,
    )


def stored_rows(
    setup: Setup,
    requests: Sequence[TeacherRequest],
    store: ReplyStore,
    executor: Executor | None,
    outcomes: Counter[str],
) -> Sequence[Record | Rejection]:
    """The rows of stored replies: for each question the first one that passes the checks, else the last."""
    teacher, settings = setup.settings.generate.teacher, setup.settings.generate
    rows = spooled.labels(map(label.unanswered, requests))
    for n in range(label.MAX_RETRIES + 1):
        open_ = array("Q")
        for at, (request, row) in enumerate(zip(requests, rows, strict=True)):
            if isinstance(row, Rejection) and len(request.keys) > n and store.get(request.keys[n]) is not None:
                open_.append(at)
        examples = View(requests.__getitem__, open_)
        parsed = (
            label.row(setup.plugins, setup.task, teacher, request.example, reply, settings)
            for request in examples
            if (reply := store.get(request.keys[n])) is not None
        )
        taught = (not given.is_label(request.example, settings) for request in examples)
        ran = executed(setup, zip(parsed, taught, strict=True), executor, outcomes, of=len(open_))
        for at, row in zip(open_, ran, strict=True):
            rows[at] = row
    return rows


def with_given(
    setup: Setup,
    examples: Sequence[Example],
    rows: Iterable[Record | Rejection],
    executor: Executor | None,
    outcomes: Counter[str],
) -> Iterator[Record | Rejection]:
    """The rows of `examples`: the given answers where they count, which are run, else `rows`, those of the replies."""
    settings = setup.settings.generate

    def labelled(example: Example, row: Record | Rejection) -> tuple[Record | Rejection, bool]:
        is_own = given.is_label(example, settings)
        if is_own:
            row = label.settled(setup.plugins, setup.task, example, row)
            if settings.questions and isinstance(row, Record):
                row = replace(row, teacher="")  # also if a teacher that looks replies up has repeated it
        return row, is_own

    pairs = (labelled(example, row) for example, row in zip(examples, rows, strict=True))
    return executed(setup, pairs, executor, outcomes, of=len(examples))


def opened_executor(setup: Setup) -> AbstractContextManager[Executor | None]:
    """The executor of answers before they become records, open during the block; None: ``generate.execute`` is none."""
    return contextlib.nullcontext() if setup.settings.generate.execute == "none" else setup.opened_executor()


def executed(
    setup: Setup,
    rows: Iterable[tuple[Record | Rejection, bool]],
    executor: Executor | None,
    outcomes: Counter[str],
    *,
    of: int,
) -> Iterator[Record | Rejection]:
    """The `rows` in their order, after those with True were run, if ``generate.execute`` chooses them.

    Counts in `outcomes` how they ran. Without an `executor`, the rows as they are. `of`: their number.
    """
    if executor is None:
        yield from (row for row, _ in rows)
        return
    every = setup.settings.generate.execute == "all"

    def is_run(row: Record | Rejection, is_wanted: bool) -> bool:
        return is_wanted and isinstance(row, Record) and (every or row.split not in LEARNING_SPLITS)

    marked = ((row, is_run(row, is_wanted)) for row, is_wanted in rows)
    for done, row in enumerate(steps.execute(marked, executor, setup.task, outcomes), start=1):
        yield row
        setup.progress("running the answers", done, of)


def _counts(
    task: Task, examples: Sequence[Example], records: Sequence[Record], rejections: Iterable[Rejection]
) -> DatasetCounts:
    splits, categories = Counter[str](), Counter[str]()
    for record in records:
        splits[record.split] += 1
        categories[record.category] += 1
    codes = Counter(label.error_code(rejection) for rejection in rejections)
    return DatasetCounts(
        questions=len(examples),
        accepted=len(records),
        rejected=codes.total(),
        splits={split: splits[split] for split in SPLITS if split in splits},
        categories=dict(sorted((name, n) for name, n in categories.items() if name)),
        rejections=dict(codes.most_common()),
        labels=given.count(task, examples, records),
    )
