"""Encodes pairs of texts as rows of token ids. Texts are never truncated.

In: one tuple of `Pair` per record. Out: `Encoded` records. Records with a source or target over the length limits are
left out and counted; more than 5 % is an error.

    Encoder(tokenizer, encoder_decoder=True, max_length=64, max_target_length=64).encode(records)

The recipe's ``task_prefix`` decides where the task word (the pair's prefix) goes:

                    encoder–decoder                   decoder-only
    encoder         reads "predict: abc"              "predict: abc⏎" + target
    decoder         reads "abc",                      "abc⏎predict:⏎" + target
                    writes "predict:" + target

A decoder that was trained to chat reads the source in a conversation instead (`dstill_finetune.chat`).

"encoder" is the form of Distilling Step-by-Step (Hsieh et al. 2023). With "decoder", the source is the same for every
branch of a record and is computed once; when a trained student answers, it is given the task word to start with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dstill.api.records import Pair
from dstill.errors import DataError
from dstill.io.logs import log
from dstill_finetune.chat import Chat
from dstill_finetune.model_loading import UNBOUNDED
from dstill_torch.damage import damaged
from dstill_torch.dataset import Dataset, Encoded, Row

__all__ = ["Encoder"]

MAX_TOO_LONG = 0.05  # share of records over the limits

_TOKENIZER = damaged("the tokenizer of the student is damaged", where="tokenizer.json")


class Encoder:
    """Encodes texts for one student.

    Args:
        tokenizer: The student's.
        encoder_decoder: The student's architecture; otherwise decoder-only.
        max_length: Tokens of a source at most.
        max_target_length: Tokens of a target at most, its end token included.
        task_prefix: ``encoder`` or ``decoder``, see above.
        tasks: Task word → its ids. A trained student's are passed in; `encode` adds those that it meets.
        positions: Tokens that the model has positions for, to read and to write (`model_loading.positions_of`).
        chat: The conversations that prompts are rendered in; None: they are plain.
    """

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
        chat: Chat | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.encoder_decoder = encoder_decoder
        self.max_length = max_length
        self.max_target_length = max_target_length
        self.task_prefix = task_prefix
        self.tasks = dict(tasks or {})
        self.positions = positions
        self.chat = chat

    def max_source(self, task: Sequence[int]) -> int:
        """Tokens that a prompt may have before `task` if at least one answer token is to follow."""
        reads = self.positions[0] if self.encoder_decoder else self.positions[0] - len(task) - 1
        return min(self.max_length, reads)

    def max_new_tokens(self, source: int, task: int) -> int:
        """Tokens that the model has positions for after a prompt of `source` and a task word of `task` tokens."""
        return self.positions[1] - task if self.encoder_decoder else self.positions[0] - source - task

    def prompts(self, texts: Sequence[str]) -> list[tuple[list[int], list[int]]]:
        """The ids of source and task word of each prompt (prefix and source in one text), as in training."""
        known = sorted(self.tasks if self.chat is None else self.chat.system_messages, key=len, reverse=True)
        words = [next((word for word in known if text.startswith(word)), "") for text in texts]
        bare = [text.removeprefix(word) for text, word in zip(texts, words, strict=True)]
        if self.chat is not None:
            return [(source, []) for source in self._conversations(self.chat, words, bare)]
        return [(source, self.tasks.get(word, [])) for source, word in zip(self._sources(bare), words, strict=True)]

    def shortened(self, source: list[int], most: int) -> list[int]:
        """The ids of a prompt, cut to `most` tokens; a conversation keeps the turn that begins the answer."""
        if len(source) <= most or self.chat is None:
            return source[:most]
        (ending,) = self._ids([self.chat.ending], special=False)
        return [*source[: max(0, most - len(ending))], *ending]

    def _task(self, prefix: str) -> list[int]:
        """The ids of a task word before the target. Raises DataError if they do not distinguish the branches."""
        if self.task_prefix == "encoder":
            return []
        if prefix not in self.tasks:
            word = prefix.strip() if self.encoder_decoder else f"{prefix.strip()}\n"
            ids = self._ids([word], special=False)[0]
            if not prefix.strip() or ids in self.tasks.values():
                raise DataError(
                    f"the tokenizer does not distinguish the task word '{prefix}' from others",
                    where="train.task_prefix = decoder",
                    hint='set task_prefix = "encoder", which puts the word before the question',
                )
            self.tasks[prefix] = ids
        return self.tasks[prefix]

    def _sources(self, texts: Sequence[str]) -> list[list[int]]:
        if self.encoder_decoder:
            return self._ids(texts, special=True)
        rows = self._ids([f"{text}\n" for text in texts], special=True)
        return [ids[:-1] for ids in rows] if self.cuts_prompts else rows

    def _conversations(self, chat: Chat, words: Sequence[str], sources: Sequence[str]) -> list[list[int]]:
        return self._ids([chat.render(word, text) for word, text in zip(words, sources, strict=True)], special=False)

    @property
    @_TOKENIZER
    def cuts_prompts(self) -> bool:
        """Whether a decoder's prompts lose their last token, because the tokenizer adds an end token."""
        if self.chat is not None:
            return False
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
        """Encode every record within the limits. With `strict`, raises DataError if more than 5 % are over them."""
        pairs = [pair for record in records for pair in record]
        sources = iter(self._sources_of(pairs))
        targets = iter(self.targets([pair.target for pair in pairs]))
        rows = [
            tuple(
                Row(next(sources), next(targets), pair.weight, pair.task_prefix, self._task(pair.task_prefix))
                for pair in record
            )
            for record in records
        ]
        fitting = [record for record in rows if record and all(map(self._fits, record))]
        n_too_long = len(rows) - len(fitting)
        if strict and n_too_long > MAX_TOO_LONG * len(rows):
            raise self._too_long(rows, n_too_long)
        if n_too_long:
            log.warning(
                "%d of %d %s records (%.1f%%) exceed the length limits and are not used",
                n_too_long,
                len(rows),
                "training" if strict else "validation",
                100 * n_too_long / len(rows),
            )
        return Dataset(records=fitting, n_too_long=n_too_long)

    def _sources_of(self, pairs: Sequence[Pair]) -> list[list[int]]:
        if self.chat is not None:
            return self._conversations(self.chat, [pair.task_prefix for pair in pairs], [pair.source for pair in pairs])
        before = self.task_prefix == "encoder"
        return self._sources([pair.task_prefix * before + pair.source for pair in pairs])

    @_TOKENIZER
    def _ids(self, texts: Sequence[str], *, special: bool) -> list[list[int]]:
        if not texts:
            return []
        ids: list[list[int]] = self.tokenizer(
            list(texts), add_special_tokens=special, padding=False, truncation=False, return_attention_mask=False
        )["input_ids"]
        return ids

    def _fits(self, row: Row) -> bool:
        return self._is_within_limits(row) and self._has_positions(row)

    def _is_within_limits(self, row: Row) -> bool:
        return len(row.source) <= self.max_length and len(row.target) <= self.max_target_length

    def _has_positions(self, row: Row) -> bool:
        reads, writes = self.positions
        written = len(row.task) + len(row.target)
        if self.encoder_decoder:
            return len(row.source) <= reads and written <= writes
        return len(row.source) + written <= reads

    def _too_long(self, rows: Sequence[Encoded], n_too_long: int) -> DataError:
        sources = sum(any(len(row.source) > self.max_length for row in record) for record in rows)
        targets = sum(any(len(row.target) > self.max_target_length for row in record) for record in rows)
        no_position = sum(
            all(map(self._is_within_limits, record)) and not all(map(self._has_positions, record)) for record in rows
        )
        positions = "{:,} and {:,}".format(*self.positions) if self.encoder_decoder else f"{self.positions[0]:,}"
        longest = [max(len(getattr(row, side)) for record in rows for row in record) for side in ("source", "target")]
        return DataError(
            f"{n_too_long} of {len(rows)} records ({n_too_long / len(rows):.0%}) exceed the length limits: "
            f"{sources} sources over max_length {self.max_length}, "
            f"{targets} targets over max_target_length {self.max_target_length}"
            + (f", {no_position} over the {positions} positions that the student has" if no_position else ""),
            where=f"longest source {longest[0]} tokens, longest target {longest[1]} tokens; "
            "at most 5% may exceed the limits",
            hint="choose a student with more positions, or shorten the questions"
            if no_position > n_too_long - no_position
            else "raise train.max_length or train.max_target_length, or shorten the questions",
        )
