"""A transformers model that answers conversations: loaded once, many at a time, and stopped when asked to.

    model = LocalModel("models/gemma-3-1b.gguf", temperature=0.0, seed=0)
    ids = model.encode(prompt.messages)                  # by the tokenizer's chat template, where it has one
    model.answer([ids], max_new_tokens=512)              # [Answer(text="…", tokens=87, ended=True)]

Models come in by the same door as students (`dstill_finetune.model_loading`): safetensors or GGUF, and no code of their
own. Without a chat template the messages stand one after the other, as a model that only continues text reads them;
as such a model would go on with a next question, its answer ends behind `stop`.
Not covered: answers that are drawn (temperature above 0) hang on which are drawn together.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from typing import Any, Sequence

from dstill.api.records import Message

__all__ = ["Answer", "LocalModel"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    text: str
    tokens: int  # the end among them
    ended: bool  # by itself, not at the limit


class LocalModel:
    """Raises DataError and ServiceError where the model cannot be loaded."""

    def __init__(self, base: str, *, temperature: float = 0.0, seed: int = 0, stop: str = "") -> None:
        import torch

        from dstill_finetune import model_loading

        model_loading.quiet()
        cuda = torch.cuda.is_available()
        dtype = torch.bfloat16 if cuda and torch.cuda.is_bf16_supported() else torch.float32
        self.tokenizer = model_loading.load_tokenizer(base)
        self.model = model_loading.load_model(base, {"dtype": dtype}).to("cuda" if cuda else "cpu").eval()
        self.seed = seed
        self.encoder_decoder = model_loading.is_encoder_decoder(self.model.config)
        self._stop = "" if self.tokenizer.chat_template else stop
        self._stopped = threading.Event()
        self._ends = self._settle(temperature)

    def _settle(self, temperature: float) -> set[int]:
        """Generation as it is asked for becomes the model's default. Returns the tokens that end an answer."""
        config, tokenizer = self.model.generation_config, self.tokenizer
        told = config.eos_token_id if config.eos_token_id is not None else tokenizer.eos_token_id
        ends = {told} if isinstance(told, int) else set(told or ())
        config.do_sample, config.num_beams, config.max_length = temperature > 0, 1, None
        config.temperature = temperature or None
        config.top_p = config.top_k = None if not temperature else config.top_p
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token_id = min(ends, default=0)
        config.pad_token_id = tokenizer.pad_token_id
        return ends

    @property
    def places(self) -> int | None:
        """Tokens of prompt and answer together, at most; None: as many as there is memory for."""
        known: int | None = getattr(self.model.config, "max_position_embeddings", None)
        return None if self.encoder_decoder else known

    def encode(self, messages: Sequence[Message]) -> list[int]:
        if not self.tokenizer.chat_template:
            text = "".join(f"{message.content}\n\n" for message in messages)
            return list(self.tokenizer(text)["input_ids"])
        return list(self.tokenizer(self._chat(messages), add_special_tokens=False)["input_ids"])

    def _chat(self, messages: Sequence[Message]) -> str:
        from jinja2 import TemplateError

        def render(turns: Sequence[Message]) -> str:
            rows = [turn.to_row() for turn in turns]
            text: str = self.tokenizer.apply_chat_template(rows, add_generation_prompt=True, tokenize=False)
            return text

        try:
            return render(messages)
        except TemplateError:  # some templates have no place for a system message
            first, second, *rest = messages
            return render([Message(role="user", content=f"{first.content}\n\n{second.content}"), *rest])

    def answer(self, rows: Sequence[Sequence[int]], max_new_tokens: int) -> list[Answer]:
        """Answers to encoded conversations, in one batch."""
        import torch

        longest = max(map(len, rows))
        ids = torch.full((len(rows), longest), self.tokenizer.pad_token_id)
        mask = torch.zeros((len(rows), longest), dtype=torch.long)
        for number, row in enumerate(rows):  # a decoder goes on where a row ends, so padding stands before it
            place = slice(0, len(row)) if self.encoder_decoder else slice(longest - len(row), longest)
            ids[number, place] = torch.tensor(list(row), dtype=torch.long)
            mask[number, place] = 1
        torch.manual_seed(self._seed(rows))
        device, start = self.model.device, 1 if self.encoder_decoder else longest

        def is_done(so_far: Any, scores: Any, **more: Any) -> Any:
            return torch.tensor([self._is_done(row[start:]) for row in so_far.tolist()], device=so_far.device)

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
        end = next((at for at, token in enumerate(ids) if token in self._ends), None)
        text = self.tokenizer.decode(ids if end is None else ids[:end], skip_special_tokens=True)
        before, stop, _ = text.partition(self._stop) if self._stop else (text, "", "")
        while stop and end is None and ids[-1] == self.tokenizer.pad_token_id:  # it was done before others
            ids = ids[:-1]
        tokens = len(ids) if end is None else end + 1
        return Answer(text=before + stop, tokens=tokens, ended=end is not None or bool(stop))

    def stop(self) -> None:
        """End what is being answered at its next token; what comes of it is no answer."""
        self._stopped.set()
