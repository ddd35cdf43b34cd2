"""Pairs of text become rows of token ids; nothing is cut in silence.

In: one tuple of `Pair` a record. Out: `Encoded` records, and how many records were left
out because a source or target was longer than the limits. More than 5 % is an error.

    Encoder(tokenizer, encoder_decoder=True, max_length=64, max_target_length=64).encode(records)

Where the task word (the pair's prefix) stands is the recipe's ``task_prefix``:

                    encoder–decoder                   decoder-only
    encoder         reads "predict: abc"              "predict: abc⏎" + target
    decoder         reads "abc",                      "abc⏎predict:⏎" + target
                    writes "predict:" + target

"encoder" is the published form. In the other one the source is the same for every branch
of a record, and is computed once; a trained student is given the task word to begin with.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import Any, Mapping, Sequence

from dstill.api.records import Pair
from dstill.errors import DataError
from dstill_finetune.damage import damaged
from dstill_finetune.model_loading import UNBOUNDED

__all__ = ["Dataset", "Encoded", "Encoder", "Row", "length"]

REFUSED_SHARE = 0.05  # of records over the limits

log = logging.getLogger("dstill")
_TOKENIZER = damaged("the tokenizer of the student is damaged", where="tokenizer.json")


@dataclass(frozen=True, slots=True)
class Row:
    """One sequence that is learnt."""

    source: list[int]
    target: list[int]  # ends with the end-of-sequence token
    weight: float
    branch: str  # the pair's task prefix: each branch's loss is a mean over its own tokens
    task: list[int] = field(default_factory=list)  # the task word, where it stands before the target; not learnt


Encoded = tuple[Row, ...]  # the rows of one record, always in one forward pass


@dataclass(frozen=True, kw_only=True)
class Dataset:
    records: list[Encoded]
    left_out: int  # records over the limits
    longest_source: int  # tokens, of those kept
    longest_target: int

    @property
    def branches(self) -> list[str]:
        """Task prefixes, in the order in which they are met."""
        return list(dict.fromkeys(row.branch for record in self.records for row in record))

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Encoded:
        """Record `index`; for ``~index`` the same without weight, which only fills a batch."""
        if index >= 0:
            return self.records[index]
        return tuple(replace(row, weight=0.0) for row in self.records[~index])


class Encoder:
    def __init__(
        self,
        tokenizer: Any,
        *,
        encoder_decoder: bool,
        max_length: int,
        max_target_length: int,
        task_prefix: str = "encoder",
        tasks: Mapping[str, list[int]] | None = None,
        positions: tuple[int, int] = UNBOUNDED,
    ) -> None:
        """`tasks`: of a trained student, the ids of its task words; `encode` fills them in.

        `positions`: the tokens that the model can place, read and written (`model_loading.positions_of`).
        """
        self.tokenizer = tokenizer
        self.encoder_decoder = encoder_decoder
        self.max_length = max_length
        self.max_target_length = max_target_length
        self.task_prefix = task_prefix
        self.tasks = dict(tasks or {})
        self.positions = positions

    def longest(self, task: Sequence[int]) -> int:
        """Tokens that a prompt may have before `task`, so that at least one can follow."""
        reads = self.positions[0] if self.encoder_decoder else self.positions[0] - len(task) - 1
        return min(self.max_length, reads)

    def room(self, source: int, task: int) -> int:
        """New tokens that can be placed after a prompt of so many, and a task word."""
        return self.positions[1] - task if self.encoder_decoder else self.positions[0] - source - task

    def prompts(self, texts: Sequence[str]) -> list[tuple[list[int], list[int]]]:
        """Source and task word of each prompt (prefix and source in one text), as the student learnt them."""
        words = [next((word for word in self._words() if text.startswith(word)), "") for text in texts]
        sources = self._sources([text.removeprefix(word) for text, word in zip(texts, words, strict=True)])
        return [(source, self.tasks.get(word, [])) for source, word in zip(sources, words, strict=True)]

    def _words(self) -> list[str]:
        return sorted(self.tasks, key=len, reverse=True)

    def _task(self, prefix: str) -> list[int]:
        """The ids of a task word before the target. Raises DataError where it does not tell branches apart."""
        if self.task_prefix == "encoder":
            return []
        if prefix not in self.tasks:
            word = prefix.strip() if self.encoder_decoder else f"{prefix.strip()}\n"
            ids = self._ids([word], special=False)[0]
            if not prefix.strip() or ids in self.tasks.values():
                raise DataError(
                    f"the tokenizer does not tell the task word '{prefix}' from others",
                    where="train.task_prefix = decoder",
                    hint='task_prefix = "encoder" has the word before the question',
                )
            self.tasks[prefix] = ids
        return self.tasks[prefix]

    def _sources(self, texts: Sequence[str]) -> list[list[int]]:
        if self.encoder_decoder:
            return self._ids(texts, special=True)
        rows = self._ids([f"{text}\n" for text in texts], special=True)
        return [ids[:-1] for ids in rows] if self.cuts_prompts else rows

    @property
    @_TOKENIZER
    def cuts_prompts(self) -> bool:
        """Whether prompts lose their last token: it would say that the answer is over."""
        ids: list[int] = self.tokenizer("a")["input_ids"]
        return not self.encoder_decoder and ids[-1] == self.tokenizer.eos_token_id

    def targets(self, texts: Sequence[str]) -> list[list[int]]:
        eos = self.tokenizer.eos_token_id
        return [[*ids, eos] for ids in self._ids(texts, special=False)]

    @_TOKENIZER
    def decode(self, ids: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def encode(self, records: Sequence[Sequence[Pair]], *, strict: bool = True) -> Dataset:
        """Rows of every record within the limits. `strict`: raises DataError when more than 5 % are over them."""
        pairs = [pair for record in records for pair in record]
        before = self.task_prefix == "encoder"
        sources = iter(self._sources([pair.task_prefix * before + pair.source for pair in pairs]))
        targets = iter(self.targets([pair.target for pair in pairs]))
        rows = [
            tuple(
                Row(next(sources), next(targets), pair.weight, pair.task_prefix, self._task(pair.task_prefix))
                for pair in record
            )
            for record in records
        ]
        kept = [record for record in rows if record and all(map(self._fits, record))]
        left_out = len(rows) - len(kept)
        if strict and left_out > REFUSED_SHARE * len(rows):
            self._refuse(rows, left_out)
        if left_out:
            log.warning(
                "%d of %d %s records (%.1f%%) are longer than the limits and left out",
                left_out,
                len(rows),
                "training" if strict else "validation",
                100 * left_out / len(rows),
            )
        return Dataset(
            records=kept,
            left_out=left_out,
            longest_source=max((len(row.source) for record in kept for row in record), default=0),
            longest_target=max((len(row.target) for record in kept for row in record), default=0),
        )

    @_TOKENIZER
    def _ids(self, texts: Sequence[str], *, special: bool) -> list[list[int]]:
        if not texts:
            return []
        ids: list[list[int]] = self.tokenizer(
            list(texts), add_special_tokens=special, padding=False, truncation=False, return_attention_mask=False
        )["input_ids"]
        return ids

    def _fits(self, row: Row) -> bool:
        return self._within(row) and self._placed(row)

    def _within(self, row: Row) -> bool:
        return len(row.source) <= self.max_length and len(row.target) <= self.max_target_length

    def _placed(self, row: Row) -> bool:
        reads, writes = self.positions
        written = len(row.task) + len(row.target)
        if self.encoder_decoder:
            return len(row.source) <= reads and written <= writes
        return len(row.source) + written <= reads

    def _refuse(self, rows: Sequence[Encoded], left_out: int) -> None:
        sources = sum(any(len(row.source) > self.max_length for row in record) for record in rows)
        targets = sum(any(len(row.target) > self.max_target_length for row in record) for record in rows)
        unplaced = sum(all(map(self._within, record)) and not all(map(self._placed, record)) for record in rows)
        places = "{:,} and {:,}".format(*self.positions) if self.encoder_decoder else f"{self.positions[0]:,}"
        longest = [max(len(getattr(row, side)) for record in rows for row in record) for side in ("source", "target")]
        raise DataError(
            f"{left_out} of {len(rows)} records ({left_out / len(rows):.0%}) are longer than the limits: "
            f"{sources} sources over max_length {self.max_length}, "
            f"{targets} targets over max_target_length {self.max_target_length}"
            + (f", {unplaced} over the {places} positions that the student has" if unplaced else ""),
            where=f"longest source {longest[0]} tokens, longest target {longest[1]} tokens; at most 5% may be left out",
            hint="take a student with more positions, or shorten the questions"
            if unplaced > left_out - unplaced
            else "raise train.max_length or train.max_target_length, or shorten the questions",
        )


def length(record: Encoded) -> int:
    """Tokens of its longest source and its longest target: what it takes of a batch."""
    return max(len(row.source) for row in record) + max(len(row.target) for row in record)
