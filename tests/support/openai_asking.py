"""The teacher ``openai`` set up for the loopback server.

`opened` makes one, `ask` gets one reply, `buy` gets many through a store, `counted` says how many were bought.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

from dstill.api.records import Example, Message, Prompt, Reply
from dstill.api.task import Check, Task
from dstill.teacher.cache import ReplyStore
from dstill.teacher.client import Counts, replies
from dstill_openai.teacher import OpenAIConfig, OpenAITeacher

__all__ = ["Echo", "ask", "buy", "counted", "opened", "prompt"]


class Echo(Task):
    name = "echo"
    checks = (Check("form", lambda example, answer: ()),)

    def examples(self, split: str) -> Iterable[Example]:
        return ()


def prompt(question: str = "why?") -> Prompt:
    return Prompt(example=Example(id=question, question=question), messages=(Message(role="user", content=question),))


def opened(url: str, *, json_mode: Literal["auto", "schema", "off"] = "off", **settings: Any) -> OpenAITeacher:
    teacher = OpenAITeacher(OpenAIConfig(**{"base_url": url, "model": "toy", "max_retries": 2, **settings}))
    teacher.json_mode = json_mode
    return teacher.open(Echo())


def ask(teacher: OpenAITeacher, asked: str | Prompt = "why?") -> Reply:
    async def run() -> Reply:
        async with teacher:
            return await teacher.ask(prompt(asked) if isinstance(asked, str) else asked)

    return asyncio.run(run())


def counted(url: str, store: Path, questions: Iterable[str], *, concurrency: int = 8, **settings: Any) -> Counts:
    """Ask these questions; how many of the replies were bought, and how many came from the store."""

    async def run() -> Counts:
        counts = Counts()
        with ReplyStore(store) as kept:
            async with opened(url, **settings) as teacher:
                async for _ in replies(teacher, map(prompt, questions), kept, concurrency=concurrency, counts=counts):
                    pass
        return counts

    return asyncio.run(run())


async def buy(url: str, store: Path, questions: int, concurrency: int, say: Callable[[str], object]) -> Counts:
    """Ask ``question 0`` and so on; each reply is said as it is yielded."""
    counts = Counts()
    prompts = (prompt(f"question {n}") for n in range(questions))
    with ReplyStore(store) as kept:
        async with opened(url) as teacher:
            async for asked in replies(teacher, prompts, kept, concurrency=concurrency, counts=counts):
                assert isinstance(asked.reply, Reply), asked.reply
                say(f"{asked.reply.id}: {asked.reply.text}")
    return counts
