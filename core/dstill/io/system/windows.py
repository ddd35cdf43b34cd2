"""`dstill.io.system` for Windows, by its documentation: nobody has run it there.

Windows locks ranges of bytes, and other processes cannot read what is locked. So a whole file is locked by a byte far
behind its end. Modules and types that only Windows has are looked up when they are used, as `Any`.
"""

from __future__ import annotations

import ctypes
import os
import time
from importlib import import_module
from pathlib import Path
from typing import IO, Any

__all__ = [
    "OPENING",
    "OTHER_USERS",
    "READING",
    "fsync_folder",
    "is_alive",
    "lock",
    "lock_holder",
    "open_files",
    "peak_memory",
    "physical_memory",
    "refuses_links",
    "resident_memory",
    "reuses_address",
    "set_mode",
    "try_lock",
    "try_lock_byte",
    "unlock_byte",
]

# O_BINARY: bytes are read as they are, also a line break. O_NOINHERIT: child processes do not get the file.
READING = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
OPENING = READING
refuses_links = False  # no flag does
reuses_address = False  # with SO_REUSEADDR, another program could bind the port of a server that runs
OTHER_USERS = 0  # the mode of a file says nothing about other users

_LAST_BYTE = 2**31 - 2  # the last byte that `msvcrt.locking` reaches
_POLL_SECONDS = 0.05
_SYNCHRONIZE, _STILL_RUNS, _ACCESS_DENIED = 0x100000, 0x102, 5


def lock(file: IO[Any]) -> None:
    """Lock a file. Waits while another process holds the lock; closing the file releases it."""
    while not try_lock(file):
        time.sleep(_POLL_SECONDS)


def try_lock(file: IO[Any]) -> bool:
    """As `lock`, without waiting. False: another process holds the lock."""
    return _locking("LK_NBLCK", file, _LAST_BYTE)


def try_lock_byte(file: IO[Any], offset: int) -> bool:
    """Lock one byte of a file, which need not be that long. False: another process holds the lock.

    `msvcrt.locking` does not reach all offsets, so some share a lock, and wait for each other.
    """
    return _locking("LK_NBLCK", file, offset % _LAST_BYTE)


def unlock_byte(file: IO[Any], offset: int) -> None:
    """Release the lock of one byte."""
    _locking("LK_UNLCK", file, offset % _LAST_BYTE)


def _locking(mode: str, file: IO[Any], offset: int) -> bool:
    msvcrt: Any = import_module("msvcrt")
    handle = file.fileno()
    before = os.lseek(handle, 0, os.SEEK_CUR)
    os.lseek(handle, offset, os.SEEK_SET)  # it locks from here
    try:
        msvcrt.locking(handle, getattr(msvcrt, mode), 1)
    except OSError:
        return False
    finally:
        os.lseek(handle, before, os.SEEK_SET)
    return True


def lock_holder(_: IO[Any], __: int) -> int:
    """0: Windows does not say which process holds a lock."""
    return 0


def fsync_folder(_: Path) -> None:
    """Nothing: Windows opens no folders as files, and its file system logs renames."""


def set_mode(_: IO[Any], __: int) -> None:
    """Nothing: Windows has lists of access, which the folder gives to a new file."""


def is_alive(pid: int) -> bool:
    """Whether a process exists; `os.kill` with signal 0 would be a Ctrl-C."""
    kernel = _kernel()
    kernel.OpenProcess.restype = ctypes.c_void_p
    handle = kernel.OpenProcess(_SYNCHRONIZE, False, pid)
    if not handle:
        return bool(kernel.GetLastError() == _ACCESS_DENIED)  # the process of another user
    try:
        return bool(kernel.WaitForSingleObject(ctypes.c_void_p(handle), 0) == _STILL_RUNS)
    finally:
        kernel.CloseHandle(ctypes.c_void_p(handle))


def physical_memory() -> int:
    """Bytes of RAM of this machine."""
    status = _MemoryStatus(size=ctypes.sizeof(_MemoryStatus))
    _kernel().GlobalMemoryStatusEx(ctypes.byref(status))
    return int(status.physical)


def resident_memory() -> int:
    """0: not known."""
    return 0


def peak_memory() -> int:
    """Bytes of the largest resident set so far of this process. Needs psutil."""
    psutil: Any = import_module("psutil")
    return int(psutil.Process().memory_info().peak_wset)


def open_files(wanted: int) -> int:
    """`wanted`: sockets do not count as files."""
    return wanted


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("load", ctypes.c_uint32),
        *((name, ctypes.c_uint64) for name in ("physical", "free", "page", "page_free", "virtual", "virtual_free")),
        ("extended", ctypes.c_uint64),
    )


def _kernel() -> Any:
    library: Any = ctypes
    return library.windll.kernel32
