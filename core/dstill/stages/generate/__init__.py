"""Questions → teacher → checks → dataset, as one function.

    generate(setup, teacher, examples, purchase)  →  Generated(requests=[…], dataset=Dataset(…), source=…, …)

`label_examples` is the way of a question: asked, checked, run, and asked again when its reply is wrong. The steps are
functions of `label`; `curate` makes the rows a dataset, with the answers that came with the questions where those
count.
"""

from __future__ import annotations

import contextlib
from array import array
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, zip_longest
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from dstill.answering import steps
from dstill.answering.prompts import prompter, worked_examples
from dstill.api.checking import not_checked
from dstill.api.executor import Executor
from dstill.api.protocols import DataProfile, Synthesis
from dstill.api.records import Example, Problem, Prompt, Record, Rejection, Reply, TeacherRequest
from dstill.api.task import Task
from dstill.api.teacher import BatchTeacher, Teacher
from dstill.config import Settings
from dstill.errors import BudgetError, DataError, Interrupted, RunError
from dstill.factory import Setup
from dstill.inputs import given
from dstill.inputs.leakage import refuse_leaks
from dstill.inputs.question_files import read_questions
from dstill.inputs.question_validation import require_unique_ids
from dstill.io.logs import log
from dstill.io.spool import View, digest
from dstill.io.strict_json import dumps
from dstill.quality import consistency
from dstill.runtime import signals, spooled
from dstill.runtime.progress import Progress, silent
from dstill.runtime.spooled import Answered
from dstill.stages.generate import label
from dstill.stages.generate.augment import Focus, draw
from dstill.stages.generate.curate import Dataset, LabelSource, curated, executed, opened_executor, with_given
from dstill.stages.generate.label import Labeled
from dstill.teacher.cost import ReplyCost, caps, cost
from dstill.teacher.purchase import Purchase

if TYPE_CHECKING:
    from dstill.teacher.budget import Budget
    from dstill.teacher.cache import ReplyStore
    from dstill.teacher.client import Counts, TeacherReply

__all__ = [
    "Generated",
    "LabelCounts",
    "generate",
    "label_examples",
    "questions",
    "refuse_other_questions",
]

SHARE = 4  # training questions for each additional one, when ``augment.n`` is not set

RETRY_LABEL = "asking again"


