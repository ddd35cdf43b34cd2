"""The teacher ``synthetic``: a task's own synthesizer answers, offline and always the same.

In: a prompt whose example has a gold (`Synthesis.synthesize` makes such examples). Out: gold and
rationale in the form of `Task.reply_text`, so that it is parsed and checked like any reply.
"""

from __future__ import annotations

import hashlib
from typing import Any, Mapping

from dstill.api.records import Prompt, Reply
from dstill.api.teacher import Teacher
from dstill.errors import DataError
from dstill.io.strict_json import dumps

__all__ = ["Synthetic", "digest"]


class NoGold(DataError):
    """A question that this teacher can not answer; rejections count it under a name of its own."""

    code = "no_gold"


class Synthetic(Teacher):
    name = "synthetic"
    is_lookup = True

    def identity(self, prompt: Prompt) -> Mapping[str, Any]:
        """The answer decides the reply here, not only the words of the question."""
        return {"teacher": self.name, "answer": digest(prompt.example.answer, prompt.example.rationale)}

    async def ask(self, prompt: Prompt) -> Reply:
        example = prompt.example
        if example.answer is None:
            raise NoGold(
                "the question has no gold answer, and the synthetic teacher knows no other",
                where=f"id {example.id}",
                hint="ask another teacher, or use the task's own questions",
            )
        return Reply(id=example.id, text=self.task.reply_text(example.rationale or "", example.answer), model=self.name)


def digest(answer: str | None, rationale: str | None) -> str:
    return hashlib.sha256(dumps([answer, rationale]).encode()).hexdigest()
