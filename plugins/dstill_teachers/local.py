"""The teacher ``local``: a transformers model in this process.

    [teacher.local]
    model = "models/gemma-3-4b-it"      # a folder of safetensors, a GGUF file, or a hub id

In: prompts, one at a time. Out: replies; those that are asked for while others are answered make up the next batch,
as a model answers eight together in little more time than one. The model is loaded when the first reply is wanted,
in a thread of its own, so that Ctrl-C ends it at the next token.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Mapping, Self, Sequence

from dstill.api.records import Prompt, Reply, Usage
from dstill.api.task import Task
from dstill.api.teacher import Teacher
from dstill.errors import ConfigError, DataError, DstillError, MissingExtra, UsageError, needs
from dstill.runs.provenance import sha256

if TYPE_CHECKING:  # it takes a third of the time in which --help answers
    import asyncio

    from dstill_teachers.local_model import LocalModel

__all__ = ["Local", "LocalConfig"]

GATHER = 0.02  # seconds that the first of a batch waits for others


_WORDS = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")  # they decide what a model reads


class TooLong(DataError):
    """Rejections count it under a name of its own, as the next one."""

    code = "too_long"


class NoMemory(DataError):
    code = "out_of_memory"


class Unusable(DstillError):
    """A model that cannot be loaded: no question's fault, so no DataError, which would be one question's end."""

    exit_code, code = DataError.exit_code, DataError.code


@dataclass(frozen=True, kw_only=True)
class LocalConfig:
    """The teacher `local`: a model on this machine."""

    model: str = field(
        default="", metadata={"help": "Folder of safetensors, GGUF file or Hub id of the model.", "trust": "model"}
    )
    max_new_tokens: int = field(default=512, metadata={"low": 1, "high": 1 << 20, "help": "Longest reply, in tokens."})
    temperature: float = field(
        default=0.0, metadata={"low": 0, "high": 2, "help": "Sampling temperature. 0: greedy decoding."}
    )
    seed: int = field(default=0, metadata={"low": 0, "high": 2**32 - 1, "help": "Seed of sampling."})
    batch: int = field(default=8, metadata={"low": 1, "high": 1024, "help": "Prompts in one batch."})


class Local(Teacher):
    name = "local"
    Config = LocalConfig
    config: LocalConfig

    @property
    def label(self) -> str:
        return f"model '{Path(self.config.model).name}'"

    def open(self, task: Task) -> Self:
        if not self.config.model:
            raise ConfigError(
                "no model is named", where="teacher.local.model", hint="--set teacher.local.model=./folder"
            )
        with needs("the teacher 'local'", "train"):
            import torch  # noqa: F401
            import transformers  # noqa: F401
        self._digest = _digest(self.config.model)
        self.reply_tokens = self.config.max_new_tokens
        self._size = self.config.batch
        self._waiting: list[tuple[Prompt, asyncio.Future[Reply]]] = []
        self._model: LocalModel | None = None
        self._working: asyncio.Task[None] | None = None
        return super().open(task)

    def identity(self, prompt: Prompt) -> Mapping[str, Any]:
        drawn = {"temperature": self.config.temperature, "seed": self.config.seed} if self.config.temperature else {}
        return {
            "teacher": self.name,
            "model": self._digest,
            "max_new_tokens": self.config.max_new_tokens * prompt.max_tokens_factor,
            **drawn,
        }

    async def ask(self, prompt: Prompt) -> Reply:
        import asyncio

        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((prompt, future))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await future

    async def __aexit__(self, *error: object) -> None:
        import asyncio

        if self._model is not None:
            self._model.stop()
        if self._working is not None:
            self._working.cancel()
            await asyncio.gather(self._working, return_exceptions=True)
        self._model = None

    # --- batches ------------------------------------------------------------------------

    async def _work(self) -> None:
        """Answer whatever waits, until nothing does."""
        import asyncio

        await asyncio.sleep(GATHER)
        while self._waiting:
            room = self._waiting[0][0].max_tokens_factor  # of one length limit, as they stop together
            same = [item for item in self._waiting if item[0].max_tokens_factor == room]
            others = [item for item in self._waiting if item[0].max_tokens_factor != room]
            batch, self._waiting = same[: self._size], [*same[self._size :], *others]
            live = [(prompt, future) for prompt, future in batch if not future.cancelled()]
            if not live:
                continue
            try:
                replies = await asyncio.to_thread(self._replies, [prompt for prompt, _ in live])
            except Exception as error:  # whatever it is, those who wait must learn of it
                replies = [error] * len(live)
            for (_, future), reply in zip(live, replies, strict=True):
                if future.done():
                    continue
                if isinstance(reply, Reply):
                    future.set_result(reply)
                else:
                    future.set_exception(reply)

    def _replies(self, prompts: Sequence[Prompt]) -> list[Reply | Exception]:
        """In a thread. The error of one prompt stands in the place of its reply."""
        model = self._model = self._model or self._loaded()
        limit = self.config.max_new_tokens * prompts[0].max_tokens_factor
        rows = [model.encode(prompt.messages) for prompt in prompts]
        found: list[Reply | Exception | None] = [self._too_long(model, row, limit) for row in rows]
        fits = [n for n, problem in enumerate(found) if problem is None]
        for at, reply in zip(fits, self._answered([rows[n] for n in fits], limit), strict=True):
            found[at] = reply
        return [reply for reply in found if reply is not None]

    def _loaded(self) -> LocalModel:
        from dstill_teachers.local_model import LocalModel

        try:
            return LocalModel(
                self.config.model,
                temperature=self.config.temperature,
                seed=self.config.seed,
                stop=self.task.reply_text("", "\0").partition("\0")[2].strip(),  # what stands behind an answer
            )
        except DataError as error:
            raise Unusable(error.what, where=error.where, hint=error.hint) from error

    def _too_long(self, model: LocalModel, row: Sequence[int], limit: int) -> Exception | None:
        if model.places is None or len(row) + limit <= model.places:
            return None
        return TooLong(
            f"the prompt has {len(row):,} tokens and the reply may have {limit:,}; the model takes {model.places:,}",
            where="teacher.local.max_new_tokens",
            hint="fewer examples (generate.shots), shorter replies, or another model",
        )

    def _answered(self, rows: Sequence[Sequence[int]], limit: int) -> list[Reply | Exception]:
        """Replies to rows that fit; where memory does not do for all of them together, in halves."""
        import torch

        if not rows:
            return []
        assert self._model is not None
        started = time.perf_counter()
        try:
            answers = self._model.answer(rows, limit)
        except torch.OutOfMemoryError:
            if len(rows) == 1:
                hint = "a smaller model, or shorter replies (teacher.local.max_new_tokens)"
                return [NoMemory("there is not enough memory for one prompt", where=self.label, hint=hint)]
            self._size = max(1, min(self._size, len(rows) // 2))
            half = len(rows) // 2
            return [*self._answered(rows[:half], limit), *self._answered(rows[half:], limit)]
        seconds = round((time.perf_counter() - started) / len(rows), 3)
        return [
            Reply(
                id="",  # `teacher.client` gives it that of its question
                text=answer.text,
                model=Path(self.config.model).name,
                finish_reason="stop" if answer.ended else "length",
                usage=Usage(prompt_tokens=len(row), completion_tokens=answer.tokens),
                seconds=seconds,
            )
            for row, answer in zip(rows, answers, strict=True)
        ]


def _digest(base: str) -> str:
    """What tells this model from others: a digest of its weights, or the id with the revision that is there."""
    from dstill_finetune import model_loading

    folder = Path(base).expanduser()
    try:
        config = model_loading.config_of(base)
        if folder.is_dir():
            model_loading.check(folder)
        if weights := model_loading.fingerprint(base):
            words = [sha256(folder / name) for name in _WORDS if (folder / name).is_file()]
            return " ".join([weights, *words])
    except UsageError as error:
        if isinstance(error, MissingExtra):
            raise
        hint = "give a folder of safetensors, a GGUF file or a hub id"
        raise ConfigError(error.what, where="teacher.local.model", hint=hint) from error
    return f"{base}@{getattr(config, '_commit_hash', None) or 'main'}"
