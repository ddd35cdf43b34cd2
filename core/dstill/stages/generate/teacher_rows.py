"""Rows from questions that a teacher writes with their answers: asked, checked, run, voted on, and asked again.

    found = teacher_rows(setup, teacher, 300, purchase)
    found.records           # [Record(id="teacher-5f1c…", question="…", split="train", teacher="openai"), …]
    found.counts.line()     # "300 questions came: 261 kept (22 refused); not used: other_answer 21, finds_nothing 9, …"

A second answer to each question alone is asked for, with the data and without the first answer. A row stays if a person
would take the result of one for that of the other when they are run (`ResultProperties.accepts`), or if both refuse.
Lines that fail, and those that are missing, are asked for again `RETRIES` times, with what was wrong. A teacher that
only looks answers up is not asked: its questions are taken, with a second answer from the column ``second``, if they
have one.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import TYPE_CHECKING, Any, cast

from dstill.answering.prompts import LONGEST
from dstill.api.executor import Executor
from dstill.api.protocols import QuestionBrief, ResultProperties
from dstill.api.records import Draft, Example, Message, OutcomeKind, Problem, Prompt, Record, Rejection, Reply
from dstill.api.teacher import Teacher
from dstill.errors import BudgetError, DataError, Interrupted
from dstill.factory import Setup
from dstill.io.strict_json import dumps
from dstill.runtime import signals
from dstill.stages.generate.label import error_code, for_the_answer
from dstill.stages.generate.question_generation import brief_of
from dstill.stages.generate.question_inventor import MIN_RECEIVED
from dstill.stages.generate.teacher_questions import (
    REQUEST_SIZE,
    Written,
    id_of,
    kinds_of,
    read,
    request,
    second_request,
)
from dstill.stages.generate.written_rows import checked, example_of
from dstill.teacher import trace
from dstill.teacher.cost import ReplyCost, caps, cost
from dstill.teacher.purchase import Purchase

if TYPE_CHECKING:
    from dstill.teacher.budget import Budget
    from dstill.teacher.cache import ReplyStore
    from dstill.teacher.client import TeacherReply

__all__ = ["TeacherCounts", "TeacherRows", "asked", "teacher_rows", "voted"]

RETRIES = 1  # times that failed lines are asked for again
TOKEN_FACTOR = 4  # times the teacher's usual token limit: a reply has many questions
SECOND = "second"  # column of a file with second answers


@dataclass(kw_only=True)
class TeacherCounts:
    """How many questions came, and why some are not used."""

    requested: int
    came: int = 0  # lines with a question, those that were written again included
    kept: int = 0
    refused: int = 0  # of those: answered by a refusal
    voted: int = 0  # questions that got a second answer
    asked_again: int = 0  # lines
    missing: int = 0  # asked for, and not in the reply
    requests: int = 0
    unread: int = 0  # requests whose reply has no line that can be read, or that got no reply
    rejections: Counter[str] = field(default_factory=Counter)  # code of the first error → questions that stayed out

    def line(self) -> str:
        """The counts for a person."""
        parts = [f"{self.came:,} questions came: {self.kept:,} kept ({self.refused:,} refused)"]
        reasons = [f"{code} {n:,}" for code, n in self.rejections.most_common()]
        reasons += [f"missing in the replies {self.missing:,}"] if self.missing else []
        parts += [f"not used: {', '.join(reasons)}"] if reasons else []
        parts += [f"asked again {self.asked_again:,}"] if self.asked_again else []
        parts += [f"replies that could not be read {self.unread:,} of {self.requests:,}"] if self.unread else []
        return "; ".join(parts)

    def to_json(self) -> dict[str, Any]:
        """The object in run.json."""
        return {**vars(self), "rejections": dict(self.rejections.most_common())}


@dataclass(frozen=True, kw_only=True)
class TeacherRows:
    """The rows of a teacher's questions."""

    records: Sequence[Record]
    rejections: Sequence[Rejection]  # the last one of each question that stayed out
    counts: TeacherCounts
    cost: ReplyCost | None = None  # None: the teacher is free


