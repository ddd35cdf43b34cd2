"""Keeps what is slow to open, such as a student: opened on demand in a thread, closed when it is not used.

    rooms = Rooms(most=2)
    room = rooms.enter("first", lambda: student_of("first"))    # at once; it opens in the background
    room.state                                                  # "loading", then "ready" or "failed"
    with room.used() as value: …                                # nobody closes it meanwhile
    rooms.leave("first")
    rooms.close_all()                                           # when the event loop has ended

`enter` opens a context manager in a thread that all rooms of one `Rooms` share, so it is also the thread that leaves
it. If there are more than `most`, the one that was not used for longest is closed first. One that was not used for
`idle` seconds is closed. The methods belong to the thread of the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from typing import Any, Generic, TypeVar

from dstill.cli.console import note_bug
from dstill.errors import DstillError

__all__ = ["Room", "Rooms"]

T = TypeVar("T")


class Room(Generic[T]):
    """What was opened under one name."""

    def __init__(self, by: str, version: object) -> None:
        self.by, self.version, self.since = by, version, datetime.now()
        self.error: DstillError | None = None  # why it does not open
        self._value: T | None = None
        self._stack = ExitStack()
        self._users = 0
        self.opened = asyncio.Event()  # or failed
        self._free = asyncio.Event()
        self._free.set()
        self.used_at = time.monotonic()

    @property
    def state(self) -> str:
        """``loading``, ``ready`` or ``failed``."""
        return "failed" if self.error else "loading" if self._value is None else "ready"

    @contextlib.contextmanager
    def used(self) -> Iterator[T]:
        """Its value, which is not closed during the block. Only of a room that is ready."""
        assert self._value is not None
        self.used_at = time.monotonic()
        self._users += 1
        self._free.clear()
        try:
            yield self._value
        finally:
            self.used_at = time.monotonic()
            self._users -= 1
            if not self._users:
                self._free.set()

    @property
    def is_used(self) -> bool:
        """Whether a block of `used` runs."""
        return self._users > 0

    async def free(self) -> None:
        """Wait until no block of `used` runs."""
        await self._free.wait()

    def open(self, opening: Callable[[], AbstractContextManager[T]]) -> None:
        """Open it. An error is kept."""
        try:
            self._value = self._stack.enter_context(opening())
        except DstillError as error:
            self.error = error
        except Exception as error:
            note_bug(error)
            self.error = DstillError(f"bug in dstill: {type(error).__name__}")

    def close(self) -> None:
        """Close it, in the thread that opened it."""
        try:
            self._stack.close()
        except Exception as error:  # the others are still to be closed
            note_bug(error)


class Rooms(Generic[T]):
    """The rooms of one kind, by name."""

    def __init__(self, *, most: int, idle: float | None = None) -> None:
        """`most`: open at the same time. `idle`: seconds; None: only for a newer one."""
        self._most, self._idle = most, idle
        self._rooms: dict[str, Room[T]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rooms")
        self._tasks: set[asyncio.Task[None]] = set()

    def get(self, name: str) -> Room[T] | None:
        """The room of that name, if somebody has entered it."""
        return self._rooms.get(name)

    def by_name(self) -> Mapping[str, Room[T]]:
        """All of them."""
        return dict(self._rooms)

    def enter(
        self, name: str, opening: Callable[[], AbstractContextManager[T]], *, by: str = "", version: object = None
    ) -> Room[T]:
        """The room of that name, which begins to open if it is not there.

        `by`: who enters first. `version`: of what is opened, for the caller, who may leave an outdated one.
        """
        if room := self.get(name):
            return room
        by_use = sorted(self._rooms, key=lambda one: self._rooms[one].used_at)
        closed = [self._rooms.pop(one) for one in by_use[: max(0, len(by_use) + 1 - self._most)]]
        room = self._rooms[name] = Room(by, version)
        self._do(self._open(room, opening, closed))
        if self._idle is not None:
            self._do(self._watch(name, room, self._idle))
        return room

    async def _open(
        self, room: Room[T], opening: Callable[[], AbstractContextManager[T]], before: list[Room[T]]
    ) -> None:
        for one in before:  # first, to have its memory
            await self._closed(one)
        await asyncio.get_running_loop().run_in_executor(self._thread, room.open, opening)
        room.opened.set()

    async def _watch(self, name: str, room: Room[T], idle: float) -> None:
        while self._rooms.get(name) is room:
            left = idle if room.is_used or room.state == "loading" else room.used_at + idle - time.monotonic()
            if left <= 0:
                self.leave(name)
            else:
                await asyncio.sleep(left)

    async def _closed(self, room: Room[T]) -> None:
        await room.opened.wait()
        await room.free()
        await asyncio.get_running_loop().run_in_executor(self._thread, room.close)

    def leave(self, name: str) -> None:
        """Close the room of that name in the background, as soon as nobody uses it."""
        if room := self._rooms.pop(name, None):
            self._do(self._closed(room))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # else nothing but the event loop's weak reference would keep it
        task.add_done_callback(self._tasks.discard)

    def close_all(self) -> None:
        """Close everything, and wait for it."""
        for room in self._rooms.values():
            self._thread.submit(room.close)
        self._rooms.clear()
        self._thread.shutdown()
