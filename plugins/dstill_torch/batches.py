"""The batches of a student for a training, and the order of its records.

A student makes its batches with a `BatchMaker` of its own. `BucketSampler` orders records so that those of one batch
have similar lengths.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from dstill.api.modality import Batch
from dstill_torch.dataset import Encoded

if TYPE_CHECKING:
    import torch

__all__ = ["IGNORED_LABEL", "BatchMaker", "BucketSampler", "padded"]

IGNORED_LABEL = -100  # the label that torch's cross entropy ignores
BUCKET = 32  # batches that are sorted by length together


class BatchMaker(Protocol):
    """Makes the batches of a training. Each has ``labels``, ``weight`` and ``branch``, and what the model reads."""

    branches: Mapping[str, int]  # task prefix → its number in ``branch``

    def __call__(self, records: Sequence[Encoded]) -> dict[str, Any]:
        """The batch of these records."""

    def tokens_read(self, batch: Mapping[str, Any]) -> int:
        """The input tokens of a batch, without padding and without records that only fill it up."""

    def shapes(self, batch: Mapping[str, Any]) -> Batch:
        """The shapes of a batch, for the planner."""


def padded(rows: Sequence[Sequence[float]], value: float) -> torch.Tensor:
    """``[rows, longest]``, padded on the right."""
    import torch

    longest = max(map(len, rows))
    return torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows])


class BucketSampler:
    """Yields the record indices of one epoch, in batches of similar length.

    Indices are shuffled, cut into buckets of 32 batches and sorted by length inside each bucket; then the batches are
    shuffled. The order depends only on seed and epoch.

    With several `processes`, `batch` counts the records of all of them; each takes its part in turn. The last batch is
    divided evenly and filled up with records of weight 0 (`Dataset`), so every process takes part in every step and
    each record is used once per epoch.
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int, processes: int = 1) -> None:
        self.lengths = lengths
        self.batch = batch
        self.seed = seed
        self.processes = processes
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        records = len(self.lengths)
        return records if self.processes == 1 else math.ceil(records / self.batch) * self.batch

    def __iter__(self) -> Iterator[int]:
        for batch in self._batches():
            yield from batch if self.processes == 1 else self._distributed(batch)

    def _distributed(self, batch: list[int]) -> Iterator[int]:
        part = self.batch // self.processes
        fill = ~min(batch, key=self.lengths.__getitem__)
        for number in range(self.processes):
            own = batch[len(batch) * number // self.processes : len(batch) * (number + 1) // self.processes]
            yield from own + [fill] * (part - len(own))

    def _batches(self) -> Iterator[list[int]]:
        import torch

        generator = torch.Generator().manual_seed((self.seed << 16) + self.epoch)

        def shuffled(items: list[Any]) -> list[Any]:
            return [items[i] for i in torch.randperm(len(items), generator=generator).tolist()]

        indices = shuffled(list(range(len(self.lengths))))
        size = self.batch * BUCKET
        batches: list[list[int]] = []
        for at in range(0, len(indices), size):
            bucket = sorted(indices[at : at + size], key=self.lengths.__getitem__)
            batches += [bucket[i : i + self.batch] for i in range(0, len(bucket), self.batch)]
        # the short batch stays last, because the loader cuts the indices every `batch`
        full = [b for b in batches if len(b) == self.batch]
        rest = [b for b in batches if len(b) < self.batch]
        yield from [*shuffled(full), *rest]
