"""Generates answers with CTranslate2 on a CPU: greedy or sampled, in batches sorted by length.

    CTranslate2Generator.load(folder, encoder).generate([ModelInput(text="predict: …", example=…)])

The encoder's tokenizer may be that of transformers, or of `dstill_export.plain_tokenizer`. Log-probabilities are those
of the 8-bit weights.
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
        for (one,) in self._each(sources):
            yield one

    def sample(
        self, sources: Sequence[ModelInput], n: int, *, temperature: float, seed: int, grammars: Sequence[Any] = ()
    ) -> Iterator[tuple[Generation, ...]]:
        """Sampled with the library's global generator. It takes no grammars, as `generate_constrained` does not."""
        import ctranslate2

        ctranslate2.set_random_seed(seed)
        yield from self._each(sources, num_hypotheses=n, sampling_topk=0, sampling_temperature=temperature)

    def count_tokens(self, sources: Sequence[ModelInput]) -> list[int]:
        return [len(ids) + len(task) for ids, task in self._prompts(sources)]

    def _prompts(self, sources: Sequence[ModelInput]) -> list[tuple[list[int], list[int]]]:
        prompts = self.encoder.prompts([source.text for source in sources])
        return [(self.encoder.shortened(ids, self.encoder.max_length), task) for ids, task in prompts]

    def _each(self, sources: Sequence[ModelInput], **sampling: Any) -> Iterator[tuple[Generation, ...]]:
        name = self.encoder.tokenizer.convert_ids_to_tokens
        rows = [(name(ids), name(task)) for ids, task in self._prompts(sources)]
        order = sorted(range(len(rows)), key=lambda number: len(rows[number][0]))
        written: dict[int, tuple[Generation, ...]] = {}
        for at in range(0, len(rows), self.batch):
            chosen = order[at : at + self.batch]
            started = time.perf_counter()
            outputs = self._batch([rows[number] for number in chosen], sampling)
            seconds = (time.perf_counter() - started) / len(chosen)
            for number, answers in zip(chosen, outputs, strict=True):
                share = seconds / len(answers)
                written[number] = tuple(self._generation(ids, logprob, share) for ids, logprob in answers)
        yield from (written[number] for number in range(len(rows)))

    def _batch(
        self, rows: Sequence[tuple[list[str], list[str]]], sampling: dict[str, Any]
    ) -> list[list[tuple[list[int], float]]]:
        """The ids of each answer to each prompt, with the end token if it was reached, and their log-probability."""
        limit = self.encoder.max_target_length
        options = {"return_scores": True, "length_penalty": 0, "return_end_token": True, **sampling}  # 0: a plain sum
        if not self.encoder.encoder_decoder:
            prompts = [tokens + task for tokens, task in rows]
            results = self.model.generate_batch(prompts, max_length=limit, include_prompt_in_result=False, **options)
            return [list(zip(result.sequences_ids, result.scores, strict=True)) for result in results]
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
            [(ids(one[len(task) :]), score) for one, score in zip(result.hypotheses, result.scores, strict=True)]
            for result, (_, task) in zip(results, rows, strict=True)
        ]

    def _generation(self, ids: list[int], logprob: float, seconds: float) -> Generation:
        end = self.encoder.tokenizer.eos_token_id
        # an answer that continues after it was stopped by the limit
        ended = end in ids and ids.index(end) == len(ids) - 1
        text = self.encoder.decode(ids[:-1] if ended else ids)
        return Generation(text=text, tokens=len(ids), seconds=seconds, truncated=not ended, logprob=logprob)
