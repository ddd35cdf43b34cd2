"""Classifies the failures of an endpoint by what to do next.

    retry the request     Transient, RateLimited, EmptyReply, BrokenReply         (ServiceError)
    send it otherwise     ParameterRefused, SchemaUnsupported                     (BadRequest)
    fail this item        Refused, Filtered, BadRequest, Oversized                (DataError)
    stop everything       a wrong key, quota or model, or an address without API  (AuthError, ConfigError)

`from_sdk_error` converts an exception of the SDK, `from_status` an HTTP status with its body; `dstill_openai.responses`
detects errors in successful responses. Text from a server is shortened, made printable and stripped of secrets
(`printable`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dstill.errors import AuthError, BadRequest, ConfigError, DataError, DstillError, ServiceError
from dstill.io.retry_after import retry_after
from dstill.io.secrets import redact

if TYPE_CHECKING:
    import openai

__all__ = [
    "QUOTA",
    "BadRequest",
    "BrokenReply",
    "EmptyReply",
    "Endpoint",
    "Filtered",
    "NotFound",
    "Oversized",
    "ParameterRefused",
    "RateLimited",
    "Refused",
    "SchemaUnsupported",
    "Transient",
    "from_sdk_error",
    "from_status",
    "key_rejected",
    "oversized",
    "printable",
    "timed_out",
]

MAX_TEXT = 200  # characters of a server's message to show
TRANSIENT_STATUS = {408, 409, 425}
SCHEMA_WORDS = ("response_format", "json_schema", "structured output")  # in errors of endpoints without schemas
# How services say that they do not know a parameter, or do not take its value. OpenAI and Azure: "Unsupported
# parameter: 'max_tokens' is not supported with this model", "Unsupported value: …", "Unrecognized request argument
# supplied: …". Mistral and vLLM: "Extra inputs are not permitted". Anthropic: "`temperature` is deprecated for this
# model", "`temperature` and `top_p` cannot both be specified". LiteLLM: "models don't support temperature=0.0". xAI:
# "does not support parameter reasoningEffort". Groq: "property 'reasoning_effort' is unsupported".
REFUSAL_CODES = {"unsupported_parameter", "unsupported_value", "unknown_parameter"}
_REFUSAL = re.compile(
    r"unsupported (parameter|value)|not supported|is unsupported|cannot both"
    r"|(does not|doesn't|do not|don't) support|unrecognized|deprecated"
    r"|(unknown|unexpected) (parameter|argument|field|keyword|name)|extra_forbidden|not permitted|not allowed",
    re.IGNORECASE,
)
_REFUSED_VALUE = re.compile(r"unsupported[ _]value", re.IGNORECASE)
QUOTA = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}


class Transient(ServiceError):
    """A failure that a retry may fix; `after` are the seconds to wait, if the server said so."""

    def __init__(self, what: str, *, where: str = "", hint: str = "", after: float | None = None) -> None:
        super().__init__(what, where=where, hint=hint)
        self.after = after


class RateLimited(Transient):
    """Status 429: too many requests."""


class EmptyReply(Transient):
    """A reply without text."""

    code = "empty"


class BrokenReply(Transient):
    """A truncated or malformed response."""

    code = "broken"


class Refused(DataError):
    """The model refused to answer."""

    code = "refused"


class Oversized(DataError):
    """A response that exceeds the size limit; a retry would not help."""

    code = "too_long"


class Filtered(DataError):
    """The endpoint's content filter blocked the question or the reply."""

    code = "filtered"


class SchemaUnsupported(BadRequest):
    """The endpoint does not support structured outputs."""


class ParameterRefused(BadRequest):
    """The endpoint does not take a parameter, or its value.

    `text` is all that it said, and `param` the parameter that it named apart from that, if any.
    """

    def __init__(self, what: str, *, text: str, param: str, is_value: bool) -> None:
        hint = (
            "the teacher's settings say what is sent: temperature = -1 leaves it out, max_tokens_name renames the limit"
        )
        super().__init__(what, hint=hint)
        self.text, self.param, self.is_value = text, param, is_value


