"""What stands in a body that came with success, or in a line of a batch's files: a reply, or an error after all.

    read_body(content, content_type, id, at)     → Reply
    read_line(line, id, at)                      → Reply

A reasoning trace in a field of its own (``reasoning_content`` of DeepSeek and vLLM, ``reasoning`` of Ollama, OpenRouter
and newer vLLM) stands before the text, as `dstill.teacher.trace` has it. Raise one of `errors`, AuthError where
what answers is no such API. A count of tokens that cannot be is none.
"""

from __future__ import annotations

import json
from typing import Any, Mapping

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
    of_answer,
    rejected,
    shown,
)

__all__ = ["batch_fault", "read_body", "read_line", "read_object"]

MOST_TOKENS = 10**9  # of one reply; what claims more did not count
_AGAIN = "what it did not answer is asked for by the next run"


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
    raise of_answer(
        status if isinstance(status, int) else 500, told if isinstance(told, dict) else {"message": str(told)}, {}, at
    )


def batch_fault(batch: Mapping[str, Any], at: Endpoint) -> DstillError:
    """Why what has no answer in an ended batch has none."""
    errors = batch.get("errors")
    listed = [e for e in (errors.get("data") or () if isinstance(errors, dict) else ()) if isinstance(e, dict)]
    said = shown("; ".join(str(e.get("message") or e.get("code") or "") for e in listed))
    name, status = shown(str(batch.get("id"))), shown(str(batch.get("status")))
    if {str(e.get("code")) for e in listed} & QUOTA:
        return AuthError(f"the quota at {at.host} is used up: {said}", hint="raise it there, then run again to resume")
    return Transient(f"batch {name} at {at.host} {status}" + (f": {said}" if said else ""), hint=_AGAIN)


def _of_error_body(problem: Mapping[str, Any] | str, at: Endpoint) -> DstillError:
    """Some gateways send an error with status 200."""
    said = shown(str(problem if isinstance(problem, str) else problem.get("message", "")))
    codes = set() if isinstance(problem, str) else {str(problem.get("code")), str(problem.get("type"))}
    if codes & QUOTA:
        return AuthError(f"the quota at {at.host} is used up: {said}", hint="raise it there, then run again to resume")
    if codes & {"401", "403", "invalid_api_key"}:
        return rejected(at, said)
    return Transient(f"{at.host} sent an error: {said}")


def _of_choice(choice: Mapping[str, Any], body: Mapping[str, Any], id: str, at: Endpoint) -> Reply:
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    finish = str(choice.get("finish_reason") or "stop")
    text = _text(message.get("content"))
    if finish == "content_filter":
        raise Filtered(f"{at.host} filtered the reply")
    if isinstance(refusal := message.get("refusal"), str) and refusal and not text.strip():
        raise Refused(f"the teacher refused: {shown(refusal)}")
    if not text.strip() and finish != "length":
        raise EmptyReply(f"{at.host} sent a reply without content")
    reasoning = _text(message.get("reasoning_content") or message.get("reasoning"))
    return Reply(
        id=id,
        text=trace.joined(reasoning, text) if reasoning.strip() else text,
        model=shown(str(body.get("model") or at.model)),
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
