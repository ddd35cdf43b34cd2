"""Endpoints of today: parameters that they refuse, gateways' headers and queries, equal refusals."""

from __future__ import annotations

import asyncio
import itertools
import logging
from pathlib import Path
from typing import Any

import pytest
from support.fault_table import KEY, QUESTIONS, generate, sum_of
from support.loopback_teacher import LoopbackTeacher, Say, answer, error, raw
from support.openai_asking import ask, counted, opened, prompt
from support.refusals import REFUSALS, reasoning_model, refusal

from dstill.api.records import Reply
from dstill.errors import ConfigError, DataError
from dstill.teacher.client import Counts

pytestmark = pytest.mark.usefixtures("key")

LIMIT = {"max_tokens_name": "max_completion_tokens"}
# Refusal → settings, requests for the first reply, and what is sent in the end besides model and messages.
CASES: dict[str, tuple[dict[str, Any], int, dict[str, Any]]] = {
    "OpenAI, reasoning model": ({}, 3, {"max_completion_tokens": 2048}),
    "OpenAI, without a code": ({}, 2, {"max_tokens": 2048}),
    "Azure, older API": (LIMIT, 2, {"max_tokens": 2048, "temperature": 0.0}),
    "Mistral": ({**LIMIT, "reasoning_effort": "low"}, 3, {"max_tokens": 2048, "temperature": 0.0}),
    "vLLM, older": (LIMIT, 2, {"max_tokens": 2048, "temperature": 0.0}),
    "Anthropic, through a gateway": ({}, 2, {"max_tokens": 2048}),
    "Anthropic, either of two": ({"extra_body": {"top_p": 0.9}}, 2, {"max_tokens": 2048, "top_p": 0.9}),
    "xAI": ({"reasoning_effort": "low"}, 2, {"max_tokens": 2048, "temperature": 0.0}),
    "Gemini": ({"extra_body": {"seed": 7}}, 2, {"max_tokens": 2048, "temperature": 0.0}),
    "Groq": ({"reasoning_effort": "low"}, 2, {"max_tokens": 2048, "temperature": 0.0}),
    "LiteLLM's proxy": (
        {"reasoning_effort": "low"},
        2,
        {"max_tokens": 2048, "reasoning_effort": "low"},
    ),
}


def both(teacher: Any) -> list[Reply]:
    """The replies to two questions."""

    async def work() -> list[Reply]:
        async with teacher:
            return [await teacher.ask(prompt("a")), await teacher.ask(prompt("b"))]

    return asyncio.run(work())


@pytest.mark.parametrize("name", REFUSALS)
def test_refused_parameter_is_changed_once_and_logged(name: str, caplog: pytest.LogCaptureFixture) -> None:
    settings, n_requests, sent = CASES[name]
    with LoopbackTeacher(refuse=REFUSALS[name]) as server, caplog.at_level(logging.WARNING, logger="dstill"):
        assert len(both(opened(server.base_url, **settings))) == 2
        assert len(server.requests) == n_requests + 1
        last = server.requests[-1]
    assert {key: last[key] for key in last.keys() - {"model", "messages"}} == sent
    assert len(caplog.messages) == n_requests - 1
    assert all(text.endswith("from now on") and "127.0.0.1" in text for text in caplog.messages)


def test_concurrent_requests_adapt_and_a_rerun_buys_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    questions = [f"q{n}" for n in range(30)]
    with LoopbackTeacher(refuse=reasoning_model) as server, caplog.at_level(logging.WARNING, logger="dstill"):
        assert counted(server.base_url, tmp_path / "replies.sqlite", questions) == Counts(bought=30)
        assert len(caplog.messages) == 2
        assert counted(server.base_url, tmp_path / "replies.sqlite", questions) == Counts(cached=30)
        assert len(server.sold) == 30


def test_value_that_only_the_user_can_choose_stops() -> None:
    with LoopbackTeacher(refuse=reasoning_model) as server:
        with pytest.raises(ConfigError, match="does not support 'none'") as caught:
            ask(opened(server.base_url, reasoning_effort="none", temperature=-1.0, **LIMIT))
        assert caught.value.where == "teacher.openai.reasoning_effort"


def test_limit_that_is_refused_under_both_names_stops() -> None:
    """Without a limit, no cap would hold."""

    def refuse(body: Any) -> Say:
        name = next(name for name in body if name.startswith("max_"))
        return refusal(f"Unsupported parameter: '{name}'", name, "unsupported_parameter")

    with LoopbackTeacher(refuse=refuse) as server:
        with pytest.raises(ConfigError, match="'max_completion_tokens'"):
            ask(opened(server.base_url))
        assert len(server.requests) == 2


def test_refusal_that_names_nothing_sent_fails_the_item() -> None:
    for said in (refusal("tools are not supported", "tools"), refusal("this model is not supported")):
        with LoopbackTeacher(script=[said]) as server, pytest.raises(DataError, match="not supported"):
            ask(opened(server.base_url))


