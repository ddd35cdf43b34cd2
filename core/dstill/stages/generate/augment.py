"""More training questions where a student is weak: in the categories of its failures with one label.

    focus = focus_of("sort", "mine", verdicts, records, where="runs/mine")
    focus.categories                       # {"sort_page": 9, "terse": 2}: failures of that label by category
    draw(task, focus, {}, 200, seed=1)     # 200 questions: 164 of sort_page, 36 of terse

In: an evaluated run, and a label of its verdicts (`dstill.answering.error_analysis`). Out: training questions of those
categories, in proportion to the failures. Questions are excluded that the curation would remove beside the splits of
the run (`dstill.inputs.dedup`), and those with a template or data of its unseen test splits. A pack that reads
``context["focus"]`` makes only such questions; questions of other packs are filtered.

Not covered: why the student fails. More questions help where a category is rare or hard, not where gold answers are
wrong.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dstill.api.protocols import Synthesis
from dstill.api.records import Example, Record, Verdict
from dstill.api.task import Task
from dstill.errors import RunError, UsageError, did_you_mean
from dstill.inputs.dedup import select
from dstill.inputs.leakage import data_keys
from dstill.inputs.quotas import quotas
from dstill.io.shell import command

__all__ = ["Focus", "draw", "focus_of", "require_label"]

POOL_FACTOR = 40  # questions to draw for each one wanted, as a pack may make all categories
SPARE_FACTOR = 2  # times the share of a category to draw, as the curation removes some


@dataclass(frozen=True, kw_only=True)
class Focus:
    """The categories and templates of the failures with one label."""

    label: str
    run: str
    categories: Mapping[str, int]  # category → failures, the most frequent first
    templates: Mapping[str, int]  # template → failures, the most frequent first
    asked: Sequence[Record] = field(default=(), repr=False)  # the rows of all splits of the run

    @property
    def failures(self) -> int:
        """How many failures have the label."""
        return sum(self.categories.values())

    def summary(self) -> str:
        """``11 failures of 'sort' in run mine: sort_page 9, terse 2``."""
        noun = "failure" if self.failures == 1 else "failures"
        lie = ", ".join(f"{name or '(no category)'} {count}" for name, count in self.categories.items())
        return f"{self.failures} {noun} of '{self.label}' in run {self.run}: {lie}"


def focus_of(label: str, run: str, verdicts: Sequence[Verdict], records: Sequence[Record], *, where: str) -> Focus:
    """The focus on the failures with `label` among the `verdicts` of `run`. Raises UsageError, RunError.

    `records`: the rows of all splits of the run. `where`: the run as the user named it, for commands.
    """
    if not verdicts:
        raise RunError(f"run '{run}' has no verdicts yet", where=where, hint=command("evaluate", Path(where)))
    counts = Counter(verdict.cause.label for verdict in verdicts if verdict.cause is not None)
    if not counts[label]:
        others = ", ".join(f"'{name}' ({count})" for name, count in counts.most_common())
        raise UsageError(
            f"run '{run}' has no failure of '{label}'",
            where="--augment-cause",
            hint=f"it has {others}" if others else f"`{command('evaluate', Path(where))}` labels its failures",
        )
    failed = [verdict for verdict in verdicts if verdict.cause is not None and verdict.cause.label == label]
    return Focus(
        label=label,
        run=run,
        categories=dict(Counter(verdict.category for verdict in failed).most_common()),
        templates=dict(Counter(verdict.template for verdict in failed).most_common()),
        asked=records,
    )


def require_label(label: str, labels: Sequence[str]) -> None:
    """Raises UsageError when `label` is not one of `labels`."""
    if label not in labels:
        raise UsageError(
            f"no cause of failures is called '{label}'.{did_you_mean(label, labels)}",
            where="--augment-cause",
            hint=f"causes: {', '.join(map(repr, labels))}",
        )


def draw(
    task: Task, focus: Focus, context: Mapping[str, Any], n: int, seed: int, known: Iterable[Example] = ()
) -> list[Example]:
    """At most `n` questions of the task for training, in proportion to the failures. Raises UsageError.

    When a category has too few, the other categories fill up. `known`: questions, besides those of the run, that must
    not be drawn.
    """
    about = {"label": focus.label, "categories": dict(focus.categories), "templates": dict(focus.templates)}
    wanted = quotas(focus.categories, n)
    missing = {name: SPARE_FACTOR * count + SPARE_FACTOR for name, count in wanted.items()}
    unseen, drawn = _Unseen(task, [*focus.asked, *known]), list[Example]()
    for example in itertools.islice(
        Synthesis.of(task).synthesize({**context, "focus": about}, POOL_FACTOR * n, seed), POOL_FACTOR * n
    ):
        if missing.get(example.category, 0) and not unseen.has(example):
            missing[example.category] -= 1
            drawn.append(replace(example, split="train", id=f"focus-{example.id}"))
        if not any(missing.values()):
            break
    free = _new(drawn, [*focus.asked, *known], task)
    if not free:
        raise UsageError(
            f"task '{task.name}' makes no questions of {', '.join(focus.categories)}",
            where=f"--augment-cause {focus.label}",
            hint="ask a --teacher for some, or write them into a file",
        )
    chosen: list[Example] = []
    rest: list[Example] = []
    for example in free:
        (chosen if wanted[example.category] > 0 else rest).append(example)
        wanted[example.category] -= 1
    return [*chosen, *rest][:n]


def _new(examples: Sequence[Example], there: Iterable[Example | Record], task: Task) -> list[Example]:
    """Those of `examples` that the curation accepts for training beside the rows `there`."""
    rows = [_record(row) for row in (*there, *examples)]
    accepted = {row.id for row in select(rows, task) if isinstance(row, Record)}
    return [example for example in examples if example.id in accepted]


def _record(example: Example | Record) -> Record:
    if isinstance(example, Record):
        return example
    return Record(
        id=example.id,
        question=example.question,
        rationale=example.rationale or "",
        answer=example.answer or "",
        context=example.context,
        category=example.category,
        template=example.template,
        split=example.split,
    )


class _Unseen:
    """The templates and data of the unseen test splits."""

    def __init__(self, task: Task, rows: Sequence[Example | Record]) -> None:
        self.task = task
        self.templates = {row.template for row in rows if row.split == "test_unseen_templates"} - {""}
        self.data = {key for row in rows if row.split == "test_unseen_data" for key in data_keys(task, row)}

    def has(self, example: Example) -> bool:
        return example.template in self.templates or not self.data.isdisjoint(data_keys(self.task, example))
