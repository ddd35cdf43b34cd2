"""What would let a modality fit that does not, and what it costs.

price(Lora(), shape, recipe, device) → "fits in 16.4 GiB with gradient checkpointing (each layer is computed twice)"
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from dstill.api.modality import Modality, ModelSpec
from dstill.api.recipe import Device, Recipe
from dstill.io.units import size

__all__ = ["price"]

CHECKPOINTING = "gradient checkpointing (each layer's forward pass is computed twice)"


def price(modality: Modality, shape: ModelSpec, recipe: Recipe, device: Device) -> str:
    """The least change with which it fits, or "" where none of them is enough."""
    for name, tried in _changes(shape, recipe):
        if not modality.unfit_reason(tried[0], tried[1], device):
            return f"fits in {size(modality.memory_required(*tried).total)} with {name}"
    return ""


def _changes(shape: ModelSpec, recipe: Recipe) -> list[tuple[str, tuple[ModelSpec, Recipe]]]:
    found = []
    again = replace(recipe, gradient_checkpointing=True)
    if not recipe.gradient_checkpointing:
        found.append((CHECKPOINTING, (shape, again)))
    if recipe.per_device_train_batch_size > 1:
        batch = recipe.per_device_train_batch_size
        passes = batch * recipe.gradient_accumulation_steps
        one = replace(recipe, per_device_train_batch_size=1, gradient_accumulation_steps=passes)
        less = _of_one(shape, batch)
        name = f"batch 1 × {passes} (as many smaller passes for one step)"
        found.append((name, (less, one)))
        if not recipe.gradient_checkpointing:
            found.append((f"{CHECKPOINTING} and {name}", (less, replace(one, gradient_checkpointing=True))))
    return found


def _of_one(shape: ModelSpec, records: int) -> ModelSpec:
    """The same with one record of the dataset's largest batch, which has `records`."""
    batch = shape.batch
    if batch is None:
        return shape
    (readers, read), (writers, written) = batch.source_shape, batch.target_shape
    one = replace(
        batch,
        source_shape=(ceil(readers / records), read),
        target_shape=(ceil(writers / records), written),
        loss_tokens=ceil(batch.loss_tokens / records),
    )
    return replace(shape, batch=one)
