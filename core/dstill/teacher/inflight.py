"""Which replies a process is buying just now, so that another one that wants the same waits instead of buying them too.

    claims = Claims(store)
    async with claims.of(key) as there:     # not before another process is done with it
        …                                   # the reply that it bought meanwhile; None: to be asked for

A claim is a lock of the operating system on one byte of a file beside the store, at a place that follows from the
key; it goes with the process that holds it, also on kill -9. Within a process `dstill.teacher.client`
sees to it itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import struct
import sys
from typing import AsyncIterator

from dstill.api.records import Reply
from dstill.io.files import writing
from dstill.io.plain_files import regular
from dstill.teacher.cache import ReplyStore

__all__ = ["Claims"]

LOOK = 0.1  # seconds between two looks at a claim of another process
PLACES = 15  # hexadecimal digits of a key: as many places as a file may have bytes, and some room
FLOCK = "hhqqi"  # struct flock of Linux: type, whence, start, length, pid

log = logging.getLogger("dstill")


class Claims:
    def __init__(self, store: ReplyStore) -> None:
        self._store = store
        path = store.path.with_name(f".{store.path.name}.asking.lock")
        with writing(path):
            self._file = open(path, "a", opener=regular)  # noqa: SIM115 - closed by `close`
        self._told = False

    def close(self) -> None:
        self._file.close()

    @contextlib.asynccontextmanager
    async def of(self, key: str) -> AsyncIterator[Reply | None]:
        """Holds `key` alone; waits where another process has it, and says once who that is."""
        place = int(key[:PLACES], 16)
        while not self._taken(place):
            if not self._told:
                self._told = True
                log.warning("%s asks for the same: its replies are waited for", self._holder(place))
            await asyncio.sleep(LOOK)
        try:
            yield self._store.get(key)
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)

    def _taken(self, place: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except (BlockingIOError, PermissionError):  # which of both, systems do not agree on
            return False
        return True

    def _holder(self, place: int) -> str:
        if sys.platform != "linux":
            return "another process"
        asked = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, place, 1, 0)
        pid = struct.unpack(FLOCK, fcntl.fcntl(self._file, fcntl.F_GETLK, asked))[-1]
        return f"pid {pid}" if pid else "another process"
