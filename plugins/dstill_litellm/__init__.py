"""The teacher ``litellm``: providers whose API is not OpenAI's, through the library LiteLLM.

    [teacher.litellm]
    model = "anthropic/claude-sonnet-4-5"     # or bedrock/…, vertex_ai/…, gemini/…: PROVIDER/MODEL

It needs the extra `litellm`, which the extra `all` leaves out for its size. For endpoints with OpenAI's API, the
teacher ``openai`` is lighter.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    from dstill.api.part import Declaration

__all__ = ["register_teachers"]


@hookimpl
def register_teachers() -> Iterable[Declaration]:
    """The teacher `litellm`."""
    from dstill_litellm.declarations import TEACHER

    yield TEACHER
