"""What came back from an endpoint, sorted into the retry classes.

    transient   asked again: Transient, RateLimited, EmptyReply, BrokenReply   (ServiceError)
    permanent   this item fails: Refused, Filtered, BadRequest, Oversized   (DataError)
                everything stops: key, quota, model, no such API       (AuthError, ConfigError)

In: an exception of the SDK (`fault_of`), or a status with its body (`of_answer`); `bodies` reads what is no error at
first sight. Out: one of these errors. Words that come from a server are shortened, made printable and freed of
secrets (`shown`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Mapping

from dstill.errors import AuthError, ConfigError, DataError, DstillError, ServiceError
from dstill.io.secrets import redact
from dstill.teacher.retry_after import retry_after

if TYPE_CHECKING:
    import openai

__all__ = [
    "QUOTA",
    "BadRequest",
    "BrokenReply",
    "EmptyReply",
    "Endpoint",
    "Filtered",
    "FormRefused",
    "NotFound",
    "Oversized",
    "RateLimited",
    "Refused",
    "Transient",
    "fault_of",
    "of_answer",
    "oversized",
    "rejected",
    "shown",
    "too_slow",
]

SAID = 200  # characters of a server's own words that are shown
TRANSIENT_STATUS = {408, 409, 425}
FORM = ("response_format", "json_schema", "structured output")  # words of an endpoint that takes none
QUOTA = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}


class Transient(ServiceError):
    """Worth another try, after `after` seconds where the server said so."""

    def __init__(self, what: str, *, where: str = "", hint: str = "", after: float | None = None) -> None:
        super().__init__(what, where=where, hint=hint)
        self.after = after


class RateLimited(Transient):
    """Too many at once; the others in flight would be told the same."""


class EmptyReply(Transient):
    code = "empty"


class BrokenReply(Transient):
    code = "broken"


class Refused(DataError):
    code = "refused"


class Oversized(DataError):
    """More than a reply may be; asked again it would be no shorter."""

    code = "too_long"


class Filtered(DataError):
    code = "filtered"


class BadRequest(DataError):
    code = "bad_request"


class FormRefused(BadRequest):
    """The endpoint takes no structured outputs."""


class NotFound(AuthError):
    """404: there is nothing of this name."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """What messages name: where the request went, with what."""

    host: str
    model: str
    key_from: str  # as "env OPENAI_API_KEY"; empty: no key is sent
    timeout: float


def fault_of(error: openai.OpenAIError, at: Endpoint) -> DstillError:
    """The error for people that one of the SDK's stands for."""
    import openai

    if isinstance(error, openai.APITimeoutError):
        return Transient(
            f"{at.host} did not answer within {at.timeout:g} s", hint="teacher.openai.timeout sets how long"
        )
    if isinstance(error, openai.APIConnectionError):
        return Transient(f"cannot reach {at.host}: {_cause(error)}", hint="is teacher.openai.base_url right?")
    if isinstance(error, openai.APIStatusError):
        return _of_status(error, at)
    return Transient(f"{at.host}: {shown(str(error))}")


def too_slow(at: Endpoint) -> Transient:
    return Transient(f"{at.host} did not answer within {at.timeout:g} s", hint="teacher.openai.timeout sets how long")


def oversized(error: Exception, at: Endpoint) -> Oversized:
    return Oversized(f"{at.host} sent a reply that is {error}")


def _of_status(error: openai.APIStatusError, at: Endpoint) -> DstillError:
    body = error.body if isinstance(error.body, dict) else {}
    message = str(body.get("message") or error.message)
    return of_answer(error.status_code, {**body, "message": message}, error.response.headers, at)


def of_answer(status: int, body: Mapping[str, Any], headers: Mapping[str, str], at: Endpoint) -> DstillError:
    """The error of a status that is no success, with the ``error`` object that came along."""
    said, codes = shown(str(body.get("message") or "")), {str(body.get("code")), str(body.get("type"))}
    if codes & QUOTA or status == 402:
        return AuthError(f"the quota at {at.host} is used up: {said}", hint="raise it there, then run again to resume")
    if status in (401, 403):
        return rejected(at, said)
    if status == 404:
        return NotFound(
            f"{at.host} has no model '{at.model}', or no chat completions at this address: {said}",
            where="teacher.openai.model, teacher.openai.base_url",
            hint="GET /models at that address lists the names that it knows",
        )
    if status == 429:
        return RateLimited(f"rate-limited by {at.host}: {said}", after=retry_after(headers))
    if status in TRANSIENT_STATUS or status >= 500:
        return Transient(f"{at.host} failed with {status}: {said}", after=retry_after(headers))
    if status < 400:
        to = shown(headers.get("location", "nowhere"))
        return ConfigError(
            f"{at.host} redirects to {to}", where="teacher.openai.base_url", hint="set the address itself"
        )
    if "content_filter" in codes:
        return Filtered(f"{at.host} filtered the question: {said}")
    return _of_request(f"{at.host} refused the request ({status}): {said}", body)


def _of_request(what: str, body: Mapping[str, Any]) -> BadRequest:
    """The request itself will not do."""
    words = json.dumps(body).lower()
    if any(name in words for name in FORM):
        return FormRefused(what, hint="--json-mode off asks for none, auto where it is taken")
    if body.get("code") == "context_length_exceeded" or "context length" in words:
        return BadRequest(what, hint="the prompt is too long: fewer shots or a smaller mapping")
    if param := body.get("param"):
        return BadRequest(what, hint=f"the endpoint does not take '{shown(str(param))}' as it was sent")
    return BadRequest(what)


def rejected(at: Endpoint, said: str) -> AuthError:
    if not at.key_from:
        return AuthError(f"{at.host} wants a key: {said}", where="teacher.openai.api_key_env", hint="name a variable")
    what = f"key rejected by {at.host} ({at.key_from}): {said}"
    hint = "put a valid key there, then run again to resume"
    return AuthError(what, where="teacher.openai.api_key_env", hint=hint)


def _cause(error: BaseException) -> str:
    """The innermost reason, as ``ConnectError: [Errno 111] Connection refused``."""
    chain = [error]
    while (inner := chain[-1].__cause__ or chain[-1].__context__) is not None and inner not in chain:
        chain.append(inner)
    outer = chain[1] if len(chain) > 1 else error
    words = str(chain[-1]) or str(outer)
    return shown(f"{type(outer).__name__}: {words}")


def shown(text: str) -> str:
    """A server's words as they may be shown."""
    line = " ".join(redact(text).split())
    clean = "".join(c for c in line if c.isprintable())
    return clean if len(clean) <= SAID else f"{clean[:SAID]}…"
