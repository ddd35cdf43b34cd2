"""Questions → teacher → checks → dataset, as one function.

    generate(setup, teacher, examples, purchase)  →  Generated(requests=[…], dataset=Dataset(…), source=…, …)

`label_examples` is the way of a question: asked, checked, run, and asked again when its reply is wrong. The steps are
functions of `dstill.pipeline.label`; `dstill.pipeline.curate` makes the rows a dataset, with the answers that came with
the questions where those count.
"""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill.api.checking import not_checked
from dstill.api.executor import Executor
from dstill.api.protocols import DataProfile
from dstill.api.records import Example, Prompt, Record, Rejection, TeacherRequest
from dstill.api.task import Task
from dstill.api.teacher import BatchTeacher, Teacher
from dstill.config import Settings
from dstill.errors import BudgetError, Interrupted, RunError
from dstill.factory import Setup
from dstill.io.strict_json import dumps
from dstill.pipeline import consistency, given, label, steps
from dstill.pipeline.augment import Focus, draw
from dstill.pipeline.curate import Dataset, LabelSource, curated, executed, opened_executor, with_given
from dstill.pipeline.label import Labeled
from dstill.pipeline.leakage import refuse_leaks
from dstill.pipeline.question_files import read_questions
from dstill.runtime import signals
from dstill.runtime.progress import Progress, silent
from dstill.teacher.cost import ReplyCost, caps, cost

if TYPE_CHECKING:
    from dstill.teacher.budget import Budget
    from dstill.teacher.cache import ReplyStore
    from dstill.teacher.client import Counts, TeacherReply

__all__ = [
    "Generated",
    "LabelCounts",
    "Purchase",
    "generate",
    "label_examples",
    "questions",
    "refuse_other_questions",
]

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
    rows: Sequence[Record | Rejection]  # of the teacher's replies, in the same order
    dataset: Dataset
    source: LabelSource
    replies: Counts
    retries: Mapping[str, int]  # code of the error → questions that were asked again for it
    fixed_on_retry: Mapping[str, int]  # code of the error → questions whose next reply was right
    cost: ReplyCost | None  # None: the teacher is free
    data: Mapping[str, Any]  # what was seen of the data: JSON whose keys task and executor choose


@dataclass(kw_only=True)
class LabelCounts:
    """What `label_examples` counts."""

    replies: Counts
    retries: Counter[str] = field(default_factory=Counter)  # as in `Generated`
    fixed_on_retry: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)  # value of `OutcomeKind` → answers that were run


def generate(
    setup: Setup,
    teacher: Teacher,
    examples: Sequence[Example],
    purchase: Purchase,
    *,
    worked: Sequence[Example] = (),
) -> Generated:
    """Ask the teacher about `examples`, check and run what it answers, and curate the rows.

    `worked`: training questions that prompts may show besides `examples`. Replies in the store are not bought again.
    Raises Interrupted and BudgetError, which say how many replies are saved.
    """
    from dstill.teacher.budget import Budget
    from dstill.teacher.cache import ReplyStore
    from dstill.teacher.client import Counts

    counts = LabelCounts(replies=Counts())
    with opened_executor(setup) as executor:  # first, so that no reply is bought while the engine is away
        data = {
            **DataProfile.of(setup.task).data_facts(examples),
            **(executor.facts(examples) if executor is not None else {}),
        }
        teacher = teacher.open(setup.task)
        limits = caps(setup.settings.generate, teacher)
        with ReplyStore(purchase.store, buyer=purchase.buyer) as store:
            spent = store.bought_by(purchase.buyer) if teacher.paid else ()
            budget = Budget(limits, teacher.price, spent=spent)
            work = label_examples(
                setup, teacher, examples, executor=executor, store=store, budget=budget, counts=counts, worked=worked
            )
            with _how_to_resume(setup, teacher, examples, worked, store, purchase, counts):
                labelled = signals.run(work)
                requests, rows = _of_all(examples, labelled)
                records = with_given(setup, examples, rows, executor, counts.outcomes)
            models = label.models(requests, store)
    return Generated(
        requests=requests,
        rows=rows,
        dataset=curated(setup.task, examples, records),
        source=LabelSource(teacher=teacher.name, models=models, outcomes=dict(counts.outcomes)),
        replies=counts.replies,
        retries=dict(counts.retries),
        fixed_on_retry=dict(counts.fixed_on_retry),
        cost=cost(setup.settings.cost, teacher, budget, len(examples)),
        data=data,
    )


def _of_all(
    examples: Sequence[Example], labelled: Sequence[Labeled]
) -> tuple[list[TeacherRequest], list[Record | Rejection]]:
    """The requests and rows of all `examples`: those about which the teacher was not asked have no reply."""
    found = {one.request.id: one for one in labelled}
    none = [TeacherRequest(id=example.id, example=example) for example in examples]
    requests = [found[one.id].request if one.id in found else one for one in none]
    return requests, [found[one.id].row if one.id in found else label.unanswered(one) for one in none]


