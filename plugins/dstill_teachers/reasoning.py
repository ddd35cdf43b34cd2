"""Parses replies of reasoning models: removes the reasoning trace and parses the rest like any other reply.

    <think>First the sum …</think><rationale>because</rationale><answer>1 + 2</answer>   →  rationale "because"

If the rest has no rationale, the trace becomes the rationale, with a note in the draft. Returns None if there is no
trace or the rest cannot be parsed, since ``</think>`` may be part of an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from dstill import hookimpl
from dstill.teacher import trace

if TYPE_CHECKING:
    from dstill.api.records import Draft

__all__ = ["parse_reply"]

NOTE = "took the rationale from the reasoning trace"


@hookimpl(tryfirst=True)  # otherwise a tolerant parser could take a draft in the trace for the answer
def parse_reply(text: str, parse: Callable[[str], Draft | None]) -> Draft | None:
    """The draft of a reply with a reasoning trace."""
    thought, reply = trace.split(text)
    draft = parse(reply) if thought else None
    if draft is None or draft.rationale.strip():
        return draft
    return replace(draft, rationale=trace.words(thought), notes=(*draft.notes, NOTE))
