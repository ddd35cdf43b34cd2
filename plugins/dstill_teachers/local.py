"""The teacher ``local``: a transformers model in this process.

    [teacher.local]
    model = "models/gemma-3-4b-it"      # a folder of safetensors, a GGUF file, or a hub id

Prompts that arrive while others are being answered form the next batch, since a batch of eight takes little more time
than one prompt. The model is loaded for the first reply and runs in a separate thread, so that Ctrl-C stops it at the
next token.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dstill.api.records import Prompt, Reply, Usage
from dstill.api.setting import setting
from dstill.api.task import Task
from dstill.api.teacher import Teacher
from dstill.errors import ConfigError, DataError, DstillError, MissingExtra, UsageError, needs
from dstill.io.plain_files import sha256

if TYPE_CHECKING:
    import asyncio  # at run time imported late: it would take a third of the time of --help

    from dstill_teachers.local_model import LocalModel

__all__ = ["Local", "LocalConfig"]

GATHER = 0.02  # seconds that the first prompt of a batch waits for others
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


class TooLong(DataError):
    """The prompt and its reply do not fit the model's context."""

    code = "too_long"


class NoMemory(DataError):
    """The model ran out of memory on a single prompt."""

    code = "out_of_memory"


class Unusable(DstillError):
    """The model cannot be loaded. Not a DataError, which would fail only one question."""

    exit_code, code = DataError.exit_code, DataError.code


@dataclass(frozen=True, kw_only=True)
class LocalConfig:
    """The teacher `local`: a model on this machine."""

    model: str = setting("", "Folder of safetensors, GGUF file or Hub id of the model.", trust="model")
    max_new_tokens: int = setting(512, "Longest reply, in tokens.", low=1, high=1 << 20)
    temperature: float = setting(0.0, "Sampling temperature. 0: greedy decoding.", low=0, high=2)
    seed: int = setting(0, "Seed of sampling.", low=0, high=2**32 - 1)
    batch: int = setting(8, "Prompts in one batch.", low=1, high=1024)


