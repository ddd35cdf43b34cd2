"""Memory that runs out while training becomes an error that says what was there and what helps.

with exhaustion(recipe, peak, last=lambda: "checkpoint-200"):
    trainer.train()        # → OutOfMemory: out of memory while training; peak 11.2 GiB, 0.1 GiB free …
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Callable, Iterator

from dstill.api.recipe import Recipe
from dstill.errors import TrainingError
from dstill.io.units import size
from dstill.runtime import hardware
from dstill_finetune.peak_memory import PeakMemory

__all__ = ["OutOfMemory", "exhaustion", "halved", "is_exhaustion"]


# In a RuntimeError: of torch's allocator on a CPU; of CUDA and NCCL, beside torch's own; of cuBLAS and cuDNN.
SAID = ("allocate memory", "out of memory", "ALLOC_FAILED", "ALLOCATION_FAILED")


class OutOfMemory(TrainingError):
    """A training step did not fit."""


@contextlib.contextmanager
def exhaustion(recipe: Recipe, peak: PeakMemory, last: Callable[[], str]) -> Iterator[None]:
    """Raises OutOfMemory where memory runs out in the block, with advice, the least change first."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        text = str(error)
        if not is_exhaustion(error):
            raise
        held = f"peak {size(peak.bytes)}, {size(hardware.device().free)} free"
        kept = f"; kept: {last()}" if last() else ""
        raise OutOfMemory(
            f"out of memory while training; {held}{kept}",
            where=text.splitlines()[0] if text else type(error).__name__,
            hint=f"try, in this order: {advice(recipe)}",
        ) from error


def is_exhaustion(error: BaseException) -> bool:
    """Whether `error` means that memory ran out."""
    import torch

    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in SAID)


def advice(recipe: Recipe) -> str:
    """What needs less memory, the least change first."""
    found = []
    if recipe.per_device_train_batch_size > 1:
        less = halved(recipe)
        found.append(
            f"per_device_train_batch_size {less.per_device_train_batch_size} with "
            f"gradient_accumulation_steps {less.gradient_accumulation_steps} (auto_find_batch_size does so by itself)"
        )
    if not recipe.gradient_checkpointing:
        found.append("gradient_checkpointing = true")
    found += [f"max_length below {recipe.max_length}", "a modality that needs less (full > lora > qlora)"]
    return "; ".join(found)


def halved(recipe: Recipe) -> Recipe:
    """Half the batch, or less where that does not divide an optimizer step, whose size stays: 7 × 2 → 2 × 7."""
    step = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps
    less = next(size for size in range(recipe.per_device_train_batch_size // 2, 0, -1) if step % size == 0)
    return replace(recipe, per_device_train_batch_size=less, gradient_accumulation_steps=step // less)
