"""The teacher ``litellm``: one request per prompt, with the errors and retries of the teacher `openai`.

LiteLLM translates requests and replies to the form of OpenAI's API, and raises that SDK's exceptions. A parameter that
LiteLLM knows a model to refuse is left out. Keys, addresses, regions and projects come from the environment variables
that LiteLLM documents for each provider, never from settings: so a stranger's project cannot send a key elsewhere.
Not covered: batches, and structured outputs (each provider has its own rules for schemas).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from dstill.api.records import Price, Prompt, Reply
from dstill.api.setting import setting
from dstill.api.task import Task
from dstill.api.teacher import Teacher
from dstill.errors import ConfigError
from dstill.io.secrets import Secret
from dstill_litellm.declarations import TEACHER
from dstill_litellm.library import library
from dstill_openai.errors import Endpoint, from_sdk_error, timed_out
from dstill_openai.responses import read_completion
from dstill_openai.retries import Retries

__all__ = ["LiteLLMConfig", "LiteLLMTeacher"]

SECTION = "teacher.litellm"
EXTRA_KEYS = (
    "top_p",
    "top_k",
    "seed",
    "stop",
    "frequency_penalty",
    "presence_penalty",
    "thinking",
    "verbosity",
    "service_tier",
)
_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$|_(KEY|TOKEN|SECRET)_")


@dataclass(frozen=True, kw_only=True)
class LiteLLMConfig:
    """The teacher `litellm`: models of providers that LiteLLM knows."""

    model: str = setting("", "PROVIDER/MODEL as LiteLLM names it, for example `anthropic/claude-sonnet-4-5`.")
    temperature: float = setting(0.0, "Sampling temperature. Below 0: not sent.", low=-1, high=2)
    reasoning_effort: str = setting(
        "", "How long a reasoning model thinks: `minimal`, `low`, `high` … Empty: the model's default."
    )
    max_tokens: int = setting(2048, "Longest reply, in tokens, with its reasoning.", low=1, high=1 << 20)
    extra: Mapping[str, Any] = setting(
        dict, f"More parameters of each request: {', '.join(f'`{name}`' for name in EXTRA_KEYS)}."
    )
    prices: Mapping[str, tuple[float, float]] = setting(
        dict, "US dollars per million prompt and reply tokens, by model. For other models, LiteLLM's own list."
    )
    timeout: float = setting(120.0, "Timeout of a request, in seconds.", low=0.1, high=3600)
    max_retries: int = setting(6, "Maximum number of retries of a failed request.", low=0, high=100)
    max_wait: float = setting(600.0, "Longest `Retry-After` that dstill waits for, in seconds.", low=0, high=86400)


class LiteLLMTeacher(Teacher, declared=TEACHER):
    """A model behind any API that LiteLLM speaks."""

    paid: ClassVar[bool] = True
    Config = LiteLLMConfig
    non_identity_settings = frozenset({"prices", "timeout", "max_retries", "max_wait"})
    price_hint: ClassVar[str] = 'set teacher.litellm.prices, for example to {"PROVIDER/MODEL" = [0.4, 1.6]}'

    @property
    def label(self) -> str:
        return f"model '{self.config.model}'"

    def open(self, task: Task) -> Self:
        config: LiteLLMConfig = self.config
        provider, slash, model = config.model.partition("/")
        if not slash or not model or "://" in config.model:  # some providers take an address for a model
            raise ConfigError(
                f"'{config.model}' is not PROVIDER/MODEL" if config.model else "no model is set",
                where=f"{SECTION}.model",
                hint=f"write it as PROVIDER/MODEL: --set {SECTION}.model=anthropic/claude-sonnet-4-5",
            )
        if others := sorted(config.extra.keys() - set(EXTRA_KEYS)):
            raise ConfigError(
                f"'{others[0]}' cannot be an extra parameter",
                where=f"{SECTION}.extra",
                hint=f"known: {', '.join(EXTRA_KEYS)}",
            )
        for name, value in os.environ.items():
            if _SECRET_NAME.search(name):
                Secret(value)  # known from now on, so that no message shows it
        self._litellm = library()
        self._at = Endpoint(
            host=provider,
            model=config.model,
            key_from=f"the variables that LiteLLM reads for {provider}",
            timeout=config.timeout,
            section=SECTION,
            key_setting="the environment",
        )
        self._retries = Retries(self._at, max_retries=config.max_retries, max_wait=config.max_wait)
        self.reply_tokens = config.max_tokens
        self.price = self._price()
        return super().open(task)

    def _price(self) -> Price | None:
        config: LiteLLMConfig = self.config
        if config.model in config.prices:
            prompt, completion = config.prices[config.model]
            return Price(prompt=prompt, completion=completion)
        provider, _, model = config.model.partition("/")
        for name in (config.model, model):
            listed = self._litellm.model_cost.get(name, {})
            prompt, completion = listed.get("input_cost_per_token"), listed.get("output_cost_per_token")
            same = str(listed.get("litellm_provider")).startswith(provider)
            if same and isinstance(prompt, (int, float)) and isinstance(completion, (int, float)):
                return Price(prompt=round(prompt * 1e6, 6), completion=round(completion * 1e6, 6))
        return None

    def identity(self, prompt: Prompt) -> Mapping[str, Any]:
        return {"teacher": self.name, **self._parameters(prompt)}

    async def ask(self, prompt: Prompt) -> Reply:
        return await self._retries.retry(self._send, prompt)

    async def _send(self, prompt: Prompt) -> Reply:
        import asyncio  # imported late: plugins load at every start of the command line

        import openai

        await self._retries.wait()
        started = time.monotonic()
        messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
        try:
            async with asyncio.timeout(self.config.timeout):
                response = await self._litellm.acompletion(
                    messages=messages,
                    timeout=self.config.timeout,
                    num_retries=0,  # dstill repeats what a short wait can fix
                    max_retries=0,
                    **self._parameters(prompt),
                )
        except TimeoutError as error:
            raise timed_out(self._at) from error
        except openai.OpenAIError as error:
            raise from_sdk_error(error, self._at) from error
        reply = read_completion(response.model_dump(), prompt.example.id, self._at)
        return replace(reply, seconds=round(time.monotonic() - started, 3))

    def _parameters(self, prompt: Prompt) -> dict[str, Any]:
        config: LiteLLMConfig = self.config
        sent: dict[str, Any] = {"model": config.model, "max_tokens": config.max_tokens * prompt.max_tokens_factor}
        if config.temperature >= 0:
            sent["temperature"] = config.temperature
        if config.reasoning_effort:
            sent["reasoning_effort"] = config.reasoning_effort
        return {**sent, **config.extra}
