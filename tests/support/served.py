"""Servers of tests, in processes and in threads, and their client.

with processes() as start:
    process, said = start(["-m", "dstill", "serve", …], until="curl ", cwd=place)    # said: its lines so far
    ended(process, by=signal.SIGINT)                  # (exit code, stdout, the rest of stderr)

with threads() as serve:
    stop = serve(server, listener, stack)             # a uvicorn server; `stack` is closed when it has stopped

Client(port)("POST", "/v1/query", {"question": "…"}).json
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import http.client
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

__all__ = ["PATIENCE", "Client", "Reply", "ended", "processes", "threads"]

PATIENCE = 60  # seconds: a busy machine is slow, a test that hangs is wrong
Process = subprocess.Popen[str]


@contextlib.contextmanager
def processes() -> Iterator[Callable[..., tuple[Process, list[str]]]]:
    """What starts them and waits for a line; those that are left are killed at the end."""
    started: list[Process] = []

    def start(words: Sequence[str], *, until: str, **how: Any) -> tuple[Process, list[str]]:
        process = subprocess.Popen(
            [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how
        )
        started.append(process)
        assert process.stderr is not None
        said: list[str] = []
        for line in process.stderr:
            said.append(line)
            if line.startswith(until):
                return process, said
        raise AssertionError("".join(said))

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def ended(process: Process, by: int = 0) -> tuple[int, str, str]:
    """Exit code, stdout and the rest of stderr, after a signal where one is given."""
    if by:
        process.send_signal(by)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


@contextlib.contextmanager
def threads() -> Iterator[Callable[[Any, socket.socket, contextlib.ExitStack], Callable[[], None]]]:
    """What runs a server in a thread of this process; it returns what stops it. All are stopped at the end."""
    stops: list[Callable[[], None]] = []

    def serve(server: Any, listener: socket.socket, stack: contextlib.ExitStack) -> Callable[[], None]:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()

        @functools.cache
        def stop() -> None:
            server.should_exit = True
            thread.join()
            stack.close()

        stops.append(stop)
        return stop

    yield serve
    for stop in stops:
        stop()


@dataclass
class Reply:
    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Client:
    """Client of a server on loopback; every call opens a connection."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)
    reply: ClassVar[type[Reply]] = Reply
    text_is_json: ClassVar[bool] = False  # whether a body that is text already is sent as JSON too

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        given = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        is_text = body is None or isinstance(body, (str, bytes))
        if not is_text or (self.text_is_json and body is not None):
            given = {"content-type": "application/json", **given}
        with contextlib.closing(self.connect()) as connection:
            connection.request(method, path, body if is_text else json.dumps(body), given)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return self.reply(response.status, response.read().decode(), found)