class NotFound(AuthError):
    """Status 404: no such model, batch or API."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """The endpoint, for messages."""

    host: str
    model: str
    key_from: str  # source of the key, for example "env OPENAI_API_KEY"; empty: no key is sent
    timeout: float  # seconds
    section: str = "teacher.openai"  # of the settings
    key_setting: str = "teacher.openai.api_key_env"


def from_sdk_error(error: openai.OpenAIError, at: Endpoint) -> DstillError:
    """Convert an exception of the SDK."""
    import openai

    if isinstance(error, openai.APITimeoutError):
        return timed_out(at)
    if isinstance(error, openai.APIConnectionError):
        return Transient(f"cannot reach {at.host}: {_cause(error)}", hint=f"check {at.section}.base_url")
    if isinstance(error, openai.APIStatusError):
        return _from_status_error(error, at)
    return Transient(f"{at.host}: {printable(str(error))}")


def timed_out(at: Endpoint) -> Transient:
    """The error for a request that took longer than the timeout."""
    return Transient(f"{at.host} did not answer within {at.timeout:g} s", hint=f"raise {at.section}.timeout")


def oversized(error: Exception, at: Endpoint) -> Oversized:
    """The error for a response that exceeds the size limit."""
    return Oversized(f"{at.host} sent a reply that is {error}")


def _from_status_error(error: openai.APIStatusError, at: Endpoint) -> DstillError:
    text = _said(error.body)
    message = str(text.get("message") or text.get("detail") or (json.dumps(text) if text else error.message))
    return from_status(error.status_code, {**text, "message": message}, error.response.headers, at)


def _said(body: object) -> Mapping[str, Any]:
    """The error in the body of a response: an object, text (xAI), or either in a list (Gemini)."""
    body = body[0] if isinstance(body, list) and body else body
    body = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(body, str):
        return {"message": "a web page" if body.lstrip().startswith("<") else body}
    return body if isinstance(body, dict) else {}


def from_status(status: int, body: Mapping[str, Any], headers: Mapping[str, str], at: Endpoint) -> DstillError:
    """Convert an HTTP status other than success; `body` is the ``error`` object of the response."""
    message, codes = printable(str(body.get("message") or "")), {str(body.get("code")), str(body.get("type"))}
    if codes & QUOTA or status == 402:
        return AuthError(
            f"the quota at {at.host} is used up: {message}", hint="raise the quota, then run again to resume"
        )
    if status in (401, 403):
        return key_rejected(at, message)
    if status == 404:
        return NotFound(
            f"{at.host} has no model '{at.model}', or no chat completions at this address: {message}",
            where=f"{at.section}.model, {at.section}.base_url",
            hint="GET /models at that address lists its models",
        )
    if status == 429:
        return RateLimited(f"rate-limited by {at.host}: {message}", after=retry_after(headers))
    if status in TRANSIENT_STATUS or status >= 500:
        return Transient(f"{at.host} failed with {status}: {message}", after=retry_after(headers))
    if status < 400:
        target = printable(headers.get("location", "nowhere"))
        return ConfigError(
            f"{at.host} redirects to {target}", where=f"{at.section}.base_url", hint="use the final address"
        )
    if "content_filter" in codes:
        return Filtered(f"{at.host} filtered the question: {message}")
    return _bad_request(f"{at.host} refused the request ({status}): {message}", body)


def _bad_request(what: str, body: Mapping[str, Any]) -> BadRequest:
    raw = json.dumps(body, ensure_ascii=False)
    text, param = raw.lower(), str(body.get("param") or "")
    if any(word in text for word in SCHEMA_WORDS):
        return SchemaUnsupported(what, hint="use --json-mode off, or auto to send a schema only if it is supported")
    if body.get("code") == "context_length_exceeded" or "context length" in text:
        return BadRequest(what, hint="the prompt is too long: use fewer shots or a smaller mapping")
    if str(body.get("code")) in REFUSAL_CODES or _REFUSAL.search(raw):
        is_value = _REFUSED_VALUE.search(raw) is not None
        return ParameterRefused(what, text=raw, param=param, is_value=is_value)
    if param:
        return BadRequest(what, hint=f"the endpoint rejected the parameter '{printable(param)}'")
    return BadRequest(what)


def key_rejected(at: Endpoint, message: str) -> AuthError:
    """The error for a missing or wrong key."""
    if not at.key_from:
        hint = "set it to the environment variable that holds the key"
        return AuthError(f"{at.host} requires a key: {message}", where=at.key_setting, hint=hint)
    what = f"key rejected by {at.host} ({at.key_from}): {message}"
    hint = "set a valid key, then run again to resume"
    return AuthError(what, where=at.key_setting, hint=hint)


def _cause(error: BaseException) -> str:
    """The innermost cause, for example ``ConnectError: [Errno 111] Connection refused``."""
    chain = [error]
    while (inner := chain[-1].__cause__ or chain[-1].__context__) is not None and inner not in chain:
        chain.append(inner)
    outer = chain[1] if len(chain) > 1 else error
    message = str(chain[-1]) or str(outer)
    return printable(f"{type(outer).__name__}: {message}")


def printable(text: str) -> str:
    """A server's message on one line, shortened, without secrets and control characters."""
    line = " ".join(redact(text).split())
    clean = "".join(c for c in line if c.isprintable())
    return clean if len(clean) <= MAX_TEXT else f"{clean[:MAX_TEXT]}…"