@dataclass(frozen=True, kw_only=True)
class Generated:
    """The result of `generate`."""

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
    """The counts of `label_examples`."""

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
                requests, rows = View(attrgetter("request"), labelled), View(attrgetter("row"), labelled)
                given_or_said = with_given(setup, examples, (row for row in rows), executor, counts.outcomes)
                dataset = curated(setup.task, examples, given_or_said, setup.progress)
            models = label.models((request for request in requests), store)
    return Generated(
        requests=requests,
        rows=rows,
        dataset=dataset,
        source=LabelSource(teacher=teacher.name, models=models, outcomes=dict(counts.outcomes)),
        replies=counts.replies,
        retries=dict(counts.retries),
        fixed_on_retry=dict(counts.fixed_on_retry),
        cost=cost(setup.settings.cost, teacher, budget, len(examples)),
        data=data,
    )


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
) -> Sequence[Labeled]:
    """Ask about `examples`, check and run what comes, and ask again about what is wrong. In the order of `examples`.

    Prompts may show `worked` besides `examples`. Those about which the teacher is not asked (`label.is_asked`) have no
    reply. An answer is run unless the given one takes its place (`dstill.inputs.given`). Each round ends before the
    next begins: all questions first, then all that are asked again. So the same replies give the same rows, whatever
    their order. Replies are not held until they are checked: `store` has them.
    """
    import asyncio  # here, as every command imports this

    plugins, task, what = setup.plugins, setup.task, "asking the teacher"
    settings, labelled = setup.settings.generate, _Labelled(examples)
    is_asked = (label.is_asked(plugins, task, teacher, example, settings) for example in examples)
    positions = array("Q", (n for n, wanted in enumerate(is_asked) if wanted))
    shown = worked_examples(chain(worked, examples))
    of: Sequence[Example] = View(examples.__getitem__, positions)
    prompts: Sequence[Prompt] = View(prompter(plugins, task, teacher, shown, settings), of)

    def row_of(example: Example, reply: Reply | Problem) -> tuple[Record | Rejection, bool]:
        row = label.row(plugins, task, teacher.name, example, reply, settings)
        return row, not given.is_label(example, settings)

    async with teacher:
        while positions:
            # ask
            answers = spooled.answers()
            async for bought in _replies(setup, teacher, (prompt for prompt in prompts), store, budget, counts.replies):
                answers.append(bought.reply if isinstance(bought.reply, Problem) else bought.key)
                setup.progress(what, len(answers), len(positions))
            # parse, check and run
            replies = View(partial(_reply, store), answers, of)
            parsed = (row_of(*pair) for pair in zip(of, replies, strict=True))
            rows = executed(setup, parsed, executor, counts.outcomes, of=len(positions))
            # the next round shows the teacher what was wrong
            wrong, follow_ups = array("Q"), spooled.prompts()
            for at, (n, answer, row) in enumerate(zip(positions, answers, rows, strict=True)):
                await asyncio.sleep(0)  # so that Ctrl-C is handled
                if what == RETRY_LABEL:
                    counts.fixed_on_retry[labelled.error_code(n)] += isinstance(row, Record)
                labelled.add(n, answer, row)
                if isinstance(row, Record) or teacher.is_lookup or not labelled.may_ask_again(n):
                    continue
                reply = replies[at]
                follow_up = None if isinstance(reply, Problem) else label.follow_up(task, prompts[at], reply, row)
                if follow_up is not None:
                    counts.retries[label.error_code(row)] += 1
                    wrong.append(n)
                    follow_ups.append(follow_up)
            positions, prompts, what = wrong, follow_ups, RETRY_LABEL
            of = View(examples.__getitem__, positions)
    return labelled.all()


