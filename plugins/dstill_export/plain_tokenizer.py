"""The tokenizer and the conversations of an exported student, without transformers: from files that the export wrote.

    write_plain(tokenizer, facts, folder)      # at the export, with transformers' tokenizer
    encoder = plain_encoder(folder)            # later, with the library tokenizers alone

    tokenizer.json    as transformers saves it
    prompts.json      {"schema_version": 1, "end": 1, "turns": {"predict: ": ["<user>", "</user><model>"]}}

A chat template becomes two texts, before and after the user's message. The parity check of the export notices a
template that does anything else with the message.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dstill.errors import DataError, UsageError
from dstill.io.typed_json import convert
from dstill_finetune.chat import SOURCE, Chat
from dstill_finetune.encoding import Encoder
from dstill_finetune.student_metadata import Facts
from dstill_torch.damage import damaged

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["FILE", "plain_encoder", "write_plain"]

FILE, TOKENIZER = "prompts.json", "tokenizer.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Prompts:
    """prompts.json."""

    schema_version: int = SCHEMA_VERSION
    end: int  # id of the token that ends an answer
    # Task prefix → the texts around the user's message. Empty: prompts are plain.
    turns: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def write_plain(tokenizer: Any, facts: Facts, folder: Path) -> None:
    """Write what `plain_encoder` needs besides student.json. Raises UsageError if the tokenizer has no such form."""
    if not (folder / TOKENIZER).is_file():
        raise UsageError(
            "the tokenizer of this student works with transformers only",
            where=str(folder),
            hint="--to merged works for every student",
        )
    turns = {}
    if facts.prompt == "chat":
        chat = Chat(tokenizer, facts.system_messages)
        turns = {word: _around(chat.render(word, SOURCE)) for word in facts.system_messages}
    prompts = {"schema_version": SCHEMA_VERSION, "end": tokenizer.eos_token_id, "turns": turns}
    (folder / FILE).write_text(json.dumps(prompts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _around(text: str) -> tuple[str, str]:
    before, _, after = text.partition(SOURCE)
    return before, after


def plain_encoder(folder: Path) -> Encoder:
    """The encoder of the exported student in `folder`. Raises DataError, ImportError."""
    from tokenizers import Tokenizer

    facts = Facts.read(folder)
    try:
        row = json.loads((folder / FILE).read_text(encoding="utf-8"))
        prompts: Prompts = convert(Prompts, row)
    except (OSError, ValueError, RecursionError) as error:
        raise DataError("the prompts of the student are damaged", where=f"{folder / FILE}: {error}") from error
    with damaged("the student's tokenizer cannot be loaded", where=str(folder / TOKENIZER)):
        tokenizer = PlainTokenizer(Tokenizer.from_file(str(folder / TOKENIZER)), prompts.end)
    return Encoder(
        tokenizer,
        encoder_decoder=facts.encoder_decoder,
        max_length=facts.max_length,
        max_target_length=facts.max_target_length,
        task_prefix=facts.task_prefix,
        tasks=facts.tasks,
        chat=Turns(tokenizer, facts.system_messages, prompts.turns) if prompts.turns else None,
    )


@dataclass(frozen=True)
class Turns(Chat):
    """Conversations of fixed texts."""

    turns: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def render(self, word: str, source: str) -> str:
        """The prompt, up to where the answer begins."""
        before, after = self.turns.get(word) or next(iter(self.turns.values()))
        return f"{before}{source}{after}"


class PlainTokenizer:
    """The calls of transformers' tokenizers that an `Encoder` makes."""

    def __init__(self, tokenizer: Tokenizer, end: int) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self.tokenizer = tokenizer
        self.eos_token_id = end

    def __call__(self, texts: str | list[str], *, add_special_tokens: bool = True, **_: Any) -> dict[str, Any]:
        """The ids of a text or of several."""
        if isinstance(texts, str):
            return {"input_ids": self.tokenizer.encode(texts, add_special_tokens=add_special_tokens).ids}
        encoded = self.tokenizer.encode_batch(texts, add_special_tokens=add_special_tokens)
        return {"input_ids": [encoding.ids for encoding in encoded]}

    def decode(self, ids: Sequence[int], *, skip_special_tokens: bool, **_: Any) -> str:
        """The text of these ids."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=skip_special_tokens))

    def convert_ids_to_tokens(self, ids: Sequence[int]) -> list[str | None]:
        """The token of each id."""
        return [self.tokenizer.id_to_token(number) for number in ids]

    def convert_tokens_to_ids(self, tokens: Sequence[str]) -> list[int | None]:
        """The id of each token."""
        return [self.tokenizer.token_to_id(token) for token in tokens]
