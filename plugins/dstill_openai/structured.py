"""Structured outputs: requests replies as JSON objects with a schema, and parses them.

    PARAMETERS                        # response_format for the request
    messages(prompt.messages, task)   # the same messages with a note about JSON, and examples as JSON
    draft_of(task, '{"id": "5f1c09ab", "rationale": "because", "answer": "1 + 2"}')   # with the task's parser

The prompt still describes the task's usual format, and the note overrides it. So replies in the usual format, from
endpoints that ignore or reject the schema, can be parsed as well. The answer is a string even if the task's language is
JSON, because endpoints cannot enforce a schema that allows any object.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dstill.api.records import Draft, Message
from dstill.api.task import Task
from dstill.io.strict_json import NotStrict, dumps, loads

__all__ = ["PARAMETERS", "VERSION", "draft_of", "messages"]

FIELDS = ("id", "rationale", "answer")  # in the order of generation: the rationale before the answer
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
# Part of the cache key of replies: a change of this module's texts changes the prompt.
VERSION = hashlib.sha256(json.dumps([NOTE, PARAMETERS]).encode()).hexdigest()[:8]

_ID = re.compile(r"\s*<id>(?P<id>[^<]*)</id>")


def messages(prompt: Sequence[Message], task: Task) -> list[Message]:
    """The messages to send: the note is added to the first system message, and examples become JSON."""
    converted = [_as_json(message, task) if message.role == "assistant" else message for message in prompt]
    if not converted or converted[0].role != "system":
        return [Message(role="system", content=NOTE), *converted]
    return [replace(converted[0], content=f"{converted[0].content}\n\n{NOTE}"), *converted[1:]]


def _as_json(message: Message, task: Task) -> Message:
    match = _ID.match(message.content)
    draft = task.parse(message.content[match.end() :] if match else message.content)
    if draft is None:  # an earlier reply that is quoted unchanged
        return message
    values = (match["id"] if match else "", draft.rationale, draft.answer)
    return replace(message, content=dumps(dict(zip(FIELDS, values, strict=True))))


def draft_of(task: Task, text: str) -> Draft | None:
    """The draft in a reply that has the schema; None for any other reply."""
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
