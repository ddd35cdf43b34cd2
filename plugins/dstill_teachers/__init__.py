"""Teachers that need no endpoint, and hooks for all teachers: few-shot examples, reasoning traces, rationale checks.

dstill generate --teacher synthetic          # the example's gold answer and rationale
dstill generate --teacher replay:answers.csv
dstill generate --teacher local --set teacher.local.model=./folder     # a transformers model in this process
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dstill import hookimpl
from dstill_teachers.nearest_shots import build_prompt
from dstill_teachers.rationale import check_draft
from dstill_teachers.reasoning import parse_reply

if TYPE_CHECKING:
    from dstill.api.part import Declaration

__all__ = ["build_prompt", "check_draft", "parse_reply", "register_teachers"]


@hookimpl
def register_teachers() -> Iterable[Declaration]:
    """The teachers `synthetic`, `replay` and `local`."""
    from dstill.api.part import declare

    yield declare("synthetic", "dstill_teachers.synthetic:Synthetic")
    yield declare("replay", "dstill_teachers.replay:Replay")
    yield declare("local", "dstill_teachers.local:Local")
