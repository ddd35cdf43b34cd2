"""Structured outputs: sent if supported, disabled after one refusal, and parsed by the task."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any, Literal

import pytest
from support.loopback_teacher import LoopbackTeacher, Say, answer, error, raw
from support.openai_asking import Echo, ask, counted, opened, prompt

from dstill.api.records import Draft, Example, Message, Prompt, Reply
from dstill.errors import DataError
from dstill.teacher import fence
from dstill.teacher.cache import ReplyStore
from dstill.teacher.client import Counts
from dstill_openai import parse_reply, structured

pytestmark = pytest.mark.usefixtures("key")

REPLY = {"id": "", "rationale": "because", "answer": "1 + 2"}
REFUSALS = {
    "named as parameter": raw(
        {"error": {"message": "unsupported", "code": "unsupported_parameter", "param": "response_format"}}, status=400
    ),
    "named in words": error(400, "'response_format' of type 'json_schema' is not supported with this model"),
    "a validator's list": raw({"detail": [{"loc": ["body", "response_format"], "msg": "extra"}]}, status=422),
}


def conversation() -> Prompt:
    """A prompt with a worked example, each with its fence."""
    task = Echo()
    shot = [Message(role="user", content="one?"), Message(role="assistant", content=task.reply_text("so", "1"))]
    system, asked = Message(role="system", content="Be brief."), Message(role="user", content="two?")
    made = Prompt(example=Example(id="2", question="two?"), messages=(system, *shot, asked))
    return fence.added(made)


def test_schema_is_sent_with_worked_examples_in_json() -> None:
    with LoopbackTeacher(script=[answer(json.dumps(REPLY))]) as server:
        asked = conversation()
        ask(opened(server.base_url, json_mode="schema"), asked)
        (sent,) = server.requests
    assert sent["response_format"] == structured.PARAMETERS["response_format"]
    system, _, shot, question = sent["messages"]
    assert system["content"].startswith("Be brief.\n\n")
    assert '"rationale"' in system["content"]
    letters = asked.messages[2].content[4:12]
    assert json.loads(shot["content"]) == {"id": letters, "rationale": "so", "answer": "1"}
    assert question["content"] == asked.messages[-1].content


def test_budget_counts_the_schema() -> None:
    asked = conversation()
    with LoopbackTeacher() as server:
        teacher = opened(server.base_url, json_mode="schema")
        assert opened(server.base_url, json_mode="off").as_sent(asked) == asked
        ask(teacher, asked)
        (request,) = server.requests
    *words, schema = teacher.as_sent(asked).messages
    assert [message.to_row() for message in words] == request["messages"]
    assert json.loads(schema.content)["response_format"] == request["response_format"]


def test_reply_is_stored_unchanged_and_parsed_by_the_task() -> None:
    text = json.dumps(REPLY, indent=2)
    with LoopbackTeacher(script=[answer(text)]) as server:
        reply = ask(opened(server.base_url, json_mode="schema"))
    assert reply.text == text
    assert parse_reply(Echo(), reply.text) == Draft(rationale="because", answer="1 + 2")


def test_answer_may_be_an_object() -> None:
    text = json.dumps({"rationale": "because", "answer": {"query": {"match_all": {}}}})
    draft = parse_reply(Echo(), text)
    assert draft == Draft(rationale="because", answer='{"query":{"match_all":{}}}')


@pytest.mark.parametrize(
    "text",
    [
        "<rationale>so</rationale><answer>1</answer>",
        "{",
        '{"rationale": "so"}',
        '{"rationale": "so", "answer": 3}',
        '{"rationale": ["so"], "answer": "3"}',
        '{"rationale": "so", "answer": "1", "answer": "2"}',
        '{"query": {"match_all": {}}}',
        "{" * 2000,
    ],
)
def test_other_formats_are_left_to_the_task(text: str) -> None:
    assert parse_reply(Echo(), text) is None


def test_fence_is_found_in_the_object() -> None:
    example = Example(id="1", question="why?")
    letters = fence.of(example)
    for written in (letters, f"<id>{letters}</id>"):
        text, problem = fence.removed(json.dumps({**REPLY, "id": written}), example)
        assert problem is None
        assert parse_reply(Echo(), text) == Draft(rationale="because", answer="1 + 2")
    _, problem = fence.removed(json.dumps({**REPLY, "id": "00000000"}), example)
    assert problem is not None
    assert problem.code == "other_question"


# --- endpoints without schemas ----------------------------------------------------------


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS.keys())
def test_auto_disables_schemas_after_one_refusal_with_a_warning(refusal: Say, caplog: pytest.LogCaptureFixture) -> None:
    with LoopbackTeacher(script=[refusal, answer("one"), answer("two")]) as server:
        teacher = opened(server.base_url, json_mode="auto")

        async def work() -> list[Reply]:
            async with teacher:
                return [await teacher.ask(prompt("a")), await teacher.ask(prompt("b"))]

        with caplog.at_level(logging.WARNING, logger="dstill"):
            assert [reply.text for reply in asyncio.run(work())] == ["one", "two"]
        assert ["response_format" in sent for sent in server.requests] == [True, False, False]
        assert [m["role"] for m in server.requests[1]["messages"]] == ["user"]
    assert len(caplog.messages) == 1
    assert "structured outputs are off from now on" in caplog.messages[0]


def test_endpoint_that_always_refuses_schemas_fails_the_item() -> None:
    with LoopbackTeacher(refuse=lambda body: error(400, "response_format is not supported")) as server:
        with pytest.raises(DataError, match="response_format"):
            ask(opened(server.base_url, json_mode="auto"))
        assert len(server.requests) == 2


def test_concurrent_requests_are_each_refused_once_then_answered(tmp_path: Path) -> None:
    class Plain(LoopbackTeacher):
        """Takes no response_format."""

        def script_of(self) -> Any:
            while True:
                yield error(400, "unknown field response_format") if "response_format" in self.requests[-1] else None

    with Plain() as server:
        server.script = server.script_of()
        store, questions = tmp_path / "replies.sqlite", [f"q{n}" for n in range(40)]
        assert counted(server.base_url, store, questions, json_mode="auto") == Counts(bought=40)
        assert len(server.sold) == 40
        assert len(server.requests) <= 48


def test_fallback_buys_no_reply_twice(tmp_path: Path) -> None:
    """A rerun finds replies that were bought without a schema, even before its own schema is refused."""

    def run() -> Counts:
        return counted(server.base_url, tmp_path / "replies.sqlite", ["a", "b"], concurrency=1, json_mode="auto")

    with LoopbackTeacher(script=[REFUSALS["named in words"]]) as server:
        assert run() == Counts(bought=2)
        assert run() == Counts(cached=2)
        assert len(server.requests) == 3


def test_cache_key_includes_the_mode() -> None:
    modes: tuple[Literal["auto", "schema", "off"], ...] = ("auto", "schema", "off")
    keys = {ReplyStore.key(opened("http://127.0.0.1:9/v1", json_mode=m).identity(prompt()), ()) for m in modes}
    assert len(keys) == 3
