"""A few letters that a teacher has to repeat, so that no reply is taken for that to another question.

    fence.of(example)                      "5f1c09ab"
    fence.added(prompt)                    each message of a user ends with "Begin your reply with <id>5f1c09ab</id>."
    fence.removed("<id>5f1c09ab</id>…", example)     ("…", None)
    fence.removed('{"id": "5f1c09ab", …}', example)  ('{…}', None)
    fence.removed("<id>00000000</id>…", example)     ("…", Problem(code="other_question"))

It follows from the question and what it is about, not from the example's id: the same question in another file
is the same words, and is not bought again. Worked examples carry their own, as a teacher does what it is shown.
A reply that repeats none is taken: a proxy that mixes up replies is caught by those that do.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

from dstill.api.records import Example, Message, Problem, Prompt
from dstill.io.strict_json import dumps
from dstill.teacher import trace

__all__ = ["added", "of", "removed"]

_REPEATED = re.compile(r"\s*<id>\s*([0-9a-f]{8})\s*</id>\s*")
_IN_JSON = re.compile(r'\s*\{\s*"id"\s*:\s*"\s*(?:<id>)?\s*([0-9a-f]{8})\s*(?:</id>)?\s*"\s*,')  # of structured outputs


def of(example: Example) -> str:
    return _short(dumps([example.question, example.context]))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:8]


def added(prompt: Prompt) -> Prompt:
    messages: list[Message] = []
    letters = ""
    last = len(prompt.messages) - 1
    for n, message in enumerate(prompt.messages):
        if message.role == "user":
            letters = of(prompt.example) if n == last else _short(message.content)
            text = f"{message.content}\nBegin your reply with <id>{letters}</id>."
        else:
            text = f"<id>{letters}</id>{message.content}" if message.role == "assistant" else message.content
        messages.append(replace(message, content=text))
    return replace(prompt, messages=tuple(messages))


def removed(text: str, example: Example) -> tuple[str, Problem | None]:
    """A reply without it, and what is wrong where it is that of another question. A reasoning trace stays before it."""
    for thought, reply in (trace.split(text), ("", text)):  # </think> may also stand in an answer
        in_json = _IN_JSON.match(reply)
        if found := in_json or _REPEATED.match(reply):
            rest = thought + ("{" if in_json else "") + reply[found.end() :]
            if found[1] == of(example):
                return rest, None
            return rest, Problem(layer="reply", code="other_question", message="the reply is to another question")
    return text, None
