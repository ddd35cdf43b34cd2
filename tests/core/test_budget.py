"""Caps are checked before each request and never exceeded."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dstill.api.records import Example, Message, Price, Prompt, Reply, Usage
from dstill.errors import BudgetError, ServiceError
from dstill.teacher.budget import Budget, Caps, actual_usage, with_estimate, worst_case

PRICE = Price(prompt=1.0, completion=2.0)
WORST = Usage(prompt_tokens=100, completion_tokens=50)


def reply(usage: Usage | None, text: str = "a") -> Reply:
    return Reply(id="1", text=text, usage=usage)


def buy(budget: Budget, usages: list[Usage | None], *, at_once: int = 4) -> int:
    """Request replies, `at_once` in flight; return how many came before the budget was reached."""
    bought = 0

    async def one(usage: Usage | None, slots: asyncio.Semaphore) -> None:
        nonlocal bought
        async with slots, budget.reserve(WORST) as request:
            await asyncio.sleep(0)
            request.reply = reply(usage)
            bought += 1

    async def run() -> list[BaseException | None]:
        slots = asyncio.Semaphore(at_once)
        return await asyncio.gather(*(one(usage, slots) for usage in usages), return_exceptions=True)

    assert {type(problem) for problem in asyncio.run(run())} <= {type(None), BudgetError}
    return bought


def test_counts_all_spending_without_caps() -> None:
    budget = Budget(Caps(), PRICE)
    assert buy(budget, [WORST] * 20) == 20
    assert budget.spent.usage == Usage(prompt_tokens=2000, completion_tokens=1000)
    assert budget.usd == pytest.approx(0.004)


@pytest.mark.parametrize(
    ("caps", "option"),
    [
        (Caps(max_usd=0.0011), "--max-usd"),  # a request of the worst kind is 0.0002
        (Caps(max_tokens=800), "--max-total-tokens"),
        (Caps(max_requests=5), "--max-requests"),
    ],
)
def test_cap_is_reached_and_never_exceeded(caps: Caps, option: str) -> None:
    budget = Budget(caps, PRICE)
    assert buy(budget, [WORST] * 20) == 5
    with pytest.raises(BudgetError, match=r"budget .* reached") as caught:
        asyncio.run(_one(budget))
    assert caught.value.hint == option
    assert caught.value.where.endswith("one more request may take $0.0002, 150 tokens")


def test_cap_below_a_cent_is_not_shown_as_zero() -> None:
    with pytest.raises(BudgetError, match=r"budget \$0\.0001 reached"):
        asyncio.run(_one(Budget(Caps(max_usd=0.0001), PRICE)))


async def _one(budget: Budget) -> None:
    async with budget.reserve(WORST):
        raise AssertionError("there was room")


def test_time_cap_stops_requests() -> None:
    budget = Budget(Caps(max_wall=1e-9))
    with pytest.raises(BudgetError, match="of 1e-09 s reached"):
        asyncio.run(_one(budget))


@given(
    usages=st.lists(
        st.builds(Usage, prompt_tokens=st.integers(0, WORST.prompt_tokens), completion_tokens=st.integers(0, 50)),
        max_size=30,
    ),
    cap=st.integers(0, 3000),
    at_once=st.integers(1, 8),
)
def test_no_cap_is_ever_exceeded(usages: list[Usage | None], cap: int, at_once: int) -> None:
    budget = Budget(Caps(max_tokens=cap), PRICE)
    bought = buy(budget, usages, at_once=at_once)
    assert budget.spent.usage.total <= cap
    if bought < len(usages):  # it stopped only if one more could have exceeded it
        assert budget.spent.usage.total + WORST.total > cap


def test_failed_request_costs_nothing() -> None:
    budget = Budget(Caps(max_requests=1))

    async def fail() -> None:
        async with budget.reserve(WORST):
            raise ServiceError("gone")

    for _ in range(3):
        with pytest.raises(ServiceError):
            asyncio.run(fail())
    assert budget.spent.requests == 0


def test_earlier_spending_counts() -> None:
    budget = Budget(Caps(max_requests=5), spent=[reply(WORST)] * 3)
    assert buy(budget, [WORST] * 9) == 2


def test_missing_usage_is_estimated_and_marked() -> None:
    budget = Budget(Caps(), PRICE)
    assert buy(budget, [None, WORST]) == 2
    assert budget.spent.estimated == 1
    assert budget.spent.usage.prompt_tokens == 100 + 34
    assert actual_usage(reply(None, "x" * 90), WORST) == Usage(prompt_tokens=34, completion_tokens=30)


def test_resumed_run_counts_estimated_usage() -> None:
    kept = Reply.from_row(with_estimate(reply(None, "x" * 90), WORST).to_row())
    spent = Budget(Caps(), spent=[kept]).spent
    assert (spent.usage, spent.estimated) == (Usage(prompt_tokens=34, completion_tokens=30), 1)


def test_cost_is_unknown_without_a_price() -> None:
    assert Budget(Caps()).usd is None


@given(texts=st.lists(st.text(max_size=40), max_size=4), room=st.integers(1, 4))
def test_worst_case_is_one_token_per_byte(texts: list[str], room: int) -> None:
    messages = tuple(Message(role="user", content=text) for text in texts)
    prompt = replace(Prompt(example=Example(id="1", question="q"), messages=messages), max_tokens_factor=room)
    worst = worst_case(prompt, 100)
    assert worst.prompt_tokens >= sum(len(text.encode()) for text in texts)
    assert worst.completion_tokens == 100
