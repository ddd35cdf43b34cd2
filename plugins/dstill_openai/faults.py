"""What came back from an endpoint, sorted into the retry classes.

    transient   asked again: Transient, RateLimited, EmptyReply, BrokenReply   (ServiceError)
    permanent   this item fails: Refused, Filtered, BadRequest         (DataError)
                everything stops: key, quota, model, no such API       (AuthError, ConfigError)

In: an exception of the SDK (`fault_of`), the body of a 200 (`read_body`), or a line of a batch's files
(`read_line`). Out: one of these errors, or the `Reply`. Words that come from a server are shortened, made
printable and freed of secrets.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Mapping

from dstill.errors import AuthError, ConfigError, DataError, DstillError, ServiceError
from dstill.records import Reply, Usage
from dstill.secrets import redact
from dstill.waiting import retry_after

if TYPE_CHECKING:
    import openai

__all__ = [
    "BadRequest",
    "BrokenReply",
    "EmptyReply",
    "Endpoint",
    "Filtered",
    "FormRefused",
    "NotFound",
    "RateLimited",
    "Refused",
    "Transient",
    "batch_fault",
    "fault_of",
    "read_body",
    "read_line",
    "read_object",
    "too_slow",
]

SAID = 200  # characters of a server's own words that are shown
MOST_TOKENS = 10**9  # of one reply; what claims more did not count
TRANSIENT_STATUS = {408, 409, 425}
FORM = ("response_format", "json_schema", "structured output")  # words of an endpoint that takes none
_AGAIN = "what it did not answer is asked for by the next run"
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
    return Transient(f"{at.host}: {_said(str(error))}")


def too_slow(at: Endpoint) -> Transient:
    return Transient(f"{at.host} did not answer within {at.timeout:g} s", hint="teacher.openai.timeout sets how long")


def _of_status(error: openai.APIStatusError, at: Endpoint) -> DstillError:
    body = error.body if isinstance(error.body, dict) else {}
    message = str(body.get("message") or error.message)
    return _of_answer(error.status_code, {**body, "message": message}, error.response.headers, at)


def _of_answer(status: int, body: Mapping[str, Any], headers: Mapping[str, str], at: Endpoint) -> DstillError:
    """The error of a status that is no success, with the ``error`` object that came along."""
    said, codes = _said(str(body.get("message") or "")), {str(body.get("code")), str(body.get("type"))}
    if codes & QUOTA or status == 402:
        return AuthError(f"the quota at {at.host} is used up: {said}", hint="raise it there, then run again to resume")
    if status in (401, 403):
        return _rejected(at, said)
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
        to = _said(headers.get("location", "nowhere"))
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
        return BadRequest(what, hint=f"the endpoint does not take '{_said(str(param))}' as it was sent")
    return BadRequest(what)


def _rejected(at: Endpoint, said: str) -> AuthError:
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
    return _said(f"{type(outer).__name__}: {words}")


# --- a 200 ------------------------------------------------------------------------------


def read_body(content: bytes, content_type: str, id: str, at: Endpoint) -> Reply:
    """The reply in the body of a 200. Raises one of this module's errors, or AuthError."""
    return read_completion(read_object(content, content_type, at), id, at)


def read_object(content: bytes, content_type: str, at: Endpoint) -> dict[str, Any]:
    """The JSON object that a body is; one that says ``error`` is raised."""
    kind = content_type.partition(";")[0].strip().lower()
    if "json" not in kind and not content.lstrip().startswith(b"{"):
        raise AuthError(
            f"{at.host} did not answer as an OpenAI API ({kind or 'no content type'})",
            where="teacher.openai.base_url",
            hint="the address of such an API mostly ends in /v1; a login page or proxy may stand before it",
        )
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BrokenReply(f"{at.host} sent JSON that is cut off or broken") from error
    if not isinstance(body, dict):
        raise BrokenReply(f"{at.host} sent JSON that is not what was asked for")
    return body


def read_completion(body: Mapping[str, Any], id: str, at: Endpoint) -> Reply:
    """The reply that a chat completion holds."""
    if isinstance(problem := body.get("error"), (dict, str)):
        raise _of_error_body(problem, at)
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise EmptyReply(f"{at.host} sent a reply without choices")
    return _of_choice(choices[0], body, id, at)


def read_line(line: Mapping[str, Any], id: str, at: Endpoint) -> Reply:
    """The reply in a line of a batch's output or error file. Raises as `read_body` does."""
    response, error = line.get("response"), line.get("error")
    if not isinstance(response, dict):
        raise _of_error_body(error if isinstance(error, (dict, str)) else {}, at)
    body, status = response.get("body"), response.get("status_code")
    body = body if isinstance(body, dict) else {}
    if status == 200:
        return read_completion(body, id, at)
    told = body.get("error")
    raise _of_answer(
        status if isinstance(status, int) else 500, told if isinstance(told, dict) else {"message": str(told)}, {}, at
    )


def batch_fault(batch: Mapping[str, Any], at: Endpoint) -> DstillError:
    """Why what has no answer in an ended batch has none."""
    errors = batch.get("errors")
    listed = [e for e in (errors.get("data") or () if isinstance(errors, dict) else ()) if isinstance(e, dict)]
    said = _said("; ".join(str(e.get("message") or e.get("code") or "") for e in listed))
    name, status = _said(str(batch.get("id"))), _said(str(batch.get("status")))
    if {str(e.get("code")) for e in listed} & QUOTA:
        return AuthError(f"the quota at {at.host} is used up: {said}", hint="raise it there, then run again to resume")
    return Transient(f"batch {name} at {at.host} {status}" + (f": {said}" if said else ""), hint=_AGAIN)


def _of_error_body(problem: Mapping[str, Any] | str, at: Endpoint) -> DstillError:
    """Some gateways send an error with status 200."""
    said = _said(str(problem if isinstance(problem, str) else problem.get("message", "")))
    codes = set() if isinstance(problem, str) else {str(problem.get("code")), str(problem.get("type"))}
    if codes & QUOTA:
        return AuthError(f"the quota at {at.host} is used up: {said}", hint="raise it there, then run again to resume")
    if codes & {"401", "403", "invalid_api_key"}:
        return _rejected(at, said)
    return Transient(f"{at.host} sent an error: {said}")


def _of_choice(choice: Mapping[str, Any], body: Mapping[str, Any], id: str, at: Endpoint) -> Reply:
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    finish = str(choice.get("finish_reason") or "stop")
    text = _text(message.get("content"))
    if finish == "content_filter":
        raise Filtered(f"{at.host} filtered the reply")
    if isinstance(refusal := message.get("refusal"), str) and refusal and not text.strip():
        raise Refused(f"the teacher refused: {_said(refusal)}")
    if not text.strip() and finish != "length":
        raise EmptyReply(f"{at.host} sent a reply without content")
    return Reply(
        id=id,
        text=text,
        model=_said(str(body.get("model") or at.model)),
        finish_reason=finish,
        usage=_usage(body.get("usage")),
    )


def _text(content: Any) -> str:
    if isinstance(content, list):  # parts, as some servers send them
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _usage(usage: Any) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not isinstance(prompt, int) or not isinstance(completion, int):
        return None
    if not (0 <= prompt <= MOST_TOKENS and 0 <= completion <= MOST_TOKENS):  # no count: no cap could hold with it
        return None
    return Usage(prompt_tokens=prompt, completion_tokens=completion)


def _said(text: str) -> str:
    """A server's words as they may be shown."""
    line = " ".join(redact(text).split())
    shown = "".join(c for c in line if c.isprintable())
    return shown if len(shown) <= SAID else f"{shown[:SAID]}…"
