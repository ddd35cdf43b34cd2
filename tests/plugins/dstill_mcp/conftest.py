"""A run of the shop (`support/shop.py`), and clients of the official SDK for the server of its student."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters
from mcp_types import CallToolResult
from support import shop_run
from support.kill.children import python_path

from dstill import plugins
from dstill.runs.run import Run
from dstill.stages.predict.predictor import Predictor
from dstill_mcp.server import server_of
from dstill_mcp.tools import Tools

ENABLED_PLUGINS = {"evaluate", "mcp", "teachers"}
T = TypeVar("T")
Work = Callable[[Client], Awaitable[T]]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run called "tea", trained; it is copied, not used."""
    return shop_run.trained(tmp_path_factory.mktemp("shop") / "tea", enabled=ENABLED_PLUGINS)


@pytest.fixture
def run(project: Path, trained: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A copy of that run in the folder of the test."""
    monkeypatch.setenv("DSTILL_DISABLE", shop_run.disabled(ENABLED_PLUGINS))
    shutil.copytree(trained, project / "tea")
    return Run.open(project / "tea", plugins=plugins.load([shop_run.PACK]))


@dataclass
class Called:
    """The result of a call."""

    result: CallToolResult

    @property
    def text(self) -> str:
        (content,) = self.result.content
        assert content.type == "text"
        return content.text

    @property
    def row(self) -> dict[str, Any]:
        """What the tool returned, which its schema describes: the client checks that."""
        assert not self.result.is_error, self.text
        assert isinstance(self.result.structured_content, dict)
        return self.result.structured_content

    @property
    def error(self) -> dict[str, str]:
        assert self.result.is_error
        error: dict[str, str] = json.loads(self.text)["error"]
        assert error.keys() == {"code", "message", "hint", "where"}
        return error


@dataclass
class Agent:
    """A client in this process, for one call or several."""

    tools: Tools

    def __call__(self, tool: str, **arguments: Any) -> Called:
        return Called(self.within(lambda client: client.call_tool(tool, arguments)))

    def within(self, work: Work[T], **how: Any) -> T:
        async def connected() -> T:
            async with Client(server_of(self.tools, name="tea"), **how) as client:
                try:
                    return await work(client)
                except MCPError as error:
                    refused = error
            raise refused  # within the client it would be one of a group

        return asyncio.run(connected())


@pytest.fixture
def agent_of() -> Iterator[Callable[..., Agent]]:
    """``agent_of(run, max_wrong=0.1)``: the tools of a student, which is loaded until the end of the test."""
    with contextlib.ExitStack() as stack:

        def made(run: Run, *, execute: bool = True, **how: Any) -> Agent:
            return Agent(Tools(stack.enter_context(Predictor(run, execute=execute, **how))))

        yield made


@pytest.fixture
def agent(run: Run, agent_of: Callable[..., Agent]) -> Agent:
    return agent_of(run)


def command(*words: object) -> list[str]:
    """The command of a server in a process of its own."""
    return [sys.executable, "-m", "dstill", "--plugin", str(shop_run.PACK), "mcp", *map(str, words)]


def environment() -> dict[str, str]:
    """The environment, with the imports of the pack on the path."""
    return {**os.environ, "PYTHONPATH": python_path()}


def parameters(*words: object) -> StdioServerParameters:
    """The server of the command, for the SDK's client."""
    program, *arguments = command(*words)
    return StdioServerParameters(command=program, args=arguments, env=environment())
