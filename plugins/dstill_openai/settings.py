"""The settings of the teacher ``openai``, and what each request has because of them: key, headers, query.

    key, key_from = key_of(config)      # (Secret, "env OPENAI_API_KEY")
    extras = extras_of(config)          # Extras(headers=…, secret_headers=…, query=…, key_header="api-key")

Both raise ConfigError if a variable or a file is missing. Values of keys and secret headers are never settings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dstill.api.setting import setting
from dstill.errors import ConfigError
from dstill.io.secrets import Secret
from dstill_openai.connection import Extras

__all__ = ["OTHER_NAME", "OpenAIConfig", "extras_of", "key_of"]

# The two names of the limit of the reply's length.
OTHER_NAME = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
# Parameters with a setting of their own, and those that dstill relies on: not for `extra_body`.
SETTABLE = {*OTHER_NAME, "model", "messages", "temperature", "reasoning_effort", "response_format", "stream", "n"}
# Azure's address before its v1 API: …/openai/deployments/NAME?api-version=DATE, with the key in a header of its own
DEPLOYMENTS = "/openai/deployments/"
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.1
_SECRET_HEADER = re.compile(r"(^|[-_])(authorization|key|token|secret|password|cookie)$", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class OpenAIConfig:
    """The teacher `openai`: any endpoint with the chat completions API."""

    base_url: str = setting("https://api.openai.com/v1", "Address of the API.", trust="address")
    model: str = setting("", "Name of the model at that address.")
    api_key_env: str = setting(
        "OPENAI_API_KEY", "Environment variable that holds the API key. Empty: no key is sent.", trust="variable"
    )
    api_key_file: str = setting("", "File that holds the API key. Only you may be able to read it.", trust="key file")
    key_header: str = setting(
        "", "Header of the API key. Empty: `Authorization`, or `api-key` for a deployment on Azure."
    )
    extra_headers: Mapping[str, str] = setting(dict, 'More headers of each request: `{"x-team" = "search"}`.')
    secret_headers: Mapping[str, str] = setting(
        dict,
        'More headers, whose values are in environment variables: `{"x-gateway-key" = "VARIABLE"}`.',
        trust="variable",
    )
    extra_query: Mapping[str, str] = setting(dict, 'Query of each request: `{"api-version" = "2024-10-21"}`.')
    temperature: float = setting(
        0.0,
        "Sampling temperature. Below 0: not sent, so the endpoint uses its default. Not sent either after "
        "the endpoint has refused it.",
        low=-1,
        high=2,
    )
    reasoning_effort: str = setting(
        "", "How long a reasoning model thinks: `minimal`, `low`, `high` … Empty: the model's default."
    )
    max_tokens: int = setting(2048, "Longest reply, in tokens, with its reasoning.", low=1, high=1 << 20)
    max_tokens_name: Literal["auto", "max_tokens", "max_completion_tokens"] = setting(
        "auto",
        "Name of the request parameter that limits the reply's length. auto: `max_completion_tokens` at "
        "api.openai.com, else `max_tokens`. If the endpoint refuses one, the other is sent.",
    )
    extra_body: Mapping[str, Any] = setting(dict, "More parameters of each request: `{top_p = 0.9, seed = 7}`.")
    prices: Mapping[str, tuple[float, float]] = setting(
        dict,
        'US dollars per million prompt and reply tokens, by model: `{"gpt-4.1-mini" = [0.4, 1.6]}`. '
        "For other models, the list price of the provider at `base_url`.",
    )
    price_of: str = setting(
        "",
        "Use the list price of this PROVIDER:MODEL, for example `openai:gpt-5-mini`, if address and model "
        "do not tell it.",
    )
    timeout: float = setting(120.0, "Timeout of a request, in seconds.", low=0.1, high=3600)
    max_retries: int = setting(6, "Maximum number of retries of a failed request.", low=0, high=100)
    max_wait: float = setting(600.0, "Longest `Retry-After` that dstill waits for, in seconds.", low=0, high=86400)
    batch_poll: float = setting(30.0, "Seconds between two checks of a batch's state.", low=0.01, high=86400)

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


def key_of(config: OpenAIConfig) -> tuple[Secret | None, str]:
    """The key, and its source for messages."""
    needed_by = "the teacher 'openai'"
    if config.api_key_file:
        return Secret.from_file(Path(config.api_key_file), needed_by), f"file {config.api_key_file}"
    if config.api_key_env:
        return Secret.from_environment(config.api_key_env, needed_by), f"env {config.api_key_env}"
    return None, ""


def extras_of(config: OpenAIConfig) -> Extras:
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
