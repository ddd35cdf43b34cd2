"""The teacher ``openai``: one request a prompt, tried again by dstill's own rules.

In: a prompt. Out: a `Reply`; one that was cut (``finish_reason="length"``) too, which nobody may take
for a whole one. Or an error: ServiceError when it was tried often enough, DataError when this
prompt will never do, AuthError or ConfigError when no prompt will.

The SDK's own retries are off: it gives up at once on a long Retry-After, tries again when a quota
is used up, and passes HTML and broken JSON on as they are.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Mapping, Self
from urllib.parse import urlsplit

from dstill.errors import ConfigError, MissingExtra
from dstill.parts import Teacher
from dstill.records import Prompt, Reply
from dstill.secrets import Secret
from dstill.task import Task
from dstill.urls import checked_url
from dstill_openai.faults import Endpoint, RateLimited, Transient, fault_of, read_body, too_slow
from dstill_openai.pace import Pace
from dstill_openai.waiting import Gate, backoff

if TYPE_CHECKING:
    from tenacity import RetryCallState

__all__ = ["OpenAIConfig", "OpenAITeacher"]


@dataclass(frozen=True, kw_only=True)
class OpenAIConfig:
    base_url: str = field(default="https://api.openai.com/v1", metadata={"help": "address of the API"})
    model: str = field(default="", metadata={"help": "the model's name at that address"})
    api_key_env: str = field(
        default="OPENAI_API_KEY", metadata={"help": "environment variable that holds the key; empty: no key"}
    )
    temperature: float = field(default=0.0, metadata={"low": -1, "high": 2, "help": "below 0: not sent"})
    max_tokens: int = field(default=2048, metadata={"low": 1, "high": 1 << 20, "help": "of one reply"})
    max_tokens_name: Literal["max_tokens", "max_completion_tokens"] = field(
        default="max_tokens", metadata={"help": "how the endpoint calls it"}
    )
    timeout: float = field(default=120.0, metadata={"low": 0.1, "high": 3600, "help": "seconds a request"})
    max_retries: int = field(default=6, metadata={"low": 0, "high": 100, "help": "further tries of one request"})
    max_wait: float = field(
        default=600.0, metadata={"low": 0, "high": 86400, "help": "longest Retry-After that is waited for, in seconds"}
    )


class OpenAITeacher(Teacher):
    name = "openai"
    paid: ClassVar[bool] = True
    Config = OpenAIConfig

    def open(self, task: Task) -> Self:
        try:
            import openai  # noqa: F401
            import tenacity  # noqa: F401
        except ImportError as error:
            raise MissingExtra("the teacher 'openai'", "openai", error.name or "") from error
        config: OpenAIConfig = self.config
        if not config.model:
            raise ConfigError("no model is named", where="teacher.openai.model", hint="--set teacher.openai.model=NAME")
        name = config.api_key_env
        self._url = checked_url(config.base_url, where="teacher.openai.base_url", key=bool(name))
        self._key = Secret.from_environment(name, "the teacher 'openai'") if name else None
        host = urlsplit(self._url).netloc
        self._at = Endpoint(host=host, model=config.model, key_from=name, timeout=config.timeout)
        self._gate, self._pace = Gate(host), Pace(host)
        return super().open(task)

    async def __aenter__(self) -> Self:
        import openai

        self._client = openai.AsyncOpenAI(
            base_url=self._url,
            api_key=self._key.reveal() if self._key else "none",  # never the SDK's own choice from the environment
            timeout=self._at.timeout,
            max_retries=0,
            # A redirect would turn the question into a GET of somebody's login page.
            http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False),
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.close()

    def identity(self, prompt: Prompt) -> Mapping[str, Any]:
        return {"teacher": self.name, "endpoint": self._url, **self._parameters()}

    async def ask(self, prompt: Prompt) -> Reply:
        import tenacity

        # One object a request: it keeps the state of the request's tries.
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception(self._worth_another_try),
            stop=tenacity.stop_after_attempt(self.config.max_retries + 1),
            wait=_wait,
            reraise=True,
        )
        reply: Reply = await retrying(self._in_turn, prompt)
        return reply

    async def _in_turn(self, prompt: Prompt) -> Reply:
        """One request, when there is room for it in flight and no pause."""
        ticket, answered = await self._pace.enter(), False
        try:
            await self._gate.passed()
            reply = await self._once(prompt)
            answered = True
            return reply
        except RateLimited:
            self._pace.cut(ticket)
            raise
        finally:
            self._pace.leave(grow=answered)

    async def _once(self, prompt: Prompt) -> Reply:
        import asyncio  # here, as plugins load at every start of the command line

        import openai

        started = time.monotonic()
        try:
            async with asyncio.timeout(self._at.timeout):  # the SDK's own starts again with every byte
                response = await self._client.chat.completions.with_raw_response.create(
                    messages=[{"role": m.role, "content": m.content} for m in prompt.messages],  # type: ignore[misc]
                    **self._parameters(),
                )
        except TimeoutError as error:
            raise too_slow(self._at) from error
        except openai.OpenAIError as error:
            raise fault_of(error, self._at) from error
        kind = response.headers.get("content-type", "")
        reply = read_body(response.http_response.content, kind, prompt.example.id, self._at)
        return replace(reply, seconds=round(time.monotonic() - started, 3))

    def _parameters(self) -> dict[str, Any]:
        config: OpenAIConfig = self.config
        sent: dict[str, Any] = {"model": config.model, config.max_tokens_name: config.max_tokens}
        return sent if config.temperature < 0 else {**sent, "temperature": config.temperature}

    def _worth_another_try(self, error: BaseException) -> bool:
        """Also shuts the gate for everybody where the endpoint asked for a pause."""
        if not isinstance(error, Transient):
            return False
        if error.after is not None:
            if error.after > self.config.max_wait:
                error.hint = f"it asks for a pause of {error.after:.0f} s; teacher.openai.max_wait is the longest taken"
                return False
            self._gate.shut(error.after)
        return True


def _wait(state: RetryCallState) -> float:
    """Seconds until the next try; the gate holds it longer where the endpoint said so."""
    error = state.outcome.exception() if state.outcome else None
    told = isinstance(error, Transient) and error.after is not None
    return 0.0 if told else backoff(state.attempt_number)
