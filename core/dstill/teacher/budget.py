"""What replies may cost: caps that are looked at *before* a request goes out, and what was spent.

    budget = Budget(Caps(max_usd=2.0), Price(prompt=0.4, completion=1.6), spent=store.bought_by(run))
    async with budget.reserve(worst_case(prompt, 2048)) as request:  # waits while what is in flight may leave no room
        request.reply = await teacher.ask(prompt)           # says what it took in truth
    budget.spent                                            # Spent(requests=640, usage=Usage(…), estimated=0)

A request is counted by its worst case until its reply tells better: all bytes of the prompt as tokens of their
own, and the longest reply. So no cap is passed, whatever comes back. BudgetError comes when nothing is in flight
any more and the next request could pass a cap: what was under way is paid, and kept. Tokens are those of a
provider; money is in USD.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, replace
from typing import AsyncIterator, Iterable

from dstill.api.records import Price, Prompt, Reply, Usage
from dstill.errors import BudgetError

__all__ = ["Budget", "Caps", "Request", "Spent", "actual_usage", "with_estimate", "worst_case"]

BYTES_A_TOKEN = 3  # a careful guess at how providers cut text and JSON, for replies that nobody counted
NOTHING = Usage(prompt_tokens=0, completion_tokens=0)
A_MESSAGE = 8  # tokens that a chat format puts around each message, at most


@dataclass(frozen=True, kw_only=True)
class Caps:
    """None: no such cap."""

    max_usd: float | None = None
    max_tokens: int | None = None  # of prompts and replies together
    max_requests: int | None = None  # replies asked for; a try again after a failure is none of its own
    max_wall: float | None = None  # seconds since the budget was made


@dataclass(kw_only=True)
class Spent:
    """What was paid for."""

    requests: int = 0
    usage: Usage = NOTHING
    estimated: int = 0  # requests whose tokens nobody counted


@dataclass(kw_only=True)
class Request:
    """One request that has room; without a reply it took nothing."""

    reply: Reply | None = None


def worst_case(prompt: Prompt, reply_tokens: int) -> Usage:
    """The most tokens that asking `prompt` can take: no tokenizer makes more of a text than its bytes."""
    told = sum(len(message.content.encode(errors="replace")) + A_MESSAGE for message in prompt.messages)
    return Usage(prompt_tokens=told, completion_tokens=reply_tokens)


def actual_usage(reply: Reply, worst: Usage = NOTHING) -> Usage:
    """What a reply took; where its endpoint did not say, a careful guess."""
    if (told := reply.usage or reply.guess) is not None:
        return told
    written = len(reply.text.encode(errors="replace"))
    return Usage(prompt_tokens=-(-worst.prompt_tokens // BYTES_A_TOKEN), completion_tokens=-(-written // BYTES_A_TOKEN))


def with_estimate(reply: Reply, worst: Usage) -> Reply:
    """`reply` with a guess where nobody counted: what asks for it later does not know its prompt any more."""
    return reply if reply.usage is not None else replace(reply, guess=actual_usage(reply, worst))


class Budget:
    """`spent`: replies that were bought before, on the same account."""

    def __init__(self, caps: Caps, price: Price | None = None, *, spent: Iterable[Reply] = ()) -> None:
        self.caps, self.price = caps, price
        self.spent = Spent()
        for reply in spent:
            self.count(reply)
        self._in_flight: list[Usage] = []  # the worst case of each
        self._began = time.monotonic()
        self._changed = asyncio.Condition()

    @property
    def usd(self) -> float | None:
        """What was spent; None: the price is not known."""
        return None if self.price is None else self.price.of(self.spent.usage)

    @contextlib.asynccontextmanager
    async def reserve(self, worst: Usage) -> AsyncIterator[Request]:
        """Holds room for one request. Raises BudgetError when a cap leaves none."""
        async with self._changed:
            while passed := self.passed(worst):
                if not self._in_flight:
                    raise self.reached(passed, worst)
                await self._changed.wait()
            self._in_flight.append(worst)
        request = Request()
        try:
            yield request
        finally:
            self._in_flight.remove(worst)
            if request.reply is not None:
                self.count(request.reply, worst)
            async with self._changed:
                self._changed.notify_all()

    def reached(self, passed: tuple[str, str], worst: Usage) -> BudgetError:
        """The error for what `passed` says; its hint is the option that raises the cap."""

        def amount(usage: Usage) -> str:
            usd = "" if self.price is None else f"${self.price.of(usage):,.4f}, "
            return f"{usd}{usage.total:,} tokens"

        where = f"{amount(self.spent.usage)} spent; one more request may take {amount(worst)}"
        return BudgetError(f"budget {passed[0]} reached", where=where, hint=passed[1])

    def count(self, reply: Reply, worst: Usage = NOTHING) -> None:
        """A reply that was paid for."""
        self.spent.requests += 1
        self.spent.usage += actual_usage(reply, worst)
        self.spent.estimated += reply.usage is None

    def passed(self, worst: Usage, more: int = 1) -> tuple[str, str] | None:
        """The cap that one more request could pass, and the option that raises it; None: there is room."""
        caps = self.caps
        usage = sum(self._in_flight, self.spent.usage + worst)
        requests = self.spent.requests + len(self._in_flight) + more
        if caps.max_usd is not None and self.price is not None and self.price.of(usage) > caps.max_usd:
            cents = round(caps.max_usd, 2) == caps.max_usd
            return f"${caps.max_usd:.2f}" if cents else f"${caps.max_usd:g}", "--max-usd"
        if caps.max_tokens is not None and usage.total > caps.max_tokens:
            return f"of {caps.max_tokens:,} tokens", "--max-total-tokens"
        if caps.max_requests is not None and requests > caps.max_requests:
            return f"of {caps.max_requests:,} requests", "--max-requests"
        if caps.max_wall is not None and time.monotonic() - self._began > caps.max_wall:
            return f"of {caps.max_wall:g} s", "--max-wall"
        return None
