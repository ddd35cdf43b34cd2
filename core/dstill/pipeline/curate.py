"""Labelled rows → dataset, without near duplicates, contamination and leaks between the splits.

    dataset = curated(task, examples, rows)
    dataset.records        # the rows of every split
    dataset.rejections     # the others, each with its problems
    dataset.counts         # DatasetCounts(questions=7000, accepted=6950, splits={"train": 6000, …}, …)

`executing` runs answers before they become records; `relabelled` makes the rows again from replies in the store.
Nothing here asks a teacher or writes a file.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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

__all__ = ["Dataset", "DatasetCounts", "LabelSource", "Relabelled", "curated", "executing", "relabelled"]


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
    with executing(setup, outcomes) as (execute, _):
        rows = label.relabel_from_cache(setup.plugins, setup.task, teacher, requests, store, execute)
    return Relabelled(
        dataset=curated(setup.task, [request.example for request in requests], rows),
        source=LabelSource(teacher=teacher, models=label.models(requests, store), outcomes=dict(outcomes)),
    )


@contextlib.contextmanager
def executing(setup: Setup, outcomes: Counter[str]) -> Iterator[tuple[label.Execute, Executor | None]]:
    """A function that runs answers before they become records, and the open executor.

    The executor is None when ``generate.execute`` is none. Opens the engine first, so that no reply is bought while the
    engine is away. Counts in `outcomes` how the answers ran.
    """
    settings = setup.settings.generate
    with setup.opened_executor() if settings.execute != "none" else contextlib.nullcontext() as executor:
        if executor is None:
            yield iter, None
            return
        running = executor

        def execute(rows: Sequence[Record | Rejection]) -> Iterator[Record | Rejection]:
            every = settings.execute == "all"
            chosen = [isinstance(row, Record) and (every or row.split not in LEARNT_FROM) for row in rows]
            wanted = [row for row, is_chosen in zip(rows, chosen, strict=True) if is_chosen]
            executed = steps.execute(wanted, running, setup.task, outcomes)
            done = 0
            for row, is_chosen in zip(rows, chosen, strict=True):
                yield next(executed) if is_chosen else row
                if is_chosen:
                    done += 1
                    setup.progress("running the answers", done, len(wanted))

        yield execute, executor


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
