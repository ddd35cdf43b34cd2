"""Generates answers in batches: greedy, with a key–value cache, sorted by length to keep padding small.

    list(ModelGenerator(model, encoder).generate([ModelInput(text="predict: …", example=…)])) → [Generation(…)]

On a CPU, finished answers do not wait for longer ones: after a portion of tokens, the unfinished ones are batched
again. Rows of a decoder-only student are padded on the left. Rows whose positions leave fewer tokens than an answer may
have get their own batches, so that they do not shorten the others. `generate_constrained` keeps each answer within a
grammar, and allows as many tokens as the grammar's longest sentence needs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

from dstill.api.records import Grammar, ModelInput
from dstill.api.student import Generation, Generator
from dstill.errors import DataError
from dstill_finetune.encoding import Encoder
from dstill_finetune.token_logprobs import TokenLogprobs
from dstill_torch.settings import cpu_threads

if TYPE_CHECKING:
    from dstill_constrain.compiler import Compiler

__all__ = ["ModelGenerator"]

BATCH = 64
PORTION = 32  # tokens; most answers are finished by then, and the longest take four times as many


class ModelGenerator(Generator):
    """Generates with a transformers model.

    Args:
        model: Encoder–decoder or decoder, in its place on the device.
        encoder: Encodes prompts as in training.
        batch: Answers at once.
        threads: Of the CPU; 0: torch's own choice.
        temperature: 0: greedy; above 0, tokens are sampled with torch's global generator.
    """

    def __init__(
        self, model: Any, encoder: Encoder, *, batch: int = BATCH, threads: int = 0, temperature: float = 0.0
    ) -> None:
        self.model = model.eval()
        self.encoder = encoder
        self.batch = batch
        self.threads = threads
        self.temperature = temperature

    def count_tokens(self, sources: Sequence[ModelInput]) -> list[int]:
        prompts = self.encoder.prompts([source.text for source in sources])
        return [min(len(ids), self.encoder.max_source(task)) + len(task) for ids, task in prompts]

    def generate(self, sources: Sequence[ModelInput]) -> Iterator[Generation]:
        """Answers in the order of `sources`. A source that is too long for the student is truncated."""
        return self.generate_constrained(sources, [None] * len(sources))

    def generate_constrained(
        self, sources: Sequence[ModelInput], grammars: Sequence[Grammar | None]
    ) -> Iterator[Generation]:
        """As `generate`, each answer within its grammar.

        Raises:
            UsageError: llguidance is not installed.
            DataError: A grammar is invalid, or the tokenizer cannot write it.
        """
        return self._each(sources, grammars, self.temperature)

    def sample(
        self,
        sources: Sequence[ModelInput],
        n: int,
        *,
        temperature: float,
        seed: int,
        grammars: Sequence[Grammar | None] = (),
    ) -> Iterator[tuple[Generation, ...]]:
        """Sampled with torch's global generator, whose state is restored afterwards."""
        import torch

        with torch.random.fork_rng():
            torch.manual_seed(seed)
            samples = list(
                self._each(
                    [source for source in sources for _ in range(n)],
                    [grammar for grammar in grammars or [None] * len(sources) for _ in range(n)],
                    temperature,
                )
            )
        yield from (tuple(samples[at : at + n]) for at in range(0, len(samples), n))

    def _each(
        self, sources: Sequence[ModelInput], grammars: Sequence[Grammar | None], temperature: float
    ) -> Iterator[Generation]:
        prompts = self.encoder.prompts([source.text for source in sources])
        rows = [
            self._row(self.encoder.shortened(ids, self.encoder.max_source(task)), task, grammar)
            for (ids, task), grammar in zip(prompts, grammars, strict=True)
        ]
        ordered = sorted(rows, key=lambda row: (row.task, row.limit or 0, len(row.source)))
        # usually one group, since all have one task word and one limit
        for _, group in groupby(ordered, key=lambda row: (row.task, row.limit)):
            unfinished = list(group)
            for portion in self._portions(unfinished):
                for at in range(0, len(unfinished), self.batch):
                    self._batch(unfinished[at : at + self.batch], portion, temperature)
                unfinished = [row for row in unfinished if not row.finished]
        for row in rows:
            text = self.encoder.decode(row.answer)
            yield Generation.written(text, row.logprobs, seconds=row.seconds, truncated=not row.ended)

    def _row(self, source: list[int], task: list[int], grammar: Grammar | None) -> _Row:
        usual: int | None = self.model.generation_config.max_new_tokens
        limit = None if usual is None else min(usual, self.encoder.max_new_tokens(len(source), len(task)))
        return _Row(source=source, task=task, grammar=grammar, limit=limit)

    def _portions(self, rows: Sequence[_Row]) -> Sequence[int | None]:
        """The number of new tokens of each portion; None: up to the limit.

        On a CPU a batch costs its longest answer times its number of rows, so unfinished rows are batched again.
        """
        limit = rows[0].limit
        if len(rows) == 1 or limit is None or self.model.device.type != "cpu" or any(row.grammar for row in rows):
            return [None]
        ends = [*(PORTION << n for n in range(20) if PORTION << n < limit), limit]
        return [end - start for start, end in zip([0, *ends], ends, strict=False)]

    def _batch(self, rows: Sequence[_Row], portion: int | None, temperature: float) -> None:
        """Add up to `portion` tokens to each of `rows`, whose answers all have the same number of tokens so far."""
        import torch

        started = time.perf_counter()
        inputs = self._inputs(rows)
        prompt = inputs["input_ids"].shape[1]
        options: dict[str, Any] = {"max_new_tokens": limit} if (limit := portion or rows[0].limit) else {}
        logprobs, constraint = TokenLogprobs(), self._constraint(rows, prompt)
        processors = [logprobs, *constraint.pop("logits_processor", ())]
        options |= {**_sampling(temperature), **constraint, "logits_processor": processors}
        with torch.inference_mode(), cpu_threads(self.threads):
            out = self.model.generate(**inputs, use_cache=True, **options)
        start = 1 + len(rows[0].task) + len(rows[0].answer) if self.encoder.encoder_decoder else prompt
        seconds = (time.perf_counter() - started) / len(rows)
        for row, written, scored in zip(rows, out[:, start:].tolist(), logprobs.of(out), strict=True):
            end = self.end(written)
            row.answer += written[:end]
            row.ended = end is not None
            row.logprobs += scored[: len(written[:end]) + row.ended]
            row.finished = row.ended or portion is None or len(written) < portion
            row.seconds += seconds

    def _inputs(self, rows: Sequence[_Row]) -> dict[str, Any]:
        """The padded inputs of ``generate``: ``[rows, tokens]`` each. Raises DataError for an unknown token."""
        import torch

        device, decoder_only = self.model.device, not self.encoder.encoder_decoder
        prompts = [[*row.source, *row.task, *row.answer] if decoder_only else row.source for row in rows]
        longest = max(map(len, prompts))
        ids = torch.full((len(rows), longest), self.encoder.tokenizer.pad_token_id)
        mask = torch.zeros((len(rows), longest), dtype=torch.long)
        for number, tokens in enumerate(prompts):
            place = slice(longest - len(tokens), longest) if decoder_only else slice(0, len(tokens))
            ids[number, place] = torch.tensor(tokens, dtype=torch.long)
            mask[number, place] = 1
        if int(ids.max()) >= (known := self.model.get_input_embeddings().weight.shape[0]):
            raise DataError(
                f"the student's tokenizer writes token {int(ids.max()):,}, and its model knows {known:,}",
                where=str(self.model.name_or_path),
                hint="tokenizer and weights are from two students: train it again",
            )
        inputs = {"input_ids": ids.to(device), "attention_mask": mask.to(device)}
        if not decoder_only and (rows[0].task or rows[0].answer):
            start = self.model.generation_config.decoder_start_token_id
            decoder_ids = [[start, *row.task, *row.answer] for row in rows]
            inputs["decoder_input_ids"] = torch.tensor(decoder_ids, device=device)
        return inputs

    def _constraint(self, rows: Sequence[_Row], prompt: int) -> dict[str, Any]:
        """The arguments that constrain ``generate`` after `prompt` tokens; empty if no row has a grammar."""
        if not any(row.grammar for row in rows):
            return {}
        from dstill_constrain.logits_processor import Constraint

        constraint = Constraint(self._compiler, [row.grammar for row in rows])
        usual = rows[0].limit or 0
        most = constraint.max_new_tokens(usual)
        positions = getattr(self.model.config, "max_position_embeddings", None)
        if positions is not None and not self.encoder.encoder_decoder:
            # beyond the usual limit, no further than the positions that the model was trained on
            most = max(usual, min(most, positions - prompt))
        task = len(rows[0].task)
        most = min(most, self.encoder.max_new_tokens(prompt - task, task))
        return {"logits_processor": [constraint], "max_new_tokens": most}

    @cached_property
    def _compiler(self) -> Compiler:
        """For this student's vocabulary; it caches compiled grammars."""
        from dstill_constrain import vocabulary
        from dstill_constrain.compiler import Compiler

        return Compiler(vocabulary.of(self.encoder.tokenizer, self.model.config.vocab_size))

    def end(self, ids: list[int]) -> int | None:
        """The index of the end token; None if the answer was truncated."""
        eos = self.encoder.tokenizer.eos_token_id
        return ids.index(eos) if eos in ids else None


def _sampling(temperature: float) -> Mapping[str, Any]:
    return {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {}


@dataclass
class _Row:
    """One answer in progress."""

    source: list[int]
    task: list[int]
    grammar: Grammar | None
    limit: int | None  # new tokens at most; None: the default of ``generate``
    answer: list[int] = field(default_factory=list)  # so far
    logprobs: list[float] = field(default_factory=list)  # of the answer's tokens, and of the one that ended it
    ended: bool = False  # with the end token
    finished: bool = False
    seconds: float = 0.0
