"""Keeps what is slow to open, such as a student: opened on demand in a thread, closed when it is not used.

    students = OnDemand(most=2)
    entry = students.open("first", lambda: student_of("first"))     # returns at once; it opens in the background
    entry.state                                                     # "loading", then "ready" or "failed"
    with entry.used() as value: …                                   # it is not closed meanwhile
    students.close("first")                                         # in the background
    students.close_all()                                            # when the event loop has ended

`open` enters a context manager in a thread that all entries of one `OnDemand` share, so the same thread exits it. If
there are more than `most`, the one that was not used for longest is closed first. One that was not used for `idle`
seconds is closed. The methods belong to the thread of the event loop.
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

__all__ = ["Entry", "OnDemand"]

T = TypeVar("T")


class Entry(Generic[T]):
    """The thing that was opened under one name."""

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
        """Its value, which is not closed during the block. Only of an entry that is ready."""
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

    def load(self, opening: Callable[[], AbstractContextManager[T]]) -> None:
        """Open it. An error is kept."""
        try:
            self._value = self._stack.enter_context(opening())
        except DstillError as error:
            self.error = error
        except Exception as error:
            note_bug(error)
            self.error = DstillError(f"bug in dstill: {type(error).__name__}")

    def unload(self) -> None:
        """Close it, in the thread that opened it."""
        try:
            self._stack.close()
        except Exception as error:  # the others are still to be closed
            note_bug(error)


class OnDemand(Generic[T]):
    """Name → what was opened, of one kind."""

    def __init__(self, *, most: int, idle: float | None = None) -> None:
        """`most`: open at the same time. `idle`: seconds; None: only for a newer one."""
        self._most, self._idle = most, idle
        self._entries: dict[str, Entry[T]] = {}
        self._unclosed: set[Entry[T]] = set()  # these, and those that wait to be closed
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="entries")
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing: dict[str, asyncio.Task[None]] = {}

    def get(self, name: str) -> Entry[T] | None:
        """The entry of that name, if there is one."""
        return self._entries.get(name)

    def by_name(self) -> Mapping[str, Entry[T]]:
        """All of them."""
        return dict(self._entries)

    def open(
        self, name: str, opening: Callable[[], AbstractContextManager[T]], *, by: str = "", version: object = None
    ) -> Entry[T]:
        """The entry of that name, which begins to open if it is not there.

        `by`: who opens it. `version`: of what is opened, for the caller, who may close an outdated one.
        """
        if entry := self.get(name):
            return entry
        by_use = sorted(self._entries, key=lambda entry: self._entries[entry].used_at)
        closed = [self._entries.pop(closing) for closing in by_use[: max(0, len(by_use) + 1 - self._most)]]
        entry = self._entries[name] = Entry(by, version)
        self._unclosed.add(entry)
        self._do(self._open(name, entry, opening, closed))
        if self._idle is not None:
            self._do(self._watch(name, entry, self._idle))
        return entry

    async def _open(
        self, name: str, entry: Entry[T], opening: Callable[[], AbstractContextManager[T]], before: list[Entry[T]]
    ) -> None:
        if closing := self._closing.get(name):  # it may have a lock
            await asyncio.wait([closing])
        for older in before:  # first, to have its memory
            await self._closed(older)
        await asyncio.get_running_loop().run_in_executor(self._thread, entry.load, opening)
        entry.opened.set()

    async def _watch(self, name: str, entry: Entry[T], idle: float) -> None:
        while self._entries.get(name) is entry:
            left = idle if entry.is_used or entry.state == "loading" else entry.used_at + idle - time.monotonic()
            if left <= 0:
                self.close(name)
            else:
                await asyncio.sleep(left)

    async def _closed(self, entry: Entry[T]) -> None:
        await entry.opened.wait()
        await entry.free()
        await asyncio.get_running_loop().run_in_executor(self._thread, entry.unload)
        self._unclosed.discard(entry)

    def close(self, name: str) -> None:
        """Close the entry of that name in the background, as soon as nobody uses it."""
        if entry := self._entries.pop(name, None):
            self._closing[name] = self._do(self._closed(entry))

    def _do(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # else nothing but the event loop's weak reference would keep it
        task.add_done_callback(self._tasks.discard)
        return task

    def close_all(self) -> None:
        """Close everything, and wait for it."""
        for entry in self._unclosed:
            self._thread.submit(entry.unload)
        self._entries.clear()
        self._thread.shutdown()
