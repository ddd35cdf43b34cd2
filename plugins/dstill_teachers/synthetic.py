"""The teacher ``synthetic``: replies with the gold answer and rationale of the example itself, offline.

Examples from `Synthesis.synthesize` have both. The reply has the format of `Task.reply_text`, so it is parsed and
checked like any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from dstill.api.records import Prompt, Reply
from dstill.api.teacher import Teacher
from dstill.errors import DataError
from dstill.io.strict_json import dumps

__all__ = ["Synthetic", "digest"]


class NoGold(DataError):
    """The question has no gold answer."""

    code = "no_gold"


class Synthetic(Teacher):
    """Repeats the reference answer of each question."""

    name = "synthetic"
    is_lookup = True

    def identity(self, prompt: Prompt) -> Mapping[str, Any]:
        """The cache key, which depends on the gold answer instead of the prompt."""
        return {"teacher": self.name, "answer": digest(prompt.example.answer, prompt.example.rationale)}

    async def ask(self, prompt: Prompt) -> Reply:
        example = prompt.example
        if example.answer is None:
            raise NoGold(
                "the question has no reference answer for the synthetic teacher to repeat",
                where=f"id {example.id}",
                hint="add a column 'answer', or use a teacher that is a model",
            )
        return Reply(id=example.id, text=self.task.reply_text(example.rationale or "", example.answer), model=self.name)


def digest(answer: str | None, rationale: str | None) -> str:
    """SHA-256 of an answer and its rationale, in hex."""
    return hashlib.sha256(dumps([answer, rationale]).encode()).hexdigest()
