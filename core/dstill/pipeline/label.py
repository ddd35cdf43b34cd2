"""Questions → a teacher's replies → records: asked, checked, and asked again when a reply fails a check.

    labelled = await label_examples(plugins, task, teacher, examples, settings, ask=…, execute=…, retries=RetryStats())
    labelled[0].request      # TeacherRequest(id="logs-1", keys=("9f…", "41…")): the keys of its replies in the store
    labelled[0].row          # a Record, or a Rejection with every problem of its last reply

A reply that cannot be parsed or fails a check goes back to the teacher with the message of the check, at most
`MAX_RETRIES` times. A reply that was cut off is asked for once more with a higher token limit. Each round ends before
the next begins: all questions first, then all that are asked again. So the same replies give the same rows, whatever
their order. `relabel_from_cache` makes the rows from stored replies and sends no request.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dstill.api.faults import about
from dstill.api.records import Draft, Example, Message, Problem, Prompt, Record, Rejection, Reply, TeacherRequest
from dstill.api.task import Task
from dstill.api.teacher import Teacher
from dstill.config import Generate
from dstill.plugins import Plugins
from dstill.teacher import fence, trace

if TYPE_CHECKING:  # asyncio and sqlite3 take a third of the time in which --help answers
    from dstill.teacher.cache import ReplyStore
    from dstill.teacher.client import TeacherReply

__all__ = ["Labeled", "RetryStats", "label_examples", "models", "prompts", "relabel_from_cache", "saved"]

MAX_RETRIES = 2  # of one question, at most
LONGER = 4  # times the usual token limit, after a reply that was cut off
LONGEST = 100_000  # characters; a longer reply is rejected
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

# Asks the teacher about prompts; runs the answers of rows.
Ask = Callable[[Iterable[Prompt]], "AsyncIterator[TeacherReply]"]
Execute = Callable[[Sequence[Record | Rejection]], Iterable[Record | Rejection]]


@dataclass(frozen=True, kw_only=True)
class Labeled:
    """A question's requests, and the row that its last reply became."""

    request: TeacherRequest
    row: Record | Rejection


@dataclass(kw_only=True)
class RetryStats:
    """How many questions were asked again, by the code of the error in their reply."""

    asked: Counter[str] = field(default_factory=Counter)
    fixed: Counter[str] = field(default_factory=Counter)  # of those, how many the next reply got right


async def label_examples(
    plugins: Plugins,
    task: Task,
    teacher: Teacher,
    examples: Sequence[Example],
    settings: Generate,
    *,
    ask: Ask,
    execute: Execute,
    retries: RetryStats,
) -> list[Labeled]:
    """One `Labeled` for each example, in their order. Counts in `retries` what is asked again."""
    import asyncio  # here, as every command imports this

    async def executed(asked: Iterable[TeacherReply]) -> list[Record | Rejection]:
        rows = []
        for row in execute([_row(plugins, task, teacher.name, one.prompt.example, one.reply) for one in asked]):
            rows.append(row)
            await asyncio.sleep(0)  # so that Ctrl-C is handled
        return rows

    async with teacher:
        asked = [one async for one in ask(prompts(plugins, task, teacher, examples, settings))]
        keys: list[tuple[str, ...]] = [(one.key,) if isinstance(one.reply, Reply) else () for one in asked]
        rows = await executed(asked)
        for _ in range(0 if teacher.is_lookup else MAX_RETRIES):
            wanted = {n: prompt for n, one in enumerate(asked) if (prompt := _follow_up(task, one, rows[n]))}
            if not wanted:
                break
            before = {n: _code(rows[n]) for n in wanted}
            retries.asked.update(before.values())
            replies = [one async for one in ask(wanted.values())]
            for n, one, row in zip(wanted, replies, await executed(replies), strict=True):
                asked[n] = one
                if isinstance(one.reply, Reply):
                    keys[n] += (one.key,)
                    rows[n] = row
                retries.fixed[before[n]] += isinstance(row, Record)
    return [
        Labeled(request=_request(example, of, one), row=row)
        for example, of, one, row in zip(examples, keys, asked, rows, strict=True)
    ]


def _request(example: Example, keys: tuple[str, ...], asked: TeacherReply) -> TeacherRequest:
    problems = (asked.reply,) if isinstance(asked.reply, Problem) else ()
    return TeacherRequest(id=example.id, example=example, keys=keys, problems=problems)


def _follow_up(task: Task, asked: TeacherReply, row: Record | Rejection) -> Prompt | None:
    """What to ask after a wrong reply; None: the reply was right, or asking again would not help."""
    if isinstance(row, Record) or isinstance(asked.reply, Problem):
        return None
    prompt = asked.prompt
    if asked.reply.finish_reason == "length":
        return replace(prompt, max_tokens_factor=LONGER) if prompt.max_tokens_factor == 1 else None
    reply = Message(role="assistant", content=trace.split(asked.reply.text)[1][:LONGEST])
    correction = Message(role="user", content=task.correction([p for p in row.problems if p.is_error]))
    return replace(prompt, messages=(*prompt.messages, reply, correction))


def _code(row: Record | Rejection) -> str:
    assert isinstance(row, Rejection)
    return next(problem.code for problem in row.problems if problem.is_error)


