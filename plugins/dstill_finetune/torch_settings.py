"""What is set in this process around a training: number format, threads, the allocator, torch.compile.

    recipe = resolved(recipe, device)       # precision "auto" → bf16 or fp32
    give_back(need, free)                   # memory is short: freed blocks go back to the system
    with cpu_threads(recipe.threads):       # 0: as many as it had
        with compiling(recipe): …           # a compiler that is not there is a TrainingError

On a machine that is busy, threads wait for each other for longer than they work.

glibc keeps freed blocks in its heap for the next request, and the blocks of a training step rarely fit each
other: a Llama of 33 million parameters held 1,300 MiB where 800 were live. With a fixed mmap threshold every
large tensor is mapped by itself and returned when it is freed. Mapping costs page faults: that student took 1.4
times the CPU's time with it, the demo's twice. So it is for trainings whose memory is short, and only where the C
library is glibc: elsewhere (musl, macOS, Windows) nothing is done.
"""

from __future__ import annotations

import os
import platform
from contextlib import contextmanager
from typing import Iterator

from dstill.api.recipe import Device, Recipe
from dstill.errors import TrainingError, UsageError

__all__ = ["SHORT", "compiling", "cpu_threads", "give_back", "resolved"]

SHORT = 0.5  # of what is free: memory is short for a training whose plan takes more
THRESHOLD = 2**20  # bytes of a block from which on it is mapped by itself
M_MMAP_THRESHOLD = -3  # of mallopt(3)
COMPILER = ("torch._dynamo", "torch._inductor")


def resolved(recipe: Recipe, device: Device) -> Recipe:
    """`recipe` with ``precision`` fp32 or bf16: bf16 where a GPU has it or a CPU is asked to, never fp16, in which T5
    gives NaN. Raises UsageError where bf16 is asked for and not there.
    """
    if recipe.precision == "bf16" and not device.bf16:
        raise UsageError(
            f"{device.name} has no bf16", where="train.precision = bf16", hint="precision auto takes what is there"
        )
    return recipe.on(device)


def give_back(need: int, free: int) -> bool:
    """Set the mmap threshold for the rest of the process where `need` is much of what is `free`; whether it was set."""
    if need < SHORT * free or platform.libc_ver()[0] != "glibc" or "MALLOC_MMAP_THRESHOLD_" in os.environ:
        return False  # a person's own setting stands
    import ctypes

    try:
        return bool(ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, THRESHOLD))
    except (OSError, AttributeError):  # no such symbol after all
        return False


@contextmanager
def cpu_threads(number: int) -> Iterator[None]:
    """torch works with so many CPU threads in the block."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def compiling(recipe: Recipe) -> Iterator[None]:
    """Where torch.compile cannot work, the block raises TrainingError that says what helps."""
    try:
        yield
    except RuntimeError as error:
        if not recipe.torch_compile or not type(error).__module__.startswith(COMPILER):
            raise
        raise TrainingError(
            f"the model cannot be compiled: {str(error).strip().splitlines()[0]}",
            where="train.torch_compile = true",
            hint="on a CPU it takes a C++ compiler (g++ or clang), on a GPU Triton; or set it to false",
        ) from error
