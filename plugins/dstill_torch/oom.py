"""Turns running out of memory during training into an error that says how much was used and what helps.

with explain_oom(recipe, peak, last=lambda: "checkpoint-200"):
    trainer.train()        # → OutOfMemory: out of memory while training; peak 11.2 GiB, 0.1 GiB free …
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from dstill.api.recipe import Recipe
from dstill.errors import TrainingError
from dstill.io.units import size
from dstill.runtime import hardware
from dstill_torch.peak_memory import PeakMemory

__all__ = ["OutOfMemory", "explain_oom", "halved", "is_oom"]


# Texts of a RuntimeError: torch's allocator on a CPU; CUDA and NCCL; cuBLAS and cuDNN.
MESSAGES = ("allocate memory", "out of memory", "ALLOC_FAILED", "ALLOCATION_FAILED")


class OutOfMemory(TrainingError):
    """A training step did not fit."""


@contextlib.contextmanager
def explain_oom(recipe: Recipe, peak: PeakMemory, last: Callable[[], str]) -> Iterator[None]:
    """Raises OutOfMemory with advice if memory runs out in the block; `last` names the newest checkpoint."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        text = str(error)
        if not is_oom(error):
            raise
        used = f"peak {size(peak.bytes)}, {size(hardware.device().free)} free"
        note = f"; kept: {last()}" if last() else ""
        raise OutOfMemory(
            f"out of memory while training; {used}{note}",
            where=text.splitlines()[0] if text else type(error).__name__,
            hint=f"try, in this order: {advice(recipe)}",
        ) from error


def is_oom(error: BaseException) -> bool:
    """Whether `error` means that memory ran out."""
    torch: Any = sys.modules.get("torch")  # which is not installed where students only answer
    if isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in MESSAGES)


def advice(recipe: Recipe) -> str:
    """Settings that need less memory, the smallest change first."""
    changes = []
    if recipe.per_device_train_batch_size > 1:
        smaller = halved(recipe)
        changes.append(
            f"per_device_train_batch_size {smaller.per_device_train_batch_size} with "
            f"gradient_accumulation_steps {smaller.gradient_accumulation_steps} "
            "(auto_find_batch_size does this automatically)"
        )
    if not recipe.gradient_checkpointing:
        changes.append("gradient_checkpointing = true")
    changes += [f"max_length below {recipe.max_length}", "a modality that needs less (full > lora > qlora)"]
    return "; ".join(changes)


def halved(recipe: Recipe) -> Recipe:
    """Half the batch, or less if half does not divide the records of an optimizer step, which stay: 7 × 2 → 2 × 7."""
    step = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps
    less = next(size for size in range(recipe.per_device_train_batch_size // 2, 0, -1) if step % size == 0)
    return replace(recipe, per_device_train_batch_size=less, gradient_accumulation_steps=step // less)
