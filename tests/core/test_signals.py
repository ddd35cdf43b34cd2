"""Ctrl-C in an event loop: the first cancels the work, and handlers are restored."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from dstill.runtime import signals


async def wait_for_ctrl_c(log: list[str]) -> None:
    log.append("begins")
    try:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(30)
    finally:
        log.append("second" if signal.getsignal(signal.SIGINT) is signal.SIG_DFL else "first")


def test_ctrl_c_cancels_and_raises(project: object) -> None:
    log: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        signals.run(wait_for_ctrl_c(log))
    assert log == ["begins", "second"]  # a second one would have ended the process
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_behaves_as_asyncio_run_without_ctrl_c() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    assert signals.run(work()) == 7
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_own_cancellation_is_not_ctrl_c() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        signals.run(work())


def test_custom_sigint_handler_stays() -> None:
    called: list[int] = []

    async def work() -> str:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.05)
        return "done"

    before = signal.signal(signal.SIGINT, lambda number, frame: called.append(number))
    try:
        assert signals.run(work()) == "done"
    finally:
        signal.signal(signal.SIGINT, before)
    assert called == [signal.SIGINT]


def test_other_threads_are_unaffected() -> None:
    async def work() -> str:
        return "done"

    got: list[str] = []
    thread = threading.Thread(target=lambda: got.append(signals.run(work())))
    thread.start()
    thread.join(30)
    assert got == ["done"]


def test_second_signal_has_its_default_effect() -> None:
    with signals.Stop() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.asked
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_sigterm_stops_when_sigint_is_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as shells do then
    try:
        with signals.Stop() as stop:
            signal.raise_signal(signal.SIGINT)
            assert not stop.asked
            signal.raise_signal(signal.SIGTERM)
            assert stop.asked
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


async def work_in_a_running_loop(work: Coroutine[Any, Any, Any]) -> Any:
    """As a cell of a notebook calls it."""
    return signals.run(work)


def test_runs_where_a_loop_runs_already() -> None:
    async def work() -> str:
        await asyncio.sleep(0)
        return threading.current_thread().name

    assert asyncio.run(work_in_a_running_loop(work())) != threading.current_thread().name

    async def fails() -> None:
        raise RuntimeError("no luck")

    with pytest.raises(RuntimeError, match="no luck"):
        asyncio.run(work_in_a_running_loop(fails()))


def test_ctrl_c_cancels_where_a_loop_runs_already() -> None:
    ended = list[str]()

    async def work() -> None:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def cell() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # as a notebook's kernel does
        with pytest.raises(KeyboardInterrupt):
            signals.run(work())

    asyncio.run(cell())
    assert ended == ["cancelled"]
