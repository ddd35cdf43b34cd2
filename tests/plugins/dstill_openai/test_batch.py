"""The Batch API against a loopback one: submission, results and recovery after a kill."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.loopback_batches import Plan
from support.loopback_teacher import LoopbackTeacher, Say, error, html, raw
from support.openai_asking import opened, prompt
from support.sizes import first_quick

from dstill.api.records import Problem, Reply
from dstill.errors import AuthError, ConfigError, DstillError, ServiceError
from dstill.teacher import batch_log
from dstill.teacher.batch import replies
from dstill.teacher.cache import ReplyStore
from dstill.teacher.client import Counts, TeacherReply
from dstill_openai import structured

pytestmark = pytest.mark.usefixtures("key")

QUESTIONS = [f"question {n}" for n in range(7)]


def buy(server: LoopbackTeacher, store: Path, questions: list[str] = QUESTIONS, **settings: Any) -> list[TeacherReply]:
    async def work() -> list[TeacherReply]:
        with ReplyStore(store) as kept:
            async with opened(server.base_url, batch_poll=0.01, **settings) as teacher:
                return [one async for one in replies(teacher, map(prompt, questions), kept)]

    return asyncio.run(work())


def codes(asked: list[TeacherReply]) -> list[str]:
    return ["" if isinstance(one.reply, Reply) else one.reply.code for one in asked]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "replies.sqlite"


def test_batch_has_the_same_requests_as_single_calls(store: Path) -> None:
    with LoopbackTeacher() as server:
        asked = buy(server, store, temperature=0.5)
        (batch,) = server.batches.made
        lines = [json.loads(line) for line in server.batches.files[batch["input_file_id"]].splitlines()]
    assert [one.reply.id for one in asked] == QUESTIONS  # type: ignore[union-attr]
    assert [line["custom_id"] for line in lines] == [one.key for one in asked]
    assert {line["url"] for line in lines} == {"/v1/chat/completions"}
    assert lines[0]["body"] == {
        "messages": [{"role": "user", "content": "question 0"}],
        "model": "toy",
        "max_tokens": 2048,
        "temperature": 0.5,
    }
    assert len(batch["metadata"]["dstill"]) == 64
    assert server.requests == []  # no single requests
    assert server.sold == QUESTIONS


def test_batch_and_single_replies_share_cache_keys(store: Path) -> None:
    with LoopbackTeacher() as server:
        buy(server, store)
        with ReplyStore(store) as kept:
            teacher = opened(server.base_url)
            reply = kept.get(kept.key(teacher.identity(prompt("question 3")), prompt("question 3").messages))
    assert reply is not None
    assert (reply.id, reply.model, reply.text) == (
        "question 3",
        "toy",
        "<rationale>because</rationale><answer>question 3</answer>",
    )
    assert reply.usage is not None


def test_batch_has_a_schema_only_if_configured(store: Path) -> None:
    """`auto` could not retry within the batch."""
    for mode, sent in (("schema", True), ("auto", False), ("off", False)):
        with LoopbackTeacher() as server:
            buy(server, store.with_name(mode), ["a"], json_mode=mode)
            (line,) = server.batches.files["file-0"].splitlines()
        assert ("response_format" in json.loads(line)["body"]) == sent
        assert (structured.NOTE in line.decode() or json.dumps(structured.NOTE)[1:-1] in line.decode()) == sent


def test_polls_until_the_batch_has_ended(store: Path) -> None:
    async def work() -> list[TeacherReply]:
        with ReplyStore(store) as kept:
            async with opened(server.base_url, batch_poll=0.01) as teacher:
                letting_go = asyncio.create_task(release_after_polls(6))
                found = [one async for one in replies(teacher, map(prompt, QUESTIONS), kept)]
                await letting_go
                return found

    async def release_after_polls(looks: int) -> None:
        while server.batches.calls.count("GET /v1/batches/{id}") < looks:
            await asyncio.sleep(0.005)
        server.batches.hold = False

    with LoopbackTeacher() as server:
        server.batches.hold = True
        assert codes(asyncio.run(work())) == [""] * 7
        assert server.batches.calls.count("GET /v1/batches/{id}") > 5


@pytest.mark.parametrize("counts", [{"completed": "many", "total": None}, [7], None])
def test_malformed_request_counts_are_ignored(store: Path, counts: Any) -> None:
    with LoopbackTeacher() as server:
        work = server.batches._work

        def strange(batch: dict[str, Any], plan: Plan) -> None:
            work(batch, plan)
            batch["request_counts"] = counts

        server.batches._work = strange  # type: ignore[method-assign]
        assert codes(buy(server, store)) == [""] * 7


# --- kills ------------------------------------------------------------------------------

RUN = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from support.openai_asking import opened, prompt
from dstill.teacher.batch import replies
from dstill.teacher.cache import ReplyStore
async def run():
    with ReplyStore(Path(sys.argv[3])) as store:
        async with opened(sys.argv[2], batch_poll=0.01) as teacher:
            async for _ in replies(teacher, [prompt(f"question {n}") for n in range(7)], store):
                pass
asyncio.run(run())
"""


