"""A folder of runs (`support/shop.py`), its server in a thread, and a client that is a program or a browser."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from support import served, shop_run
from support.served import PATIENCE
from support.shop import records

from dstill import plugins
from dstill.api.records import Record
from dstill.cli.options import App
from dstill.io.secrets import Secret
from dstill.runs.run import Run
from dstill_serve.observed import RequestLog
from dstill_ui.access import Access
from dstill_ui.serving import IDLE_SECONDS, listening, opened

ENABLED_PLUGINS = {"evaluate", "report", "review", "serve", "teachers", "ui"}
TOKEN = "a-token-of-the-tests-0123456789"


def rows() -> list[Record]:
    """The shop's, and questions that the clerk does not know: it always says the same, which is right for most."""
    known = [row for row in records() if row.split == "train"]
    says = {"who is there?": "what?", "pardon me?": "what?", "come again?": "what?", "any tea left?": "tea"}
    asked = [
        replace(known[0], id=f"test-{n}", question=question, answer=f'{{"say": "{said}"}}', template=f"test {n}")
        for n, (question, said) in enumerate(says.items())
    ]
    return [*known, *(replace(row, split="test") for row in asked)]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs "tea", which was evaluated, and "milk", which has a dataset and nothing else; they are only copied."""
    place = tmp_path_factory.mktemp("shop")
    shop_run.trained(place / "tea", enabled=ENABLED_PLUGINS, rows=rows())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv("DSTILL_DISABLE", shop_run.disabled(ENABLED_PLUGINS))
        run = Run.open(place / "tea", plugins=plugins.load([shop_run.PACK]))
        shutil.copytree(run.folder, place / "milk")
        run.evaluate()
    milk = json.loads((place / "milk" / "run.json").read_text())
    milk |= {"name": "milk", "status": "generate: done", "stages": {}}
    (place / "milk" / "run.json").write_text(json.dumps(milk))
    shutil.rmtree(place / "milk" / "student")
    return place


@pytest.fixture
def runs(project: Path, monkeypatch: pytest.MonkeyPatch, built: Path) -> Path:
    """The folder ``runs`` of a project, with these two runs."""
    monkeypatch.setenv("DSTILL_DISABLE", shop_run.disabled(ENABLED_PLUGINS))
    for name in ("tea", "milk"):
        shutil.copytree(built / name, project / "runs" / name)
    return project / "runs"


@dataclass
class Client(served.Client):
    access: Access = field(kw_only=True)
    stop: Callable[[], None] = field(kw_only=True)

    def get(self, path: str, **headers: str) -> Any:
        return self("GET", path, **headers)

    def opened(self, name: str, what: str = "play") -> Any:
        """The page of a student or a review, after its loading. `what` is "" for one about data on a server."""
        path = f"/runs/{quote(name, safe='')}/{what}" if what else f"/data/{name}"
        end = time.monotonic() + PATIENCE
        reply = self.get(f"{path}/")
        while "data-wait" in reply.text:
            assert time.monotonic() < end, "it does not open"
            time.sleep(0.02)
            if self.get(f"{path}/opening").json["state"] != "loading":
                reply = self.get(f"{path}/")
        return reply

    def login(self, name: str = "", token: str = TOKEN, next: str = "") -> Any:
        """Log in as a browser does, and keep the cookie."""
        form = urlencode({"token": token, "name": name})
        reply = self("POST", f"/login?{urlencode({'next': next})}", form, origin=self.address)
        if cookie := reply.headers.get("set-cookie"):
            self.headers["cookie"] = cookie.partition(";")[0]
        return reply

    def change(self, path: str, body: dict[str, Any], **headers: str) -> Any:
        """A change as the page of the review sends it."""
        return self("POST", path, body, **{"origin": self.address, "x-dstill": "1", **headers})


@pytest.fixture
def start(runs: Path) -> Iterator[Callable[..., Client]]:
    """``start(token=TOKEN)``: a server of `runs`, stopped at the end of the test."""

    def start(
        *,
        token: str = "",
        reviewer: str = "",
        students: int = 2,
        feedback: Path | None = None,
        log: RequestLog | None = None,
        idle: float = IDLE_SECONDS,
    ) -> Client:
        stack = contextlib.ExitStack()
        listener = stack.enter_context(listening("127.0.0.1", 0))
        port = listener.getsockname()[1]
        secret = Secret(token) if token else None
        access = Access(host="127.0.0.1", port=port, token=secret, reviewer=reviewer)
        found = App(plugins.load([shop_run.PACK]))
        how: dict[str, Any] = {"execute": True, "students": students, "feedback": feedback, "log": log, "idle": idle}
        server = stack.enter_context(opened(found, Path("runs"), access=access, **how))
        return Client(port, access=access, stop=run(server, listener, stack))

    with served.threads() as run:
        yield start


@pytest.fixture
def client(start: Callable[..., Client]) -> Client:
    return start()
