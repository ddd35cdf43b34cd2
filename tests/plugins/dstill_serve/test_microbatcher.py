"""Requests brought together: batches, order, a bound, those who leave, and errors that stay with who made them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from dstill_serve.microbatcher import Full, Queue

PATIENCE = 60


class Bench:
    """Work that waits until it may, and keeps what it was given."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.began = threading.Event()
        self.batches: list[list[Any]] = []

    def __call__(self, jobs: Sequence[Any]) -> list[str]:
        self.batches.append(list(jobs))
        self.began.set()
        assert self.go.wait(PATIENCE)
        if "bad" in jobs:
            raise ValueError("bad")
        return [f"done {job}" for job in jobs]


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def queue(bench: Bench) -> Iterator[Queue[Any, str]]:
    with Queue(bench, max_batch=4, max_requests=8) as queue:
        yield queue
        bench.go.set()


def test_what_waits_is_one_batch_in_order_and_no_larger_than_it_may_be(bench: Bench, queue: Queue[Any, str]) -> None:
    first = queue.put(0)
    assert bench.began.wait(PATIENCE)
    rest = [queue.put(n) for n in range(1, 7)]
    bench.go.set()
    assert [ticket.result.result(PATIENCE) for ticket in (first, *rest)] == [f"done {n}" for n in range(7)]
    assert bench.batches == [[0], [1, 2, 3, 4], [5, 6]]


def test_a_full_house_sends_away_until_somebody_leaves(
    bench: Bench, queue: Queue[Any, str], until: Callable[..., None]
) -> None:
    tickets = [queue.put(n) for n in range(8)]
    with pytest.raises(Full) as full:
        queue.put("late")
    assert 1 <= full.value.wait <= 60
    assert bench.began.wait(PATIENCE)
    bench.go.set()
    for ticket in tickets:
        ticket.result.result(PATIENCE)
    assert queue.in_progress == 8  # an answer that is still handed out, or run, has its ticket
    for ticket in tickets:
        ticket.release()
        ticket.release()
    assert queue.in_progress == 0
    assert queue.put("late").result.result(PATIENCE) == "done late"


def test_who_leaves_before_their_turn_costs_nothing(bench: Bench, queue: Queue[Any, str]) -> None:
    running = queue.put("running")
    assert bench.began.wait(PATIENCE)
    waiting = [queue.put(n) for n in range(5)]
    for ticket in waiting[:4]:
        ticket.release()
    assert (queue.in_progress, queue.waiting) == (2, 1)
    bench.go.set()
    assert running.result.result(PATIENCE) == "done running"
    assert waiting[4].result.result(PATIENCE) == "done 4"
    assert bench.batches == [["running"], [4]]


def test_who_leaves_while_they_are_answered_is_free_when_the_batch_ends(
    bench: Bench, queue: Queue[Any, str], until: Callable[..., None]
) -> None:
    ticket = queue.put("running")
    assert bench.began.wait(PATIENCE)
    ticket.release()
    assert queue.in_progress == 1
    bench.go.set()
    until(lambda: queue.in_progress == 0)
    assert ticket.result.result(PATIENCE) == "done running"


def test_an_error_is_of_who_made_it(bench: Bench, queue: Queue[Any, str]) -> None:
    queue.put("first")
    assert bench.began.wait(PATIENCE)
    good, bad, better = [queue.put(job) for job in ("good", "bad", "better")]
    bench.go.set()
    assert good.result.result(PATIENCE) == "done good"
    assert better.result.result(PATIENCE) == "done better"
    with pytest.raises(ValueError, match="bad"):
        bad.result.result(PATIENCE)
    assert queue.put("next").result.result(PATIENCE) == "done next"


def test_the_end_finishes_what_is_under_way_and_cancels_the_rest() -> None:
    bench = Bench()
    with Queue(bench, max_batch=1, max_requests=4) as queue:
        running, waiting = queue.put("running"), queue.put("waiting")
        assert bench.began.wait(PATIENCE)
        # not by the clock: the batch goes on once the end has begun
        waiting.result.add_done_callback(lambda _: bench.go.set())
    assert running.result.result(PATIENCE) == "done running"
    assert waiting.result.cancelled()
    assert not queue.alive
    with pytest.raises(Full):
        queue.put("late")


def test_batches_are_batches() -> None:
    batches: list[tuple[int, bool]] = []
    with Queue(
        list, max_batch=4, max_requests=4, on_batch=lambda size, seconds: batches.append((size, seconds >= 0))
    ) as queue:
        assert queue.put(1).result.result(PATIENCE) == 1
    assert batches == [(1, True)]
