"""`dstill mcp` in a process of its own: the SDK's client, stdout, how it ends, and the transcript in docs/mcp.md."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from support import shop_run
from support.served import ended, processes
from tests.plugins.dstill_mcp.conftest import command, environment, parameters

from dstill.api.records import Record
from dstill.errors import UsageError
from dstill.runs.run import Run
from dstill_mcp.server import private_pipes

HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
NOISY = """
from dstill import hookimpl

@hookimpl(tryfirst=True)
def judge_answer():
    print("noise")
    os.write(1, b"noise")
    os.system("echo noise; cat")
"""


@pytest.fixture
def start() -> Iterator[Callable[..., Any]]:
    """``start(run.folder)``: the server's process, which is ready."""
    with processes() as starting:

        def begin(*words: object, before: tuple[str, ...] = ()) -> Any:
            _, *rest = command(*words)
            given = [*rest[:2], *before, *rest[2:]]
            return starting(given, until="serving ", stdin=subprocess.PIPE, env=environment())

        yield begin


def send(process: Any, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """The reply to a request."""
    process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}) + "\n")
    process.stdin.flush()
    reply: dict[str, Any] = json.loads(process.stdout.readline())
    return reply


def test_stdout_has_only_the_protocol(run: Run, start: Callable[..., Any]) -> None:
    Path("noisy.py").write_text(NOISY)
    process, said = start(run.folder, before=("--plugin", "noisy.py"))
    assert said[:2] == ["loading the student 'tea'\n", "answering a first question\n"]
    process.stdin.write("no json\n" + "x" * 5_000_000 + "\n")
    assert send(process, "initialize", HELLO)["result"]["serverInfo"]["name"] == "dstill"
    process.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
    asked = {"name": "ask", "arguments": {"question": "what is tea?"}}
    assert send(process, "tools/call", asked)["result"]["structuredContent"]["answer"] == '{"say": "tea"}'
    code, out, err = ended(process)
    assert (code, out) == (0, "")
    assert "noise" in "".join(said) + err
    assert "what is tea" not in "".join(said) + err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_it_though_the_client_holds_stdin(
    run: Run, start: Callable[..., Any], number: signal.Signals
) -> None:
    process, _ = start(run.folder)
    send(process, "initialize", HELLO)
    process.send_signal(number)
    assert process.wait(60) == 130
    assert process.stderr.read() == "error: stopped; calls that had begun were finished\nwhere: dstill mcp\n"


def test_client_that_reads_nothing_ends_it(run: Run, start: Callable[..., Any]) -> None:
    process, _ = start(run.folder)
    send(process, "initialize", HELLO)
    process.stdout.close()
    process.stdin.write('{"jsonrpc":"2.0","id":2,"method":"ping"}\n')
    process.stdin.flush()
    assert process.wait(60) == 0
    assert process.stderr.read() == ""


def test_stdin_that_is_no_pipe_is_refused() -> None:
    kept = os.dup(0)
    try:
        with open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), 0)
        with pytest.raises(UsageError, match="stdin is not a pipe, so there is no client"), private_pipes():
            pass
    finally:
        os.dup2(kept, 0)
        os.close(kept)


# --- the transcript of the docs ---------------------------------------------------------

QUESTION = "which airline was the latest on average when leaving"
ANSWER = (
    "SELECT airlines.name FROM flights JOIN airlines ON flights.carrier = airlines.carrier "
    "GROUP BY airlines.name ORDER BY AVG(flights.dep_delay) DESC LIMIT 1"
)
CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("describe", {}),
    ("ask", {"question": QUESTION, "execute": True}),
    ("check", {"answer": "SELECT airline FROM flights"}),
    ("run", {"answer": "DROP TABLE flights"}),
)


def test_transcript_of_the_docs(project: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A student that knows one answer by heart, on a bundled database."""
    enabled = {"mcp", "sql", "teachers"}
    row = Record(id="1", question=QUESTION, answer=ANSWER, rationale="so it is", context={"db": "flights"})
    folder = shop_run.trained(project / "flights", enabled=enabled, rows=[row], settings={"project.task": "sql"})
    monkeypatch.setenv("DSTILL_DISABLE", shop_run.disabled(enabled))

    async def work() -> list[str]:
        async with Client(parameters(folder)) as client:
            return [shown(*call, (await client.call_tool(*call)).structured_content) for call in CALLS]

    transcript = "\n".join(asyncio.run(work()))
    assert transcript in (root / "docs" / "mcp.md").read_text(), f"write this into docs/mcp.md:\n{transcript}"


def shown(tool: str, arguments: dict[str, Any], row: Any) -> str:
    if "fields" in row:
        row["fields"] = [*row["fields"][:2], "…"]
    lines = (f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in row.items())
    return f"    → {tool} {json.dumps(arguments)}\n    ← {{" + ",\n       ".join(lines) + "}\n"
