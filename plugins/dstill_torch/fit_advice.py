"""Suggests the smallest change that makes a modality fit in memory, and says what it costs.

fits_with(Lora(), shape, recipe, device) → "fits in 16.4 GiB with gradient checkpointing (each layer's forward pass …)"
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from dstill.api.modality import Modality, ModelSpec
from dstill.api.recipe import Device, Recipe
from dstill.io.units import size

__all__ = ["fits_with"]

CHECKPOINTING = "gradient checkpointing (each layer's forward pass is computed twice)"


def fits_with(modality: Modality, shape: ModelSpec, recipe: Recipe, device: Device) -> str:
    """The smallest change with which `modality` fits, or "" if no change is enough."""
    for name, tried in _changes(shape, recipe):
        if not modality.unfit_reason(tried[0], tried[1], device):
            return f"fits in {size(modality.memory_required(*tried).total)} with {name}"
    return ""


def _changes(shape: ModelSpec, recipe: Recipe) -> list[tuple[str, tuple[ModelSpec, Recipe]]]:
    """Name, model and recipe of each change, smallest first."""
    changes = []
    if not recipe.gradient_checkpointing:
        changes.append((CHECKPOINTING, (shape, replace(recipe, gradient_checkpointing=True))))
    if recipe.per_device_train_batch_size > 1:
        batch = recipe.per_device_train_batch_size
        passes = batch * recipe.gradient_accumulation_steps
        single = replace(recipe, per_device_train_batch_size=1, gradient_accumulation_steps=passes)
        smaller = _with_one_record(shape, batch)
        name = f"batch 1 × {passes} ({passes} smaller passes per step)"
        changes.append((name, (smaller, single)))
        if not recipe.gradient_checkpointing:
            changes.append((f"{CHECKPOINTING} and {name}", (smaller, replace(single, gradient_checkpointing=True))))
    return changes


def _with_one_record(shape: ModelSpec, records: int) -> ModelSpec:
    """`shape` with one of the `records` in the dataset's largest batch."""
    batch = shape.batch
    if batch is None:
        return shape
    (source_rows, source_length), (target_rows, target_length) = batch.source_shape, batch.target_shape
    single = replace(
        batch,
        source_shape=(ceil(source_rows / records), source_length),
        target_shape=(ceil(target_rows / records), target_length),
        loss_tokens=ceil(batch.loss_tokens / records),
    )
    return replace(shape, batch=single)
