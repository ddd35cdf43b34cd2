"""The teacher ``openai``: one request per prompt, with dstill's own retries.

A parameter that the endpoint refuses is renamed or left out, and the request is sent again (`parameters`).

`OpenAITeacher.ask` returns a `Reply`, which may be truncated (``finish_reason="length"``). It raises ServiceError after
the last retry, DataError if this prompt cannot succeed, and AuthError or ConfigError if no prompt can.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from dstill.api.records import Message, Price, Prompt, Reply
from dstill.api.task import Task
from dstill.api.teacher import BatchState, BatchTeacher
from dstill.errors import ConfigError, DstillError, needs
from dstill.io.logs import log
from dstill.io.urls import checked_url
from dstill_openai import structured
from dstill_openai.batch import BatchApi, request_line
from dstill_openai.concurrency import ConcurrencyLimit
from dstill_openai.connection import Connection
from dstill_openai.errors import Endpoint, ParameterRefused, RateLimited, SchemaUnsupported
from dstill_openai.parameters import Parameters
from dstill_openai.prices import listed_price
from dstill_openai.responses import read_body
from dstill_openai.settings import OpenAIConfig, extras_of, key_of

__all__ = ["OpenAIConfig", "OpenAITeacher"]


class OpenAITeacher(BatchTeacher):
    """A model behind an OpenAI-compatible API."""

    name = "openai"
    paid: ClassVar[bool] = True
    Config = OpenAIConfig
    non_identity_settings = frozenset(
        {
            *("api_key_env", "api_key_file", "key_header", "extra_headers", "secret_headers", "prices", "price_of"),
            *("timeout", "max_retries", "max_wait", "batch_poll"),
        }
    )
    price_hint: ClassVar[str] = (
        "set teacher.openai.price_of to a listed model, for example openai:gpt-5-mini, or teacher.openai.prices, for "
        'example to {"NAME" = [0.4, 1.6]}'
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
        key, key_from = key_of(config)
        extras = extras_of(config)
        has_secret = key is not None or bool(extras.secret_headers)
        url = checked_url(config.base_url, where="teacher.openai.base_url", key=has_secret)
        at = Endpoint(host=urlsplit(url).netloc, model=config.model, key_from=key_from, timeout=config.timeout)
        self._connection = Connection(
            url, key, at, max_retries=config.max_retries, max_wait=config.max_wait, extras=extras
        )
        self._parameters = Parameters(config, urlsplit(url).hostname or "")
        self._limit, self._batches = ConcurrencyLimit(at.host), BatchApi(self._connection)
        self.batch_poll = config.batch_poll
        self._send_schema = self.json_mode != "off"  # becomes False if `auto` finds it unsupported
        self.reply_tokens = config.max_tokens
        if config.model in config.prices:
            prompt, completion = config.prices[config.model]
            self.price = Price(prompt=prompt, completion=completion)
        else:
            self.price = listed_price(url, config.model, config.price_of)
        return super().open(task)

    async def __aenter__(self) -> Self:
        await self._connection.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._connection.__aexit__()

    def identity(self, prompt: Prompt) -> Mapping[str, Any]:
        """The request's cache key. It has the JSON mode, but not whether `auto` sent a schema.

        Nor does it have what the endpoint refused: see `Parameters`.
        """
        sent = {"teacher": self.name, "endpoint": self._connection.url, **self._parameters.configured(prompt)}
        if self.config.extra_query:
            sent["query"] = dict(self.config.extra_query)
        return sent if self.json_mode == "off" else {**sent, "json": [self.json_mode, structured.VERSION]}

    async def ask(self, prompt: Prompt) -> Reply:
        while True:  # each turn sends a parameter less, or under its only other name
            sent, with_schema = self._parameters.sent(prompt), self._send_schema
            try:
                return await self._connection.retry(self._ask_within_limit, prompt)
            except SchemaUnsupported as error:
                if self.json_mode != "auto" or not with_schema:
                    raise
                self._stop_sending_schema(error)
            except ParameterRefused as error:
                self._parameters.adapt(error, sent)

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
        request = self._request(prompt, with_schema=self._send_schema)
        required = {name: request.pop(name) for name in ("model", "messages")}
        # In extra_body the SDK takes any parameter, and does not process the schema, which would take 0.5 ms.
        body = await connection.send(create, timeout=connection.at.timeout, extra_body=request, **required)
        reply = read_body(body.content, body.content_type, prompt.example.id, connection.at)
        return replace(reply, seconds=body.seconds)

    def _stop_sending_schema(self, error: SchemaUnsupported) -> None:
        if self._send_schema:
            self._send_schema = False
            log.warning("%s; structured outputs are off from now on", error.what)

    # --- batches ------------------------------------------------------------------------

    def batch_line(self, key: str, prompt: Prompt) -> bytes:
        """A line of a batch file. Mode `auto` sends no schema here, since a batch cannot fall back to none."""
        return request_line(key, self._request(prompt, with_schema=self.json_mode == "schema"))

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
        messages = structured.messages(prompt.messages, self.task) if with_schema else prompt.messages
        return {
            "messages": [{"role": m.role, "content": m.content} for m in messages],
            **self._parameters.sent(prompt),
            **(structured.PARAMETERS if with_schema else {}),
        }
