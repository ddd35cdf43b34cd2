"""Questions → teacher → checks → dataset, as one function.

    generate(setup, teacher, examples, purchase)  →  Generated(requests=[…], dataset=Dataset(…), source=…, …)

`dstill.pipeline.label` makes a question a row; `dstill.pipeline.curate` makes the rows a dataset.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill.api.checking import not_checked
from dstill.api.protocols import DataProfile
from dstill.api.records import Example, Prompt, TeacherRequest
from dstill.api.task import Task
from dstill.api.teacher import BatchTeacher, Teacher
from dstill.config import Settings
from dstill.errors import BudgetError, Interrupted, RunError
from dstill.factory import Setup
from dstill.io.strict_json import dumps
from dstill.pipeline import label, steps
from dstill.pipeline.augment import Focus, draw
from dstill.pipeline.curate import Dataset, LabelSource, curated, executing
from dstill.pipeline.leakage import refuse_leaks
from dstill.pipeline.question_files import read_questions
from dstill.runtime import signals
from dstill.teacher.cost import caps, cost

if TYPE_CHECKING:
    from dstill.teacher.budget import Budget
    from dstill.teacher.cache import ReplyStore
    from dstill.teacher.client import Counts, TeacherReply

__all__ = ["Generated", "Purchase", "generate", "questions", "refuse_other_questions"]

SHARE = 4  # training questions for each additional one, when ``augment.n`` is not set

log = logging.getLogger("dstill")


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """Where replies are stored, who buys them, and how to resume."""

    store: Path
    buyer: str  # a budget covers all calls with the same buyer
    resume: str  # the command that continues where this call stopped
    where: str  # the run's folder, for messages


@dataclass(frozen=True, kw_only=True)
class Generated:
    """What `generate` returns."""

    requests: Sequence[TeacherRequest]  # each question with the keys of its replies in the store
    dataset: Dataset
    source: LabelSource
    replies: Counts
    retries: Mapping[str, int]  # code of the error → questions that were asked again for it
    fixed_on_retry: Mapping[str, int]  # code of the error → questions whose next reply was right
    cost: Mapping[str, Any]  # as `dstill.teacher.cost.cost` has it; empty: the teacher is free
    data: Mapping[str, Any]  # what was seen of the data; open: its keys are those of task and executor


def generate(setup: Setup, teacher: Teacher, examples: Sequence[Example], purchase: Purchase) -> Generated:
    """Ask the teacher about `examples`, check and run what it answers, and curate the rows.

    Replies in the store are not bought again. Raises Interrupted and BudgetError, which say how many replies are saved.
    """
    outcomes = Counter[str]()
    with executing(setup, outcomes) as (execute, executor):
        data = {
            **DataProfile.of(setup.task).data_facts(examples),
            **(executor.facts(examples) if executor is not None else {}),
        }
        labels = _ask_teacher(setup, teacher.open(setup.task), examples, execute, purchase)
    return Generated(
        requests=labels.requests,
        dataset=curated(setup.task, examples, [one.row for one in labels.labelled]),
        source=LabelSource(teacher=teacher.name, models=labels.models, outcomes=dict(outcomes)),
        replies=labels.replies,
        retries=dict(labels.retries.asked),
        fixed_on_retry=dict(labels.retries.fixed),
        cost=labels.cost,
        data=data,
    )


def questions(task: Task, settings: Settings, focus: Focus | None) -> list[Example]:
    """The questions of a configuration, each in its split; a `focus` adds some to train on.

    Raises DataError for a file that cannot be read, rows that do not name their data, and splits that share what they
    must not (`dstill.pipeline.leakage`): nothing is bought then. Raises UsageError when the task makes no questions for
    the focus.
    """
    if settings.generate.questions:
        file = Path(settings.generate.questions)
        found = read_questions(file, json_answers=task.json_answers, one_answer=True)
    else:
        found = steps.examples_of(task)
    found = [steps.assign_split(example, settings.project.seed) for example in found]
    found = steps.stratified_head(found, settings.generate.limit) if settings.generate.limit else found
    refuse_leaks(found, task, questions=False)
    found += _questions_for(task, settings, focus, found)
    _warn_of_skipped_checks(task, found)
    return found


def _questions_for(task: Task, settings: Settings, focus: Focus | None, found: Sequence[Example]) -> list[Example]:
    """Additional training questions of the categories in which a student failed. Raises UsageError."""
    if focus is None:
        return []
    rows = settings.augment.n or max(1, sum(one.split == "train" for one in found) // SHARE)
    return draw(task, focus, {}, rows, settings.project.seed, found)


def _warn_of_skipped_checks(task: Task, examples: Sequence[Example]) -> None:
    """Warn before a reply is bought: without a description of the data, wrong field names in answers pass."""
    skipped = Counter(layer for example in examples for layer in not_checked(task, example))
    if skipped:
        log.warning(
            "nothing describes the data of %s of %s questions (context): %s of their answers will not be checked",
            f"{max(skipped.values()):,}",
            f"{len(examples):,}",
            " and ".join(skipped),
        )


def refuse_other_questions(now: Sequence[Example], then: Sequence[Example], run: str, where: str) -> None:
    """Raises RunError, with the differences, when the dataset of `run` has other questions (`then`) than `now`."""
    new, old = ({example.id: dumps(example.to_row()) for example in examples} for examples in (now, then))
    found = {
        "added": new.keys() - old.keys(),
        "gone": old.keys() - new.keys(),
        "changed": {id for id in new.keys() & old.keys() if new[id] != old[id]},
    }
    if old and any(found.values()):
        parts = [f"{len(ids)} {what} ({min(ids)}{', …' if len(ids) > 1 else ''})" for what, ids in found.items() if ids]
        raise RunError(
            f"the dataset of run '{run}' was made from other questions: {', '.join(parts)}",
            where=where,
            hint="use another --out for a new run, or replace the dataset of this run with --resume-with-changes",
        )


@dataclass(frozen=True, kw_only=True)
class _Labels:
    """The rows made from the teacher's replies, and counts of the replies."""

    labelled: Sequence[label.Labeled]
    models: Mapping[str, int]
    replies: Counts
    retries: label.RetryStats
    cost: Mapping[str, Any]

    @property
    def requests(self) -> list[TeacherRequest]:
        return [one.request for one in self.labelled]


