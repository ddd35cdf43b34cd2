"""Replies → rows; wrong replies → follow-ups. Nothing here asks a teacher or runs an answer.

    row(plugins, task, "openai", example, reply, settings)  # a Record, or a Rejection with every problem of the reply
    follow_up(task, prompt, reply, rejection)             # the Prompt that shows what was wrong; None: do not ask again
    settled(plugins, task, example, row)                  # the row with the answer that came with the question

A reply that cannot be parsed or fails a check goes back to the teacher with the message of the check, at most
`MAX_RETRIES` times. A reply that was cut off is asked for once more with a higher token limit.
`dstill.stages.generate.label_examples` asks, round by round.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from dstill.answering.prompts import LONGEST, prompts, worked_examples
from dstill.api.faults import about
from dstill.api.records import Draft, Example, Message, Problem, Prompt, Record, Rejection, Reply, TeacherRequest
from dstill.api.task import Task
from dstill.api.teacher import Teacher
from dstill.config import Generate
from dstill.inputs import given
from dstill.plugins import Plugins
from dstill.teacher import fence, trace

if TYPE_CHECKING:  # asyncio and sqlite3 take a third of the time in which --help answers
    from dstill.teacher.cache import ReplyStore

__all__ = [
    "Labeled",
    "error_code",
    "follow_up",
    "for_the_answer",
    "is_asked",
    "models",
    "row",
    "saved",
    "settled",
    "unanswered",
]

MAX_RETRIES = 2  # of one question, at most
TOKEN_FACTOR = 4  # times the usual token limit, after a reply that was cut off
RATIONALE = "rationale"  # `Problem.layer` of what is wrong with a rationale alone: a given answer stays without it
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, kw_only=True)
class Labeled:
    """A question's requests, and the row that its last reply became."""

    request: TeacherRequest
    row: Record | Rejection


def follow_up(task: Task, prompt: Prompt, reply: Reply, row: Rejection) -> Prompt | None:
    """The prompt after a wrong `reply` to `prompt`; None: asking again would not help."""
    if reply.finish_reason == "length":
        return replace(prompt, max_tokens_factor=TOKEN_FACTOR) if prompt.max_tokens_factor == 1 else None
    wrong = Message(role="assistant", content=trace.split(reply.text)[1][:LONGEST])
    correction = Message(role="user", content=task.correction([p for p in row.problems if p.is_error]))
    return replace(prompt, messages=(*prompt.messages, wrong, correction))


def error_code(row: Rejection) -> str:
    """The code of the first error of a rejection."""
    return next(problem.code for problem in row.problems if problem.is_error)


# --- prompts ----------------------------------------------------------------------------


def is_asked(plugins: Plugins, task: Task, teacher: Teacher, example: Example, settings: Generate) -> bool:
    """Whether the teacher is asked: not about a given answer that has a rationale, or that fails a check."""
    if teacher.is_lookup or not given.is_label(example, settings):
        return True
    row = settled(plugins, task, example)
    return isinstance(row, Record) and not (row.rationale and given.explains(example, settings))


def saved(
    plugins: Plugins,
    task: Task,
    teacher: Teacher,
    examples: Sequence[Example],
    settings: Generate,
    store: ReplyStore,
    worked: Iterable[Example] = (),
) -> int:
    """How many of `examples` have their first reply in the store, or need none. Prompts may show `worked` too."""
    wanted = (example for example in examples if is_asked(plugins, task, teacher, example, settings))
    needed = prompts(plugins, task, teacher, wanted, worked_examples(chain(worked, examples)), settings)
    missing = sum(store.get(store.key(teacher.identity(prompt), prompt.messages)) is None for prompt in needed)
    return len(examples) - missing


# --- replies ----------------------------------------------------------------------------


def models(requests: Iterable[TeacherRequest], store: ReplyStore) -> dict[str, int]:
    """How many of the last replies each model wrote, by its name at the endpoint."""
    last = (store.get(request.keys[-1]) for request in requests if request.keys)
    return dict(Counter(reply.model for reply in last if reply is not None and reply.model).most_common())


def unanswered(request: TeacherRequest) -> Rejection:
    """The row of a question without a reply in the store."""
    missing = Problem(layer="teacher", code="not_in_store", message="the reply store does not have its reply")
    return Rejection(id=request.id, question=request.example.question, problems=request.problems or (missing,))


def row(
    plugins: Plugins, task: Task, teacher: str, example: Example, reply: Reply | Problem, settings: Generate
) -> Record | Rejection:
    """The row of a reply: a record when it can be parsed and passes every check."""
    if isinstance(reply, Problem):
        return Rejection(id=example.id, question=example.question, problems=(reply,))
    draft, problems = _draft(plugins, task, example, reply)
    if draft is not None and plugins.is_lookup(teacher):
        if not draft.rationale.strip():  # a file without rationales teaches answers alone
            problems = for_the_answer(problems)
    elif draft is not None and given.explains(example, settings):
        draft, problems = _explanation(plugins, task, example, draft)
    if draft is None or any(problem.is_error for problem in problems):
        return Rejection(id=example.id, question=example.question, problems=problems, text=reply.text[:LONGEST])
    return _record(example, draft, teacher)


def _record(example: Example, draft: Draft, teacher: str) -> Record:
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


def settled(
    plugins: Plugins, task: Task, example: Example, row: Record | Rejection | None = None
) -> Record | Rejection:
    """The row with the given answer of `example`, whatever the teacher replied; a rejection if a check refuses it.

    Its rationale is the given one, else that of a reply with the same answer, else empty. `row`: of the reply; None:
    there is no reply.
    """
    taught = row if isinstance(row, Record) and given.same(task, row.answer, example) else None
    if taught is not None and taught.answer == example.answer and plugins.is_lookup(taught.teacher):
        return taught  # it repeats the given answer
    draft = Draft(answer=example.answer or "", rationale=_cleaned(example.rationale or ""))
    problems = plugins.check_draft(task, example, draft)
    of_answer = for_the_answer(problems)
    if any(problem.is_error for problem in of_answer):
        return Rejection(id=example.id, question=example.question, problems=of_answer, text=draft.answer)
    rationale = "" if any(problem.is_error for problem in problems) else draft.rationale
    if not rationale and taught is not None:
        rationale = taught.rationale
    return _record(example, replace(draft, rationale=rationale), teacher="")


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


def _explanation(
    plugins: Plugins, task: Task, example: Example, draft: Draft
) -> tuple[Draft | None, tuple[Problem, ...]]:
    """The draft of an explanation of the given answer, and its problems."""
    text = given.repeated(task, example, draft)
    if isinstance(text, Problem):
        return None, (text,)
    return text, plugins.check_draft(task, example, text)


def for_the_answer(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Those of `problems` that concern the answer: all that count for a row without a rationale."""
    return tuple(problem for problem in problems if problem.layer != RATIONALE)


def _cleaned(text: str) -> str:
    """The text without control characters, bidirectional marks and lone surrogates."""
    return "".join(c for c in text if c in "\n\t" or (c not in _BIDI and unicodedata.category(c) not in ("Cc", "Cs")))
