"""More questions where a student is weak: of the kinds in which its failures of one label lie.

    focus = focus_of("sort", "mine", verdicts, records, where="runs/mine")
    focus.categories                       # {"sort_page": 9, "terse": 2}: failures of that label by category
    draw(task, focus, {}, 200, seed=1)     # 200 questions: 164 of sort_page, 36 of terse

In: a run that was evaluated, and a label of its verdicts (`dstill.pipeline.error_analysis`). Out: questions of those
categories in the shares of the failures, all for training: what the curation would not let into a training set beside
the run's sets (`dstill.pipeline.dedup`) is not among them, nor a template or data that its sets hold back. A pack
that heeds ``context["focus"]`` draws such questions only; of others' questions those that fit are kept.

Not covered: why a student fails there. More of a kind helps where that kind is rare or hard, not where golds
are wrong.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Iterable, Mapping, Sequence

from dstill.api.protocols import Synthesis
from dstill.api.records import Example, Record, Verdict
from dstill.api.task import Task, data_of
from dstill.errors import RunError, UsageError, did_you_mean
from dstill.io.shell import command
from dstill.pipeline.dedup import select
from dstill.pipeline.quotas import quotas

__all__ = ["Focus", "draw", "focus_of", "require_label"]

WIDE = 40  # questions that are looked at for each that is wanted, where a pack gives all kinds
SPARE = 2  # so many times more of a category than its share, for those that fall to the curation


@dataclass(frozen=True, kw_only=True)
class Focus:
    """Where the failures of one label lie."""

    label: str
    run: str
    categories: Mapping[str, int]  # failures by category, the most first
    templates: Mapping[str, int]  # likewise
    asked: Sequence[Record] = field(default=(), repr=False)  # the rows of the run's sets

    @property
    def failures(self) -> int:
        return sum(self.categories.values())

    def summary(self) -> str:
        """``11 failures of 'sort' in run mine: sort_page 9, terse 2``."""
        noun = "failure" if self.failures == 1 else "failures"
        lie = ", ".join(f"{name or '(no category)'} {count}" for name, count in self.categories.items())
        return f"{self.failures} {noun} of '{self.label}' in run {self.run}: {lie}"


def focus_of(label: str, run: str, verdicts: Sequence[Verdict], asked: Sequence[Record], *, where: str) -> Focus:
    """Where the failures of `label` lie among `verdicts`, which are those of `run`. Raises UsageError, RunError.

    `asked`: the rows of the run's splits. `where`: the run as the user named it, for commands.
    """
    if not verdicts:
        raise RunError(f"run '{run}' has no verdicts yet", where=where, hint=command("evaluate", Path(where)))
    counts = Counter(verdict.cause.label for verdict in verdicts if verdict.cause is not None)
    if not counts[label]:
        there = ", ".join(f"{name} {count}" for name, count in counts.most_common())
        raise UsageError(
            f"run '{run}' has no failure of '{label}'",
            where="--augment-cause",
            hint=f"it has {there}" if there else f"`{command('evaluate', Path(where))}` labels them anew",
        )
    failed = [verdict for verdict in verdicts if verdict.cause is not None and verdict.cause.label == label]
    return Focus(
        label=label,
        run=run,
        categories=dict(Counter(verdict.category for verdict in failed).most_common()),
        templates=dict(Counter(verdict.template for verdict in failed).most_common()),
        asked=asked,
    )


def require_label(label: str, labels: Sequence[str]) -> None:
    """Raises UsageError when no failure can be called `label`."""
    if label not in labels:
        raise UsageError(
            f"no failures are called '{label}'.{did_you_mean(label, labels)}",
            where="--augment-cause",
            hint=f"there are {', '.join(labels)}",
        )


def draw(
    task: Task, focus: Focus, context: Mapping[str, Any], n: int, seed: int, others: Iterable[Example] = ()
) -> list[Example]:
    """At most `n` questions of the task's own for training, in the shares of the failures. Raises UsageError.

    What a category has too few of is made up by the others of them. `others`: more questions, beside those of the
    run, that must not be drawn.
    """
    about = {"label": focus.label, "categories": dict(focus.categories), "templates": dict(focus.templates)}
    wanted = quotas(focus.categories, n)
    room = {name: SPARE * count + SPARE for name, count in wanted.items()}
    held, found = _Held(task, [*focus.asked, *others]), list[Example]()
    for example in itertools.islice(
        Synthesis.of(task).synthesize({**context, "focus": about}, WIDE * n, seed), WIDE * n
    ):
        if room.get(example.category, 0) and not held.shares(example):
            room[example.category] -= 1
            found.append(replace(example, split="train", id=f"focus-{example.id}"))
        if not any(room.values()):
            break
    free = _new(found, [*focus.asked, *others], task)
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


def _new(found: Sequence[Example], there: Iterable[Example | Record], task: Task) -> list[Example]:
    """Those that the curation would let into a training set beside `there`."""
    rows = [_record(one) for one in (*there, *found)]
    kept = {row.id for row in select(rows, task) if isinstance(row, Record)}
    return [example for example in found if example.id in kept]


def _record(one: Example | Record) -> Record:
    if isinstance(one, Record):
        return one
    return Record(
        id=one.id,
        question=one.question,
        rationale=one.rationale or "",
        answer=one.answer or "",
        context=one.context,
        category=one.category,
        template=one.template,
        split=one.split,
    )


class _Held:
    """Templates and data that nothing is trained on."""

    def __init__(self, task: Task, rows: Sequence[Example | Record]) -> None:
        self.task = task
        self.templates = {row.template for row in rows if row.split == "test_unseen_templates"} - {""}
        self.data = {data_of(task, row) for row in rows if row.split == "test_unseen_data"} - {""}

    def shares(self, example: Example) -> bool:
        return example.template in self.templates or data_of(self.task, example) in self.data
