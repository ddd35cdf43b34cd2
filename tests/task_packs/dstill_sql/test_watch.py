"""Queries that run too long are stopped."""

from __future__ import annotations

import threading
import time

import pytest

from dstill_sql.engines.watch import Stopped, Watch


def test_a_block_that_takes_too_long_is_interrupted() -> None:
    interrupted = []

    def wait() -> None:
        until = time.monotonic() + 5
        while not interrupted and time.monotonic() < until:
            time.sleep(0.01)
        raise RuntimeError("interrupted")

    with pytest.raises(Stopped), Watch().over(lambda: interrupted.append(True), 0.05):
        wait()


def test_an_error_in_time_stays_what_it_is() -> None:
    watch = Watch()
    with pytest.raises(ZeroDivisionError), watch.over(lambda: pytest.fail("interrupted"), 5):
        1 / 0  # noqa: B018
    with watch.over(lambda: pytest.fail("interrupted"), 5):
        pass


def test_a_block_that_ends_too_late_took_too_long() -> None:
    """A step of the engine that no interrupt ends."""
    interrupted = threading.Event()
    with pytest.raises(Stopped), Watch().over(interrupted.set, 0.05):
        assert interrupted.wait(5)
