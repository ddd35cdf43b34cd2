"""Speaks MCP, with the official SDK.

    server_of(tools, name="mine")          # the SDK's server, for a client in this process
    with private_pipes() as pipes:         # nothing else reads stdin or writes to stdout
        serve(tools, pipes, name="mine")   # until stdin ends

Calls are answered at the same time, in threads. An error of dstill is an error of the tool, which the agent can read:
``{"error": {"code", "message", "hint", "where"}}``. An unknown tool and a bug are errors of the protocol.

Not covered: a client that does not read what it is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, BinaryIO, TextIO

import anyio
from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    TextContent,
    Tool,
    ToolAnnotations,
)

from dstill.cli.console import note_bug
from dstill.errors import DstillError, UsageError, did_you_mean
from dstill.io.inert import visible
from dstill.io.secrets import masked
from dstill.io.strict_json import dumps
from dstill.runtime import signals
from dstill_mcp.tools import UNTRUSTED, Tools

__all__ = ["Pipes", "private_pipes", "serve", "server_of"]

THREADS = 8  # calls at the same time
MAX_LINE = 4 * 1024 * 1024  # bytes of a message
INSTRUCTIONS = (
    "Answers questions about data with a small model that was trained for it. Call describe first. Ask in plain words, "
    f"look at ok, confidence and problems, and run what you want the result of. {UNTRUSTED}"
)


def serve(tools: Tools, pipes: Pipes, *, name: str) -> None:
    """Answer the client until it closes stdin. Raises KeyboardInterrupt for Ctrl-C and SIGTERM."""

    async def served(pool: ThreadPoolExecutor) -> None:
        server = server_of(tools, name=name, pool=pool)
        try:
            async with stdio_server(_lines(pipes.stdin), anyio.wrap_file(pipes.stdout)) as (read, write):
                await server.run(read, write, server.create_initialization_options())
        except* BrokenPipeError:  # the client has gone
            pass

    with ThreadPoolExecutor(THREADS, thread_name_prefix="call") as pool:
        try:
            signals.run(served(pool))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # the end of the block waits for calls that have begun


def server_of(tools: Tools, *, name: str, pool: ThreadPoolExecutor | None = None) -> Server[Any]:
    """The SDK's server with these tools. `name`: of the run. `pool`: the threads of calls; None: asyncio's own."""
    from dstill import __version__

    listed = [
        Tool(
            name=tool.name,
            title=tool.title,
            description=tool.about,
            input_schema=tool.input,
            output_schema=tool.output,
            annotations=ToolAnnotations(read_only_hint=True),
        )
        for tool in tools.list.values()
    ]

    async def list_tools(_: Any, __: Any) -> ListToolsResult:
        return ListToolsResult(tools=listed)

    async def call_tool(_: Any, request: CallToolRequestParams) -> CallToolResult:
        if request.name not in tools.list:
            message = f"unknown tool '{request.name[:80]}'.{did_you_mean(request.name, tools.list)}"
            raise MCPError(INVALID_PARAMS, visible(message), {"hint": f"there are {', '.join(tools.list)}"})
        work = asyncio.get_running_loop().run_in_executor(pool, tools.call, request.name, request.arguments or {})
        try:
            return _result(await work)
        except DstillError as error:
            return _error(error)
        except Exception as error:
            note_bug(error)
            raise MCPError(INTERNAL_ERROR, f"bug in dstill: {type(error).__name__}") from None

    return Server(
        "dstill",
        version=__version__,
        title=f"dstill: {visible(name, one_line=True)}",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _result(row: dict[str, Any]) -> CallToolResult:
    """`row` as an object for programs, and as JSON text, with escapes for what cannot be seen, for models."""
    whole = json.dumps(row, ensure_ascii=False, allow_nan=False).encode(errors="replace")  # no half surrogate pairs
    text = TextContent(type="text", text=visible(dumps(row)))
    return CallToolResult(content=[text], structured_content=json.loads(whole))


def _error(error: DstillError) -> CallToolResult:
    shown = visible(dumps({"error": {name: masked(text) for name, text in error.as_json().items()}}))
    return CallToolResult(content=[TextContent(type="text", text=shown)], is_error=True)


# --- stdin and stdout -------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Pipes:
    """The stdin and stdout that the client holds the other ends of."""

    stdin: BinaryIO
    stdout: TextIO


@contextlib.contextmanager
def private_pipes() -> Iterator[Pipes]:
    """Keep stdin and stdout for the protocol.

    In the block, what is printed goes to stderr and what reads stdin finds nothing, also in native code and in child
    processes. Raises UsageError if stdin is a file.
    """
    mode = os.fstat(0).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(0)):
        hint = "let an agent's program start this command; docs/mcp.md has its configuration"
        raise UsageError("stdin is not a pipe, so there is no client", where="dstill mcp", hint=hint)
    sys.stdout.flush()
    with (
        os.fdopen(os.dup(0), "rb", buffering=0) as stdin,
        os.fdopen(os.dup(1), "w", encoding="utf-8") as stdout,
        open(os.devnull, "rb") as nothing,
    ):
        os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        try:
            yield Pipes(stdin=stdin, stdout=stdout)
        finally:
            sys.stdout.flush()
            os.dup2(stdin.fileno(), 0)
            os.dup2(stdout.fileno(), 1)


async def _lines(stdin: BinaryIO) -> AsyncIterator[str]:
    """The lines of a pipe. The SDK's own reader waits in a thread, which no signal ends."""
    reader, own = asyncio.StreamReader(limit=MAX_LINE), os.fdopen(os.dup(stdin.fileno()), "rb", buffering=0)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), own)
    try:
        while True:
            try:
                line = await reader.readline()
            except ValueError:  # longer than the limit
                line = b"too long\n"  # no JSON
            if not line:
                return
            yield line.decode(errors="replace")
    finally:
        transport.close()
        os.set_blocking(stdin.fileno(), True)  # a terminal is shared with the shell