def teacher_rows(setup: Setup, teacher: Teacher, n: int, purchase: Purchase) -> TeacherRows:
    """At most `n` rows of questions that `teacher` writes. Replies in the store are not bought again.

    Raises UsageError for a teacher that writes no questions, DataError for one that repeats itself, BudgetError and
    Interrupted after all replies were stored.
    """
    brief = brief_of(setup.task, {})
    with setup.opened_executor() as executor:
        teacher.json_mode = "off"  # its schema is that of an answer
        limits = caps(setup.settings.generate, teacher.open(setup.task))
        if teacher.is_lookup:
            return _looked_up(setup, teacher, brief, n, executor)
        return _asked(setup, teacher, brief, n, executor, purchase, limits)


# --- a file -----------------------------------------------------------------------------


def _looked_up(setup: Setup, teacher: Teacher, brief: QuestionBrief, n: int, executor: Executor | None) -> TeacherRows:
    recorded = list(teacher.questions())[:n]
    lines = [
        Written(id=row.id, question=row.question, rationale=row.rationale or "", answer=row.answer or "")
        for row in recorded
    ]
    examples = [example_of(line, brief, row.category) for line, row in zip(lines, recorded, strict=True)]
    seconds = [_text(row.extra.get(SECOND)) for row in recorded]
    counts = TeacherCounts(requested=min(n, len(recorded)), came=len(recorded))
    rows = [
        voted(setup, executor, row, second, counts) if second else row
        for row, second in zip(checked(setup, examples, executor), seconds, strict=True)
    ]
    return _result(setup, teacher, rows, counts, n)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else dumps(value)


# --- a model ----------------------------------------------------------------------------


def _asked(
    setup: Setup,
    teacher: Teacher,
    brief: QuestionBrief,
    n: int,
    executor: Executor | None,
    purchase: Purchase,
    limits: Any,
) -> TeacherRows:
    with _purchasing(teacher, limits, purchase, "wrote questions") as (store, budget):
        rounds = _Rounds(setup, teacher, brief, n, executor, store, budget)
        signals.run(rounds.all())
    result = _result(setup, teacher, [*rounds.kept, *rounds.rejected.values()], rounds.counts, n)
    return replace(result, cost=cost(setup.settings.cost, teacher, budget, len(result.records)))


@contextlib.contextmanager
def _purchasing(teacher: Teacher, limits: Any, purchase: Purchase, what: str) -> Iterator[tuple[ReplyStore, Budget]]:
    """Around requests. Ctrl-C and a cap raise Interrupted and BudgetError that say how to continue."""
    from dstill.teacher.budget import Budget
    from dstill.teacher.cache import ReplyStore

    saved = "every reply is kept"
    with ReplyStore(purchase.store, buyer=purchase.buyer) as store:
        try:
            yield store, Budget(limits, teacher.price, spent=store.bought_by(purchase.buyer) if teacher.paid else ())
        except KeyboardInterrupt:
            hint = f"resume with: {purchase.resume}"
            raise Interrupted(f"stopped while the teacher {what}; {saved}", hint=hint) from None
        except BudgetError as error:
            raise BudgetError(
                f"{error.what} while the teacher {what}; {saved}",
                where=error.where,
                hint=f"run the same command again with a higher {error.hint} to continue",
            ) from None


def asked(
    setup: Setup, teacher: Teacher, prompts: Sequence[Prompt], purchase: Purchase, limits: Any, what: str
) -> list[str]:
    """The texts of the replies, empty where there is none. `what` the teacher did. Raises as `teacher_rows` does."""

    async def texts(store: ReplyStore, budget: Budget) -> list[str]:
        async with teacher:
            replies = _replies_to(setup, teacher, prompts, store, budget, "asking the teacher")
            return [bought.reply.text if isinstance(bought.reply, Reply) else "" async for bought in replies]

    with _purchasing(teacher, limits, purchase, what) as bought_with:
        return signals.run(texts(*bought_with))


