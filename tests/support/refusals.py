"""How endpoints refuse parameters, in the words of the real services.

    LoopbackTeacher(refuse=REFUSALS["OpenAI, reasoning model"])

Each function gets the body of a request and returns the refusal, or None if the service would answer. The words are
those that users quote in public issue trackers (2024 to 2026).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from support.loopback_teacher import Say, raw

__all__ = ["REFUSALS"]

Body = Mapping[str, Any]


def refusal(message: str, param: str | None = None, code: str | None = None, status: int = 400) -> Say:
    said = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return raw({"error": said}, status=status)


def reasoning_model(body: Body) -> Say | None:
    """gpt-5 and the o-series, at OpenAI and Azure. One parameter at a time."""
    if "max_tokens" in body:
        words = "is not supported with this model. Use 'max_completion_tokens' instead."
        return refusal(f"Unsupported parameter: 'max_tokens' {words}", "max_tokens", "unsupported_parameter")
    if body.get("temperature", 1) != 1:
        said = f"Unsupported value: 'temperature' does not support {body['temperature']:g} with this model. "
        return refusal(f"{said}Only the default (1) value is supported.", "temperature", "unsupported_value")
    if body.get("reasoning_effort") == "none":
        said = "Unsupported value: 'reasoning_effort' does not support 'none' with this model. "
        known = "Supported values are: 'minimal', 'low', 'medium', and 'high'."
        return refusal(said + known, "reasoning_effort", "unsupported_value")
    return None


def without_code(body: Body) -> Say | None:
    """gpt-5.2: neither code nor value."""
    if "temperature" in body:
        return refusal("Unsupported parameter: 'temperature' is not supported with this model.", "temperature")
    return None


def old_azure(body: Body) -> Say | None:
    """Azure before the API version 2024-09-01-preview: the parameter is in the words only."""
    if "max_completion_tokens" in body:
        return refusal("Unrecognized request argument supplied: max_completion_tokens")
    return None


def mistral(body: Body) -> Say | None:
    """A list in place of a message, and no `error` around it."""
    for name in ("max_completion_tokens", "reasoning_effort"):
        if name in body:
            found = {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted"}
            said = {"detail": [{**found, "input": body[name]}]}
            row = {"object": "error", "message": said, "type": "invalid_request_error", "param": None, "code": None}
            return raw(row, status=422)
    return None


def old_vllm(body: Body) -> Say | None:
    """Before vLLM ignored extra fields: a Python list as text."""
    if "max_completion_tokens" in body:
        found = {"type": "extra_forbidden", "loc": ("body", "max_completion_tokens")}
        said = str([{**found, "msg": "Extra inputs are not permitted", "input": 8192}])
        return raw(
            {"object": "error", "message": said, "type": "BadRequestError", "param": None, "code": 400}, status=400
        )
    return None


def anthropic(body: Body) -> Say | None:
    """Claude Opus 4.7 and newer, through a gateway."""
    return refusal("`temperature` is deprecated for this model.") if "temperature" in body else None


def claude(body: Body) -> Say | None:
    """Claude Sonnet 4.5 and newer, through a gateway: either of two."""
    if "temperature" in body and "top_p" in body:
        return refusal("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
    return None


def grok(body: Body) -> Say | None:
    """xAI: text in place of an object, and its own spelling of the parameter."""
    if "reasoning_effort" in body:
        said = "Model grok-4-latest does not support parameter reasoningEffort."
        return raw({"code": "Client specified an invalid argument", "error": said}, status=400)
    return None


def gemini(body: Body) -> Say | None:
    """Google's endpoint with OpenAI's API: a list."""
    if "seed" in body:
        said = 'Invalid JSON payload received. Unknown name "seed": Cannot find field.'
        return raw([{"error": {"code": 400, "message": said, "status": "INVALID_ARGUMENT"}}], status=400)
    return None


def groq(body: Body) -> Say | None:
    """Groq, with a model that does not reason."""
    if "reasoning_effort" in body:
        said = "property 'reasoning_effort' is unsupported, did you mean 'reasoning_format'?"
        return raw({"error": {"message": said, "type": "invalid_request_error"}}, status=400)
    return None


def litellm_proxy(body: Body) -> Say | None:
    """LiteLLM's proxy in front of gpt-5: the first parameter in the words is the refused one."""
    if body.get("temperature", 1) != 1:
        said = "litellm.UnsupportedParamsError: gpt-5 models (including gpt-5-codex) don't support temperature="
        said += f"{body['temperature']}. Only temperature=1 is supported. For gpt-5.1, temperature is supported when "
        said += "reasoning_effort='none' (or not specified, as it defaults to 'none'). To drop unsupported params set "
        return raw(
            {"error": {"message": f"{said}litellm.drop_params = True", "type": "None", "param": None, "code": "400"}},
            status=400,
        )
    return None


REFUSALS: Mapping[str, Callable[[Body], Say | None]] = {
    "OpenAI, reasoning model": reasoning_model,
    "OpenAI, without a code": without_code,
    "Azure, older API": old_azure,
    "Mistral": mistral,
    "vLLM, older": old_vllm,
    "Anthropic, through a gateway": anthropic,
    "Anthropic, either of two": claude,
    "xAI": grok,
    "Gemini": gemini,
    "Groq": groq,
    "LiteLLM's proxy": litellm_proxy,
}