def _ask_teacher(
    setup: Setup, teacher: Teacher, examples: Sequence[Example], execute: label.Execute, purchase: Purchase
) -> _Labels:
    """Ask about all examples. Raises Interrupted and BudgetError, which say how many replies are saved."""
    from dstill.teacher.budget import Budget
    from dstill.teacher.cache import ReplyStore
    from dstill.teacher.client import Counts

    settings = setup.settings.generate
    limits = caps(settings, teacher)
    counts, retries = Counts(), label.RetryStats()
    with ReplyStore(purchase.store, buyer=purchase.buyer) as store:

        def progress() -> str:
            n = label.saved(setup.plugins, setup.task, teacher, examples, settings, store)
            return f"{n}/{len(examples)}"

        spent = store.bought_by(purchase.buyer) if teacher.paid else ()
        budget = Budget(limits, teacher.price, spent=spent)
        client = _Client(setup, teacher, store, counts, budget, len(examples))
        work = label.label_examples(
            setup.plugins,
            setup.task,
            teacher,
            examples,
            settings,
            ask=client.ask,
            execute=execute,
            retries=retries,
        )
        try:
            labelled = signals.run(work)
        except KeyboardInterrupt:
            raise Interrupted(
                f"stopped; {progress()} saved; resume with: {purchase.resume}", where=purchase.where
            ) from None
        except BudgetError as error:
            what = " while asking again," if client.rounds > 1 else ""
            raise BudgetError(
                f"{error.what}{what} at {progress()}; resume with a higher {error.hint}",
                where=error.where,
                hint=f"{purchase.resume} {error.hint} …",
            ) from None
        return _Labels(
            labelled=labelled,
            models=label.models([one.request for one in labelled], store),
            replies=counts,
            retries=retries,
            cost=cost(setup.settings.cost, teacher, budget, len(examples)),
        )


class _Client:
    """Asks the teacher in rounds that share counts and budget, and reports progress."""

    def __init__(
        self, setup: Setup, teacher: Teacher, store: ReplyStore, counts: Counts, budget: Budget, questions: int
    ) -> None:
        self.setup, self.teacher, self.store, self.counts, self.budget = setup, teacher, store, counts, budget
        self.questions = questions
        self.rounds = 0

    async def ask(self, prompts: Iterable[Prompt]) -> AsyncIterator[TeacherReply]:
        what = "asking the teacher" if not self.rounds else "asking again"
        total = len(prompts) if isinstance(prompts, Sized) else self.questions
        self.rounds += 1
        done = 0
        async for asked in self._replies(prompts):
            yield asked
            done += 1
            self.setup.progress(what, done, total)

    def _replies(self, prompts: Iterable[Prompt]) -> AsyncIterator[TeacherReply]:
        from dstill.teacher import batch, client

        settings = self.setup.settings.generate
        if settings.batch and isinstance(self.teacher, BatchTeacher):
            return batch.replies(
                self.teacher,
                prompts,
                self.store,
                counts=self.counts,
                budget=self.budget,
                on_progress=lambda done, total: self.setup.progress("waiting for batches", done, total),
            )
        return client.replies(
            self.teacher,
            prompts,
            self.store,
            concurrency=settings.concurrency,
            counts=self.counts,
            budget=self.budget,
        )
