"""Replies of reasoning models: the trace comes off, and what is left is read like any other reply.

    <think>First the sum …</think><rationale>because</rationale><answer>1 + 2</answer>   →  rationale "because"

The trace becomes the rationale only where the reply has none of its own, with a note in the draft; the checks of drafts
then look at it like at any other. Passes where there is no trace, and where nobody can read what is left: ``</think>``
may stand in an answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Callable

from dstill import hookimpl
from dstill.teacher import trace

if TYPE_CHECKING:
    from dstill.api.records import Draft
    from dstill.api.task import Task

__all__ = ["parse_reply"]

NOTE = "took the rationale from the reasoning trace"


@hookimpl(tryfirst=True)  # a tolerant parser could take a draft in the trace for the answer
def parse_reply(task: Task, text: str, parse: Callable[[str], Draft | None]) -> Draft | None:
    thought, reply = trace.split(text)
    draft = parse(reply) if thought else None
    if draft is None or draft.rationale.strip():
        return draft
    return replace(draft, rationale=trace.words(thought), notes=(*draft.notes, NOTE))
