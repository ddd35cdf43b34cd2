"""Structured outputs: a reply as a JSON object of a schema, where an endpoint has them, and back.

    PARAMETERS                        # response_format for the request
    messages(prompt.messages, task)   # the same words, worked examples as JSON, and a note that says so
    draft_of(task, '{"id": "5f1c09ab", "rationale": "because", "answer": "1 + 2"}')   # by the task's own parser

The prompt keeps the task's own form, which the note then overrules: so an endpoint that takes the schema and does
not keep to it, and one that refuses it and is asked without, give replies that are read as ever. The answer is
text also where the language is JSON, as a schema of "any object" is none that endpoints hold a model to.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from typing import Any, Mapping, Sequence

from dstill.api.records import Draft, Message
from dstill.api.task import Task
from dstill.io.strict_json import NotStrict, dumps, loads

__all__ = ["PARAMETERS", "VERSION", "draft_of", "messages"]

FIELDS = ("id", "rationale", "answer")  # in the order in which they are written: first why, then what
PARAMETERS: Mapping[str, Any] = {
    "response_format": {
        "type": "json_schema",
        "json_schema": {
            "name": "reply",
            "strict": True,
            "schema": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in FIELDS},
                "required": list(FIELDS),
                "additionalProperties": False,
            },
        },
    }
}
NOTE = (
    "Whatever form is asked for elsewhere, write each reply as one JSON object: "
    '{"id": "the letters that stand between <id> and </id>, or nothing", "rationale": "…", "answer": "…"}. '
    "What would stand in <rationale> and <answer> are its texts."
)
# In the key of a reply: other words of this module are other words sent.
VERSION = hashlib.sha256(json.dumps([NOTE, PARAMETERS]).encode()).hexdigest()[:8]

_ID = re.compile(r"\s*<id>(?P<id>[^<]*)</id>")


def messages(asked: Sequence[Message], task: Task) -> list[Message]:
    """What is sent: the note at the end of the first system message, worked examples in the form of the schema."""
    sent = [_as_json(message, task) if message.role == "assistant" else message for message in asked]
    if not sent or sent[0].role != "system":
        return [Message(role="system", content=NOTE), *sent]
    return [replace(sent[0], content=f"{sent[0].content}\n\n{NOTE}"), *sent[1:]]


def _as_json(message: Message, task: Task) -> Message:
    found = _ID.match(message.content)
    draft = task.parse(message.content[found.end() :] if found else message.content)
    if draft is None:  # a reply that is shown again as it was
        return message
    values = (found["id"] if found else "", draft.rationale, draft.answer)
    return replace(message, content=dumps(dict(zip(FIELDS, values, strict=True))))


def draft_of(task: Task, text: str) -> Draft | None:
    """A reply in the form of the schema, taken apart; None: it is in another."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        reply = loads(text)
    except NotStrict:
        return None
    rationale, answer = reply.get("rationale"), reply.get("answer")
    if not isinstance(rationale, str) or not isinstance(answer, (str, dict)):
        return None
    return task.parse(task.reply_text(rationale, answer if isinstance(answer, str) else dumps(answer)))
