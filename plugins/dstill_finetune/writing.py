"""Answers, in batches: greedy, with a key–value cache, sorted by length so that little is padded.

    list(ModelWriter(model, encoder).write(["predict: how many requests failed"])) → [Written(text="{…}", …)]

A decoder-only student is padded on the left, so that every row goes on where it ends.
"""

from __future__ import annotations

import time
from itertools import groupby
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
        rows = [(ids[:limit], task) for ids, task in self.encoder.prompts(sources)]
        order = sorted(range(len(rows)), key=lambda i: (rows[i][1], len(rows[i][0])))
        written: dict[int, Written] = {}
        for task, group in groupby(order, key=lambda i: rows[i][1]):  # of one task word: as a rule, all of them
            same = list(group)
            for at in range(0, len(same), self.batch):
                chosen = same[at : at + self.batch]
                written.update(zip(chosen, self._batch([rows[i][0] for i in chosen], task), strict=True))
        yield from (written[i] for i in range(len(rows)))

    def _batch(self, rows: Sequence[list[int]], task: list[int]) -> list[Written]:
        import torch

        started = time.perf_counter()
        tokenizer, device = self.encoder.tokenizer, self.model.device
        left = not self.encoder.encoder_decoder
        rows = [row + task for row in rows] if left else rows
        longest = max(map(len, rows))
        ids = torch.full((len(rows), longest), tokenizer.pad_token_id)
        mask = torch.zeros((len(rows), longest), dtype=torch.long)
        for number, row in enumerate(rows):
            place = slice(longest - len(row), longest) if left else slice(0, len(row))
            ids[number, place] = torch.tensor(row, dtype=torch.long)
            mask[number, place] = 1
        given = {"input_ids": ids.to(device), "attention_mask": mask.to(device)}
        if task and not left:
            begun = [self.model.generation_config.decoder_start_token_id, *task]
            given["decoder_input_ids"] = torch.tensor([begun] * len(rows), device=device)
        with torch.inference_mode(), cpu_threads(self.threads):
            out = self.model.generate(**given, use_cache=True)
        start = longest if left else 1 + len(task)  # an encoder–decoder's row begins with its start token
        seconds = (time.perf_counter() - started) / len(rows)
        return [self._written(row[start:], seconds) for row in out.tolist()]

    def _written(self, ids: list[int], seconds: float) -> Written:
        eos = self.encoder.tokenizer.eos_token_id
        ended = eos in ids
        ids = ids[: ids.index(eos)] if ended else ids
        return Written(text=self.encoder.decode(ids), tokens=len(ids) + ended, seconds=seconds, truncated=not ended)