async def label_examples(
    setup: Setup,
    teacher: Teacher,
    examples: Sequence[Example],
    *,
    executor: Executor | None,
    store: ReplyStore,
    budget: Budget,
    counts: LabelCounts,
    worked: Sequence[Example] = (),
) -> list[Labeled]:
    """Ask about `examples`, check and run what comes, and ask again about what is wrong. In the order of `examples`.

    Prompts may show `worked` besides `examples`. Those about which the teacher is not asked (`label.is_asked`) are
    missing. An answer is run unless the given one takes its place (`dstill.pipeline.given`). Each round ends before the
    next begins: all questions first, then all that are asked again. So the same replies give the same rows, whatever
    their order.
    """
    import asyncio  # here, as every command imports this

    plugins, task, what = setup.plugins, setup.task, "asking the teacher"
    labelled: dict[int, Labeled] = {}  # by the position of the example
    settings = setup.settings.generate
    asked = [n for n, one in enumerate(examples) if label.is_asked(plugins, task, teacher, one, settings)]
    taught = {example.id for example in examples if not given.is_label(example, settings)}
    first = [examples[n] for n in asked]
    shown = label.worked_examples([*worked, *examples])
    prompts: Iterable[Prompt] = label.prompts(plugins, task, teacher, first, shown, settings)
    async with teacher:
        while asked:
            # ask
            replies: list[TeacherReply] = []
            async for reply in _replies(setup, teacher, prompts, store, budget, counts.replies):
                replies.append(reply)
                setup.progress(what, len(replies), len(asked))
            # parse and check
            rows = [label.row(plugins, task, teacher.name, one.prompt.example, one.reply, settings) for one in replies]
            # run the answers
            ran: list[Record | Rejection] = []
            for row in executed(setup, rows, executor, counts.outcomes, among=taught):
                ran.append(row)
                await asyncio.sleep(0)  # so that Ctrl-C is handled
            for n, reply, row in zip(asked, replies, ran, strict=True):
                before = labelled.get(n)
                if before is not None:
                    counts.fixed_on_retry[label.error_code(before)] += isinstance(row, Record)
                labelled[n] = label.labeled(examples[n], reply, row, before)
            if teacher.is_lookup:
                break
            # the next round shows the teacher what was wrong
            follow_ups = {n: prompt for n in asked if (prompt := label.follow_up(task, labelled[n])) is not None}
            counts.retries.update(label.error_code(labelled[n]) for n in follow_ups)
            asked, prompts, what = list(follow_ups), follow_ups.values(), "asking again"
    return [labelled[n] for n in sorted(labelled)]


def _replies(
    setup: Setup, teacher: Teacher, prompts: Iterable[Prompt], store: ReplyStore, budget: Budget, counts: Counts
) -> AsyncIterator[TeacherReply]:
    """The reply to each prompt, in order: in parallel, or in batches with ``generate.batch``."""
    from dstill.teacher import batch, client

    settings = setup.settings.generate
    if settings.batch and isinstance(teacher, BatchTeacher):
        return batch.replies(
            teacher,
            prompts,
            store,
            counts=counts,
            budget=budget,
            on_progress=lambda done, total: setup.progress("waiting for batches", done, total),
        )
    return client.replies(teacher, prompts, store, concurrency=settings.concurrency, counts=counts, budget=budget)


@contextlib.contextmanager
def _how_to_resume(
    setup: Setup,
    teacher: Teacher,
    examples: Sequence[Example],
    worked: Sequence[Example],
    store: ReplyStore,
    purchase: Purchase,
    counts: LabelCounts,
) -> Iterator[None]:
    """Raise Ctrl-C as Interrupted, and it and BudgetError with how many replies are saved and how to resume."""

    def progress() -> str:
        n = label.saved(setup.plugins, setup.task, teacher, examples, setup.settings.generate, store, worked)
        return f"{n}/{len(examples)}"

    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            f"stopped; {progress()} saved; resume with: {purchase.resume}", where=purchase.where
        ) from None
    except BudgetError as error:
        what = " while asking again," if counts.retries else ""
        raise BudgetError(
            f"{error.what}{what} at {progress()}; resume with a higher {error.hint}",
            where=error.where,
            hint=f"{purchase.resume} {error.hint} …",
        ) from None


# --- its questions ----------------------------------------------------------------------


def questions(task: Task, settings: Settings, focus: Focus | None, progress: Progress = silent) -> list[Example]:
    """The questions of a configuration, each in its split; a `focus` adds some to train on.

    A task makes all of its questions, also with ``generate.limit``, which takes the same share of each split.

    Raises DataError for a file that cannot be read, rows that do not name their data, and splits that share what they
    must not (`dstill.pipeline.leakage`): nothing is bought then. Raises UsageError when the task makes no questions for
    the focus.
    """
    if settings.generate.questions:
        source, as_json = settings.generate.questions, task.json_answers
        found = read_questions(source, parse=task.parse, json_answers=as_json, one_answer=True)
    else:
        found = steps.examples_of(task, progress)
    found = [steps.assign_split(example, settings.project.seed) for example in found]
    found = steps.stratified_head(found, settings.generate.limit) if settings.generate.limit else found
    refuse_leaks(found, task, questions=False)
    found += _questions_for(task, settings, focus, found)
    _warn_of_skipped_checks(task, found)
    for text in consistency.of_questions(task, found):
        log.warning("%s", text)
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