# --- prompts ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pool:
    """The worked examples that a prompt about `example` may show: not the example itself, nor the same question."""

    worked: Sequence[Example]
    example: Example

    def __iter__(self) -> Iterator[Example]:
        return (s for s in self.worked if s.id != self.example.id and s.question != self.example.question)


def prompts(
    plugins: Plugins, task: Task, teacher: Teacher, examples: Sequence[Example], settings: Generate
) -> Iterator[Prompt]:
    """The prompt about each example, with `settings.shots` worked examples."""
    worked = [e for e in examples if e.answer is not None and e.rationale and e.split in ("", "train")]
    by_category: dict[str, list[Example]] = defaultdict(list)
    for example in worked:
        by_category[example.category].append(example)
    for example in examples:
        shots = _shots(example, by_category, settings.shots)
        prompt = plugins.build_prompt(task, example, shots, _Pool(worked, example), settings)
        yield prompt if teacher.is_lookup else fence.added(prompt)


def _shots(example: Example, by_category: Mapping[str, Sequence[Example]], k: int) -> list[Example]:
    """`k` worked examples, in rounds over the categories: two of the same category, then one of each other."""

    def shots_of(category: str) -> Iterator[Example]:
        return iter(_Pool(by_category.get(category, ()), example))

    own = shots_of(example.category)
    turns = [own, own, *(shots_of(category) for category in by_category if category != example.category)]
    chosen: list[Example] = []
    while len(chosen) < k and (taken := [shot for shots in turns if (shot := next(shots, None))]):
        chosen += taken
    return chosen[:k]


def saved(
    plugins: Plugins,
    task: Task,
    teacher: Teacher,
    examples: Sequence[Example],
    settings: Generate,
    store: ReplyStore,
) -> int:
    """How many of `examples` have their first reply in the store."""
    asked = prompts(plugins, task, teacher, examples, settings)
    return sum(store.get(store.key(teacher.identity(prompt), prompt.messages)) is not None for prompt in asked)


# --- replies ----------------------------------------------------------------------------


def relabel_from_cache(
    plugins: Plugins, task: Task, teacher: str, requests: Sequence[TeacherRequest], store: ReplyStore, execute: Execute
) -> list[Record | Rejection]:
    """The rows of stored replies: for each question the first one that passes the checks, else the last."""
    rows: list[Record | Rejection] = [_unanswered(request) for request in requests]
    for n in range(MAX_RETRIES + 1):
        open_ = [at for at, request in enumerate(requests) if isinstance(rows[at], Rejection) and len(request.keys) > n]
        found = {at: reply for at in open_ if (reply := store.get(requests[at].keys[n])) is not None}
        made = execute([_row(plugins, task, teacher, requests[at].example, reply) for at, reply in found.items()])
        for at, row in zip(found, made, strict=True):
            rows[at] = row
    return rows


def models(requests: Sequence[TeacherRequest], store: ReplyStore) -> dict[str, int]:
    """How many of the last replies each model wrote, by its name at the endpoint."""
    last = (store.get(request.keys[-1]) for request in requests if request.keys)
    return dict(Counter(reply.model for reply in last if reply is not None and reply.model).most_common())


def _unanswered(request: TeacherRequest) -> Rejection:
    missing = Problem(layer="teacher", code="not_in_store", message="the reply store does not have its reply")
    return Rejection(id=request.id, question=request.example.question, problems=request.problems or (missing,))


def _row(plugins: Plugins, task: Task, teacher: str, example: Example, reply: Reply | Problem) -> Record | Rejection:
    if isinstance(reply, Problem):
        return Rejection(id=example.id, question=example.question, problems=(reply,))
    draft, problems = _draft(plugins, task, example, reply)
    if draft is None or any(problem.is_error for problem in problems):
        return Rejection(id=example.id, question=example.question, problems=problems, text=reply.text[:LONGEST])
    return Record(
        id=example.id,
        question=example.question,
        rationale=draft.rationale,
        answer=draft.answer,
        context=example.context,
        category=example.category,
        template=example.template,
        split=example.split,
        teacher=teacher,
        extra=example.extra,
    )


def _draft(plugins: Plugins, task: Task, example: Example, reply: Reply) -> tuple[Draft | None, tuple[Problem, ...]]:
    """The parsed reply, and its problems."""
    if reply.finish_reason == "length":  # a part of a reply is never parsed as a whole one
        return None, (Problem(layer="reply", code="truncated", message="the reply was cut at the token limit"),)
    if len(reply.text) > LONGEST:
        return None, (
            Problem(layer="reply", code="reply_too_long", message=f"the reply is longer than {LONGEST:,} characters"),
        )
    text, mixed_up = fence.removed(reply.text, example)
    if mixed_up is not None:
        return None, (mixed_up,)
    with about(example.id):
        draft = plugins.parse_reply(task, text)
    if draft is None:
        message = "the reply is not in the form that was asked"
        return None, (Problem(layer="reply", code="not_parseable", message=message),)
    draft = replace(draft, rationale=_cleaned(draft.rationale))
    return draft, plugins.check_draft(task, example, draft)


def _cleaned(text: str) -> str:
    """The text without control characters, bidirectional marks and lone surrogates."""
    return "".join(c for c in text if c in "\n\t" or (c not in _BIDI and unicodedata.category(c) not in ("Cc", "Cs")))
