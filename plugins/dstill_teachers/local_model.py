"""A transformers model that answers conversations in batches and can be stopped from another thread.

    model = LocalModel("models/gemma-3-1b.gguf", temperature=0.0, seed=0)
    ids = model.encode(prompt.messages)                  # with the tokenizer's chat template, if it has one
    model.answer([ids], max_new_tokens=512)              # [Answer(text="…", tokens=87, ended=True)]

Models are loaded like students (`dstill_finetune.model_loading`): from safetensors or GGUF, without running code of the
model's repository. Without a chat template, the model is assumed to continue text: messages are concatenated, and the
answer ends after `stop`, since the model would go on with another question.
Not covered: with a temperature above 0, a sampled answer depends on the other rows of its batch.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dstill.api.records import Message

__all__ = ["Answer", "LocalModel"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One generated answer."""

    text: str
    tokens: int  # including the end token
    ended: bool  # by itself; False: truncated at the limit


class LocalModel:
    """A loaded model. Raises DataError or ServiceError if it cannot be loaded."""

    def __init__(self, base: str, *, temperature: float = 0.0, seed: int = 0, stop: str = "") -> None:
        import torch

        from dstill_finetune import model_loading
        from dstill_torch.settings import quiet

        quiet()
        cuda = torch.cuda.is_available()
        dtype = torch.bfloat16 if cuda and torch.cuda.is_bf16_supported() else torch.float32
        self.tokenizer = model_loading.load_tokenizer(base)
        self.model = model_loading.load_model(base, {"dtype": dtype}).to("cuda" if cuda else "cpu").eval()
        self.seed = seed
        self.encoder_decoder = model_loading.is_encoder_decoder(self.model.config)
        self._stop = "" if self.tokenizer.chat_template else stop
        self._stopped = threading.Event()
        self._end_ids = self._configure(temperature)

    def _configure(self, temperature: float) -> set[int]:
        """Set the model's generation defaults. Returns the ids of the tokens that end an answer."""
        config, tokenizer = self.model.generation_config, self.tokenizer
        eos = config.eos_token_id if config.eos_token_id is not None else tokenizer.eos_token_id
        end_ids = {eos} if isinstance(eos, int) else set(eos or ())
        config.do_sample, config.num_beams, config.max_length = temperature > 0, 1, None
        config.temperature = temperature or None
        config.top_p = config.top_k = None if not temperature else config.top_p
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token_id = min(end_ids, default=0)
        config.pad_token_id = tokenizer.pad_token_id
        return end_ids

    @property
    def context_length(self) -> int | None:
        """Maximum tokens of prompt and answer together; None: limited only by memory."""
        positions: int | None = getattr(self.model.config, "max_position_embeddings", None)
        return None if self.encoder_decoder else positions

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """The token ids of a conversation."""
        if not self.tokenizer.chat_template:
            text = "".join(f"{message.content}\n\n" for message in messages)
            return list(self.tokenizer(text)["input_ids"])
        from dstill_finetune.chat import Chat

        text = Chat(self.tokenizer, {}).rendered([message.to_row() for message in messages])
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def answer(self, rows: Sequence[Sequence[int]], max_new_tokens: int) -> list[Answer]:
        """Answer encoded conversations in one batch, at most `max_new_tokens` each."""
        import torch

        longest = max(map(len, rows))
        ids = torch.full((len(rows), longest), self.tokenizer.pad_token_id)
        mask = torch.zeros((len(rows), longest), dtype=torch.long)
        for number, row in enumerate(rows):  # decoders continue at the end of a row, so they need padding on the left
            columns = slice(0, len(row)) if self.encoder_decoder else slice(longest - len(row), longest)
            ids[number, columns] = torch.tensor(list(row), dtype=torch.long)
            mask[number, columns] = 1
        torch.manual_seed(self._seed(rows))
        device, start = self.model.device, 1 if self.encoder_decoder else longest

        def is_done(ids: Any, *_: Any, **__: Any) -> Any:
            return torch.tensor([self._is_done(row[start:]) for row in ids.tolist()], device=ids.device)

        with torch.inference_mode():
            out = self.model.generate(
                input_ids=ids.to(device),
                attention_mask=mask.to(device),
                max_new_tokens=max_new_tokens,
                stopping_criteria=[is_done],
            )
        return [self._answer(row[start:]) for row in out.tolist()]

    def _seed(self, rows: Sequence[Sequence[int]]) -> int:
        digest = hashlib.sha256(repr((self.seed, [list(row) for row in rows])).encode()).digest()
        return int.from_bytes(digest[:4])

    def _is_done(self, ids: list[int]) -> bool:
        if self._stopped.is_set() or not self._stop:
            return self._stopped.is_set()
        return self._stop in self.tokenizer.decode(ids[-len(self._stop.encode()) - 1 :])

    def _answer(self, ids: list[int]) -> Answer:
        end = next((at for at, token in enumerate(ids) if token in self._end_ids), None)
        text = self.tokenizer.decode(ids if end is None else ids[:end], skip_special_tokens=True)
        before, stop, _ = text.partition(self._stop) if self._stop else (text, "", "")
        while stop and end is None and ids[-1] == self.tokenizer.pad_token_id:  # padding of rows that ended early
            ids = ids[:-1]
        tokens = len(ids) if end is None else end + 1
        return Answer(text=before + stop, tokens=tokens, ended=end is not None or bool(stop))

    def stop(self) -> None:
        """Stop generating at the next token; the answers of the current batch are incomplete."""
        self._stopped.set()
