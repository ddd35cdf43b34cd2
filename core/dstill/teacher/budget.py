"""Limits what replies cost: caps are checked *before* a request is sent, and spending is recorded.

    budget = Budget(Caps(max_usd=2.0), Price(prompt=0.4, completion=1.6), spent=store.bought_by(run))
    async with budget.reserve(worst_case(prompt, 2048)) as request:  # waits while requests in flight could reach a cap
        request.reply = await teacher.ask(prompt)           # its usage replaces the worst case
    budget.spent                                            # Spent(requests=640, usage=Usage(…), estimated=0)

Until its reply arrives, a request counts with its worst case: one token for each byte of the prompt, and the longest
reply. So no cap is ever exceeded. BudgetError is raised when nothing is in flight any more and the next request could
exceed a cap; the replies that were in flight are paid and stored. Tokens are those of the provider, money is in USD.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace

from dstill.api.records import Price, Prompt, Reply, Usage
from dstill.errors import BudgetError

__all__ = ["Budget", "Caps", "Request", "Spent", "actual_usage", "with_estimate", "worst_case"]

BYTES_A_TOKEN = 3  # a cautious estimate for text and JSON, for replies without a token count
NO_USAGE = Usage(prompt_tokens=0, completion_tokens=0)
A_MESSAGE = 8  # most tokens that a chat format adds to each message


@dataclass(frozen=True, kw_only=True)
class Caps:
    """Limits for what a run buys. None: no limit."""

    max_usd: float | None = None
    max_tokens: int | None = None  # in prompts and replies together
    max_requests: int | None = None  # without retries after a failure
    max_wall: float | None = None  # seconds since the `Budget` was created


@dataclass(kw_only=True)
class Spent:
    """The counts and the price of bought replies."""

    requests: int = 0
    usage: Usage = NO_USAGE
    estimated: int = 0  # requests whose tokens are an estimate


@dataclass(kw_only=True)
class Request:
    """One request within the caps. Set its reply; without one it cost nothing."""

    reply: Reply | None = None


def worst_case(prompt: Prompt, reply_tokens: int) -> Usage:
    """The most tokens that asking `prompt` can use: no tokenizer makes more tokens than the text has bytes."""
    prompt_tokens = sum(len(message.content.encode(errors="replace")) + A_MESSAGE for message in prompt.messages)
    return Usage(prompt_tokens=prompt_tokens, completion_tokens=reply_tokens)


def actual_usage(reply: Reply, worst: Usage = NO_USAGE) -> Usage:
    """The tokens that a reply used; a cautious estimate if the endpoint did not say."""
    if (counted := reply.usage or reply.guess) is not None:
        return counted
    written = len(reply.text.encode(errors="replace"))
    return Usage(prompt_tokens=-(-worst.prompt_tokens // BYTES_A_TOKEN), completion_tokens=-(-written // BYTES_A_TOKEN))


def with_estimate(reply: Reply, worst: Usage) -> Reply:
    """`reply` with an estimate of its tokens if there is no count. Later readers do not know its prompt."""
    return reply if reply.usage is not None else replace(reply, guess=actual_usage(reply, worst))


class Budget:
    """The caps of a run and what it has spent. `spent`: replies that the run bought before."""

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
        """US dollars spent so far; None: the price is not known."""
        return None if self.price is None else self.price.of(self.spent.usage)

    @contextlib.asynccontextmanager
    async def reserve(self, worst: Usage) -> AsyncIterator[Request]:
        """Reserve budget for one request with the worst case `worst`. Raises BudgetError if it could exceed a cap."""
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
        """The error for a cap that `passed` returned. Its hint is the option that raises the cap."""

        def amount(usage: Usage) -> str:
            usd = "" if self.price is None else f"${self.price.of(usage):,.4f}, "
            return f"{usd}{usage.total:,} tokens"

        where = f"{amount(self.spent.usage)} spent; one more request may take {amount(worst)}"
        return BudgetError(f"budget {passed[0]} reached", where=where, hint=passed[1])

    def count(self, reply: Reply, worst: Usage = NO_USAGE) -> None:
        """Count a reply that was bought."""
        self.spent.requests += 1
        self.spent.usage += actual_usage(reply, worst)
        self.spent.estimated += reply.usage is None

    def passed(self, worst: Usage, more: int = 1) -> tuple[str, str] | None:
        """The cap that `more` requests could exceed, and the option that raises it. None: no cap."""
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
