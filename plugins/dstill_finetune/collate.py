"""Records become a batch: every row of every record in one forward pass, padded to the longest.

    Collator(encoder_decoder=True, pad=0, start=0)(records) →
        {"input_ids": (rows, S), "attention_mask": (rows, S), "decoder_input_ids": (rows, T),
         "labels": (rows, T) with -100 where nothing is learnt, "weight": (rows,), "branch": (rows,)}

For a decoder-only student the rows are prompt and target one after the other, and
``labels`` stand where they are predicted from: one position to the left.

`BucketSampler` orders records so that those of one batch have about the same length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterator, Sequence

from dstill_finetune.encoding import Encoded

if TYPE_CHECKING:
    import torch

__all__ = ["IGNORED", "BucketSampler", "Collator"]

IGNORED = -100  # what torch's cross entropy passes over
BUCKET = 32  # batches that are sorted by length together


class Collator:
    def __init__(self, *, encoder_decoder: bool, pad: int, start: int = 0) -> None:
        self.encoder_decoder = encoder_decoder
        self.pad = pad
        self.start = start  # the token that an encoder–decoder's decoder starts with
        self.branches: dict[str, int] = {}  # task prefix → number, in the order in which they are met

    def __call__(self, records: Sequence[Encoded]) -> dict[str, torch.Tensor]:
        import torch

        rows = [row for record in records for row in record]
        numbers = [self.branches.setdefault(row.branch, len(self.branches)) for row in rows]
        batch = {
            "weight": torch.tensor([row.weight for row in rows]),
            "branch": torch.tensor(numbers),
        }
        if self.encoder_decoder:
            return batch | {
                "input_ids": _padded([row.source for row in rows], self.pad),
                "attention_mask": _padded([[1] * len(row.source) for row in rows], 0),
                "decoder_input_ids": _padded([[self.start, *row.target[:-1]] for row in rows], self.pad),
                "labels": _padded([row.target for row in rows], IGNORED),
            }
        whole = [row.source + row.target[:-1] for row in rows]  # nothing follows the end: it is only predicted
        return batch | {
            "input_ids": _padded(whole, self.pad),
            "attention_mask": _padded([[1] * len(ids) for ids in whole], 0),
            "labels": _padded([[IGNORED] * (len(row.source) - 1) + row.target for row in rows], IGNORED),
        }


def _padded(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    """(rows, longest), padded on the right."""
    import torch

    longest = max(map(len, rows))
    return torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows])


class BucketSampler:
    """Indices of one epoch in which every `batch` that follow each other are of one length, about.

    Shuffled, cut into buckets of 32 batches, sorted inside each, and the batches shuffled
    again. The order hangs on seed and epoch alone.
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self.lengths = lengths
        self.batch = batch
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
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
        # the short batch stays last: a sampler gives indices, and the loader cuts them every `batch`
        whole = [b for b in batches if len(b) == self.batch]
        rest = [b for b in batches if len(b) < self.batch]
        for chosen in [*shuffled(whole), *rest]:
            yield from chosen
