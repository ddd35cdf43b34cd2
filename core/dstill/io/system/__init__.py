"""The differences between operating systems: locks, how files are opened, processes, memory.

    with open(path, "a") as file:
        lock(file)                        # waits for other processes; closing the file releases it
    try_lock_byte(file, 7)                → False: another process holds the lock of byte 7
    is_alive(1234)                        → False

Nothing else in dstill uses modules or calls of one system. `posix` has these names for Linux and macOS, `windows` for
Windows, where nobody has run them. Neither imports a module of its system before it is used.
"""

import sys

if sys.platform == "win32":
    from dstill.io.system.windows import (
        OPENING,
        OTHER_USERS,
        READING,
        fsync_folder,
        is_alive,
        lock,
        lock_holder,
        open_files,
        peak_memory,
        physical_memory,
        refuses_links,
        resident_memory,
        reuses_address,
        set_mode,
        try_lock,
        try_lock_byte,
        unlock_byte,
    )
else:
    from dstill.io.system.posix import (
        OPENING,
        OTHER_USERS,
        READING,
        fsync_folder,
        is_alive,
        lock,
        lock_holder,
        open_files,
        peak_memory,
        physical_memory,
        refuses_links,
        resident_memory,
        reuses_address,
        set_mode,
        try_lock,
        try_lock_byte,
        unlock_byte,
    )

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