class _Labelled:
    """The rows of the examples so far."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._examples = examples
        self._known = spooled.answered()  # of the first examples

    def add(self, n: int, answer: str | Problem, row: Record | Rejection) -> None:
        """The key of one more reply about example `n` and its row, or why there is no further one."""
        self._fill(n + 1)
        before = self._known[n]
        if isinstance(answer, str):
            self._known[n] = Answered(keys=(*before.keys, answer), row=row)
        else:  # the row of an earlier reply stays
            self._known[n] = Answered(keys=before.keys, problems=(answer,), row=before.row if before.keys else row)

    def _fill(self, upto: int) -> None:
        for n in range(len(self._known), upto):
            example = self._examples[n]
            nothing = label.unanswered(TeacherRequest(id=example.id, example=example))
            self._known.append(Answered(row=nothing))

    def may_ask_again(self, n: int) -> bool:
        return len(self._known[n].keys) <= label.MAX_RETRIES

    def error_code(self, n: int) -> str:
        """Of an example whose row is a rejection."""
        row = self._known[n].row
        assert isinstance(row, Rejection)
        return label.error_code(row)

    def all(self) -> Sequence[Labeled]:
        self._fill(len(self._examples))
        return View(_labeled, self._examples, self._known)


def _labeled(example: Example, known: Answered) -> Labeled:
    request = TeacherRequest(id=example.id, example=example, keys=known.keys, problems=known.problems)
    return Labeled(request=request, row=known.row)


def _reply(store: ReplyStore, answer: str | Problem, example: Example) -> Reply | Problem:
    """The reply with the key `answer`, which the store has, or the problem that says why there is none."""
    if isinstance(answer, Problem):
        return answer
    reply = store.get(answer)
    assert reply is not None
    return replace(reply, id=example.id)


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
            f"stopped; {progress()} saved", where=purchase.where, hint=f"resume with: {purchase.resume}"
        ) from None
    except BudgetError as error:
        what = " while asking again," if counts.retries else ""
        raise BudgetError(
            f"{error.what}{what} at {progress()}; resume with a higher {error.hint}",
            where=error.where,
            hint=f"{purchase.resume} {error.hint} …",
        ) from None


# --- its questions ----------------------------------------------------------------------


def questions(task: Task, settings: Settings, focus: Focus | None, progress: Progress = silent) -> Sequence[Example]:
    """The questions of a configuration, each in its split; a `focus` adds some to train on.

    A task makes all of its questions, also with ``generate.limit``, which takes the same share of each split.

    Raises DataError for a file that cannot be read, rows that do not name their data, and splits that share what they
    must not (`dstill.inputs.leakage`): nothing is bought then. Raises UsageError when the task makes no questions for
    the focus.
    """
    apart = list(_test_questions(settings.generate.test_questions, task)) if settings.generate.test_questions else []
    if settings.generate.questions:
        all_ = _read(settings.generate.questions, task)
    else:
        all_ = steps.examples_of(task, progress)
    all_ = spooled.examples(steps.assign_split(example, settings.project.seed) for example in all_)
    rows = spooled.examples(steps.stratified_head(all_, settings.generate.limit)) if settings.generate.limit else all_
    if apart:
        rows.extend(apart)
        require_unique_ids(rows)
    refuse_leaks(rows, task, questions=False)
    rows.extend(_questions_for(task, settings, focus, rows))
    _warn_of_skipped_checks(task, rows)
    for text in consistency.for_questions(task, rows):
        log.warning("%s", text)
    return rows


def _read(source: str, task: Task) -> Sequence[Example]:
    return read_questions(source, parse=task.parse, json_answers=task.json_answers, one_answer=True)


def _test_questions(source: str, task: Task) -> Iterator[Example]:
    """The questions of that file as the split `test_written`. Raises DataError for one without an answer.

    Those that name no data are about the task's, as a teacher's questions are.
    """
    brief = Synthesis.of(task).question_brief({})
    for example in _read(source, task):
        if not example.answer:
            raise DataError(
                f"question '{example.id}' has no answer, and is there to be scored",
                where=f"generate.test_questions = {source}",
                hint="give it an answer, or leave it out",
            )
        yield replace(example, split="test_written", context=example.context or (brief.context if brief else {}))


def _questions_for(task: Task, settings: Settings, focus: Focus | None, examples: Sequence[Example]) -> list[Example]:
    """Additional training questions of the categories in which a student failed. Raises UsageError."""
    if focus is None:
        return []
    rows = settings.augment.n or max(1, sum(example.split == "train" for example in examples) // SHARE)
    return draw(task, focus, {}, rows, settings.project.seed, examples)


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


def refuse_other_questions(now: Iterable[Example], then: Iterable[Example], run: str, where: str) -> None:
    """Raises RunError, with the differences, when the dataset of `run` has other questions (`then`) than `now`."""
    new, old = dict[str, bytes](), dict[str, bytes]()  # what is not the same at the same place
    there = False
    for row, other in zip_longest(now, then):
        there |= other is not None
        if row != other:
            new |= {} if row is None else {row.id: digest(dumps(row.to_row()))}
            old |= {} if other is None else {other.id: digest(dumps(other.to_row()))}
    ids_by = {
        "added": new.keys() - old.keys(),
        "gone": old.keys() - new.keys(),
        "changed": {id for id in new.keys() & old.keys() if new[id] != old[id]},
    }
    if there and any(ids_by.values()):
        parts = [
            f"{len(ids)} {what} ({min(ids)}{', …' if len(ids) > 1 else ''})" for what, ids in ids_by.items() if ids
        ]
        raise RunError(
            f"the dataset of run '{run}' was made from other questions: {', '.join(parts)}",
            where=where,
            hint="use another --out for a new run, or replace the dataset of this run with --resume-with-changes",
        )
