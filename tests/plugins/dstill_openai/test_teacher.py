"""The teacher ``openai`` against a real server: requests, retries and messages."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

import pytest
from support.loopback_teacher import (
    LoopbackTeacher,
    Say,
    answer,
    broken_json,
    cut_body,
    error,
    hang,
    html,
    raw,
)
from support.openai_asking import ask, opened, prompt

from dstill.api.records import Reply, Usage
from dstill.errors import AuthError, ConfigError, DataError, DstillError, ServiceError
from dstill.teacher.cache import ReplyStore

pytestmark = pytest.mark.usefixtures("key")


def outcome(*script: Say, **settings: Any) -> tuple[Reply | DstillError, LoopbackTeacher]:
    """The reply or error of one question to a server that says `script` first, and the server."""
    with LoopbackTeacher(script=script) as server:
        teacher = opened(server.base_url, **settings)
        try:
            return ask(teacher), server
        except DstillError as error_:
            return error_, server


# --- requests ---------------------------------------------------------------------------


def test_answers_a_question(key: str) -> None:
    reply, server = outcome(answer("because", usage=True))
    assert isinstance(reply, Reply)
    assert (reply.id, reply.text, reply.model, reply.finish_reason) == ("why?", "because", "toy", "stop")
    assert reply.usage == Usage(prompt_tokens=10, completion_tokens=5)
    assert reply.seconds is not None
    (sent,) = server.requests
    assert sent == {
        "model": "toy",
        "messages": [{"role": "user", "content": "why?"}],
        "max_tokens": 2048,
        "temperature": 0.0,
    }
    assert server.keys == [f"Bearer {key}"]


def test_parameters_have_the_names_of_the_endpoint() -> None:
    _, server = outcome(temperature=-1.0, max_tokens=9, max_tokens_name="max_completion_tokens")
    assert server.requests[0].keys() == {"model", "messages", "max_completion_tokens"}


def test_no_key_is_sent_without_a_variable(key: str) -> None:
    _, server = outcome(api_key_env="")
    assert key not in server.keys[0]


def test_identity_has_sampling_settings_and_no_secret(key: str) -> None:
    one = opened("http://127.0.0.1:9/v1/").identity(prompt())
    assert one == opened("http://127.0.0.1:9/v1").identity(prompt())
    assert key not in str(one)
    for change in ({"model": "other"}, {"temperature": 0.5}, {"max_tokens": 9}):
        other = opened("http://127.0.0.1:9/v1", **change).identity(prompt())
        assert ReplyStore.key(one, ()) != ReplyStore.key(other, ())
    for same in ({"timeout": 9.0}, {"max_retries": 9}, {"max_wait": 9.0}):
        assert opened("http://127.0.0.1:9/v1", **same).identity(prompt()) == one


def test_missing_usage_is_none() -> None:
    reply, _ = outcome(answer("x", usage=False))
    assert isinstance(reply, Reply)
    assert reply.usage is None


@pytest.mark.parametrize("tokens", [-1, 10**400, "12", None, 1.5])
def test_impossible_usage_is_none(tokens: Any) -> None:
    """Negative usage would defeat every cap, and huge numbers overflow a float."""
    choice = {"message": {"content": "because"}}
    for usage in ({"prompt_tokens": tokens, "completion_tokens": 5}, {"prompt_tokens": 5, "completion_tokens": tokens}):
        reply, _ = outcome(raw({"choices": [choice], "usage": usage}))
        assert isinstance(reply, Reply)
        assert reply.usage is None


def test_model_name_is_escaped() -> None:
    reply, _ = outcome(raw({"choices": [{"message": {"content": "because"}}], "model": "m\ud800\x1b[31m" + "y" * 9999}))
    assert isinstance(reply, Reply)
    assert reply.model.startswith("m[31my")
    assert len(reply.model) < 300


def test_truncated_reply_is_marked() -> None:
    reply, server = outcome(answer('{"query": {"match', finish="length"))
    assert isinstance(reply, Reply)
    assert reply.finish_reason == "length"
    assert len(server.requests) == 1


def test_content_in_parts_is_joined() -> None:
    choice = {"message": {"content": [{"type": "text", "text": "be"}, {"type": "text", "text": "cause"}]}}
    reply, _ = outcome(raw({"choices": [choice]}))
    assert isinstance(reply, Reply)
    assert (reply.text, reply.finish_reason, reply.model) == ("because", "stop", "toy")


# --- retries ----------------------------------------------------------------------------

TRANSIENT = {
    "408": error(408),
    "409": error(409),
    "425": error(425),
    "429": error(429),
    "500": error(500),
    "502 with a page": html(502),
    "503": error(503),
    "200 with an error": raw({"error": {"message": "overloaded", "code": 500}}),
    "200 with an error in words": raw({"error": "overloaded"}),
    "cut body": cut_body(),
    "broken JSON": broken_json(),
    "a number for a body": raw(7),
    "choices []": raw({"choices": []}),
    "choices null": raw({"choices": None}),
    "no choices": raw({}),
    "null content": answer(None),
    "empty content": answer(" \n"),
    "no message": raw({"choices": [{}]}),
    "hang": hang(),
}


@pytest.mark.parametrize("fault", TRANSIENT.values(), ids=TRANSIENT.keys())
def test_transient_faults_are_retried(fault: Say) -> None:
    reply, server = outcome(fault, fault, answer("at last"), timeout=2.0 if fault.delay else 10.0)
    assert isinstance(reply, Reply), reply
    assert reply.text == "at last"
    assert len(server.requests) == 3


@pytest.mark.parametrize("fault", TRANSIENT.values(), ids=TRANSIENT.keys())
def test_retries_are_bounded(fault: Say) -> None:
    failed, server = outcome(*[fault] * 9, timeout=1.0 if fault.delay else 10.0, max_retries=1)
    assert isinstance(failed, ServiceError)
    assert len(server.requests) == 2
    assert "127.0.0.1" in failed.what


def test_exit_code_distinguishes_empty_replies_from_an_outage() -> None:
    codes = [outcome(*[fault] * 9, max_retries=0)[0] for fault in (error(500), raw({"choices": []}), broken_json())]
    assert [e.code for e in codes if isinstance(e, DstillError)] == ["service", "empty", "broken"]


def test_slow_body_ends_at_the_timeout() -> None:
    """The SDK's timeout restarts with every byte."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n")
        gone = asyncio.create_task(reader.read())
        while not gone.done():
            writer.write(b" ")
            await asyncio.wait([gone], timeout=0.05)
        writer.close()
        ended.set()

    async def run() -> None:
        server = await asyncio.start_server(drip, "127.0.0.1")
        teacher = opened(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", timeout=0.4, max_retries=0)
        async with server:
            async with teacher:
                with pytest.raises(ServiceError, match=r"did not answer within 0\.4 s"):
                    await teacher.ask(prompt())
            await ended.wait()

    ended = asyncio.Event()
    asyncio.run(run())


# --- permanent errors -------------------------------------------------------------------

PERMANENT: dict[str, tuple[Say, type[DstillError], str]] = {
    "401": (error(401), AuthError, "key rejected by 127.0.0.1"),
    "403": (error(403), AuthError, "key rejected by 127.0.0.1"),
    "200 with a refused key": (raw({"error": {"code": 401}}), AuthError, "key rejected by 127.0.0.1"),
    "402": (error(402), AuthError, "the quota at 127.0.0.1"),
    "404": (error(404, "model not found"), AuthError, "has no model 'toy'"),
    "quota": (error(429, code="insufficient_quota"), AuthError, "the quota at 127.0.0.1"),
    "200 with quota": (raw({"error": {"code": "insufficient_quota"}}), AuthError, "the quota at 127.0.0.1"),
    "page": (html(), AuthError, "did not answer as an OpenAI API (text/html)"),
    "redirect": (Say(status=302, headers={"location": "/login"}), ConfigError, "redirects to /login"),
    "too long": (error(400, code="context_length_exceeded"), DataError, "refused the request (400)"),
    "422": (error(422), DataError, "refused the request (422)"),
    "question filtered": (error(400, code="content_filter"), DataError, "filtered the question"),
    "reply filtered": (answer("half an ans", finish="content_filter"), DataError, "filtered the reply"),
    "refusal": (answer(None, refusal="I would rather not"), DataError, "the model refused: I would rather not"),
}


@pytest.mark.parametrize(("fault", "kind", "says"), PERMANENT.values(), ids=PERMANENT.keys())
def test_permanent_faults_are_not_retried(fault: Say, kind: type[DstillError], says: str) -> None:
    failed, server = outcome(fault)
    assert isinstance(failed, kind)
    assert says in failed.what
    assert len(server.requests) == 1


def test_refused_key_names_its_variable() -> None:
    failed, _ = outcome(error(401))
    assert "(env OPENAI_API_KEY)" in str(failed)
    failed, _ = outcome(error(401), api_key_env="")
    assert "requires a key" in str(failed)


def test_server_messages_are_shortened_and_escaped() -> None:
    failed, _ = outcome(error(400, "\x1b[31mred\u202e\n" + "x" * 5000))
    assert isinstance(failed, DataError)
    assert len(failed.what) < 300
    assert failed.what.isprintable()


def test_repr_of_the_teacher_has_no_key(key: str) -> None:
    teacher = opened("http://127.0.0.1:9/v1")
    assert key not in repr(vars(teacher))
    with pytest.raises(ServiceError) as caught:
        ask(teacher)
    assert key not in "".join(traceback.format_exception(caught.value))
