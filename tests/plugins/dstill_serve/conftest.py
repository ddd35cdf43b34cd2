"""A run with a student to serve (`support/shop.py`), its server in a thread or a process, and a client for both."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support import served, shop_run
from support.kill.children import python_path
from support.served import PATIENCE

from dstill import plugins
from dstill.io.secrets import Secret
from dstill.runs.run import Run
from dstill.stages.predict.predictor import Predictor
from dstill_serve.app import Service
from dstill_serve.auth import Access
from dstill_serve.feedback import FeedbackLog
from dstill_serve.observed import RequestLog
from dstill_serve.serving import Limits, listening, opened, server_of
from dstill_serve.tracing import Traces

ENABLED_PLUGINS = {"evaluate", "serve", "teachers"}
TOKEN = "a-token-of-the-tests-0123456789"


@pytest.fixture
def serve_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`project`, with the command `serve`."""
    monkeypatch.setenv("DSTILL_DISABLE", shop_run.disabled(ENABLED_PLUGINS))
    return project


@pytest.fixture
def shop_pack(root: Path) -> Path:
    return root / "tests" / "support" / "shop.py"


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run called "tea", trained; it is copied, not used."""
    return shop_run.trained(tmp_path_factory.mktemp("shop") / "tea", enabled=ENABLED_PLUGINS)


@pytest.fixture
def run(serve_project: Path, shop_pack: Path, trained: Path) -> Run:
    """A copy of that run in the folder of the test."""
    shutil.copytree(trained, serve_project / "tea")
    return Run.open(serve_project / "tea", plugins=plugins.load([shop_pack]))


@pytest.fixture
def calibrated(run: Run) -> Run:
    return shop_run.calibrated(run)


@dataclass
class Reply(served.Reply):
    @property
    def error(self) -> dict[str, Any]:
        """The error object, with its keys checked."""
        found: dict[str, Any] = self.json["error"]
        assert found.keys() == {"message", "type", "param", "code"}
        return found


@dataclass
class Client(served.Client):
    reply = Reply
    text_is_json = True

    def query(self, question: str = "what is tea?", **more: Any) -> Any:
        return self("POST", "/v1/query", {"question": question, **more})

    def chat(self, question: str = "what is tea?", **more: Any) -> Any:
        messages = [{"role": "user", "content": question}]
        return self("POST", "/v1/chat/completions", {"model": "tea", "messages": messages, **more})


@dataclass
class ThreadServer(Client):
    """A server in a thread of this process."""

    service: Service = field(kw_only=True)


@pytest.fixture
def serve_in_thread(request: pytest.FixtureRequest, project: Path) -> Iterator[Callable[..., ThreadServer]]:
    """``serve_in_thread(queue_size=2)``: a server of `run` or another run, stopped at the end of the test.

    By then the working folder, which the shop pack reads, still belongs to the test.
    """

    def start(  # noqa: PLR0913 - one parameter per property of a server
        of: Run | None = None,
        *,
        execute: bool = True,
        max_wrong: float | None = None,
        fallback: str = "",
        token: str = "",
        claims_key: str = "",
        batch: int = 16,
        queue_size: int = 64,
        seconds: float = PATIENCE,
        feedback: Path | None = None,
        log: RequestLog | None = None,
        traces: Traces | None = None,
    ) -> ThreadServer:
        of = of or request.getfixturevalue("run")
        stack = contextlib.ExitStack()
        listener = stack.enter_context(listening("127.0.0.1", 0))
        predictor = stack.enter_context(Predictor(of, execute=execute, max_wrong=max_wrong, fallback=fallback))
        limits = Limits(max_batch=batch, max_requests=queue_size, timeout=seconds)
        secret = Secret(token) if token else None
        taken = None if feedback is None else FeedbackLog(feedback)
        if log is not None:
            stack.callback(log.close)
        port = listener.getsockname()[1]
        key = Secret(claims_key) if claims_key else None
        access = Access(host="127.0.0.1", port=port, token=secret, claims_key=key)
        made = opened(predictor, access=access, limits=limits, feedback=taken, log=log, traces=traces)
        service = stack.enter_context(made)
        server = server_of(service, limits)
        run(server, listener, stack)
        return ThreadServer(port, service=service)

    with served.threads() as run:
        yield start
        Path("hold").unlink(missing_ok=True)


@pytest.fixture
def server(serve_in_thread: Callable[..., ThreadServer]) -> ThreadServer:
    return serve_in_thread()


class Background:
    """Calls in background threads: ``asked = background(server.query, "what is tea?")`` … ``asked()``."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    def __call__(self, function: Callable[..., Any], *words: Any, **more: Any) -> Callable[[], Any]:
        found: list[Any] = []
        thread = threading.Thread(target=lambda: found.append(function(*words, **more)))
        thread.start()
        self.threads.append(thread)

        def result() -> Any:
            thread.join(PATIENCE)
            return found[0]

        return result


@pytest.fixture
def background() -> Iterator[Background]:
    made = Background()
    yield made
    Path("hold").unlink(missing_ok=True)
    for thread in made.threads:
        thread.join(PATIENCE)


def wait_for(holds: Callable[[], Any]) -> None:
    """Wait until `holds()` is true."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


@pytest.fixture(name="wait_for")
def wait_for_fixture() -> Callable[[Callable[[], Any]], None]:
    return wait_for


@dataclass
class Served(Client):
    """`dstill serve` in a separate process."""

    process: subprocess.Popen[str] = field(kw_only=True)
    said: list[str] = field(kw_only=True)
    log: list[dict[str, Any]] = field(default_factory=list)  # of its requests, when it has ended

    def ended(self, by: int = 0) -> tuple[int, str, str]:
        """Exit code, stdout and the rest of stderr without the request log."""
        code, out, err = served.ended(self.process, by)
        lines = err.splitlines(keepends=True)
        self.log = [json.loads(line) for line in lines if line.startswith("{")]
        return code, out, "".join(line for line in lines if not line.startswith("{"))


@pytest.fixture
def serve(serve_project: Path, shop_pack: Path) -> Iterator[Callable[..., Served]]:
    """``serve(run.folder, "--no-execute")`` starts it on a free port."""
    with served.processes() as starting:

        def start(*words: object, plugin: bool = True) -> Served:
            given = ["--plugin", str(shop_pack)] if plugin else []
            command = ["-m", "dstill", *given, "serve", "--port", "0", *map(str, words)]
            process, said = starting(
                command, until="curl ", cwd=serve_project, env={**os.environ, "PYTHONPATH": python_path()}
            )
            return Served(int(said[-1].split("/")[2].rpartition(":")[2]), process=process, said=said)

        yield start
