"""`dstill.io.system` for Linux and macOS."""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import sys
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

# Flags of `os.open`. O_NONBLOCK: opening a fifo does not wait for its other end; regular files ignore it.
READING = os.O_NONBLOCK | os.O_CLOEXEC
OPENING = READING | os.O_NOFOLLOW
refuses_links = True  # `OPENING` does not follow a symbolic link
reuses_address = True  # SO_REUSEADDR: the port of a server that ended can be bound again at once
OTHER_USERS = stat.S_IRWXG | stat.S_IRWXO  # bits of a file's mode that let other users in

_FLOCK = "hhqqi"  # struct flock of Linux: type, whence, start, length, pid


def lock(file: IO[Any]) -> None:
    """Lock a file. Waits while another process holds the lock; closing the file releases it."""
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX)


def try_lock(file: IO[Any]) -> bool:
    """As `lock`, without waiting. False: another process holds the lock."""
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def try_lock_byte(file: IO[Any], offset: int) -> bool:
    """Lock one byte of a file, which need not be that long. False: another process holds the lock."""
    import fcntl

    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)
    except (BlockingIOError, PermissionError):  # depends on the system
        return False
    return True


def unlock_byte(file: IO[Any], offset: int) -> None:
    """Release the lock of one byte."""
    import fcntl

    fcntl.lockf(file, fcntl.LOCK_UN, 1, offset)


def lock_holder(file: IO[Any], offset: int) -> int:
    """The process that holds the lock of one byte; 0: not known."""
    import fcntl

    if sys.platform != "linux":
        return 0
    request = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, offset, 1, 0)
    return int(struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_GETLK, request))[-1])


def fsync_folder(folder: Path) -> None:
    """Make sure that a rename in `folder` survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def set_mode(file: IO[Any], mode: int) -> None:
    """Give an open file the permissions `mode`."""
    os.fchmod(file.fileno(), mode)


def is_alive(pid: int) -> bool:
    """Whether a process exists."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # the process of another user
    return True


def physical_memory() -> int:
    """Bytes of RAM of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def resident_memory() -> int:
    """Bytes of the resident set of this process; 0: not known."""
    with contextlib.suppress(OSError, ValueError, LookupError):
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def peak_memory() -> int:
    """Bytes of the largest resident set so far of this process or of one of its ended children."""
    import resource

    scale = 1 if sys.platform == "darwin" else 1024
    usage = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return max(usage) * scale


def open_files(wanted: int) -> int:
    """How many files the process can have open, up to `wanted`. Raises the soft limit if allowed."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        needed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return wanted if soft == resource.RLIM_INFINITY else min(wanted, soft)
