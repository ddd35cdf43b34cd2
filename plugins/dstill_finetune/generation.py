"""Answers, in batches: greedy, with a key–value cache, sorted by length so that little is padded.

    list(ModelWriter(model, encoder).generate(["predict: how many requests failed"])) → [Generation(text="{…}", …)]

Answers that are over wait for no others: those that go on after a portion of tokens are put into batches anew. A
decoder-only student is padded on the left, so that every row goes on where it ends; rows for which its positions leave
less room than an answer may take are in batches of their own, lest they end the others. `write_within` holds each
answer to a grammar, and lets it be as long as the grammar's longest sentence.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, Iterator, Mapping, Sequence

from dstill.api.records import Grammar
from dstill.api.student import Generation, Generator
from dstill.errors import DataError
from dstill_finetune.encoding import Encoder
from dstill_finetune.torch_settings import cpu_threads

if TYPE_CHECKING:
    from dstill_constrain.compiler import Compiler

__all__ = ["ModelWriter"]

BATCH = 64
PORTION = 32  # tokens; most answers are over by then, and the longest take four times as many


class ModelWriter(Generator):
    def __init__(
        self, model: Any, encoder: Encoder, *, batch: int = BATCH, threads: int = 0, temperature: float = 0.0
    ) -> None:
        """`temperature`: 0 is greedy; above it tokens are drawn, by torch's own generator."""
        self.model = model.eval()
        self.encoder = encoder
        self.batch = batch
        self.threads = threads
        self.temperature = temperature

    def count_tokens(self, sources: Sequence[str]) -> list[int]:
        prompts = self.encoder.prompts(sources)
        return [min(len(ids), self.encoder.longest(task)) + len(task) for ids, task in prompts]

    def generate(self, sources: Sequence[str]) -> Iterator[Generation]:
        """In the order of `sources`. A source that is too long for the student is cut; nothing raises."""
        return self.generate_constrained(sources, [None] * len(sources))

    def generate_constrained(self, sources: Sequence[str], grammars: Sequence[Grammar | None]) -> Iterator[Generation]:
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
    ) -> Iterator[tuple[Generation, ...]]:
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
    ) -> Iterator[Generation]:
        rows = [
            self._row(ids[: self.encoder.longest(task)], task, grammar)
            for (ids, task), grammar in zip(self.encoder.prompts(sources), grammars, strict=True)
        ]
        ordered = sorted(rows, key=lambda row: (row.task, row.limit or 0, len(row.source)))
        # of one task word and limit: as a rule, all of them
        for _, group in groupby(ordered, key=lambda row: (row.task, row.limit)):
            waiting = list(group)
            for most in self._portions(waiting):
                for at in range(0, len(waiting), self.batch):
                    self._batch(waiting[at : at + self.batch], most, temperature)
                waiting = [row for row in waiting if not row.over]
        for row in rows:
            yield Generation(
                text=self.encoder.decode(row.answer),
                tokens=len(row.answer) + row.ended,
                seconds=row.seconds,
                truncated=not row.ended,
            )

    def _row(self, source: list[int], task: list[int], grammar: Grammar | None) -> _Row:
        usual: int | None = self.model.generation_config.max_new_tokens
        limit = None if usual is None else min(usual, self.encoder.room(len(source), len(task)))
        return _Row(source=source, task=task, grammar=grammar, limit=limit)

    def _portions(self, rows: Sequence[_Row]) -> Sequence[int | None]:
        """How many new tokens to ask for at once, one portion after the other; None: as many as there may be.

        On a CPU a batch takes as long as its longest row times all of its rows: those that go on are brought
        together anew.
        """
        most = rows[0].limit
        if len(rows) == 1 or most is None or self.model.device.type != "cpu" or any(row.grammar for row in rows):
            return [None]
        ends = [*(PORTION << n for n in range(20) if PORTION << n < most), most]
        return [end - begin for begin, end in zip([0, *ends], ends, strict=False)]

    def _batch(self, rows: Sequence[_Row], most: int | None, temperature: float) -> None:
        """At most so many tokens more for each of `rows`, which all have as many so far."""
        import torch

        started = time.perf_counter()
        tokenizer, device = self.encoder.tokenizer, self.model.device
        left = not self.encoder.encoder_decoder
        read = [[*row.source, *row.task, *row.answer] if left else row.source for row in rows]
        longest = max(map(len, read))
        ids = torch.full((len(rows), longest), tokenizer.pad_token_id)
        mask = torch.zeros((len(rows), longest), dtype=torch.long)
        for number, tokens in enumerate(read):
            place = slice(longest - len(tokens), longest) if left else slice(0, len(tokens))
            ids[number, place] = torch.tensor(tokens, dtype=torch.long)
            mask[number, place] = 1
        if int(ids.max()) >= (known := self.model.get_input_embeddings().weight.shape[0]):
            raise DataError(
                f"the student's tokenizer writes token {int(ids.max()):,}, and its model knows {known:,}",
                where=str(self.model.name_or_path),
                hint="tokenizer and weights are of two students: train it again",
            )
        given = {"input_ids": ids.to(device), "attention_mask": mask.to(device)}
        # an encoder–decoder's row begins with its start token
        begun = [[self.model.generation_config.decoder_start_token_id, *row.task, *row.answer] for row in rows]
        if len(begun[0]) > 1 and not left:
            given["decoder_input_ids"] = torch.tensor(begun, device=device)
        limits = {"max_new_tokens": limit} if (limit := most or rows[0].limit) else {}
        options = {**limits, **_drawing(temperature), **self._constraint(rows, longest)}
        with torch.inference_mode(), cpu_threads(self.threads):
            out = self.model.generate(**given, use_cache=True, **options)
        start = longest if left else len(begun[0])
        seconds = (time.perf_counter() - started) / len(rows)
        for row, written in zip(rows, out[:, start:].tolist(), strict=True):
            end = self.end(written)
            row.answer += written[:end]
            row.ended = end is not None
            row.over = row.ended or most is None or len(written) < most
            row.seconds += seconds

    def _constraint(self, rows: Sequence[_Row], prompt: int) -> Mapping[str, Any]:
        """What `generate` is told where a row has a grammar; `prompt`: tokens that stand before an answer."""
        if not any(row.grammar for row in rows):
            return {}
        from dstill_constrain.logits_processor import Constraint

        constraint = Constraint(self._compiler, [row.grammar for row in rows])
        usual = rows[0].limit or 0
        most = constraint.max_new_tokens(usual)
        places = getattr(self.model.config, "max_position_embeddings", None)
        if places is not None and not self.encoder.encoder_decoder:  # beyond the usual no further than it was trained
            most = max(usual, min(most, places - prompt))
        task = len(rows[0].task)
        most = min(most, self.encoder.room(prompt - task, task))
        return {"logits_processor": [constraint], "max_new_tokens": most}

    @cached_property
    def _compiler(self) -> Compiler:
        """Of this student's vocabulary, once for all answers; it keeps the grammars that it has read."""
        from dstill_constrain import vocabulary
        from dstill_constrain.compiler import Compiler

        return Compiler(vocabulary.of(self.encoder.tokenizer, self.model.config.vocab_size))

    def end(self, ids: list[int]) -> int | None:
        """Where the end token is; None: the limit cut the answer off."""
        eos = self.encoder.tokenizer.eos_token_id
        return ids.index(eos) if eos in ids else None


def _drawing(temperature: float) -> Mapping[str, Any]:
    return {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature else {}


@dataclass
class _Row:
    """One answer on its way."""

    source: list[int]
    task: list[int]
    grammar: Grammar | None
    limit: int | None  # new tokens that it may have; None: as many as `generate` gives by itself
    answer: list[int] = field(default_factory=list)  # so far
    ended: bool = False  # by itself
    over: bool = False
    seconds: float = 0.0
