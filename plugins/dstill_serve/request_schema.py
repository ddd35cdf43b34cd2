"""Requests, read: what is not in the form is a `Wrong` that names the part.

    await body_of(request)                      {"question": "…"}, or 408, 413, 415, 400
    query_of(body, "index")                     Query(question="…", execute=True)
    chat_of(body, "index")                      Query(question="…", stream=True, …)    of OpenAI's form

What OpenAI's form has and a student has not is refused by name, not passed over, unless passing over it changes
nothing: answers are greedy, so that `temperature` and `seed` are taken and do nothing.

The data that a question is about is named by "data", or by the key that the task declares (`Task.data_key`).
"""

from __future__ import annotations

import asyncio
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Mapping

from dstill.io.strict_json import NotStrict, kind, loads
from dstill_serve.problems import Wrong

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["LARGEST", "Query", "body_of", "chat_of", "query_of"]

LARGEST = 64 * 1024  # bytes of a body
_DRAINED = 8 * 1024 * 1024  # of one that is larger, so that its sender hears why
SLOWEST = 10.0  # seconds that a body may take to come: fewer than a connection may take (dstill.runtime.http.PATIENCE)
_TYPE = "application/json"


@dataclass(frozen=True, kw_only=True)
class Query:
    """One question, and how it is to be answered."""

    question: str
    param: str = "question"  # where it stood
    model: str | None = None  # None: the one that is here
    data: str | None = None  # its name; None: what most of the run's questions are about
    execute: bool = False  # whether the answer is run
    explain: bool = False  # whether the student also says why
    stream: bool = False
    count: bool = False  # whether the stream ends with the tokens it took
    most: int | None = None  # tokens that the answer may have


# --- bodies -----------------------------------------------------------------------------


async def body_of(request: Request) -> dict[str, Any]:
    """The JSON object of a request. Raises Wrong."""
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != _TYPE:
        raise Wrong(415, "unsupported_media_type", f"send {_TYPE}, not {given or 'a body without a type'}")
    try:
        async with asyncio.timeout(SLOWEST):
            data = await _read(request)
    except TimeoutError:
        raise Wrong(408, "request_timeout", f"the body did not come within {SLOWEST:g} s") from None
    try:
        value = loads(data.decode())
    except UnicodeDecodeError as error:
        raise Wrong(400, "invalid_json", f"the body is not UTF-8 (byte {data[error.start]:#04x})") from None
    except NotStrict as error:
        raise Wrong(400, "invalid_json", f"the body is not strict JSON: {error}") from None
    if not isinstance(value, dict):
        raise Wrong(400, "invalid_json", f"the body is {kind(value)}, not an object")
    return value


async def _read(request: Request) -> bytes:
    """The body, as far as it may be long. One that is longer is read on a while, and thrown away."""
    data, length = bytearray(), 0
    async for part in request.stream():
        length += len(part)
        if length <= LARGEST:
            data += part
        elif length > _DRAINED:
            break
    if length > LARGEST:
        raise Wrong(413, "body_too_large", f"the body is larger than {LARGEST:,} bytes")
    return bytes(data)


# --- /v1/query --------------------------------------------------------------------------

_QUERY = ("question", "model", "execute", "explain")


def query_of(body: Mapping[str, Any], data_key: str) -> Query:
    """Raises Wrong."""
    known = (*_QUERY, *dict.fromkeys((data_key, "data")))
    for name in body:
        if name not in known:
            raise Wrong(
                400, "unknown_parameter", f"there is no '{name[:80]}'; there are {', '.join(known)}", param=name
            )
    if "question" not in body:
        raise Wrong(400, "missing_required_parameter", "there is no question", param="question")
    return Query(
        question=_question(_typed(body, "question", str) or "", "question"),
        model=_typed(body, "model", str),
        data=_data(body, data_key),
        execute=bool(_typed(body, "execute", bool)),
        explain=bool(_typed(body, "explain", bool)),
    )


