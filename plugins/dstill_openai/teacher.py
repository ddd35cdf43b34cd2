"""The teacher ``openai``: one request per prompt, with dstill's own retries.

`OpenAITeacher.ask` returns a `Reply`, which may be truncated (``finish_reason="length"``). It raises ServiceError after
the last retry, DataError if this prompt cannot succeed, and AuthError or ConfigError if no prompt can.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from dstill.api.records import Message, Price, Prompt, Reply
from dstill.api.task import Task
from dstill.api.teacher import BatchState, BatchTeacher
from dstill.errors import ConfigError, DstillError, needs
from dstill.io.secrets import Secret
from dstill.io.urls import checked_url
from dstill_openai import structured
from dstill_openai.batch import BatchApi, request_line
from dstill_openai.concurrency import ConcurrencyLimit
from dstill_openai.connection import Connection
from dstill_openai.errors import Endpoint, RateLimited, SchemaUnsupported
from dstill_openai.responses import read_body

__all__ = ["OpenAIConfig", "OpenAITeacher"]

_log = logging.getLogger("dstill")


@dataclass(frozen=True, kw_only=True)
class OpenAIConfig:
    """The teacher `openai`: any endpoint with the chat completions API."""

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
            "help": "Sampling temperature. Below 0: not sent, so the endpoint uses its default.",
        },
    )
    max_tokens: int = field(default=2048, metadata={"low": 1, "high": 1 << 20, "help": "Longest reply, in tokens."})
    max_tokens_name: Literal["max_tokens", "max_completion_tokens"] = field(
        default="max_tokens",
        metadata={"help": "Name of the request parameter that limits the reply's length; endpoints differ."},
    )
    prices: Mapping[str, tuple[float, float]] = field(
        default_factory=dict,
        metadata={"help": 'US dollars per million prompt and reply tokens, by model: `{"gpt-4.1-mini" = [0.4, 1.6]}`.'},
    )
    timeout: float = field(
        default=120.0, metadata={"low": 0.1, "high": 3600, "help": "Timeout of a request, in seconds."}
    )
    max_retries: int = field(
        default=6, metadata={"low": 0, "high": 100, "help": "Maximum number of retries of a failed request."}
    )
    max_wait: float = field(
        default=600.0,
        metadata={"low": 0, "high": 86400, "help": "Longest `Retry-After` that dstill waits for, in seconds."},
    )
    batch_poll: float = field(
        default=30.0,
        metadata={"low": 0.01, "high": 86400, "help": "Seconds between two checks of a batch's state."},
    )


class OpenAITeacher(BatchTeacher):
    """A model behind an OpenAI-compatible API."""

    name = "openai"
    paid: ClassVar[bool] = True
    Config = OpenAIConfig
    non_identity_settings = frozenset(
        {"api_key_env", "api_key_file", "prices", "timeout", "max_retries", "max_wait", "batch_poll"}
    )
    price_hint: ClassVar[str] = (
        'set teacher.openai.prices, for example to {"NAME" = [0.4, 1.6]}, or use --max-total-tokens instead'
    )

    @property
    def label(self) -> str:
        return f"model '{self.config.model}'"

    def open(self, task: Task) -> Self:
        with needs("the teacher 'openai'", "openai"):
            import openai  # noqa: F401
            import tenacity  # noqa: F401
        config: OpenAIConfig = self.config
        if not config.model:
            raise ConfigError("no model is set", where="teacher.openai.model", hint="--set teacher.openai.model=NAME")
        key, key_from = _key(config)
        url = checked_url(config.base_url, where="teacher.openai.base_url", key=key is not None)
        at = Endpoint(host=urlsplit(url).netloc, model=config.model, key_from=key_from, timeout=config.timeout)
        self._connection = Connection(url, key, at, max_retries=config.max_retries, max_wait=config.max_wait)
        self._limit, self._batches = ConcurrencyLimit(at.host), BatchApi(self._connection)
        self.batch_poll = config.batch_poll
        self._send_schema = self.json_mode != "off"  # becomes False if `auto` finds it unsupported
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
        """The request's cache key. It has the JSON mode, but not whether `auto` sent a schema."""
        sent = {"teacher": self.name, "endpoint": self._connection.url, **self._parameters(prompt)}
        return sent if self.json_mode == "off" else {**sent, "json": [self.json_mode, structured.VERSION]}

    async def ask(self, prompt: Prompt) -> Reply:
        try:
            return await self._connection.retry(self._ask_within_limit, prompt)
        except SchemaUnsupported as error:
            if self.json_mode != "auto":
                raise
            self._stop_sending_schema(error)
            return await self._connection.retry(self._ask_within_limit, prompt)

    async def _ask_within_limit(self, prompt: Prompt) -> Reply:
        """Send one request once the concurrency limit allows it."""
        ticket, answered = await self._limit.acquire(), False
        try:
            reply = await self._send(prompt)
            answered = True
            return reply
        except RateLimited:
            self._limit.decrease(ticket)
            raise
        finally:
            self._limit.release(grow=answered)

    async def _send(self, prompt: Prompt) -> Reply:
        connection = self._connection
        create = connection.client.chat.completions.with_raw_response.create
        # In extra_body the SDK does not process the schema, which would take half a millisecond.
        schema = structured.PARAMETERS if self._send_schema else None
        request = self._request(prompt, with_schema=self._send_schema)
        body = await connection.send(create, timeout=connection.at.timeout, extra_body=schema, **request)
        reply = read_body(body.content, body.content_type, prompt.example.id, connection.at)
        return replace(reply, seconds=body.seconds)

    def _stop_sending_schema(self, error: SchemaUnsupported) -> None:
        if self._send_schema:
            self._send_schema = False
            _log.warning("%s; structured outputs are off from now on", error.what)

    # --- batches ------------------------------------------------------------------------

    def batch_line(self, key: str, prompt: Prompt) -> bytes:
        """A line of a batch file. Mode `auto` sends no schema here, since a batch cannot fall back to none."""
        with_schema = self.json_mode == "schema"
        request = self._request(prompt, with_schema=with_schema)
        return request_line(key, {**request, **(structured.PARAMETERS if with_schema else {})})

    async def submit_batch(self, digest: str, lines: Sequence[bytes]) -> str:
        return await self._batches.submit(digest, lines)

    async def find_batch(self, digest: str) -> str:
        return await self._batches.find(digest)

    async def batch_state(self, id: str) -> BatchState:
        return await self._batches.state(id)

    def batch_answers(self, id: str) -> AsyncIterator[tuple[str, Reply | DstillError]]:
        return self._batches.answers(id)

    # --- requests -----------------------------------------------------------------------

    def as_sent(self, prompt: Prompt) -> Prompt:
        """The prompt as sent, with the schema as the last message, for counting tokens."""
        if not self._send_schema:
            return prompt
        schema = Message(role="system", content=json.dumps(structured.PARAMETERS))
        return replace(prompt, messages=(*structured.messages(prompt.messages, self.task), schema))

    def _request(self, prompt: Prompt, *, with_schema: bool) -> dict[str, Any]:
        """The request without the schema itself."""
        messages = structured.messages(prompt.messages, self.task) if with_schema else prompt.messages
        return {"messages": [{"role": m.role, "content": m.content} for m in messages], **self._parameters(prompt)}

    def _parameters(self, prompt: Prompt) -> dict[str, Any]:
        config: OpenAIConfig = self.config
        sent: dict[str, Any] = {
            "model": config.model,
            config.max_tokens_name: config.max_tokens * prompt.max_tokens_factor,
        }
        return sent if config.temperature < 0 else {**sent, "temperature": config.temperature}


def _key(config: OpenAIConfig) -> tuple[Secret | None, str]:
    """The key, and its source for messages."""
    needed_by = "the teacher 'openai'"
    if config.api_key_file:
        return Secret.from_file(Path(config.api_key_file), needed_by), f"file {config.api_key_file}"
    if config.api_key_env:
        return Secret.from_environment(config.api_key_env, needed_by), f"env {config.api_key_env}"
    return None, ""
