"""The parameters of a request besides its messages, adapted to what the endpoint takes.

    parameters = Parameters(config, "api.openai.com")
    parameters.sent(prompt)          # {"model": "gpt-5-mini", "max_completion_tokens": 2048, "temperature": 0.0}
    parameters.adapt(error, sent)    # after "Unsupported value: 'temperature' does not support 0 with this model …"
    parameters.sent(prompt)          # {"model": "gpt-5-mini", "max_completion_tokens": 2048}

The limit of the reply's length gets its other name; any other parameter is left out from then on. Each change is logged
once. The configured parameters, and not the adapted ones, are part of a reply's key in the reply store: a rerun finds
replies that were bought before or after a change.
Not covered: a value that the endpoint does not take, except for the temperature. The user has to choose another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from dstill.api.records import Prompt
from dstill.errors import ConfigError
from dstill.io.logs import log
from dstill_openai.errors import ParameterRefused
from dstill_openai.settings import OTHER_NAME, OpenAIConfig

__all__ = ["Parameters"]

OPENAI = "api.openai.com"


class Parameters:
    """The parameters of one teacher's requests. `host`: of the endpoint."""

    def __init__(self, config: OpenAIConfig, host: str) -> None:
        self._config, self._host = config, host
        name = config.max_tokens_name
        if name == "auto":
            name = "max_completion_tokens" if host == OPENAI else "max_tokens"
        self._limit_name: str = name
        self._renamed = False
        self._dropped: set[str] = set()

    def configured(self, prompt: Prompt) -> dict[str, Any]:
        """The parameters that the settings ask for: part of the reply's key in the reply store."""
        name = self._config.max_tokens_name
        return self._all(prompt, "max_tokens" if name == "auto" else name)

    def sent(self, prompt: Prompt) -> dict[str, Any]:
        """The parameters that are sent now."""
        return {key: of for key, of in self._all(prompt, self._limit_name).items() if key not in self._dropped}

    def _all(self, prompt: Prompt, limit_name: str) -> dict[str, Any]:
        config = self._config
        values = {"model": config.model, limit_name: config.max_tokens * prompt.max_tokens_factor}
        if config.temperature >= 0:
            values["temperature"] = config.temperature
        if config.reasoning_effort:
            values["reasoning_effort"] = config.reasoning_effort
        return {**values, **config.extra_body}

    def adapt(self, error: ParameterRefused, sent: Iterable[str]) -> None:
        """Send the refused parameter under its other name, or no longer. `sent`: the names that the request had.

        Raises `error` if it names none of them, and ConfigError if only the user can choose what to send instead.
        """
        name = _named(error, [name for name in sent if name != "model"])
        if name in OTHER_NAME:
            if name != self._limit_name:  # another request has renamed it meanwhile
                return
            if self._renamed:
                raise _stopped(error, "teacher.openai.max_tokens_name", "the endpoint takes no limit under either name")
            self._limit_name, self._renamed = OTHER_NAME[name], True
            log.warning("%s; it is sent as %s from now on", error.what, self._limit_name)
        elif error.is_value and name != "temperature":
            raise _stopped(error, self._setting(name), "choose a value that this model takes, or leave it out")
        elif name not in self._dropped:
            self._dropped.add(name)
            log.warning("%s; %s is not sent from now on", error.what, name)

    def _setting(self, name: str) -> str:
        return f"teacher.openai.{'extra_body' if name in self._config.extra_body else name}"


def _named(error: ParameterRefused, sent: Iterable[str]) -> str:
    """The parameter that the endpoint refused: its `param`, or else the first in the text. Raises `error`."""
    sent = list(sent)
    if error.param in sent:
        return error.param
    places = {name: match.start() for name in sent if (match := _spelt(name).search(error.text))}
    if not places:
        raise error
    return min(places, key=lambda name: places[name])


def _spelt(name: str) -> re.Pattern[str]:
    """Finds a parameter as it is sent, or as ``reasoningEffort``."""
    return re.compile(rf"(?<!\w){re.escape(name).replace('_', '_?')}(?!\w)", re.IGNORECASE)


def _stopped(error: ParameterRefused, where: str, hint: str) -> ConfigError:
    return ConfigError(error.what, where=where, hint=hint)
