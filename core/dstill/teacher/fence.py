"""An id in each prompt that the teacher must repeat, so that a reply is never used for another question.

    fence.of(example)                      "5f1c09ab"
    fence.added(prompt)                    each user message ends with "Begin your reply with <id>5f1c09ab</id>."
    fence.removed("<id>5f1c09ab</id>…", example)     ("…", None)
    fence.removed('{"id": "5f1c09ab", …}', example)  ('{…}', None)
    fence.removed("<id>00000000</id>…", example)     ("…", Problem(code="other_question"))

The id is a hash of the question and its context, not the example's id: so the same question in another file gives the
same prompt, and its reply is not bought again. Worked examples have their own ids, because a teacher imitates them. A
reply without an id is accepted: if a proxy mixes up replies, those with an id reveal it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

from dstill.api.records import Example, Message, Problem, Prompt
from dstill.io.strict_json import dumps
from dstill.teacher import trace

__all__ = ["added", "of", "removed"]

_ID_TAG = re.compile(r"\s*<id>\s*([0-9a-f]{8})\s*</id>\s*")
_JSON_ID = re.compile(r'\s*\{\s*"id"\s*:\s*"\s*(?:<id>)?\s*([0-9a-f]{8})\s*(?:</id>)?\s*"\s*,')  # of structured outputs


def of(example: Example) -> str:
    """The id for `example`: 8 hexadecimal digits."""
    return _short(dumps([example.question, example.context]))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:8]


def added(prompt: Prompt) -> Prompt:
    """`prompt` with the request to repeat the id, also in its worked examples."""
    messages: list[Message] = []
    id = ""
    last = len(prompt.messages) - 1
    for n, message in enumerate(prompt.messages):
        if message.role == "user":
            id = of(prompt.example) if n == last else _short(message.content)
            text = f"{message.content}\nBegin your reply with <id>{id}</id>."
        else:
            text = f"<id>{id}</id>{message.content}" if message.role == "assistant" else message.content
        messages.append(replace(message, content=text))
    return replace(prompt, messages=tuple(messages))


def removed(text: str, example: Example) -> tuple[str, Problem | None]:
    """The reply `text` without the id, and a problem if the id is that of another question.

    A reasoning trace before the reply is kept.
    """
    for thought, reply in (trace.split(text), ("", text)):  # an answer may contain </think>, too
        in_json = _JSON_ID.match(reply)
        if match := in_json or _ID_TAG.match(reply):
            rest = thought + ("{" if in_json else "") + reply[match.end() :]
            if match[1] == of(example):
                return rest, None
            return rest, Problem(layer="reply", code="other_question", message="the reply is to another question")
    return text, None