async def _replies_to(
    setup: Setup, teacher: Teacher, prompts: Iterable[Prompt], store: ReplyStore, budget: Budget, what: str
) -> AsyncGenerator[TeacherReply, None]:
    """The replies to long requests, in their order; `what` names them to who follows the progress."""
    from dstill.teacher import client

    longer = [replace(prompt, max_tokens_factor=TOKEN_FACTOR) for prompt in prompts]
    concurrency = setup.settings.generate.concurrency
    replies = client.replies(teacher, longer, store, concurrency=concurrency, budget=budget)
    done = 0
    async for bought in cast("AsyncGenerator[TeacherReply, None]", replies):
        yield bought
        done += 1
        setup.progress(what, done, len(longer))


@dataclass
class _Open:
    """A request that is to be sent, and the lines that it asks for: id → category."""

    prompt: Prompt
    kinds: dict[str, str]


class _Rounds:
    """Asks in rounds. Each ends before the next begins, so the same replies give the same rows."""

    def __init__(
        self,
        setup: Setup,
        teacher: Teacher,
        brief: QuestionBrief,
        n: int,
        executor: Executor | None,
        store: ReplyStore,
        budget: Budget,
    ) -> None:
        self.setup, self.teacher, self.brief, self.n = setup, teacher, brief, n
        self._executor, self._store, self._budget = executor, store, budget
        self.kept: list[Record] = []
        self.rejected: dict[tuple[str, str], Rejection] = {}  # by request and line
        self.counts = TeacherCounts(requested=n)

    async def all(self) -> None:
        """Ask, and ask again about what failed."""
        seed, task = self.setup.settings.project.seed, self.setup.task
        open_ = [
            _Open(request(self.brief, task, at, seed=seed), kinds_of(self.brief, at, seed=seed))
            for at in range(1, ceil(self.n / REQUEST_SIZE) + 1)
        ]
        async with self.teacher:
            for again in range(RETRIES + 1):
                open_ = await self._round(open_)
                if again == 0:
                    self._refuse_repetition()
                if not open_:
                    break

    def _refuse_repetition(self) -> None:
        repeated = self.counts.rejections["duplicate"] + self.counts.rejections["near_duplicate"]
        limit = self.setup.settings.generate.max_duplicate_rate
        if self.counts.came >= MIN_RECEIVED and repeated > limit * self.counts.came:
            raise DataError(
                f"the teacher repeats itself: {repeated:,} of {self.counts.came:,} questions are duplicates",
                where=f"teacher '{self.teacher.name}'",
                hint="choose another model or a higher temperature; generate.max_duplicate_rate is the limit",
            )

    async def _round(self, open_: Sequence[_Open]) -> list[_Open]:
        """One reply to each request; what is left to ask."""
        places, examples, texts = list[tuple[int, str]](), list[Example](), list[str | None]()
        async for bought in self._replies([of.prompt for of in open_], "asking for questions"):
            at = len(texts)
            text = bought.reply.text if isinstance(bought.reply, Reply) else None
            texts.append(text)
            lines = {line.id: line for line in read(text or "")}
            self.counts.requests += 1
            self.counts.unread += not lines
            for id, kind in open_[at].kinds.items():
                if id in lines:
                    places.append((at, id))
                    examples.append(example_of(lines[id], self.brief, kind))
        self.counts.came += len(examples)
        rows = await self._judged(examples)
        problems: dict[int, dict[str, str]] = {at: {} for at in range(len(open_))}
        for (at, id), row in zip(places, rows, strict=True):
            place = (open_[at].prompt.example.id, id)
            if isinstance(row, Record):
                self.kept.append(row)
                self.rejected.pop(place, None)
            else:
                self.rejected[place] = row
                problems[at][id] = str(next(problem for problem in row.problems if problem.is_error))
        self.counts.rejections = Counter(error_code(row) for row in self.rejected.values())
        answered = set(places)
        missing = {(at, id) for at, of in enumerate(open_) for id in of.kinds if (at, id) not in answered}
        self.counts.missing = len(missing)
        for at, id in sorted(missing):
            problems[at][id] = "nothing was written for it"
        return [self._follow_up(open_[at], texts[at] or "", of) for at, of in problems.items() if of and texts[at]]

    def _follow_up(self, of: _Open, text: str, problems: dict[str, str]) -> _Open:
        self.counts.asked_again += len(problems)
        wrong = "\n".join(f"- {id}: {problem}" for id, problem in problems.items())
        correction = (
            f"These lines cannot be used:\n{wrong}\nWrite them again with the same ids, as lines of the same form and "
            "nothing else: another question, or the same one with a corrected answer."
        )
        reply = Message(role="assistant", content=trace.split(text)[1][:LONGEST])
        messages = (*of.prompt.messages, reply, Message(role="user", content=correction))
        return _Open(replace(of.prompt, messages=messages), {id: of.kinds[id] for id in problems})

    async def _judged(self, examples: Sequence[Example]) -> list[Record | Rejection]:
        """The rows of `examples`: checked and run, new beside those that are kept, and voted on."""
        rows = checked(self.setup, examples, self._executor, before=self.kept)
        rows = [replace(row, teacher=self.teacher.name) if isinstance(row, Record) else row for row in rows]
        if self._executor is None:
            return rows
        good = [row for row in rows if isinstance(row, Record)]
        batches = [good[at : at + REQUEST_SIZE] for at in range(0, len(good), REQUEST_SIZE)]
        prompts = [second_request(self.brief, self.setup.task, [row.question for row in batch]) for batch in batches]
        seconds = dict[str, str]()
        async for bought in self._replies(prompts, "asking for second answers"):
            text = bought.reply.text if isinstance(bought.reply, Reply) else ""
            seconds |= {line.id: line.answer for line in read(text)}
        return [
            voted(self.setup, self._executor, row, seconds.get(id_of(row.question)), self.counts)
            if isinstance(row, Record)
            else row
            for row in rows
        ]

    def _replies(self, prompts: Iterable[Prompt], what: str) -> AsyncGenerator[TeacherReply, None]:
        return _replies_to(self.setup, self.teacher, prompts, self._store, self._budget, what)