class Local(Teacher):
    """A transformers model in this process."""

    name = "local"
    Config = LocalConfig
    config: LocalConfig

    @property
    def label(self) -> str:
        return f"model '{Path(self.config.model).name}'"

    def open(self, task: Task) -> Self:
        if not self.config.model:
            raise ConfigError("no model is set", where="teacher.local.model", hint="--set teacher.local.model=./folder")
        with needs("the teacher 'local'", "train"):
            import torch  # noqa: F401
            import transformers  # noqa: F401
        self._digest = _digest(self.config.model)
        self.reply_tokens = self.config.max_new_tokens
        self._batch_size = self.config.batch
        self._waiting: list[tuple[Prompt, asyncio.Future[Reply]]] = []
        self._model: LocalModel | None = None
        self._worker: asyncio.Task[None] | None = None
        return super().open(task)

    def identity(self, prompt: Prompt) -> Mapping[str, Any]:
        sampling = {"temperature": self.config.temperature, "seed": self.config.seed} if self.config.temperature else {}
        return {
            "teacher": self.name,
            "model": self._digest,
            "max_new_tokens": self.config.max_new_tokens * prompt.max_tokens_factor,
            **sampling,
        }

    async def ask(self, prompt: Prompt) -> Reply:
        import asyncio

        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((prompt, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._answer_waiting())
        return await future

    async def __aexit__(self, *error: object) -> None:
        import asyncio

        if self._model is not None:
            self._model.stop()
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        self._model = None

    # --- batches ------------------------------------------------------------------------

    async def _answer_waiting(self) -> None:
        """Answer prompts in batches until none is waiting."""
        import asyncio

        await asyncio.sleep(GATHER)
        while self._waiting:
            factor = self._waiting[0][0].max_tokens_factor  # a batch has one length limit
            same = [item for item in self._waiting if item[0].max_tokens_factor == factor]
            others = [item for item in self._waiting if item[0].max_tokens_factor != factor]
            batch, self._waiting = same[: self._batch_size], [*same[self._batch_size :], *others]
            live = [(prompt, future) for prompt, future in batch if not future.cancelled()]
            if not live:
                continue
            try:
                replies = await asyncio.to_thread(self._replies, [prompt for prompt, _ in live])
            except Exception as error:  # every waiting prompt must receive it
                replies = [error] * len(live)
            for (_, future), reply in zip(live, replies, strict=True):
                if future.done():
                    continue
                if isinstance(reply, Reply):
                    future.set_result(reply)
                else:
                    future.set_exception(reply)

    def _replies(self, prompts: Sequence[Prompt]) -> list[Reply | Exception]:
        """The reply or the error of each prompt. Runs in a thread."""
        model = self._model = self._model or self._load()
        limit = self.config.max_new_tokens * prompts[0].max_tokens_factor
        rows = [model.encode(prompt.messages) for prompt in prompts]
        replies: list[Reply | Exception | None] = [self._too_long(model, row, limit) for row in rows]
        fitting = [n for n, error in enumerate(replies) if error is None]
        for n, reply in zip(fitting, self._generate([rows[n] for n in fitting], limit), strict=True):
            replies[n] = reply
        return [reply for reply in replies if reply is not None]

    def _load(self) -> LocalModel:
        from dstill_teachers.local_model import LocalModel

        try:
            return LocalModel(
                self.config.model,
                temperature=self.config.temperature,
                seed=self.config.seed,
                stop=self.task.reply_text("", "\0").partition("\0")[2].strip(),  # the text after an answer
            )
        except DataError as error:
            raise Unusable(error.what, where=error.where, hint=error.hint) from error

    def _too_long(self, model: LocalModel, row: Sequence[int], limit: int) -> Exception | None:
        if model.context_length is None or len(row) + limit <= model.context_length:
            return None
        return TooLong(
            f"the prompt has {len(row):,} tokens and the reply up to {limit:,}, but the model's context is "
            f"{model.context_length:,}",
            where="teacher.local.max_new_tokens",
            hint="use fewer examples (generate.shots), shorter replies, or another model",
        )

    def _generate(self, rows: Sequence[Sequence[int]], limit: int) -> list[Reply | Exception]:
        """Replies to encoded prompts. Out of memory, the batch is split in halves, and later batches are smaller."""
        import torch

        if not rows:
            return []
        assert self._model is not None
        started = time.perf_counter()
        try:
            answers = self._model.answer(rows, limit)
        except torch.OutOfMemoryError:
            if len(rows) == 1:
                hint = "use a smaller model or shorter replies (teacher.local.max_new_tokens)"
                return [NoMemory("not enough memory for one prompt", where=self.label, hint=hint)]
            half = len(rows) // 2
            self._batch_size = max(1, min(self._batch_size, half))
            return [*self._generate(rows[:half], limit), *self._generate(rows[half:], limit)]
        seconds = round((time.perf_counter() - started) / len(rows), 3)
        return [
            Reply(
                id="",  # set by `dstill.teacher.client`
                text=answer.text,
                model=Path(self.config.model).name,
                finish_reason="stop" if answer.ended else "length",
                usage=Usage(prompt_tokens=len(row), completion_tokens=answer.tokens),
                seconds=seconds,
            )
            for row, answer in zip(rows, answers, strict=True)
        ]


def _digest(base: str) -> str:
    """The identity of the model: digests of its weights and tokenizer, or its hub id and revision."""
    from dstill_finetune import model_loading

    folder = Path(base).expanduser()
    try:
        config = model_loading.config_of(base)
        if folder.is_dir():
            model_loading.check(folder)
        if weights := model_loading.fingerprint(base):
            tokenizer = [sha256(folder / name) for name in _TOKENIZER if (folder / name).is_file()]
            return " ".join([weights, *tokenizer])
    except UsageError as error:
        if isinstance(error, MissingExtra):
            raise
        hint = "use a folder of safetensors, a GGUF file or a hub id"
        raise ConfigError(error.what, where="teacher.local.model", hint=hint) from error
    return f"{base}@{getattr(config, '_commit_hash', None) or 'main'}"
