"""Answers, in batches: greedy, with a key–value cache, sorted by length so that little is padded.

    list(ModelWriter(model, encoder).write(["predict: how many requests failed"])) → [Written(text="{…}", …)]

A decoder-only student is padded on the left, so that every row goes on where it ends.
"""

from __future__ import annotations

import time
from typing import Any, Iterator, Sequence

from dstill.parts import Writer, Written
from dstill_finetune.encoding import Encoder
from dstill_finetune.threads import cpu_threads

__all__ = ["ModelWriter"]

BATCH = 64


class ModelWriter(Writer):
    def __init__(self, model: Any, encoder: Encoder, *, batch: int = BATCH, threads: int = 0) -> None:
        self.model = model.eval()
        self.encoder = encoder
        self.batch = batch
        self.threads = threads

    def write(self, sources: Sequence[str]) -> Iterator[Written]:
        """In the order of `sources`. A source that is too long for the student is cut; nothing raises."""
        limit = self.encoder.max_length
        rows = [ids[:limit] for ids in self.encoder.sources(list(sources))]
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        written: dict[int, Written] = {}
        for at in range(0, len(order), self.batch):
            chosen = order[at : at + self.batch]
            written.update(zip(chosen, self._batch([rows[i] for i in chosen]), strict=True))
        yield from (written[i] for i in range(len(rows)))

    def _batch(self, rows: Sequence[list[int]]) -> list[Written]:
        import torch

        started = time.perf_counter()
        tokenizer, device = self.encoder.tokenizer, self.model.device
        longest = max(map(len, rows))
        left = not self.encoder.encoder_decoder
        ids = torch.full((len(rows), longest), tokenizer.pad_token_id)
        mask = torch.zeros((len(rows), longest), dtype=torch.long)
        for number, row in enumerate(rows):
            place = slice(longest - len(row), longest) if left else slice(0, len(row))
            ids[number, place] = torch.tensor(row, dtype=torch.long)
            mask[number, place] = 1
        with torch.inference_mode(), cpu_threads(self.threads):
            out = self.model.generate(input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=True)
        start = longest if left else 1  # an encoder–decoder's row begins with its start token
        seconds = (time.perf_counter() - started) / len(rows)
        return [self._written(row[start:], seconds) for row in out.tolist()]

    def _written(self, ids: list[int], seconds: float) -> Written:
        eos = self.encoder.tokenizer.eos_token_id
        ended = eos in ids
        ids = ids[: ids.index(eos)] if ended else ids
        return Written(text=self.encoder.decode(ids), tokens=len(ids) + ended, seconds=seconds, truncated=not ended)
