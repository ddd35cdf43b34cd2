"""Collates records into a batch: every row of every record in one forward pass, padded to the longest.

    Collator(encoder_decoder=True, pad=0, start=0, branches=["predict: "])(records) →
        {"input_ids": [rows, S], "attention_mask": [rows, S], "decoder_input_ids": [rows, T],
         "labels": [rows, T], -100 at positions without a loss,
         "weight": [rows, T] and "branch": [rows, T] of each label}

S is the longest source, T the longest target, in tokens. A row of a decoder-only student is prompt and target in one
sequence, and ``labels`` are aligned with the positions that predict them: one to the left of the target.

If the rows of a record have the same source, it is computed once. An encoder gets ``distinct``, the numbers of the rows
with different sources, and ``place``, the index of each row's source among them. With `sharing`, all rows of a record
become one (`dstill_finetune.sharing`) with a mask over pairs of tokens: prompt and targets for a decoder, targets for
an encoder–decoder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from dstill.api.modality import Batch
from dstill_finetune.sharing import PADDING, Sharing, layout
from dstill_torch.batches import IGNORED_LABEL, padded
from dstill_torch.dataset import Encoded, Row

if TYPE_CHECKING:
    import torch

__all__ = ["Collator"]


class Collator:
    """Turns encoded records into the tensors of one batch.

    Args:
        encoder_decoder: The student's architecture; otherwise decoder-only.
        pad: The id of the padding token.
        branches: The task prefixes; a label's ``branch`` is its index here.
        start: The token that an encoder–decoder's decoder starts with.
        sharing: How rows of a record share a prompt; None: each row is its own sequence.
        new_tokens: Rows of the embedding that are trained.
    """

    def __init__(
        self,
        *,
        encoder_decoder: bool,
        pad: int,
        branches: Iterable[str],
        start: int = 0,
        sharing: Sharing | None = None,
        new_tokens: int = 0,
    ) -> None:
        self.encoder_decoder = encoder_decoder
        self.pad = pad
        self.branches: Mapping[str, int] = {branch: number for number, branch in enumerate(branches)}
        self.start = start
        self.sharing = sharing
        self.new_tokens = new_tokens

    def __call__(self, records: Sequence[Encoded]) -> dict[str, Any]:
        if self.sharing is not None:
            if self.encoder_decoder:
                return self._shared_encoder_decoder(records, self.sharing)
            return self._shared_decoder(records, self.sharing)
        return self._encoder_decoder(records) if self.encoder_decoder else self._decoder(records)

    def shapes(self, batch: Mapping[str, Any]) -> Batch:
        rows, tokens = batch["input_ids"].shape
        return Batch(
            # the encoder computes each source once
            source_shape=(len(batch["distinct"]) if "distinct" in batch else rows, tokens),
            target_shape=tuple(batch["decoder_input_ids"].shape) if "decoder_input_ids" in batch else (0, 0),
            loss_tokens=int((batch["labels"] != IGNORED_LABEL).sum()),
            new_tokens=self.new_tokens,
        )

    def tokens_read(self, batch: Mapping[str, Any]) -> int:
        weighted = batch["weight"].any(dim=1)
        inputs = [batch[name][weighted] for name in ("input_ids", "decoder_input_ids") if name in batch]
        return sum(int((ids != self.pad).sum()) for ids in inputs)

    def _encoder_decoder(self, records: Sequence[Encoded]) -> dict[str, Any]:
        """The encoder reads the source, the decoder writes task word and target."""
        rows = [row for record in records for row in record]
        batch = {
            "input_ids": padded([row.source for row in rows], self.pad),
            "attention_mask": padded([[1] * len(row.source) for row in rows], 0),
            "decoder_input_ids": padded([[self.start, *row.task, *row.target[:-1]] for row in rows], self.pad),
        }
        return batch | self._labels([[(len(row.task), row)] for row in rows]) | _distinct(records)

    def _decoder(self, records: Sequence[Encoded]) -> dict[str, Any]:
        """Each target follows its own prompt. The end token is predicted but never an input."""
        rows = [row for record in records for row in record]
        sequences = [row.source + row.task + row.target[:-1] for row in rows]
        batch = {
            "input_ids": padded(sequences, self.pad),
            "attention_mask": padded([[1] * len(ids) for ids in sequences], 0),
        }
        return batch | self._labels([[(len(row.source) + len(row.task) - 1, row)] for row in rows])

    def _shared_decoder(self, records: Sequence[Encoded], sharing: Sharing) -> dict[str, Any]:
        """One row per record: the prompt, then task word and target of every branch."""
        sequences, places = [], []
        for record in records:
            targets = [row.task + row.target[:-1] for row in record]
            sequences.append([*record[0].source, *chain.from_iterable(targets)])
            places.append(layout(len(record[0].source), list(map(len, targets))))
        positions = padded([positions for positions, _ in places], 0)
        segments = padded([segments for _, segments in places], PADDING)
        batch = {
            "input_ids": padded(sequences, self.pad),
            "position_ids": positions,
            "attention_mask": sharing.mask(positions, segments),
        }
        return batch | self._labels(
            [
                [(len(row.task) - 1 + (0 if number else len(row.source)), row) for number, row in enumerate(record)]
                for record in records
            ]
        )

    def _shared_encoder_decoder(self, records: Sequence[Encoded], sharing: Sharing) -> dict[str, Any]:
        """One row per record: the encoder reads the source once, the decoder's row has all branches."""
        targets = [[[self.start, *row.task, *row.target[:-1]] for row in record] for record in records]
        places = [layout(0, list(map(len, lines))) for lines in targets]
        positions = padded([positions for positions, _ in places], 0)
        segments = padded([segments for _, segments in places], PADDING)
        batch = {
            "input_ids": padded([record[0].source for record in records], self.pad),
            "attention_mask": padded([[1] * len(record[0].source) for record in records], 0),
            "decoder_input_ids": padded([[*chain.from_iterable(lines)] for lines in targets], self.pad),
            "decoder_attention_mask": sharing.mask(positions, segments),
        }
        return batch | self._labels([[(len(row.task), row) for row in record] for record in records])

    def _labels(self, lines: Sequence[Sequence[tuple[int, Row]]]) -> dict[str, torch.Tensor]:
        """The labels with the branch and weight of each.

        Args:
            lines: For each line of the batch its rows, each with the number of positions before its target.
        """
        labels, branches, weights = [], [], []
        for line in lines:
            labels.append([i for gap, row in line for i in (*[IGNORED_LABEL] * gap, *row.target)])
            branches.append([self.branches[row.branch] for gap, row in line for _ in range(gap + len(row.target))])
            weights.append([row.weight for gap, row in line for _ in range(gap + len(row.target))])
        return {
            "labels": padded(labels, IGNORED_LABEL),
            "branch": padded(branches, 0),
            "weight": padded(weights, 0.0),
        }


def _distinct(records: Sequence[Encoded]) -> dict[str, torch.Tensor]:
    """``distinct`` and ``place``; empty if every row has its own source, as with ``task_prefix = "encoder"``."""
    import torch

    rows = [row for record in records for row in record]
    if not all(row.task for row in rows):
        return {}
    sources: dict[tuple[int, ...], int] = {}
    place = [sources.setdefault(tuple(row.source), len(sources)) for row in rows]
    if len(sources) == len(rows):
        return {}
    return {"distinct": torch.tensor([place.index(i) for i in range(len(sources))]), "place": torch.tensor(place)}
