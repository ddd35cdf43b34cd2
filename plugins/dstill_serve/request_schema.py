"""Parses requests; anything unexpected is a `RequestError` that names the parameter.

    await read_body(request)                    {"question": "…"}; errors: 408, 413, 415, 400
    parse_query(body, "index")                  Query(question="…", execute=True)
    parse_chat(body, "index")                   Query(question="…", stream=True, …), from OpenAI's format

OpenAI parameters that a student does not support are rejected, unless ignoring them changes nothing: answers are
greedy, so `temperature` and `seed` are accepted and have no effect.

The data that a question is about is named by "data", or by the task's own key (`Task.data_key`, for example "index").
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dstill.io.strict_json import NotStrict, kind, loads
from dstill_serve.errors import RequestError

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = [
    "ALLOWED",
    "IGNORED_KEYS",
    "MAX_BODY",
    "ROLES",
    "Query",
    "missing",
    "parse_chat",
    "parse_data",
    "parse_query",
    "parse_question",
    "read_body",
    "refuse_unknown",
    "typed",
]

MAX_BODY = 64 * 1024  # bytes
_DRAIN_BYTES = 8 * 1024 * 1024  # bytes of a larger body that are read, so that its client receives the error
BODY_TIMEOUT = 10.0  # seconds; shorter than the connection's own timeout (dstill.runtime.http.PATIENCE)
_TYPE = "application/json"
TURNS = 8  # questions of a chat that are read before the last one


@dataclass(frozen=True, kw_only=True)
class Query:
    """One question, and how to answer it."""

    question: str
    param: str = "question"  # the parameter that contained it
    model: str | None = None  # None: the server's model
    data: str | None = None  # name of the data; None: what most of the run's questions are about
    after: Sequence[tuple[str, str]] = ()  # questions before with their answers, which this one may go on from
    execute: bool = False  # execute the answer
    alternatives: bool = False  # also give other answers, if the student is not sure of this one
    explain: bool = False  # also return the student's rationale
    layout: bool = False  # also return the answer as people read it, and its forms for other programs
    stream: bool = False
    include_usage: bool = False  # end the stream with token counts
    max_tokens: int | None = None  # of the answer


# --- bodies -----------------------------------------------------------------------------


async def read_body(request: Request) -> dict[str, Any]:
    """The JSON object in a request's body. Raises RequestError."""
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != _TYPE:
        message = f"the content type must be {_TYPE}" + (f", not {content_type}" if content_type else "")
        raise RequestError(415, "unsupported_media_type", message)
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            data = await _read(request)
    except TimeoutError:
        message = f"the body did not arrive within {BODY_TIMEOUT:g} s"
        raise RequestError(408, "request_timeout", message) from None
    try:
        value = loads(data.decode())
    except UnicodeDecodeError as error:
        message = f"the body is not UTF-8 (byte {data[error.start]:#04x})"
        raise RequestError(400, "invalid_json", message) from None
    except NotStrict as error:
        raise RequestError(400, "invalid_json", f"the body is not strict JSON: {error}") from None
    if not isinstance(value, dict):
        raise RequestError(400, "invalid_json", f"the body must be an object, not {kind(value)}")
    return value


async def _read(request: Request) -> bytes:
    """The body. Raises RequestError if it is too large, after discarding up to `_DRAIN_BYTES` bytes."""
    data, length = bytearray(), 0
    async for part in request.stream():
        length += len(part)
        if length <= MAX_BODY:
            data += part
        elif length > _DRAIN_BYTES:
            break
    if length > MAX_BODY:
        raise RequestError(413, "body_too_large", f"the body is larger than {MAX_BODY:,} bytes")
    return bytes(data)


# --- /v1/query --------------------------------------------------------------------------

_QUERY = ("question", "after", "model", "execute", "alternatives", "explain", "layout")


def parse_query(body: Mapping[str, Any], data_key: str) -> Query:
    """A request to `/v1/query`. Raises RequestError."""
    refuse_unknown(body, (*_QUERY, data_key, "data"))
    if "question" not in body:
        raise missing("'question' is required", "question")
    return Query(
        question=parse_question(typed(body, "question", str) or "", "question"),
        model=typed(body, "model", str),
        data=parse_data(body, data_key),
        after=_parse_after(body),
        execute=bool(typed(body, "execute", bool)),
        alternatives=bool(typed(body, "alternatives", bool)),
        explain=bool(typed(body, "explain", bool)),
        layout=bool(typed(body, "layout", bool)),
    )


