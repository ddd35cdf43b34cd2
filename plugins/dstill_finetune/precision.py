"""The number format of training: bf16 where a GPU has it, or a CPU is asked to; never fp16 (T5 gives NaN in it)."""

from __future__ import annotations

from dstill.api.recipe import Device, Recipe
from dstill.errors import UsageError

__all__ = ["resolved"]


def resolved(recipe: Recipe, device: Device) -> Recipe:
    """`recipe` with ``precision`` fp32 or bf16. Raises UsageError where bf16 is asked for and not there."""
    if recipe.precision == "bf16" and not device.bf16:
        raise UsageError(
            f"{device.name} has no bf16", where="train.precision = bf16", hint="precision auto takes what is there"
        )
    return recipe.on(device)
