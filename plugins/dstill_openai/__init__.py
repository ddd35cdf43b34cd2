"""The teacher ``openai``: any endpoint that speaks OpenAI's chat completions.

    [teacher.openai]
    base_url = "https://api.openai.com/v1"
    model = "gpt-4.1-mini"
    api_key_env = "OPENAI_API_KEY"       # the name of a variable, never the key

`teacher` asks one by one, `batch` in batches, over `connection`. `responses` reads what came back, `errors` says what
each failure means, `backoff` when to try again, `concurrency` how many requests are in flight; `structured` asks for
JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable

from dstill import hookimpl

if TYPE_CHECKING:
    from dstill.api.records import Draft
    from dstill.api.task import Task
    from dstill.api.teacher import Teacher

__all__ = ["parse_reply", "register_teachers"]


@hookimpl
def register_teachers() -> Iterable[type[Teacher]]:
    from dstill_openai.teacher import OpenAITeacher

    yield OpenAITeacher


@hookimpl
def parse_reply(task: Task, text: str) -> Draft | None:
    from dstill_openai.structured import draft_of

    return draft_of(task, text)
