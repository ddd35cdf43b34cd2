"""The teacher ``openai``: one request a prompt, tried again by dstill's own rules.

In: a prompt. Out: a `Reply`; one that was cut (``finish_reason="length"``) too, which nobody may take
for a whole one. Or an error: ServiceError when it was tried often enough, DataError when this
prompt will never do, AuthError or ConfigError when no prompt will.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, AsyncIterator, ClassVar, Literal, Mapping, Self, Sequence
from urllib.parse import urlsplit

from dstill.api.records import Message, Price, Prompt, Reply
from dstill.api.task import Task
from dstill.api.teacher import BatchState, BatchTeacher
from dstill.errors import ConfigError, DstillError, needs
from dstill.io.secrets import Secret
from dstill.io.urls import checked_url
from dstill_openai import structured
from dstill_openai.batch import BatchApi, line
from dstill_openai.concurrency import Pace
from dstill_openai.connection import Connection
from dstill_openai.errors import Endpoint, FormRefused, RateLimited
from dstill_openai.responses import read_body

__all__ = ["OpenAIConfig", "OpenAITeacher"]

_log = logging.getLogger("dstill")


@dataclass(frozen=True, kw_only=True)
class OpenAIConfig:
    """The teacher `openai`: any endpoint that speaks the chat-completions protocol."""

    base_url: str = field(
        default="https://api.openai.com/v1", metadata={"help": "Address of the API.", "trust": "address"}
    )
    model: str = field(default="", metadata={"help": "Name of the model at that address."})
    api_key_env: str = field(
        default="OPENAI_API_KEY",
        metadata={"help": "Environment variable that holds the API key. Empty: no key is sent.", "trust": "variable"},
    )
    api_key_file: str = field(
        default="",
        metadata={"help": "File that holds the API key. Only you may be able to read it.", "trust": "key file"},
    )
    temperature: float = field(
        default=0.0,
        metadata={
            "low": -1,
            "high": 2,
            "help": "Sampling temperature. Below 0: not sent, so that the endpoint's default holds.",
        },
    )
    max_tokens: int = field(default=2048, metadata={"low": 1, "high": 1 << 20, "help": "Longest reply, in tokens."})
    max_tokens_name: Literal["max_tokens", "max_completion_tokens"] = field(
        default="max_tokens",
        metadata={"help": "Name of the request field that limits the reply's length. Endpoints differ in it."},
    )
    prices: Mapping[str, tuple[float, float]] = field(
        default_factory=dict,
        metadata={
            "help": 'US dollars for a million tokens of prompt and of reply, by model: `{"gpt-4.1-mini" = [0.4, 1.6]}`.'
        },
    )
    timeout: float = field(
        default=120.0, metadata={"low": 0.1, "high": 3600, "help": "Timeout of a request, in seconds."}
    )
    max_retries: int = field(
        default=6, metadata={"low": 0, "high": 100, "help": "How often a failed request is tried again."}
    )
    max_wait: float = field(
        default=600.0,
        metadata={"low": 0, "high": 86400, "help": "Longest `Retry-After` that dstill waits for, in seconds."},
    )
    batch_poll: float = field(
        default=30.0,
        metadata={"low": 0.01, "high": 86400, "help": "Seconds between two looks at the state of a batch."},
    )


class OpenAITeacher(BatchTeacher):
    name = "openai"
    paid: ClassVar[bool] = True
    Config = OpenAIConfig
    non_identity_settings = frozenset(
        {"api_key_env", "api_key_file", "prices", "timeout", "max_retries", "max_wait", "batch_poll"}
    )
    price_hint: ClassVar[str] = 'set teacher.openai.prices, as {"NAME" = [0.4, 1.6]}, or max_tokens instead'

    @property
    def label(self) -> str:
        return f"model '{self.config.model}'"

    def open(self, task: Task) -> Self:
        with needs("the teacher 'openai'", "openai"):
            import openai  # noqa: F401
            import tenacity  # noqa: F401
        config: OpenAIConfig = self.config
        if not config.model:
            raise ConfigError("no model is named", where="teacher.openai.model", hint="--set teacher.openai.model=NAME")
        key, key_from = _key(config)
        url = checked_url(config.base_url, where="teacher.openai.base_url", key=key is not None)
        at = Endpoint(host=urlsplit(url).netloc, model=config.model, key_from=key_from, timeout=config.timeout)
        self._connection = Connection(url, key, at, max_retries=config.max_retries, max_wait=config.max_wait)
        self._pace, self._batches = Pace(at.host), BatchApi(self._connection)
        self.batch_poll = config.batch_poll
        self._form = self.json_mode != "off"  # whether a schema is sent; `auto` gives up where it is refused
        self.reply_tokens = config.max_tokens
        if config.model in config.prices:
            prompt, completion = config.prices[config.model]
            self.price = Price(prompt=prompt, completion=completion)
        return super().open(task)

    async def __aenter__(self) -> Self:
        await self._connection.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._connection.__aexit__()

    def identity(self, prompt: Prompt) -> Mapping[str, Any]:
        """Of structured outputs the mode: what `auto` came to is the endpoint's doing, and no reason to buy again."""
        sent = {"teacher": self.name, "endpoint": self._connection.url, **self._parameters(prompt)}
        return sent if self.json_mode == "off" else {**sent, "json": [self.json_mode, structured.VERSION]}

    async def ask(self, prompt: Prompt) -> Reply:
        try:
            return await self._connection.tried(self._in_turn, prompt)
        except FormRefused as refused:
            if self.json_mode != "auto":
                raise
            self._take_no_form(refused)
            return await self._connection.tried(self._in_turn, prompt)

    async def _in_turn(self, prompt: Prompt) -> Reply:
        """One request, when there is room for it in flight."""
        ticket, answered = await self._pace.enter(), False
        try:
            reply = await self._once(prompt)
            answered = True
            return reply
        except RateLimited:
            self._pace.cut(ticket)
            raise
        finally:
            self._pace.leave(grow=answered)

    async def _once(self, prompt: Prompt) -> Reply:
        connection = self._connection
        create = connection.client.chat.completions.with_raw_response.create
        # What is in extra_body the SDK sends as it is; it would take half a millisecond to look through a schema.
        schema = structured.PARAMETERS if self._form else None
        words = self._request(prompt, form=self._form)
        # the SDK's own time-out would start again with every byte
        body = await connection.sent(create, within=connection.at.timeout, extra_body=schema, **words)
        reply = read_body(body.content, body.kind, prompt.example.id, connection.at)
        return replace(reply, seconds=body.seconds)

    def _take_no_form(self, refused: FormRefused) -> None:
        if self._form:
            self._form = False
            _log.warning("%s; asked without structured outputs from now on", refused.what)

    # --- batches ------------------------------------------------------------------------

    def batch_line(self, key: str, prompt: Prompt) -> bytes:
        """In `auto` without a schema: a batch cannot be asked again when it is refused."""
        form = self.json_mode == "schema"
        return line(key, {**self._request(prompt, form=form), **(structured.PARAMETERS if form else {})})

    async def submit_batch(self, digest: str, lines: Sequence[bytes]) -> str:
        return await self._batches.submit(digest, lines)

    async def find_batch(self, digest: str) -> str:
        return await self._batches.find(digest)

    async def batch_state(self, id: str) -> BatchState:
        return await self._batches.look(id)

    def batch_answers(self, id: str) -> AsyncIterator[tuple[str, Reply | DstillError]]:
        return self._batches.answers(id)

    # --- what is sent -------------------------------------------------------------------

    def as_sent(self, prompt: Prompt) -> Prompt:
        """With the schema, which is sent beside the messages, as a last one."""
        if not self._form:
            return prompt
        schema = Message(role="system", content=json.dumps(structured.PARAMETERS))
        return replace(prompt, messages=(*structured.messages(prompt.messages, self.task), schema))

    def _request(self, prompt: Prompt, *, form: bool) -> dict[str, Any]:
        """What is sent, but for the schema."""
        messages = structured.messages(prompt.messages, self.task) if form else prompt.messages
        return {"messages": [{"role": m.role, "content": m.content} for m in messages], **self._parameters(prompt)}

    def _parameters(self, prompt: Prompt) -> dict[str, Any]:
        config: OpenAIConfig = self.config
        sent: dict[str, Any] = {
            "model": config.model,
            config.max_tokens_name: config.max_tokens * prompt.max_tokens_factor,
        }
        return sent if config.temperature < 0 else {**sent, "temperature": config.temperature}


def _key(config: OpenAIConfig) -> tuple[Secret | None, str]:
    """The key, and where it is from, for messages."""
    needed_by = "the teacher 'openai'"
    if config.api_key_file:
        return Secret.from_file(Path(config.api_key_file), needed_by), f"file {config.api_key_file}"
    if config.api_key_env:
        return Secret.from_environment(config.api_key_env, needed_by), f"env {config.api_key_env}"
    return None, ""
