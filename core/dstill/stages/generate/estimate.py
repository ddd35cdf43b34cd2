"""The requests of `generate`, before it sends them: ``dstill generate --dry-run``.

    estimate = estimated(setup, None, Path("replies.sqlite"))
    estimate.summary_lines()      # ["1,000 questions: 640 replies cached, 360 to request", "tokens: …", "cost: …"]
    estimate.prompt               # the first prompt that would be sent

Tokens are a range, because the tokenizer of the teacher is not at hand. The lower end takes one token for
`BYTES_A_TOKEN` bytes of the prompt, and replies of the mean length of the stored ones (`SHORT_REPLY` without any). The
upper end is the worst case that budgets assume: one token for each byte, and the longest reply.
Requests that are repeated after a wrong reply are not counted: at most twice as many again.
"""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from dstill.answering.prompts import prompts, worked_examples
from dstill.api.records import Price, Prompt, Reply, Usage
from dstill.factory import Setup, make_teacher
from dstill.stages.generate import label, questions
from dstill.stages.generate.augment import Focus

if TYPE_CHECKING:
    from dstill.teacher.cache import ReplyStore

__all__ = ["Estimate", "estimated"]

BYTES_A_TOKEN = 5  # of English text, at the upper end of what providers' tokenizers reach
SHORT_REPLY = 60  # tokens of a reply when none is stored


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The cost of the requests of a run."""

    questions: int
    n_not_asked: int  # questions that need no reply: an answer and a rationale came with them
    n_cached: int  # replies that are in the store
    low: Usage  # tokens of all requests to send
    high: Usage
    price: Price | None  # None: not known
    paid: bool  # whether the teacher costs money
    prompt: Prompt | None  # the first that would be sent; None: nothing is missing

    @property
    def n_to_request(self) -> int:
        """Requests to send, without those that are repeated."""
        return self.questions - self.n_not_asked - self.n_cached

    @property
    def usd(self) -> tuple[float, float] | None:
        """The lower and the upper end of the cost in US dollars; None: the price is not known."""
        return None if self.price is None else (self.price.of(self.low), self.price.of(self.high))

    def summary_lines(self) -> list[str]:
        """The estimate for a person."""
        lines = [f"{self.questions:,} questions: {self.n_cached:,} replies cached, {self.n_to_request:,} to request"]
        if self.n_not_asked:
            lines.append(f"{self.n_not_asked:,} have an answer and a rationale: the teacher is not asked")
        if self.prompt is None:
            return lines
        parts = (("prompts", "prompt_tokens"), ("replies", "completion_tokens"))
        ranges = [f"{what} {getattr(self.low, name):,} to {getattr(self.high, name):,}" for what, name in parts]
        lines.append(f"tokens: {', '.join(ranges)} (not counted: requests that are repeated after a wrong reply)")
        if not self.paid:
            return [*lines, "cost: none"]
        if self.usd is None:
            return [*lines, "cost: unknown (no price is set)"]
        return [*lines, f"cost: ${self.usd[0]:,.2f} to ${self.usd[1]:,.2f}"]

    def to_json(self) -> dict[str, Any]:
        """The object of ``--dry-run --json``."""
        messages = [] if self.prompt is None else [message.to_row() for message in self.prompt.messages]
        return {
            "questions": self.questions,
            "n_cached": self.n_cached,
            "n_not_asked": self.n_not_asked,
            "n_to_request": self.n_to_request,
            "tokens": {"low": self.low.to_row(), "high": self.high.to_row()},
            "usd": list(self.usd) if self.usd is not None and self.paid else (None if self.paid else [0.0, 0.0]),
            "prompt": messages,
        }


def estimated(setup: Setup, focus: Focus | None, replies: Path) -> Estimate:
    """The requests of a run of this configuration that the store at `replies` does not answer. Sends no request."""
    from dstill.teacher.budget import NO_USAGE, worst_case
    from dstill.teacher.cache import ReplyStore

    task, settings = setup.task, setup.settings.generate
    teacher = make_teacher(setup.plugins, setup.config).open(task)
    examples = questions(task, setup.settings, focus, setup.progress)
    low, high, first, cached = NO_USAGE, NO_USAGE, None, list[Reply]()
    wanted = [example for example in examples if label.is_asked(setup.plugins, task, teacher, example, settings)]
    known: set[str] = set()
    with ReplyStore(replies) if replies.exists() else _empty_store() as store:
        for prompt in prompts(setup.plugins, task, teacher, wanted, worked_examples(examples), settings):
            key = store.key(teacher.identity(prompt), prompt.messages)
            if (reply := store.get(key)) is not None:
                cached.append(reply)
            elif key not in known:
                known.add(key)
                first = first or teacher.as_sent(prompt)
                worst = worst_case(teacher.as_sent(prompt), teacher.reply_tokens)
                high += worst
                low += Usage(prompt_tokens=worst.prompt_tokens // BYTES_A_TOKEN, completion_tokens=0)
    low += Usage(prompt_tokens=0, completion_tokens=len(known) * min(_mean_tokens(cached), teacher.reply_tokens))
    return Estimate(
        questions=len(examples),
        n_not_asked=len(examples) - len(wanted),
        n_cached=len(wanted) - len(known),
        low=low,
        high=high,
        price=teacher.price,
        paid=teacher.paid,
        prompt=first,
    )


def _mean_tokens(replies: Sequence[Reply]) -> int:
    counted = [reply.usage.completion_tokens for reply in replies if reply.usage is not None]
    return round(statistics.fmean(counted)) if counted else SHORT_REPLY


@contextlib.contextmanager
def _empty_store() -> Iterator[ReplyStore]:
    """A temporary store without replies, so that a dry run leaves no file behind."""
    from dstill.teacher.cache import ReplyStore

    with TemporaryDirectory() as folder, ReplyStore(Path(folder) / "replies.sqlite") as store:
        yield store
