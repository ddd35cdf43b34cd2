"""The teacher ``litellm`` against a real server, through the real library."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from support.loopback_teacher import LoopbackTeacher, answer, error
from support.openai_asking import Echo, prompt

from dstill.api.records import Price, Reply, Usage
from dstill.errors import AuthError, ConfigError, DataError, ServiceError
from dstill.plugins import load
from dstill_litellm.library import SWITCHES
from dstill_litellm.teacher import LiteLLMConfig, LiteLLMTeacher

KEY = "sk-canary-0123456789abcdef"


def opened(**settings: Any) -> LiteLLMTeacher:
    return LiteLLMTeacher(LiteLLMConfig(**{"max_retries": 1, **settings})).open(Echo())


def ask(teacher: LiteLLMTeacher) -> Reply:
    async def run() -> Reply:
        async with teacher:
            return await teacher.ask(prompt())

    return asyncio.run(run())


def test_settings_are_checked_before_the_library_is_loaded() -> None:
    for settings, problem in (
        ({}, "no model is set"),
        ({"model": "gpt-5-mini"}, "'gpt-5-mini' is not PROVIDER/MODEL"),
        ({"model": "huggingface/https://evil.example"}, "is not PROVIDER/MODEL"),
        ({"model": "a/b", "extra": {"api_base": "https://evil.example"}}, "'api_base' cannot be an extra parameter"),
    ):
        with pytest.raises(ConfigError) as caught:
            opened(**settings)
        assert problem in caught.value.what
    assert load().teacher("litellm") is LiteLLMTeacher


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    pytest.importorskip("litellm", reason="needs the extra litellm")
    monkeypatch.setenv("HOSTED_VLLM_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setattr("dstill_openai.backoff.FIRST", 0.005)
    return KEY


@pytest.mark.slow  # the library takes seconds to import
@pytest.mark.filterwarnings("ignore")  # of the library
class TestRequests:
    """Through providers that the library reaches at any address."""

    def test_asks_and_counts_tokens(self, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with LoopbackTeacher(script=[error(500), answer("because")]) as server:
            monkeypatch.setenv("HOSTED_VLLM_API_BASE", server.base_url)
            reply = ask(opened(model="hosted_vllm/toy"))
            assert len(server.requests) == 2
            assert server.keys == [f"Bearer {key}"] * 2
            assert server.requests[-1]["messages"] == [{"role": "user", "content": "why?"}]
        assert (reply.id, reply.text) == ("why?", "because")
        assert reply.usage == Usage(prompt_tokens=10, completion_tokens=5)
        assert reply.seconds is not None

    def test_speaks_the_protocol_of_anthropic(self, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Another address, other headers, another form of messages and replies."""
        seen: list[tuple[Mapping[str, str], Any]] = []

        async def messages(request: web.Request) -> web.Response:
            seen.append((dict(request.headers), await request.json()))
            content = [{"type": "text", "text": "because"}]
            body = {"id": "m", "type": "message", "role": "assistant", "model": "claude", "content": content}
            return web.json_response(
                {**body, "stop_reason": "end_turn", "usage": {"input_tokens": 7, "output_tokens": 3}}
            )

        async def work() -> Reply:
            app = web.Application()
            app.router.add_post("/v1/messages", messages)
            runner = web.AppRunner(app)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            monkeypatch.setenv("ANTHROPIC_API_BASE", f"http://127.0.0.1:{runner.addresses[0][1]}")
            try:
                async with opened(model="anthropic/claude-sonnet-4-5") as teacher:
                    return await teacher.ask(prompt())
            finally:
                await runner.cleanup()

        reply = asyncio.run(work())
        ((headers, body),) = seen
        assert headers["x-api-key"] == key
        assert body["max_tokens"] == 2048
        assert (reply.text, reply.usage) == ("because", Usage(prompt_tokens=7, completion_tokens=3))

    def test_errors_are_those_of_the_teacher_openai(self, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for fault, kind, said in (
            (error(401, f"bad {key}"), AuthError, "key rejected by hosted_vllm (the variables"),
            (error(400, "this is not possible"), DataError, "this is not possible"),
            (error(503, "overloaded"), ServiceError, "overloaded"),
        ):
            with LoopbackTeacher(script=[fault] * 3) as server:
                monkeypatch.setenv("HOSTED_VLLM_API_BASE", server.base_url)
                with pytest.raises(kind) as caught:
                    ask(opened(model="hosted_vllm/toy"))
                assert said in caught.value.what
                assert key not in str(caught.value)
                assert len(server.requests) == (2 if kind is ServiceError else 1)

    def test_prices_are_those_of_the_library(self, key: str) -> None:
        assert opened(model="anthropic/claude-sonnet-4-5").price == Price(prompt=3.0, completion=15.0)
        assert opened(model="hosted_vllm/gpt-4.1-mini").price is None  # another provider's model of that name
        own = {"hosted_vllm/toy": (1.0, 2.0)}
        assert opened(model="hosted_vllm/toy", prices=own).price == Price(prompt=1.0, completion=2.0)

    def test_env_file_of_the_folder_is_not_read(self, key: str, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("FROM_A_FILE=1\n")
        code = "from dstill_litellm.library import library; import os; library(); print(sorted(os.environ))"
        kept = {name: value for name, value in os.environ.items() if name not in SWITCHES}
        ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=kept, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        assert "PATH" in ran.stdout
        assert "FROM_A_FILE" not in ran.stdout
        assert not any(name in ran.stdout for name in SWITCHES)
