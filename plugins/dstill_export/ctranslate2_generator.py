"""Generates answers with CTranslate2 on a CPU: greedy, in batches sorted by length.

    CTranslate2Generator.load(folder, encoder).generate([ModelInput(text="predict: …", example=…)])

The encoder's tokenizer may be that of transformers, or of `dstill_export.plain_tokenizer`. Log-probabilities are those
of the 8-bit weights, and depend on the processor: without VNNI they differ by up to 0.3 nats. It cannot sample: the
library's random generators are seeded once, so answers would differ from call to call.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dstill.api.records import ModelInput
from dstill.api.student import Generation, Generator
from dstill_finetune.student_metadata import Facts

if TYPE_CHECKING:
    from dstill_finetune.encoding import Encoder

__all__ = ["CTranslate2Generator"]

BATCH = 64


class CTranslate2Generator(Generator):
    """Generates until the end token that the model's files name.

    Args:
        model: A translator (encoder–decoder) or generator (decoder) of ctranslate2.
        encoder: Encodes prompts as in training.
    """

    def __init__(self, model: Any, encoder: Encoder) -> None:
        self.model = model
        self.encoder = encoder
        self.batch = BATCH

    @classmethod
    def load(cls, folder: Path, encoder: Encoder) -> Self:
        """The model in `folder`, with as many threads as in training. Raises RuntimeError."""
        import ctranslate2

        threads = Facts.read(folder).threads  # 0: the library's own choice
        kind = ctranslate2.Translator if encoder.encoder_decoder else ctranslate2.Generator
        return cls(kind(str(folder), device="cpu", intra_threads=min(threads, os.cpu_count() or 1)), encoder)

    def generate(self, sources: Sequence[ModelInput]) -> Iterator[Generation]:
        name = self.encoder.tokenizer.convert_ids_to_tokens
        rows = [(name(ids), name(task)) for ids, task in self._prompts(sources)]
        order = sorted(range(len(rows)), key=lambda number: len(rows[number][0]))
        written: dict[int, Generation] = {}
        for at in range(0, len(rows), self.batch):
            chosen = order[at : at + self.batch]
            started = time.perf_counter()
            outputs = self._batch([rows[number] for number in chosen])
            seconds = (time.perf_counter() - started) / len(chosen)
            for number, (ids, logprob) in zip(chosen, outputs, strict=True):
                written[number] = self._generation(ids, logprob, seconds)
        yield from (written[number] for number in range(len(rows)))

    def count_tokens(self, sources: Sequence[ModelInput]) -> list[int]:
        return [len(ids) + len(task) for ids, task in self._prompts(sources)]

    def _prompts(self, sources: Sequence[ModelInput]) -> list[tuple[list[int], list[int]]]:
        prompts = self.encoder.prompts([source.text for source in sources])
        return [(self.encoder.shortened(ids, self.encoder.max_length), task) for ids, task in prompts]

    def _batch(self, rows: Sequence[tuple[list[str], list[str]]]) -> list[tuple[list[int], float]]:
        """The generated ids of each prompt, with the end token if it was reached, and their log-probability."""
        limit = self.encoder.max_target_length
        options = {"return_scores": True, "length_penalty": 0, "return_end_token": True}  # 0: scores are plain sums
        if not self.encoder.encoder_decoder:
            prompts = [tokens + task for tokens, task in rows]
            results = self.model.generate_batch(prompts, max_length=limit, include_prompt_in_result=False, **options)
            return [(result.sequences_ids[0], result.scores[0]) for result in results]
        results = self.model.translate_batch(
            [tokens for tokens, _ in rows],
            target_prefix=[task for _, task in rows],
            beam_size=1,
            max_input_length=0,
            max_decoding_length=limit,
            **options,
        )
        ids = self.encoder.tokenizer.convert_tokens_to_ids
        return [
            (ids(result.hypotheses[0][len(task) :]), result.scores[0])
            for result, (_, task) in zip(results, rows, strict=True)
        ]

    def _generation(self, ids: list[int], logprob: float, seconds: float) -> Generation:
        end = self.encoder.tokenizer.eos_token_id
        # an answer that continues after it was stopped by the limit
        ended = end in ids and ids.index(end) == len(ids) - 1
        text = self.encoder.decode(ids[:-1] if ended else ids)
        return Generation(text=text, tokens=len(ids), seconds=seconds, truncated=not ended, logprob=logprob)