# --- OpenAI's form ----------------------------------------------------------------------

# What changes nothing for a student whose answers are greedy and whole.
_NOTHING = (
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
# What a request may say only if it asks for nothing that is not here.
_ONLY: Mapping[str, tuple[Any, ...]] = {
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
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def chat_of(body: Mapping[str, Any], data_key: str) -> Query:
    """The last message of the user is the question; those before it are not read. Raises Wrong."""
    for name, value in body.items():
        if name in _ONLY:
            if value is not None and not any(value == one and type(value) is type(one) for one in _ONLY[name]):
                raise Wrong(400, "unsupported_parameter", f"'{name}' is not supported here", param=name)
        elif name not in (*_CHAT, *_NOTHING, data_key, "data"):
            raise Wrong(400, "unsupported_parameter", f"'{name[:80]}' is not supported here", param=name)
    if _typed(body, "model", str) is None:
        raise Wrong(400, "missing_required_parameter", "there is no model; GET /v1/models names it", param="model")
    options = _typed(body, "stream_options", dict) or {}
    return Query(
        question=_question(_last(body), "messages"),
        param="messages",
        model=_typed(body, "model", str),
        data=_data(body, data_key),
        stream=bool(_typed(body, "stream", bool)),
        count=bool(_typed(options, "include_usage", bool)),
        most=_most(body),
    )


def _last(body: Mapping[str, Any]) -> str:
    messages = _typed(body, "messages", list)
    if not messages:
        raise Wrong(400, "missing_required_parameter", "there are no messages", param="messages")
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise Wrong(400, "invalid_type", 'messages are {"role": "user", "content": "…"}', param="messages")
    asked = [message for message in messages if message["role"] == "user"]
    if not asked:
        raise Wrong(400, "missing_required_parameter", "no message is the user's", param="messages")
    content = asked[-1].get("content")
    if isinstance(content, list):
        if not all(isinstance(p, dict) and p.get("type") == "text" and isinstance(p.get("text"), str) for p in content):
            raise Wrong(400, "unsupported_parameter", "a message may hold text alone", param="messages")
        content = "\n".join(part["text"] for part in content)
    if not isinstance(content, str):
        raise Wrong(400, "invalid_type", f"the content of a message is {kind(content)}, not text", param="messages")
    return content


def _most(body: Mapping[str, Any]) -> int | None:
    """How many tokens the answer may have: one that has more is an error, not half an answer."""
    given = [m for name in ("max_tokens", "max_completion_tokens") if (m := _typed(body, name, int)) is not None]
    if any(m < 1 for m in given):
        raise Wrong(
            400, "invalid_value", "max_completion_tokens is a whole number from 1", param="max_completion_tokens"
        )
    return min(given, default=None)


# --- both -------------------------------------------------------------------------------

_NAMES = {str: "text", bool: "true or false", dict: "an object", list: "a list", int: "a whole number"}


def _typed(body: Mapping[str, Any], name: str, wanted: type[Any]) -> Any:
    """The value of a key; None where it is not there or null. Raises Wrong."""
    value = body.get(name)
    if value is not None and type(value) is not wanted:
        raise Wrong(400, "invalid_type", f"'{name}' is {kind(value)}, not {_NAMES[wanted]}", param=name)
    return value


def _data(body: Mapping[str, Any], data_key: str) -> str | None:
    """The name of the data. Raises Wrong."""
    found: str | None = _typed(body, data_key, str)
    return _typed(body, "data", str) if found is None else found


def _question(text: str, param: str) -> str:
    """Line breaks and tabs are of a text; other control characters are not. The rest is the student's to say."""
    if any(unicodedata.category(c) == "Cc" and c not in "\n\r\t" for c in text):
        raise Wrong(400, "invalid_question", f"the question holds control characters: {text[:80]}", param=param)
    return text