# --- votes ------------------------------------------------------------------------------


def voted(
    setup: Setup, executor: Executor | None, row: Record | Rejection, second: str | None, counts: TeacherCounts
) -> Record | Rejection:
    """The row if the `second` answer to its question finds the same, else a rejection that shows it. Counts it."""
    if isinstance(row, Rejection) or executor is None:
        return row
    counts.voted += 1
    if not second:
        problem = Problem(layer="vote", code="no_second_answer", message="no second answer to the question came")
    elif _agree(setup, executor, row, second):
        return row
    else:
        message = f"a second answer to this question alone finds something else: {second[:500]}"
        hint = "say clearly what is meant, or correct the answer"
        problem = Problem(layer="vote", code="other_answer", message=message, hint=hint)
    return Rejection(id=row.id, question=row.question, problems=(problem,), text=row.answer)


def _agree(setup: Setup, executor: Executor, row: Record, second: str) -> bool:
    task = setup.task
    if task.is_refusal(row.answer) or task.is_refusal(second):
        return task.is_refusal(row.answer) and task.is_refusal(second)
    if task.canonical(row.answer) == task.canonical(second):
        return True
    problems = for_the_answer(setup.plugins.check_draft(task, row.example, Draft(answer=second)))
    if any(problem.is_error for problem in problems):
        return False
    first, other = executor.run(row.answer, row.example), executor.run(second, row.example)
    if not first.kind is other.kind is OutcomeKind.OK:
        return False
    accepts, other_way = ResultProperties.of(task).accepts, replace(row.example, answer=second)
    return bool(accepts(other.value, first.value, row.example) or accepts(first.value, other.value, other_way))


# --- the result -------------------------------------------------------------------------


def _result(
    setup: Setup, teacher: Teacher, rows: Sequence[Record | Rejection], counts: TeacherCounts, n: int
) -> TeacherRows:
    records = [replace(row, teacher=teacher.name) for row in rows if isinstance(row, Record)][:n]
    rejections = [row for row in rows if isinstance(row, Rejection)]
    counts.kept = len(records)
    counts.refused = sum(setup.task.is_refusal(record.answer) for record in records)
    counts.rejections = Counter(error_code(row) for row in rejections)
    return TeacherRows(records=records, rejections=rejections, counts=counts)
