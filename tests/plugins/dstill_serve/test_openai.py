"""The OpenAI API with OpenAI's client: completions, streams, models, and errors as exceptions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

USER = [{"role": "user", "content": "what is tea?"}]


@pytest.fixture
def client(server: Any) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.address}/v1", api_key="none", max_retries=0, timeout=60) as client:
        yield client


def test_client_gets_a_completion(client: openai.OpenAI) -> None:
    found = client.chat.completions.create(model="tea", messages=USER)
    (choice,) = found.choices
    assert (choice.message.role, choice.message.content, choice.finish_reason) == (
        "assistant",
        '{"say": "tea"}',
        "stop",
    )
    assert (found.object, found.model) == ("chat.completion", "tea")
    assert found.id.startswith("chatcmpl-")
    assert found.usage is not None
    assert (found.usage.prompt_tokens, found.usage.completion_tokens, found.usage.total_tokens) == (4, 2, 6)


def test_client_gets_a_stream(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="tea", messages=USER, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == '{"say": "tea"}'
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices] == [None, None, "stop"]
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 6


def test_stream_is_server_sent_events_with_a_done_event(server: Any) -> None:
    reply = server.chat(stream=True)
    assert reply.headers["content-type"].startswith("text/event-stream")
    lines = [line for line in reply.text.split("\n\n") if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"
    assert all("usage" not in json.loads(line[6:]) for line in lines[:-1])


def test_stream_helper_of_the_client_works(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="tea", messages=USER) as stream:  # type: ignore[arg-type]
        final = stream.get_final_completion()
    assert final.choices[0].message.content == '{"say": "tea"}'


def test_refusal_is_in_the_refusal_field(client: openai.OpenAI) -> None:
    asked: Any = {"model": "tea", "messages": [{"role": "user", "content": "what is secret?"}]}
    message = client.chat.completions.create(**asked).choices[0].message
    assert (message.content, message.refusal) == (None, '{"refusal": "it is a secret"}')
    chunks = list(client.chat.completions.create(**asked, stream=True))
    assert "".join(chunk.choices[0].delta.refusal or "" for chunk in chunks) == '{"refusal": "it is a secret"}'


def test_last_user_message_is_the_question(client: openai.OpenAI) -> None:
    parts = [{"type": "text", "text": "what is"}, {"type": "text", "text": "coffee?"}]
    messages: Any = [
        {"role": "system", "content": "be kind"},
        *USER,
        {"role": "assistant", "content": "tea"},
        {"role": "user", "content": parts},
    ]
    found = client.chat.completions.create(model="tea", messages=messages, temperature=0, seed=1, user="me", n=1)
    assert found.choices[0].message.content == '{"say": "what?"}'  # the parts are lines of one question


def test_models_are_listed(client: openai.OpenAI) -> None:
    (model,) = client.models.list()
    assert (model.id, model.object, model.owned_by) == ("tea", "model", "dstill")
    assert client.models.retrieve("tea").id == "tea"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-5")


def test_refused_answer_is_not_returned(client: openai.OpenAI) -> None:
    for stream in (False, True):
        messages: Any = [{"role": "user", "content": "what is a script?"}]
        with pytest.raises(openai.UnprocessableEntityError) as error:
            client.chat.completions.create(model="tea", messages=messages, stream=stream)
        assert error.value.code == "invalid_answer"
        assert "scripts are not allowed" in str(error.value)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]}, "tools"),
        ({"logprobs": True}, "logprobs"),
        ({"stop": ["x"]}, "stop"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}}, "response_format"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, "messages"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages"),
        ({"messages": [{"role": "user", "content": "x" * 3000}]}, "messages"),
        ({"max_tokens": 0}, "max_completion_tokens"),
        ({"extra_body": {"functions": []}}, "functions"),
        ({"extra_body": {"top_k": 1}}, "top_k"),
        ({"stream": 1}, "stream"),
    ],
)
def test_unsupported_parameters_are_named(client: openai.OpenAI, more: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        client.chat.completions.create(**{"model": "tea", "messages": USER, **more})
    assert (error.value.status_code, error.value.param) == (400, param)
    assert not Path("batches.txt").exists()


def test_too_few_tokens_give_no_partial_answer(client: openai.OpenAI) -> None:
    assert client.chat.completions.create(model="tea", messages=USER, max_completion_tokens=2).choices
    with pytest.raises(openai.UnprocessableEntityError) as error:
        client.chat.completions.create(model="tea", messages=USER, max_completion_tokens=1)
    assert error.value.code == "answer_too_long"


def test_unknown_model_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as error:
        client.chat.completions.create(model="gpt-5", messages=USER)
    assert (error.value.code, error.value.param) == ("model_not_found", "model")


def test_unknown_index_is_refused(client: openai.OpenAI) -> None:
    assert client.chat.completions.create(model="tea", messages=USER, extra_body={"index": "shop"}).choices
    with pytest.raises(openai.NotFoundError) as error:
        client.chat.completions.create(model="tea", messages=USER, extra_body={"index": "logs"})
    assert error.value.code == "index_not_found"


def test_client_key_is_the_token(serve_in_thread: Callable[..., Any]) -> None:
    token = "a-token-of-the-tests-0123456789"
    server = serve_in_thread(token=token)
    with openai.OpenAI(base_url=f"{server.address}/v1", api_key=token, max_retries=0) as client:
        assert client.chat.completions.create(model="tea", messages=USER).choices
    with (
        openai.OpenAI(base_url=f"{server.address}/v1", api_key=token[:-1], max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as error,
    ):
        client.models.list()
    assert error.value.code == "invalid_api_key"


def test_client_retries_an_overloaded_server_after_retry_after(
    serve_in_thread: Callable[..., Any], background: Any, wait_for: Callable[..., None]
) -> None:
    server = serve_in_thread(queue_size=1)
    Path("hold").touch()
    first = background(server.query)
    wait_for(lambda: server.service.queue.in_progress == 1)
    with openai.OpenAI(base_url=f"{server.address}/v1", api_key="none", max_retries=0) as client:
        with pytest.raises(openai.InternalServerError) as error:
            client.chat.completions.create(model="tea", messages=USER)
        assert (error.value.status_code, error.value.code) == (503, "overloaded")
    # it retries each second, also while this thread waits, so it may be refused more than twice
    patient = openai.OpenAI(base_url=f"{server.address}/v1", api_key="none", max_retries=60)
    answer = background(patient.chat.completions.create, model="tea", messages=USER)
    told = re.compile(r'dstill_requests_total\{route="/v1/chat/completions",status="503"\} (\S+)')
    wait_for(lambda: float(told.findall(server("GET", "/metrics").text)[0]) >= 2)
    Path("hold").unlink()
    assert first().status == 200
    assert answer().choices[0].message.content == '{"say": "tea"}'
    patient.close()
