"""Settings of the process during training: precision, threads, the allocator, torch.compile, what is printed.

    recipe = resolved(recipe, device)       # precision "auto" → bf16 or fp32
    return_freed_memory(need, free)         # if memory is short, freed blocks go back to the system
    with cpu_threads(recipe.threads):       # 0: unchanged
        with compiling(recipe): …           # a missing compiler is a TrainingError

On a busy machine, too many threads spend more time waiting for each other than working.

glibc keeps freed blocks in its heap for the next request, but the blocks of a training step rarely fit each other: a
Llama of 33 million parameters used 1,300 MiB where 800 were live. With a fixed mmap threshold, every large tensor has
its own mapping and is returned when it is freed. Mapping costs page faults: that student took 1.4 times the CPU time,
the demo's twice. So it is only done if memory is short, and only with glibc; elsewhere (musl, macOS, Windows) nothing
changes.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from dstill.api.recipe import Device, Recipe
from dstill.errors import TrainingError, UsageError, first_line

__all__ = ["SHORT_SHARE", "compiling", "cpu_threads", "quiet", "resolved", "return_freed_memory"]

SHORT_SHARE = 0.5  # share of free memory above which a plan counts as short of memory
THRESHOLD = 2**20  # bytes; larger blocks get their own mapping
M_MMAP_THRESHOLD = -3  # of mallopt(3)
COMPILER = ("torch._dynamo", "torch._inductor")


def quiet() -> None:
    """Silence transformers' progress bars and notices; dstill shows its own progress on stderr."""
    import logging
    import warnings

    from transformers.utils import logging as transformers_logging

    # meant for library authors, not for users
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"transformers\.")
    warnings.filterwarnings("ignore", message="Failed to load CPU gemm_4bit_forward")

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


def resolved(recipe: Recipe, device: Device, *, bf16_on_cpu: bool = False) -> Recipe:
    """`recipe` with ``precision`` resolved to fp32 or bf16.

    "auto" is bf16 on a GPU that supports it, and with `bf16_on_cpu` on such a CPU, else fp32; never fp16, in which T5
    gives NaN.

    Raises:
        UsageError: The recipe asks for bf16 and the device does not support it.
    """
    if recipe.precision == "bf16" and not device.bf16:
        raise UsageError(
            f"{device.name} has no bf16",
            where="train.precision = bf16",
            hint="precision auto chooses what the device supports",
        )
    if recipe.precision == "auto" and bf16_on_cpu and device.bf16:
        return replace(recipe, precision="bf16")
    return recipe.on(device)


def return_freed_memory(need: int, free: int) -> bool:
    """Set the mmap threshold of the process if `need` is a large share of `free` (bytes); True if it was set."""
    if need < SHORT_SHARE * free or platform.libc_ver()[0] != "glibc" or "MALLOC_MMAP_THRESHOLD_" in os.environ:
        return False  # an existing setting takes precedence
    import ctypes

    try:
        return bool(ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, THRESHOLD))
    except (OSError, AttributeError):  # no such symbol
        return False


@contextmanager
def cpu_threads(number: int) -> Iterator[None]:
    """Set torch's CPU threads within the block; 0 leaves them unchanged."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def compiling(recipe: Recipe) -> Iterator[None]:
    """Raises TrainingError with advice if torch.compile fails in the block."""
    try:
        yield
    except RuntimeError as error:
        if not recipe.torch_compile or not type(error).__module__.startswith(COMPILER):
            raise
        raise TrainingError(
            f"the model cannot be compiled: {first_line(error)}",
            where="train.torch_compile = true",
            hint="on a CPU it needs a C++ compiler (g++ or clang), on a GPU Triton; or set it to false",
        ) from error
