"""Answers, in batches: greedy, with a key–value cache, sorted by length so that little is padded.

    list(ModelWriter(model, encoder).write(["predict: how many requests failed"])) → [Written(text="{…}", …)]

A decoder-only student is padded on the left, so that every row goes on where it ends. `write_within` holds each
answer to a grammar, and lets it be as long as the grammar's longest sentence.
"""

from __future__ import annotations

import time
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence

from dstill.parts import Writer, Written
from dstill.records import Grammar
from dstill_finetune.encoding import Encoder
from dstill_finetune.threads import cpu_threads

if TYPE_CHECKING:
    from dstill_constrain.compiling import Compiler

__all__ = ["ModelWriter"]

BATCH = 64


class ModelWriter(Writer):
    def __init__(
        self, model: Any, encoder: Encoder, *, batch: int = BATCH, threads: int = 0, temperature: float = 0.0
    ) -> None:
        """`temperature`: 0 is greedy; above it tokens are drawn, by torch's own generator."""
        self.model = model.eval()
        self.encoder = encoder
        self.batch = batch
        self.threads = threads
        self.temperature = temperature

    def count(self, sources: Sequence[str]) -> list[int]:
        limit = self.encoder.max_length
        return [min(len(ids), limit) + len(task) for ids, task in self.encoder.prompts(sources)]

    def write(self, sources: Sequence[str]) -> Iterator[Written]:
        """In the order of `sources`. A source that is too long for the student is cut; nothing raises."""
        return self.write_within(sources, [None] * len(sources))

    def write_within(self, sources: Sequence[str], grammars: Sequence[Grammar | None]) -> Iterator[Written]:
        """Likewise; raises UsageError or DataError where a grammar cannot be followed."""
        return self._each(sources, grammars, self.temperature)

    def sample(
        self,
        sources: Sequence[str],
        n: int,
        *,
        temperature: float,
        seed: int,
        grammars: Sequence[Grammar | None] = (),
    ) -> Iterator[tuple[Written, ...]]:
        """By torch's generator, which goes on afterwards as if nothing had been drawn."""
        import torch

        held = grammars or [None] * len(sources)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            drawn = list(
                self._each(
                    [source for source in sources for _ in range(n)],
                    [grammar for grammar in held for _ in range(n)],
                    temperature,
                )
            )
        yield from (tuple(drawn[at : at + n]) for at in range(0, len(drawn), n))

    def _each(
        self, sources: Sequence[str], grammars: Sequence[Grammar | None], temperature: float
    ) -> Iterator[Written]:
        limit = self.encoder.max_length
        rows = [(ids[:limit], task) for ids, task in self.encoder.prompts(sources)]
        order = sorted(range(len(rows)), key=lambda i: (rows[i][1], len(rows[i][0])))
        written: dict[int, Written] = {}
        for task, group in groupby(order, key=lambda i: rows[i][1]):  # of one task word: as a rule, all of them
            same = list(group)
            for at in range(0, len(same), self.batch):
                chosen = same[at : at + self.batch]
                batch = self._batch([rows[i][0] for i in chosen], task, [grammars[i] for i in chosen], temperature)
                written.update(zip(chosen, batch, strict=True))
        yield from (written[i] for i in range(len(rows)))

    def _batch(
        self, rows: Sequence[list[int]], task: list[int], grammars: Sequence[Grammar | None], temperature: float
    ) -> list[Written]:
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
        options = {**_drawing(temperature), **self._constraint(grammars, longest)}
        with torch.inference_mode(), cpu_threads(self.threads):
            out = self.model.generate(**given, use_cache=True, **options)
        start = longest if left else 1 + len(task)  # an encoder–decoder's row begins with its start token
        seconds = (time.perf_counter() - started) / len(rows)
        return [self._written(row[start:], seconds) for row in out.tolist()]

    def _constraint(self, grammars: Sequence[Grammar | None], prompt: int) -> Mapping[str, Any]:
        """What `generate` is told where a row has a grammar; `prompt`: tokens that stand before an answer."""
        if not any(grammars):
            return {}
        from dstill_constrain.processor import Constraint

        constraint = Constraint(self._compiler, grammars)
        most = constraint.most(self.model.generation_config.max_new_tokens)
        places = getattr(self.model.config, "max_position_embeddings", None)
        if places is not None and not self.encoder.encoder_decoder:
            most = min(most, places - prompt)
        return {"logits_processor": [constraint], "max_new_tokens": most}

    @cached_property
    def _compiler(self) -> Compiler:
        """Of this student's vocabulary, once for all answers; it keeps the grammars that it has read."""
        from dstill_constrain import vocabulary
        from dstill_constrain.compiling import Compiler

        return Compiler(vocabulary.of(self.encoder.tokenizer, self.model.config.vocab_size))

    def end(self, ids: list[int]) -> int | None:
        """Where the end token is; None: the limit cut the answer off."""
        eos = self.encoder.tokenizer.eos_token_id
        return ids.index(eos) if eos in ids else None

    def _written(self, ids: list[int], seconds: float) -> Written:
        end = self.end(ids)
        ended, ids = end is not None, ids[:end]
        return Written(text=self.encoder.decode(ids), tokens=len(ids) + ended, seconds=seconds, truncated=not ended)


def _drawing(temperature: float) -> Mapping[str, Any]:
    return {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {}