def _parse_after(body: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    before: Mapping[str, Any] | None = typed(body, "after", dict)
    if before is None:
        return ()
    refuse_unknown(before, ("question", "answer"))
    for name in ("question", "answer"):
        if typed(before, name, str) is None:
            raise missing(f"'after' needs '{name}', as the reply before has it", "after")
    return [(parse_question(before["question"], "after"), before["answer"])]


# --- /v1/chat/completions ---------------------------------------------------------------

# Ignored: these have no effect on complete, greedy answers.
IGNORED_KEYS = (
    "frequency_penalty",
    "metadata",
    "presence_penalty",
    "prompt_cache_key",
    "reasoning_effort",
    "safety_identifier",
    "seed",
    "service_tier",
    "temperature",
    "top_p",
    "user",
    "verbosity",
)
# Parameters of features that a student lacks, with the values that do not use the feature.
ALLOWED: Mapping[str, tuple[Any, ...]] = {
    "n": (1,),
    "logprobs": (False,),
    "store": (False,),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "response_format": ({"type": "text"}, {"type": "json_object"}),
    "modalities": (["text"],),
    "logit_bias": ({},),
    "stop": ([], ""),
}
_CHAT = ("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens")
ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def parse_chat(body: Mapping[str, Any], data_key: str) -> Query:
    """A request to `/v1/chat/completions`: the question is the last user message.

    It may go on from the messages before, of which the last `TURNS` are read. Raises RequestError.
    """
    for name, value in body.items():
        if name in ALLOWED:
            if value is not None and not any(value == known and type(value) is type(known) for known in ALLOWED[name]):
                raise _unsupported(f"this value of '{name}' is not supported", name)
        elif name not in (*_CHAT, *IGNORED_KEYS, data_key, "data"):
            raise _unsupported(f"'{name[:80]}' is not supported", name)
    if typed(body, "model", str) is None:
        raise missing("'model' is required; GET /v1/models lists it", "model")
    options = typed(body, "stream_options", dict) or {}
    *before, question = _conversation(body)
    return Query(
        question=question[0],
        param="messages",
        after=[(asked, answer) for asked, answer in before[-TURNS:] if answer],
        model=typed(body, "model", str),
        data=parse_data(body, data_key),
        stream=bool(typed(body, "stream", bool)),
        include_usage=bool(typed(options, "include_usage", bool)),
        max_tokens=_max_tokens(body),
    )


def _conversation(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The messages of the user, each with the assistant's reply after it; empty: there is none. Raises RequestError."""
    messages = typed(body, "messages", list)
    if not messages:
        raise missing("'messages' is required and must not be empty", "messages")
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise RequestError(
                400, "invalid_type", 'messages must have the form {"role": "user", "content": "…"}', param="messages"
            )
    last = max((n for n, message in enumerate(messages) if message["role"] == "user"), default=-1)
    if last < 0:
        raise missing("'messages' must contain a message of the user", "messages")
    turns: list[tuple[str, str]] = []
    for message in messages[: last + 1]:
        if message["role"] == "user":
            turns.append((parse_question(_text(message), "messages"), ""))
        elif message["role"] == "assistant" and turns and message.get("content") is not None:
            turns[-1] = (turns[-1][0], _text(message))
    return turns


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        if not all(isinstance(p, dict) and p.get("type") == "text" and isinstance(p.get("text"), str) for p in content):
            raise _unsupported("messages may contain only text", "messages")
        content = "\n".join(part["text"] for part in content)
    if not isinstance(content, str):
        problem = f"the content of a message must be text, not {kind(content)}"
        raise RequestError(400, "invalid_type", problem, param="messages")
    return content


def _max_tokens(body: Mapping[str, Any]) -> int | None:
    limits = [m for name in ("max_tokens", "max_completion_tokens") if (m := typed(body, name, int)) is not None]
    if any(limit < 1 for limit in limits):
        message = "max_completion_tokens must be at least 1"
        raise RequestError(400, "invalid_value", message, param="max_completion_tokens")
    return min(limits, default=None)


# --- both -------------------------------------------------------------------------------

_NAMES = {str: "text", bool: "true or false", dict: "an object", list: "a list", int: "a whole number"}


def refuse_unknown(body: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raises RequestError for a parameter that is not in `known`."""
    for name in body:
        if name not in known:
            message = f"unknown parameter '{name[:80]}'; known: {', '.join(dict.fromkeys(known))}"
            raise RequestError(400, "unknown_parameter", message, param=name)


def missing(message: str, param: str) -> RequestError:
    """The error for a request without a required parameter."""
    return RequestError(400, "missing_required_parameter", message, param=param)


def _unsupported(message: str, param: str) -> RequestError:
    return RequestError(400, "unsupported_parameter", message, param=param)


def typed(body: Mapping[str, Any], name: str, wanted: type[Any]) -> Any:
    """The value of a parameter; None if it is absent or null. Raises RequestError for another type."""
    value = body.get(name)
    if value is not None and type(value) is not wanted:
        raise RequestError(400, "invalid_type", f"'{name}' must be {_NAMES[wanted]}, not {kind(value)}", param=name)
    return value


def parse_data(body: Mapping[str, Any], data_key: str) -> str | None:
    """The name of the data, by the task's own key or as "data"; None if it is absent. Raises RequestError."""
    by_key: str | None = typed(body, data_key, str)
    return typed(body, "data", str) if by_key is None else by_key


def parse_question(text: str, param: str) -> str:
    """`text`, unless it contains control characters other than tabs and line breaks. Raises RequestError."""
    if any(unicodedata.category(c) == "Cc" and c not in "\n\r\t" for c in text):
        message = f"the question contains control characters: {text[:80]}"
        raise RequestError(400, "invalid_question", message, param=param)
    return text
