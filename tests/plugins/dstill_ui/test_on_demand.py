"""What is opened on demand: one thread, the least recently used, idle ones, failures, and the end."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest

from dstill.errors import RunError
from dstill_ui.on_demand import Entry, OnDemand

PATIENCE = 60  # seconds: a busy machine is slow


class Doors:
    """Opens and closes names, and keeps what happened, with the thread."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.threads: set[int] = set()
        self.may_open = threading.Event()
        self.may_open.set()

    def __call__(self, name: str) -> Callable[[], contextlib.AbstractContextManager[str]]:
        @contextlib.contextmanager
        def opened() -> Iterator[str]:
            self.may_open.wait(PATIENCE)
            self._note(f"open {name}")
            if name == "locked":
                raise RunError("it is locked")
            if name == "broken":
                raise ValueError("a secret")
            yield name
            self._note(f"close {name}")

        return opened

    def _note(self, line: str) -> None:
        self.log.append(line)
        self.threads.add(threading.get_ident())


async def ready(entry: Entry[str]) -> str:
    await asyncio.wait_for(entry.opened.wait(), PATIENCE)
    return entry.state


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)


def test_least_recently_used_is_closed_before_another_opens() -> None:
    doors, all = Doors(), OnDemand[str](most=2)

    async def use() -> None:
        for name in ("a", "b"):
            entry = all.open(name, doors(name))
            assert await ready(entry) == "ready"
            with entry.used() as value:
                assert value == name
        with all.open("a", doors("a")).used():
            pass
        assert await ready(all.open("c", doors("c"))) == "ready"
        assert [*all.by_name()] == ["a", "c"]

    asyncio.run(use())
    assert doors.log == ["open a", "open b", "close b", "open c"]
    all.close_all()
    assert sorted(doors.log[4:]) == ["close a", "close c"]
    assert len(doors.threads) == 1
    assert threading.get_ident() not in doors.threads


def test_used_one_is_closed_afterwards_and_opened_again_after_that() -> None:
    doors, all = Doors(), OnDemand[str](most=2)

    async def use() -> None:
        entry = all.open("a", doors("a"))
        await ready(entry)
        with entry.used():
            all.close("a")
            assert all.get("a") is None
            again = all.open("a", doors("a"))
            await asyncio.sleep(0.05)
            assert doors.log == ["open a"]
        assert await ready(again) == "ready"

    asyncio.run(use())
    all.close_all()
    assert doors.log == ["open a", "close a", "open a", "close a"]


def test_failure_is_kept_and_says_nothing_of_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    doors, all = Doors(), OnDemand[str](most=2)

    async def use() -> None:
        for name, message in (("locked", "it is locked"), ("broken", "bug in dstill: ValueError")):
            entry = all.open(name, doors(name))
            assert await ready(entry) == "failed"
            assert str(entry.error) == message

    asyncio.run(use())
    all.close_all()
    assert "a secret" not in capsys.readouterr().err


def test_idle_one_is_closed_and_a_used_one_is_not() -> None:
    doors, all = Doors(), OnDemand[str](most=2, idle=0.05)

    async def use() -> None:
        used = all.open("used", doors("used"))
        await ready(used)
        with used.used():
            all.open("idle", doors("idle"))
            await until(lambda: all.get("idle") is None)
            assert all.get("used") is used
        await until(lambda: all.get("used") is None)
        await until(lambda: len(doors.log) == 4)

    asyncio.run(use())
    all.close_all()
    assert sorted(doors.log) == ["close idle", "close used", "open idle", "open used"]


def test_end_closes_what_opens_and_what_waits_to_be_closed() -> None:
    doors, all = Doors(), OnDemand[str](most=3)

    async def use() -> None:
        entry = all.open("waits", doors("waits"))
        await ready(entry)
        held = entry.used()
        held.__enter__()  # a request that never ends
        all.close("waits")
        doors.may_open.clear()
        all.open("opens", doors("opens"))
        await asyncio.sleep(0.05)

    asyncio.run(use())
    doors.may_open.set()
    all.close_all()
    assert doors.log[0] == "open waits"
    assert sorted(doors.log[1:]) == ["close opens", "close waits", "open opens"]
