"""Locks on replies in flight, so that two processes do not buy the same reply.

    locks = KeyLocks(store)
    async with locks.hold(key) as reply:     # waits while another process holds the key
        …                                    # the reply that it bought meanwhile; None: nobody did, so ask for it

A lock is a lock of the operating system on one byte of a file next to the store, at an offset that the key determines.
The system releases it when the process ends, also on kill -9. Within one process, `dstill.teacher.client` makes sure
that each key is asked for once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from dstill.api.records import Reply
from dstill.io import system
from dstill.io.files import writing
from dstill.io.logs import log
from dstill.io.plain_files import regular
from dstill.teacher.cache import ReplyStore

__all__ = ["KeyLocks"]

POLL_SECONDS = 0.1  # between two attempts to get a lock that another process holds
OFFSET_DIGITS = 15  # hexadecimal digits of a key that make the offset: below the largest offset of a file


class KeyLocks:
    """The locks of one process on keys of `store`. Close it after use."""

    def __init__(self, store: ReplyStore) -> None:
        self._store = store
        path = store.path.with_name(f".{store.path.name}.asking.lock")
        with writing(path):
            self._file = open(path, "a", opener=regular)  # noqa: SIM115 - closed by `close`
        self._warned = False

    def close(self) -> None:
        """Release all locks."""
        self._file.close()

    @contextlib.asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[Reply | None]:
        """Hold the lock of `key` during the block, and yield its reply if the store has one.

        Waits while another process holds it, and logs once which one that is.
        """
        offset = int(key[:OFFSET_DIGITS], 16)
        while not system.try_lock_byte(self._file, offset):
            if not self._warned:
                self._warned = True
                log.warning("%s asks for the same replies: waiting for it", self._holder(offset))
            await asyncio.sleep(POLL_SECONDS)
        try:
            yield self._store.get(key)
        finally:
            system.unlock_byte(self._file, offset)

    def _holder(self, offset: int) -> str:
        pid = system.lock_holder(self._file, offset)
        return f"pid {pid}" if pid else "another process"
