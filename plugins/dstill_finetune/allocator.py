"""glibc's allocator, told to give back what a training step lets go of.

glibc keeps freed blocks in its heap for the next request, and the blocks of a training step rarely fit each
other: a Llama of 33 million parameters held 1,300 MiB where 800 were live. With a fixed mmap threshold every
large tensor is mapped by itself and returned when it is freed. Mapping costs page faults: that student took 1.4
times the CPU's time with it, the demo's twice. So it is for trainings whose memory is short.

Only where the C library is glibc: elsewhere (musl, macOS, Windows) nothing is done.
"""

from __future__ import annotations

import os
import platform

__all__ = ["SHORT", "give_back"]

SHORT = 0.5  # of what is free: memory is short for a training whose plan takes more
THRESHOLD = 2**20  # bytes of a block from which on it is mapped by itself
M_MMAP_THRESHOLD = -3  # of mallopt(3)


def give_back(need: int, free: int) -> bool:
    """Set the threshold, for the rest of the process, where `need` is much of what is `free`. Whether it was set."""
    if need < SHORT * free or platform.libc_ver()[0] != "glibc" or "MALLOC_MMAP_THRESHOLD_" in os.environ:
        return False  # a person's own setting stands
    import ctypes

    try:
        return bool(ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, THRESHOLD))
    except (OSError, AttributeError):  # no such symbol after all
        return False
