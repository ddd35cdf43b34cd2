"""Finds the batch that needs most memory, and describes it for the planner.

largest_batch(collator, data, recipe)  →  Batch(source_shape=(64, 122), target_shape=(64, 97), loss_tokens=4_912)
"""

from __future__ import annotations

from collections.abc import Sequence

from dstill.api.modality import Batch
from dstill.api.recipe import Recipe
from dstill_torch.batches import BatchMaker
from dstill_torch.dataset import Dataset, Encoded, length

__all__ = ["largest", "largest_batch"]


def largest(records: Sequence[Encoded], size: int) -> list[Encoded]:
    """The `size` records with the most tokens."""
    return sorted(records, key=length, reverse=True)[:size]


def largest_batch(maker: BatchMaker, data: Dataset, recipe: Recipe) -> Batch:
    """The shapes of the batch that needs most memory. All sequences of a record are in one forward pass."""
    return maker.shapes(maker(largest(data.records, recipe.per_device_train_batch_size)))
