"""The teacher ``openai``: one request per prompt, with dstill's own retries.

A parameter that the endpoint refuses is renamed or left out, and the request is sent again (`parameters`).

`OpenAITeacher.ask` returns a `Reply`, which may be truncated (``finish_reason="length"``). It raises ServiceError after
the last retry, DataError if this prompt cannot succeed, and AuthError or ConfigError if no prompt can.
"""

from __future__ import annotations

import json
import logging
import re
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
from dstill_openai.connection import Connection, Extras
from dstill_openai.errors import Endpoint, ParameterRefused, RateLimited, SchemaUnsupported
from dstill_openai.parameters import SETTABLE, Parameters
from dstill_openai.prices import listed_price
from dstill_openai.responses import read_body

__all__ = ["OpenAIConfig", "OpenAITeacher"]

# Azure's address before its v1 API: …/openai/deployments/NAME?api-version=DATE, with the key in a header of its own
DEPLOYMENTS = "/openai/deployments/"
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.1
_SECRET_HEADER = re.compile(r"(^|[-_])(authorization|key|token|secret|password|cookie)$", re.IGNORECASE)

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
    key_header: str = field(
        default="",
        metadata={"help": "Header of the API key. Empty: `Authorization`, or `api-key` for a deployment on Azure."},
    )
    extra_headers: Mapping[str, str] = field(
        default_factory=dict, metadata={"help": 'More headers of each request: `{"x-team" = "search"}`.'}
    )
    secret_headers: Mapping[str, str] = field(
        default_factory=dict,
        metadata={
            "help": 'More headers, whose values are in environment variables: `{"x-gateway-key" = "VARIABLE"}`.',
            "trust": "variable",
        },
    )
    extra_query: Mapping[str, str] = field(
        default_factory=dict, metadata={"help": 'Query of each request: `{"api-version" = "2024-10-21"}`.'}
    )
    temperature: float = field(
        default=0.0,
        metadata={
            "low": -1,
            "high": 2,
            "help": "Sampling temperature. Below 0: not sent, so the endpoint uses its default. Not sent either after "
            "the endpoint has refused it.",
        },
    )
    reasoning_effort: str = field(
        default="",
        metadata={"help": "How long a reasoning model thinks: `minimal`, `low`, `high` … Empty: the model's default."},
    )
    max_tokens: int = field(
        default=2048, metadata={"low": 1, "high": 1 << 20, "help": "Longest reply, in tokens, with its reasoning."}
    )
    max_tokens_name: Literal["auto", "max_tokens", "max_completion_tokens"] = field(
        default="auto",
        metadata={
            "help": "Name of the request parameter that limits the reply's length. auto: `max_completion_tokens` at "
            "api.openai.com, else `max_tokens`. If the endpoint refuses one, the other is sent."
        },
    )
    extra_body: Mapping[str, Any] = field(
        default_factory=dict,
        metadata={"help": "More parameters of each request: `{top_p = 0.9, seed = 7}`."},
    )
    prices: Mapping[str, tuple[float, float]] = field(
        default_factory=dict,
        metadata={
            "help": 'US dollars per million prompt and reply tokens, by model: `{"gpt-4.1-mini" = [0.4, 1.6]}`. '
            "For other models, the list price of the provider at `base_url`."
        },
    )
    price_of: str = field(
        default="",
        metadata={
            "help": "Use the list price of this PROVIDER:MODEL, for example `openai:gpt-5-mini`, if address and model "
            "do not tell it."
        },
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

    def __post_init__(self) -> None:
        """Refuse parameters and headers that have settings of their own. Raises ConfigError."""
        if taken := sorted(SETTABLE & self.extra_body.keys()):
            raise ConfigError(
                f"'{taken[0]}' cannot be an extra parameter: dstill sets it itself",
                where="teacher.openai.extra_body",
                hint="teacher.openai has a setting for each that you can choose: `dstill config show --defaults`",
            )
        for name, value in self.extra_headers.items():
            if _SECRET_HEADER.search(name):
                raise ConfigError(
                    f"the header '{name}' holds a secret, which does not belong in a setting (its value is not shown)",
                    where="teacher.openai.extra_headers",
                    hint=f'name an environment variable: teacher.openai.secret_headers = {{"{name}" = "VARIABLE"}}',
                )
            if not value.isascii() or not value.isprintable():
                raise ConfigError(f"the value of header '{name}' is not ASCII", where="teacher.openai.extra_headers")
        for key in ("extra_headers", "secret_headers"):
            for name in getattr(self, key):
                if not _HEADER.fullmatch(name):
                    raise ConfigError(f"{name!r} is not the name of a header", where=f"teacher.openai.{key}")


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
        key, key_from = _key(config)
        extras = _extras(config)
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
            sent = self._parameters.sent(prompt)
            try:
                return await self._connection.retry(self._ask_within_limit, prompt)
            except SchemaUnsupported as error:
                if self.json_mode != "auto":
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
            _log.warning("%s; structured outputs are off from now on", error.what)

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


def _key(config: OpenAIConfig) -> tuple[Secret | None, str]:
    """The key, and its source for messages."""
    needed_by = "the teacher 'openai'"
    if config.api_key_file:
        return Secret.from_file(Path(config.api_key_file), needed_by), f"file {config.api_key_file}"
    if config.api_key_env:
        return Secret.from_environment(config.api_key_env, needed_by), f"env {config.api_key_env}"
    return None, ""


def _extras(config: OpenAIConfig) -> Extras:
    """The headers and the query of each request. Raises ConfigError."""
    needed_by = "the teacher 'openai'"
    is_deployment = DEPLOYMENTS in config.base_url
    if is_deployment and "api-version" not in config.extra_query:
        raise ConfigError(
            "Azure needs the version of its API for a deployment's address",
            where="teacher.openai.extra_query",
            hint='set it to {"api-version" = "2024-10-21"}, or use the address https://NAME.openai.azure.com/openai/v1',
        )
    return Extras(
        headers=config.extra_headers,
        secret_headers={
            name: Secret.from_environment(variable, needed_by) for name, variable in config.secret_headers.items()
        },
        query=config.extra_query,
        key_header=config.key_header or ("api-key" if is_deployment else ""),
    )