@pytest.mark.parametrize("moment", first_quick(["POST /v1/files", "POST /v1/batches", "GET /v1/batches/{id}"]))
def test_rerun_after_a_kill_collects_the_same_batch(store: Path, moment: str) -> None:
    """Killed after the server created the batch and before it responded, or while the batch is in progress."""
    with LoopbackTeacher() as server:
        server.batches.hold = True
        server.batches.stalls = {moment}
        command = [sys.executable, "-c", RUN, str(Path(__file__).parents[2]), server.base_url, str(store)]
        process = subprocess.Popen(command)
        deadline = time.monotonic() + 30
        while moment not in server.batches.calls and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
        server.batches.stalls = set()
        server.batches.hold = False
        assert codes(buy(server, store)) == [""] * 7
        assert len(server.batches.made) == 1
        assert server.sold == QUESTIONS
        assert codes(buy(server, store)) == [""] * 7
        assert server.sold == QUESTIONS


@pytest.mark.parametrize("said", [error(500), error(429), html(502), raw([])], ids=["500", "429", "502", "no object"])
def test_batch_created_despite_an_error_is_found_and_not_repeated(store: Path, said: Say) -> None:
    with LoopbackTeacher() as server:
        server.batches.made += [
            {"id": f"batch_old{n}", "status": "completed", "metadata": {"dstill": "other"} if n % 2 else None}
            for n in range(3)
        ]
        server.batches.faults = {"POST /v1/batches": [(said, True)]}
        assert codes(buy(server, store)) == [""] * 7
        assert len(server.batches.made) == 4
        assert server.sold == QUESTIONS


def test_every_batch_request_is_retried(store: Path) -> None:
    calls = ["POST /v1/files", "POST /v1/batches", "GET /v1/batches/{id}", "GET /v1/files/{id}/content"]
    with LoopbackTeacher() as server:
        server.batches.faults = {call: [(error(503), False), (error(503), False)] for call in calls}
        assert codes(buy(server, store)) == [""] * 7
        assert len(server.batches.made) == 1


def test_truncated_file_is_fetched_again(store: Path) -> None:
    with LoopbackTeacher() as server:
        half = Say(body=b'{"custom_id": "x", "respon', headers={"content-type": "application/binary"})
        server.batches.faults = {"GET /v1/files/{id}/content": [(half, False)]}
        assert codes(buy(server, store)) == [""] * 7
        server.batches.faults = {"GET /v1/files/{id}/content": [(half, False)] * 9}
        with pytest.raises(ServiceError, match="cut off or broken"):
            buy(server, store, ["another"])
        with ReplyStore(store) as kept:
            assert len(batch_log.open_batches(kept)) == 1  # it is paid for: the next run collects it
        server.batches.faults = {}
        assert codes(buy(server, store, ["another"])) == [""]
        assert len(server.batches.made) == 2


# --- replies ----------------------------------------------------------------------------