def test_extra_parameter_is_sent_until_it_is_refused() -> None:
    def refuse(body: Any) -> Say | None:
        return refusal("Unsupported parameter: 'top_k'", "top_k", "unsupported_parameter") if "top_k" in body else None

    with LoopbackTeacher(refuse=refuse) as server:
        ask(opened(server.base_url, extra_body={"top_k": 20, "chat_template_kwargs": {"thinking": False}}))
        assert server.requests[0]["top_k"] == 20
        assert server.requests[1]["chat_template_kwargs"] == {"thinking": False}
        assert "top_k" not in server.requests[1]
    with pytest.raises(ConfigError, match="'max_tokens' cannot be an extra parameter"):
        opened("http://127.0.0.1:9/v1", extra_body={"max_tokens": 9})


def test_key_of_a_reply_has_extra_parameters_and_query_but_no_headers() -> None:
    def identity(**settings: Any) -> object:
        return opened("http://127.0.0.1:9/v1", **settings).identity(prompt())

    usual = identity()
    for other in ({"extra_body": {"seed": 7}}, {"extra_query": {"v": "2"}}, {"reasoning_effort": "low"}):
        assert identity(**other) != usual
    assert identity(extra_headers={"x-team": "search"}) == identity(max_tokens_name="max_tokens") == usual


# --- gateways ---------------------------------------------------------------------------


def test_deployment_on_azure(key: str) -> None:
    """The key in a header of its own, and the version in the query."""
    with LoopbackTeacher() as server:
        url = server.base_url.removesuffix("/v1") + "/openai/deployments/mine"
        with pytest.raises(ConfigError, match="Azure needs the version"):
            opened(url)
        ask(opened(url, extra_query={"api-version": "2024-10-21"}))
        assert server.queries == [{"api-version": "2024-10-21"}]
        assert server.headers[0]["api-key"] == key
        assert server.keys == [""]


def test_gateway_headers(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_KEY", "secret-of-the-gateway")
    settings = {"extra_headers": {"x-team": "search"}, "secret_headers": {"x-gateway-key": "GATEWAY_KEY"}}
    with LoopbackTeacher(script=[error(400, "bad secret-of-the-gateway")]) as server:
        with pytest.raises(DataError, match=r"bad \*\*\*"):
            ask(opened(server.base_url, **settings))
        assert (server.headers[0]["x-team"], server.headers[0]["x-gateway-key"]) == ("search", "secret-of-the-gateway")
        assert server.keys == [f"Bearer {key}"]
    with pytest.raises(ConfigError, match="clear text"):
        opened("http://example.org/v1", api_key_env="", **settings)


@pytest.mark.parametrize("name", ["Authorization", "x-api-key", "cf-aig-token", "Cookie"])
def test_secret_does_not_belong_in_extra_headers(name: str) -> None:
    with pytest.raises(ConfigError, match="holds a secret") as caught:
        opened("http://127.0.0.1:9/v1", extra_headers={name: "hunter22"})
    assert "hunter22" not in str(caught.value)
    with pytest.raises(ConfigError, match="is not the name of a header"):
        opened("http://127.0.0.1:9/v1", extra_headers={"a b": "c"})


# --- equal refusals ---------------------------------------------------------------------

MODEL = "Invalid value: 'toy-9' is not one of the models of your plan"


@pytest.mark.parametrize(
    "id", ["", " (request id: {}TFN6TXhL)", " req_011CVtwxbUMYkHKtk3YxTt{}", " {}-d1f0-4e3a-9c1b-0a"]
)
def test_five_equal_refusals_stop_with_the_endpoint_s_words(tmp_path: Path, id: str) -> None:
    """Gateways add an id to each message."""
    many, ids = [f"add {n} and {n}" for n in range(40)], itertools.count(20251208)
    with LoopbackTeacher(refuse=lambda body: refusal(MODEL + id.format(next(ids))), reply_to=sum_of) as server:
        ran = generate(server, tmp_path, many)
        assert (ran.code, ran.requests) == (2, 5)
    assert MODEL in ran.result["error"]["message"]
    assert "5 requests in a row were refused in the same words" in ran.result["error"]["hint"]


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "use the other API"}},
        {"message": "use the other API"},
        {"code": "invalid", "error": "use the other API"},
        [{"error": {"message": "use the other API"}}],
        {"detail": "use the other API"},
        {"detail": [{"msg": "use the other API"}]},
        {"errors": ["use the other API"]},
        "use the other API",
    ],
)
def test_the_endpoint_s_words_are_found_in_every_form(body: Any) -> None:
    with (
        LoopbackTeacher(script=[raw(body, status=400)]) as server,
        pytest.raises(DataError, match=r"refused the request \(400\): .*use the other API"),
    ):
        ask(opened(server.base_url))


def test_one_success_between_refusals_goes_on(tmp_path: Path) -> None:
    refused = [error(400, MODEL)] * 4
    good = answer("<rationale>the numbers 4 and 4 together</rationale><answer>4+4</answer>")
    many = [f"add {n} and {n}" for n in range(10)]
    with LoopbackTeacher(script=[*refused, good, *refused], reply_to=sum_of) as server:
        assert generate(server, tmp_path, many).result["rejections"] == {"bad_request": 8}


def test_few_questions_show_the_endpoint_s_words(tmp_path: Path) -> None:
    with LoopbackTeacher(refuse=lambda body: refusal(f"{MODEL} {KEY}"), reply_to=sum_of) as server:
        ran = generate(server, tmp_path, QUESTIONS)
    assert ran.code == 4
    assert MODEL in ran.result["error"]["message"]
    assert KEY not in str(ran.result)
