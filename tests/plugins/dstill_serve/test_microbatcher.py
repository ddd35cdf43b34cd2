"""Micro-batches: order, size limit, cancelled jobs, and errors of single jobs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from dstill_serve.microbatcher import Full, Queue

PATIENCE = 60


class BlockingWorker:
    """Work that waits for `go` and records its batches."""

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
def worker() -> BlockingWorker:
    return BlockingWorker()


@pytest.fixture
def queue(worker: BlockingWorker) -> Iterator[Queue[Any, str]]:
    with Queue(worker, max_batch=4, max_requests=8) as queue:
        yield queue
        worker.go.set()


def test_waiting_jobs_form_ordered_batches_up_to_the_limit(worker: BlockingWorker, queue: Queue[Any, str]) -> None:
    first = queue.put(0)
    assert worker.began.wait(PATIENCE)
    rest = [queue.put(n) for n in range(1, 7)]
    worker.go.set()
    assert [ticket.result.result(PATIENCE) for ticket in (first, *rest)] == [f"done {n}" for n in range(7)]
    assert worker.batches == [[0], [1, 2, 3, 4], [5, 6]]


def test_full_queue_refuses_until_a_slot_is_free(
    worker: BlockingWorker, queue: Queue[Any, str], wait_for: Callable[..., None]
) -> None:
    tickets = [queue.put(n) for n in range(8)]
    with pytest.raises(Full) as full:
        queue.put("late")
    assert 1 <= full.value.wait <= 60
    assert worker.began.wait(PATIENCE)
    worker.go.set()
    for ticket in tickets:
        ticket.result.result(PATIENCE)
    assert queue.in_progress == 8  # an answer that is still handed out, or run, has its ticket
    for ticket in tickets:
        ticket.release()
        ticket.release()
    assert queue.in_progress == 0
    assert queue.put("late").result.result(PATIENCE) == "done late"


def test_job_cancelled_while_waiting_is_not_run(worker: BlockingWorker, queue: Queue[Any, str]) -> None:
    running = queue.put("running")
    assert worker.began.wait(PATIENCE)
    waiting = [queue.put(n) for n in range(5)]
    for ticket in waiting[:4]:
        ticket.release()
    assert (queue.in_progress, queue.waiting) == (2, 1)
    worker.go.set()
    assert running.result.result(PATIENCE) == "done running"
    assert waiting[4].result.result(PATIENCE) == "done 4"
    assert worker.batches == [["running"], [4]]


def test_job_cancelled_while_running_frees_its_slot_after_the_batch(
    worker: BlockingWorker, queue: Queue[Any, str], wait_for: Callable[..., None]
) -> None:
    ticket = queue.put("running")
    assert worker.began.wait(PATIENCE)
    ticket.release()
    assert queue.in_progress == 1
    worker.go.set()
    wait_for(lambda: queue.in_progress == 0)
    assert ticket.result.result(PATIENCE) == "done running"


def test_error_affects_only_its_job(worker: BlockingWorker, queue: Queue[Any, str]) -> None:
    queue.put("first")
    assert worker.began.wait(PATIENCE)
    good, bad, better = [queue.put(job) for job in ("good", "bad", "better")]
    worker.go.set()
    assert good.result.result(PATIENCE) == "done good"
    assert better.result.result(PATIENCE) == "done better"
    with pytest.raises(ValueError, match="bad"):
        bad.result.result(PATIENCE)
    assert queue.put("next").result.result(PATIENCE) == "done next"


def test_close_finishes_running_jobs_and_cancels_the_rest() -> None:
    worker = BlockingWorker()
    with Queue(worker, max_batch=1, max_requests=4) as queue:
        running, waiting = queue.put("running"), queue.put("waiting")
        assert worker.began.wait(PATIENCE)
        # without a clock: the batch continues once closing has begun
        waiting.result.add_done_callback(lambda _: worker.go.set())
    assert running.result.result(PATIENCE) == "done running"
    assert waiting.result.cancelled()
    assert not queue.alive
    with pytest.raises(Full):
        queue.put("late")


def test_on_batch_reports_size_and_seconds() -> None:
    batches: list[tuple[int, bool]] = []
    with Queue(
        list, max_batch=4, max_requests=4, on_batch=lambda size, seconds: batches.append((size, seconds >= 0))
    ) as queue:
        assert queue.put(1).result.result(PATIENCE) == 1
    assert batches == [(1, True)]
