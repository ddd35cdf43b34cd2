"""The teacher ``openai``: any endpoint with OpenAI's chat completions API.

    [teacher.openai]
    base_url = "https://api.openai.com/v1"
    model = "gpt-4.1-mini"
    api_key_env = "OPENAI_API_KEY"       # the name of a variable, never the key

`teacher` sends single requests and `batch` uses the Batch API, both over `connection`. `parameters` adapts requests to
the endpoint and `structured` asks for JSON. `responses` parses replies, `errors` classifies failures, `retries` and
`backoff` repeat requests, `concurrency` limits those in flight, and `prices` knows what they cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    from dstill.api.part import Declaration
    from dstill.api.records import Draft
    from dstill.api.task import Task

__all__ = ["parse_reply", "register_teachers"]


@hookimpl
def register_teachers() -> Iterable[Declaration]:
    """The teacher `openai`."""
    from dstill.api.part import declare

    yield declare("openai", "dstill_openai.teacher:OpenAITeacher")


@hookimpl
def parse_reply(task: Task, text: str) -> Draft | None:
    """A structured reply; None for any other reply."""
    from dstill_openai.structured import draft_of

    return draft_of(task, text)
