"""Rows as tensors, for the torch model.

batch([row, …])           # `Sources`, padded
renumbered(sources)       # for training
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from dstill_linked import vocabulary
from dstill_linked.model import Sources
from dstill_linked.vocabulary import ITEMS, NUMBERS, PLACES, Row

__all__ = ["batch", "renumbered"]


def batch(rows: Sequence[Row]) -> Sources:
    """Rows padded to the longest one."""
    arrays = vocabulary.batch(rows)
    return Sources(
        **{
            name: torch.from_numpy(array) if name in ("weights", "mask") else torch.from_numpy(array).long()
            for name, array in vars(arrays).items()
        }
    )


def renumbered(sources: Sources) -> Sources:
    """The same with other numbers for the items of each row, so that no number stands for one item of a schema.

    For training; drawn with torch's generator.
    """
    rows, positions = sources.mask.shape
    places = torch.arange(len(sources.features), device=sources.offsets.device)
    row = (torch.searchsorted(sources.offsets, places, right=True) - 1) // positions
    orders = torch.stack([torch.randperm(ITEMS) for _ in range(rows)]).to(row.device)
    numbers = (sources.features - PLACES).clamp(0, ITEMS - 1)
    is_number = (sources.features >= PLACES) & (sources.features < NUMBERS)
    return replace(sources, features=torch.where(is_number, PLACES + orders[row, numbers], sources.features))
