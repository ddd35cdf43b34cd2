"""Parses the body of a successful response, or a line of a batch file, into a reply or an error.

    read_body(content, content_type, id, at)     → Reply
    read_line(line, id, at)                      → Reply

A separate reasoning trace (``reasoning_content`` of DeepSeek and vLLM, ``reasoning`` of Ollama, OpenRouter and newer
vLLM) is put in front of the text, as in `dstill.teacher.trace`. All functions raise the errors of
`dstill_openai.errors`, and AuthError if the server is not an OpenAI API. Impossible token counts are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dstill.api.records import Reply, Usage
from dstill.errors import AuthError, DstillError
from dstill.teacher import trace
from dstill_openai.errors import (
    QUOTA,
    BrokenReply,
    EmptyReply,
    Endpoint,
    Filtered,
    Refused,
    Transient,
    from_status,
    key_rejected,
    printable,
)

__all__ = ["batch_error", "read_body", "read_line", "read_object"]

MAX_TOKENS = 10**9  # of one reply; higher counts are ignored
_RETRY_HINT = "the next run repeats the requests that were not answered"


def read_body(content: bytes, content_type: str, id: str, at: Endpoint) -> Reply:
    """The reply in the body of a response with status 200."""
    return read_completion(read_object(content, content_type, at), id, at)


def read_object(content: bytes, content_type: str, at: Endpoint) -> dict[str, Any]:
    """The JSON object in a body."""
    kind = content_type.partition(";")[0].strip().lower()
    if "json" not in kind and not content.lstrip().startswith(b"{"):
        raise AuthError(
            f"{at.host} did not answer as an OpenAI API ({kind or 'no content type'})",
            where="teacher.openai.base_url",
            hint="the address usually ends in /v1; a login page or a proxy may be in front of the API",
        )
    try:
        body = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BrokenReply(f"{at.host} sent JSON that is cut off or broken") from error
    if not isinstance(body, dict):
        raise BrokenReply(f"{at.host} sent JSON that is not an object")
    return body


def read_completion(body: Mapping[str, Any], id: str, at: Endpoint) -> Reply:
    """The reply in a chat completion object."""
    if isinstance(problem := body.get("error"), (dict, str)):
        raise _embedded_error(problem, at)
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise EmptyReply(f"{at.host} sent a reply without choices")
    return _reply(choices[0], body, id, at)


def read_line(line: Mapping[str, Any], id: str, at: Endpoint) -> Reply:
    """The reply in a line of a batch's output or error file."""
    response, error = line.get("response"), line.get("error")
    if not isinstance(response, dict):
        raise _embedded_error(error if isinstance(error, (dict, str)) else {}, at)
    body, status = response.get("body"), response.get("status_code")
    body = body if isinstance(body, dict) else {}
    if status == 200:
        return read_completion(body, id, at)
    problem = body.get("error")
    problem = problem if isinstance(problem, dict) else {"message": str(problem)}
    raise from_status(status if isinstance(status, int) else 500, problem, {}, at)


def batch_error(batch: Mapping[str, Any], at: Endpoint) -> DstillError:
    """Why a batch ended without answering all requests."""
    errors = batch.get("errors")
    listed = [e for e in (errors.get("data") or () if isinstance(errors, dict) else ()) if isinstance(e, dict)]
    message = printable("; ".join(str(e.get("message") or e.get("code") or "") for e in listed))
    name, status = printable(str(batch.get("id"))), printable(str(batch.get("status")))
    if {str(e.get("code")) for e in listed} & QUOTA:
        return AuthError(
            f"the quota at {at.host} is used up: {message}", hint="raise the quota, then run again to resume"
        )
    return Transient(f"batch {name} at {at.host} {status}" + (f": {message}" if message else ""), hint=_RETRY_HINT)


def _embedded_error(problem: Mapping[str, Any] | str, at: Endpoint) -> DstillError:
    """The error in a response with status 200, which some gateways send."""
    message = printable(str(problem if isinstance(problem, str) else problem.get("message", "")))
    codes = set() if isinstance(problem, str) else {str(problem.get("code")), str(problem.get("type"))}
    if codes & QUOTA:
        return AuthError(
            f"the quota at {at.host} is used up: {message}", hint="raise the quota, then run again to resume"
        )
    if codes & {"401", "403", "invalid_api_key"}:
        return key_rejected(at, message)
    return Transient(f"{at.host} sent an error: {message}")


def _reply(choice: Mapping[str, Any], body: Mapping[str, Any], id: str, at: Endpoint) -> Reply:
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    finish = str(choice.get("finish_reason") or "stop")
    text = _text(message.get("content"))
    if finish == "content_filter":
        raise Filtered(f"{at.host} filtered the reply")
    if isinstance(refusal := message.get("refusal"), str) and refusal and not text.strip():
        raise Refused(f"the model refused: {printable(refusal)}")
    if not text.strip() and finish != "length":
        raise EmptyReply(f"{at.host} sent a reply without content")
    reasoning = _text(message.get("reasoning_content") or message.get("reasoning"))
    return Reply(
        id=id,
        text=trace.joined(reasoning, text) if reasoning.strip() else text,
        model=printable(str(body.get("model") or at.model)),
        finish_reason=finish,
        usage=_usage(body.get("usage")),
    )


def _text(content: Any) -> str:
    if isinstance(content, list):  # some servers send parts
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _usage(usage: Any) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not isinstance(prompt, int) or not isinstance(completion, int):
        return None
    if not (0 <= prompt <= MAX_TOKENS and 0 <= completion <= MAX_TOKENS):  # would break budgets
        return None
    return Usage(prompt_tokens=prompt, completion_tokens=completion)
