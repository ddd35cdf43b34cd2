"""Records become a batch: every row of every record in one forward pass, padded to the longest.

    Collator(encoder_decoder=True, pad=0, start=0, branches=["predict: "])(records) →
        {"input_ids": (rows, S), "attention_mask": (rows, S), "decoder_input_ids": (rows, T),
         "labels": (rows, T) with -100 where nothing is learnt,
         "weight": (rows, T) and "branch": (rows, T), of each label}

For a decoder-only student the rows are prompt and target one after the other, and
``labels`` stand where they are predicted from: one position to the left.

Where the rows of a record have one source, it is computed once: by an encoder because
``distinct`` names the rows that differ and ``place`` where each row finds its own among
them. With `sharing` the rows of a record are one (`dstill_finetune.sharing`), with a mask
over pairs of tokens: prompt and targets of a decoder, the targets of an encoder–decoder.

`BucketSampler` orders records so that those of one batch have about the same length.
"""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Sequence

from dstill_finetune.encoding import Encoded, Row
from dstill_finetune.sharing import PADDING, Sharing, layout

if TYPE_CHECKING:
    import torch

__all__ = ["IGNORED", "BucketSampler", "Collator"]

IGNORED = -100  # what torch's cross entropy passes over
BUCKET = 32  # batches that are sorted by length together


class Collator:
    def __init__(
        self,
        *,
        encoder_decoder: bool,
        pad: int,
        branches: Iterable[str],
        start: int = 0,
        sharing: Sharing | None = None,
    ) -> None:
        self.encoder_decoder = encoder_decoder
        self.pad = pad
        self.branches = {branch: number for number, branch in enumerate(branches)}
        self.start = start  # the token that an encoder–decoder's decoder starts with
        self.sharing = sharing  # of a student whose prompts stand before the task word

    def __call__(self, records: Sequence[Encoded]) -> dict[str, Any]:
        if self.sharing is not None:
            return (self._packed if self.encoder_decoder else self._shared)(records, self.sharing)
        return self._written(records) if self.encoder_decoder else self._continued(records)

    def _written(self, records: Sequence[Encoded]) -> dict[str, Any]:
        """Of an encoder–decoder: it reads the source and writes task word and target."""
        rows = [row for record in records for row in record]
        batch = {
            "input_ids": _padded([row.source for row in rows], self.pad),
            "attention_mask": _padded([[1] * len(row.source) for row in rows], 0),
            "decoder_input_ids": _padded([[self.start, *row.task, *row.target[:-1]] for row in rows], self.pad),
        }
        return batch | self._learnt([[(len(row.task), row)] for row in rows]) | _distinct(records)

    def _continued(self, records: Sequence[Encoded]) -> dict[str, Any]:
        """Of a decoder: each target goes on after a prompt of its own. Its end is predicted, and never read."""
        rows = [row for record in records for row in record]
        whole = [row.source + row.task + row.target[:-1] for row in rows]
        batch = {"input_ids": _padded(whole, self.pad), "attention_mask": _padded([[1] * len(ids) for ids in whole], 0)}
        return batch | self._learnt([[(len(row.source) + len(row.task) - 1, row)] for row in rows])

    def _shared(self, records: Sequence[Encoded], sharing: Sharing) -> dict[str, Any]:
        """Of a decoder: prompt, then task word and target of every branch."""
        whole, places = [], []
        for record in records:
            written = [row.task + row.target[:-1] for row in record]
            whole.append([*record[0].source, *chain.from_iterable(written)])
            places.append(layout(len(record[0].source), list(map(len, written))))
        positions = _padded([positions for positions, _ in places], 0)
        segments = _padded([segments for _, segments in places], PADDING)
        batch = {
            "input_ids": _padded(whole, self.pad),
            "position_ids": positions,
            "attention_mask": sharing.mask(positions, segments),
        }
        return batch | self._learnt(
            [
                [(len(row.task) - 1 + (0 if number else len(row.source)), row) for number, row in enumerate(record)]
                for record in records
            ]
        )

    def _packed(self, records: Sequence[Encoded], sharing: Sharing) -> dict[str, Any]:
        """Of an encoder–decoder: it reads the source once, and writes the branches beside each other."""
        written = [[[self.start, *row.task, *row.target[:-1]] for row in record] for record in records]
        places = [layout(0, list(map(len, lines))) for lines in written]
        positions = _padded([positions for positions, _ in places], 0)
        segments = _padded([segments for _, segments in places], PADDING)
        batch = {
            "input_ids": _padded([record[0].source for record in records], self.pad),
            "attention_mask": _padded([[1] * len(record[0].source) for record in records], 0),
            "decoder_input_ids": _padded([[*chain.from_iterable(lines)] for lines in written], self.pad),
            "decoder_attention_mask": sharing.mask(positions, segments),
        }
        return batch | self._learnt([[(len(row.task), row) for row in record] for record in records])

    def _learnt(self, lines: Sequence[Sequence[tuple[int, Row]]]) -> dict[str, torch.Tensor]:
        """Labels with branch and weight of each. `lines`: targets, each with how many positions lie before it."""
        labels, branches, weights = [], [], []
        for line in lines:
            labels.append([i for gap, row in line for i in (*[IGNORED] * gap, *row.target)])
            branches.append([self.branches[row.branch] for gap, row in line for _ in range(gap + len(row.target))])
            weights.append([row.weight for gap, row in line for _ in range(gap + len(row.target))])
        return {
            "labels": _padded(labels, IGNORED),
            "branch": _padded(branches, 0),
            "weight": _padded(weights, 0.0),
        }


def _distinct(records: Sequence[Encoded]) -> dict[str, torch.Tensor]:
    """Nothing where every row has a source of its own, as it has in the published form."""
    import torch

    rows = [row for record in records for row in record]
    if not all(row.task for row in rows):
        return {}
    sources: dict[tuple[int, ...], int] = {}
    place = [sources.setdefault(tuple(row.source), len(sources)) for row in rows]
    if len(sources) == len(rows):
        return {}
    return {"distinct": torch.tensor([place.index(i) for i in range(len(sources))]), "place": torch.tensor(place)}


def _padded(rows: Sequence[Sequence[float]], value: float) -> torch.Tensor:
    """(rows, longest), padded on the right."""
    import torch

    longest = max(map(len, rows))
    return torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows])


class BucketSampler:
    """Indices of one epoch in which every `batch` that follow each other are of one length, about.

    Shuffled, cut into buckets of 32 batches, sorted inside each, and the batches shuffled
    again. The order hangs on seed and epoch alone.

    With several `processes` a `batch` is what they take together, each its part of it, in turn. The
    last one is shared out evenly and filled up with records that have no weight (`Dataset`): so
    all take part in every step, and each record is learnt once an epoch.
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
            yield from batch if self.processes == 1 else self._shared_out(batch)

    def _shared_out(self, batch: list[int]) -> Iterator[int]:
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
        # the short batch stays last: a sampler gives indices, and the loader cuts them every `batch`
        whole = [b for b in batches if len(b) == self.batch]
        rest = [b for b in batches if len(b) < self.batch]
        yield from [*shuffled(whole), *rest]