def test_order_duplicates_and_unknown_ids_do_not_matter(store: Path) -> None:
    def odd(lines: list[bytes]) -> list[bytes]:
        stranger = json.dumps({**json.loads(lines[0]), "custom_id": "nobody"}).encode()
        return [*lines[::-1], lines[0], b"", stranger, b"[]", b"{half", *lines[:2]]

    with LoopbackTeacher() as server:
        server.batches.plan = [Plan(change=odd)]
        asked = buy(server, store)
    texts = [one.reply.text for one in asked if isinstance(one.reply, Reply)]
    assert texts == [f"<rationale>because</rationale><answer>{question}</answer>" for question in QUESTIONS]


def test_refused_items_are_problems_with_the_endpoint_message(store: Path) -> None:
    refuse = {
        "question 1": {"message": "too long", "code": "context_length_exceeded"},
        "question 2": {"message": "no", "code": "content_filter"},
    }
    with LoopbackTeacher() as server:
        server.batches.plan = [Plan(refuse=refuse)]
        asked = buy(server, store)
        assert codes(asked) == ["", "bad_request", "filtered", "", "", "", ""]
        assert isinstance(asked[1].reply, Problem)
        assert "a smaller mapping" in asked[1].reply.hint
        with ReplyStore(store) as kept:
            assert "too long" in kept.attempts(asked[1].key)[0]
        assert codes(buy(server, store)) == [""] * 7  # what failed, and only that, is asked again
        assert len(server.sold) == 7


@pytest.mark.parametrize("status", ["expired", "cancelled", "failed"])
def test_incomplete_batch_keeps_its_replies(store: Path, status: str) -> None:
    with LoopbackTeacher() as server:
        server.batches.plan = [Plan(status=status, answer=3, errors=[{"code": "x", "message": "out of luck"}])]
        asked = buy(server, store)
        assert codes(asked) == ["", "", "", *["unavailable"] * 4]
        assert codes(buy(server, store)) == [""] * 7
        assert server.sold == QUESTIONS  # each once
        assert len(server.batches.made) == 2


def test_batch_refused_for_billing_stops_the_run(store: Path) -> None:
    with LoopbackTeacher() as server:
        errors = [{"code": "billing_hard_limit_reached", "message": "pay first"}]
        server.batches.plan = [Plan(status="failed", answer=0, errors=errors)]
        with pytest.raises(AuthError, match=r"the quota at .* is used up: pay first"):
            buy(server, store)
        assert codes(buy(server, store)) == [""] * 7


def test_malformed_reply_line_fails_only_its_item(store: Path) -> None:
    empty = raw({"choices": []})
    refused = raw({"choices": [{"message": {"content": None, "refusal": "no"}}]})
    with LoopbackTeacher(script=[empty, refused, raw({"error": {"message": "overloaded"}})]) as server:
        assert codes(buy(server, store)) == ["empty", "refused", "unavailable", "", "", "", ""]


# --- endpoints without batches ----------------------------------------------------------


def test_endpoint_without_batches_is_refused(store: Path) -> None:
    gone = error(404, "unknown url")
    with LoopbackTeacher() as server:
        server.batches.faults = {"POST /v1/files": [(gone, False)]}
        with pytest.raises(ConfigError, match="has no Batch API at this address") as caught:
            buy(server, store)
        assert "without --batch-api" in caught.value.hint


def test_refused_key_stops_before_any_purchase(store: Path, key: str) -> None:
    with LoopbackTeacher() as server:
        server.batches.faults = {"POST /v1/batches": [(error(401, f"bad key {key}"), False)]}
        with pytest.raises(DstillError) as caught:
            buy(server, store)
        assert isinstance(caught.value, AuthError)
        assert key not in str(caught.value)
        assert codes(buy(server, store)) == [""] * 7
        assert len(server.batches.made) == 1


def test_counts_cover_this_run_only(store: Path) -> None:
    async def work() -> Counts:
        counts = Counts()
        with ReplyStore(store) as kept:
            async with opened(server.base_url, batch_poll=0.01) as teacher:
                async for _ in replies(teacher, map(prompt, QUESTIONS), kept, counts=counts):
                    pass
        return counts

    with LoopbackTeacher() as server:
        assert asyncio.run(work()) == Counts(bought=7)
        assert asyncio.run(work()) == Counts(cached=7)
