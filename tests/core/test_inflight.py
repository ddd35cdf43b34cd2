"""Two processes need the same paid reply: one buys it, the other waits."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from dstill.api.records import Example, Message, Prompt, Reply
from dstill.api.teacher import Teacher
from dstill.teacher.cache import ReplyStore
from dstill.teacher.client import Counts, TeacherReply, replies

# Another process: it holds the key until it reads a line; then it stores the reply, or is killed.
OTHER = """
import asyncio, sys
from pathlib import Path
from dstill.teacher.inflight import KeyLocks
from dstill.api.records import Reply
from dstill.teacher.cache import ReplyStore

async def hold(path, key):
    with ReplyStore(Path(path)) as store:
        async with KeyLocks(store).hold(key):
            print("held", flush=True)
            sys.stdin.readline()
            store.put(key, Reply(id="theirs", text="bought there"))

asyncio.run(hold(*sys.argv[1:]))
"""
PROMPT = Prompt(example=Example(id="1", question="q"), messages=(Message(role="user", content="q"),))


class Paid(Teacher):
    name = "paid"
    paid = True

    async def ask(self, prompt: Prompt) -> Reply:
        return Reply(id=prompt.example.id, text="bought here")


@pytest.fixture
def other(store: ReplyStore) -> Iterator[subprocess.Popen[str]]:
    """Holds the key of `PROMPT`."""
    command = [sys.executable, "-c", OTHER, str(store.path), store.key(Paid().identity(PROMPT), PROMPT.messages)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DSTILL_")}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


async def asked(store: ReplyStore, counts: Counts) -> list[TeacherReply]:
    return [one async for one in replies(Paid(), [PROMPT], store, counts=counts)]


@pytest.mark.parametrize(("killed", "text", "bought"), [(False, "bought there", 0), (True, "bought here", 1)])
def test_waits_for_a_reply_that_another_process_requests(
    store: ReplyStore,
    other: subprocess.Popen[str],
    caplog: pytest.LogCaptureFixture,
    killed: bool,
    text: str,
    bought: int,
) -> None:
    counts = Counts()

    async def both() -> list[TeacherReply]:
        work = asyncio.create_task(asked(store, counts))
        async with asyncio.timeout(60):
            while not caplog.messages:  # from now on it waits
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)  # for a few more looks
        assert not work.done()
        if killed:
            other.kill()
        else:
            assert other.stdin is not None
            other.stdin.write("\n")
            other.stdin.flush()
        return await work

    with caplog.at_level(logging.WARNING, "dstill"):
        (one,) = asyncio.run(both())
    assert isinstance(one.reply, Reply)
    assert (one.reply.text, one.reply.id, counts.bought) == (text, "1", bought)
    assert caplog.messages == [f"pid {other.pid} asks for the same replies: waiting for it"]
