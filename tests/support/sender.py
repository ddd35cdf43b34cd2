"""A task whose answers run on a server: what its executor opens is sent the key, over HTTP.

dstill --plugin toy.py --plugin sender.py evaluate RUN --task sums
"""

from __future__ import annotations

import urllib.request
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from dstill import Task, hookimpl
from dstill.api.engine import Engine
from dstill.api.executor import Executor
from dstill.api.student import Student
from dstill.io.secrets import Secret

if TYPE_CHECKING:
    from support.toy import Abacus, Memorizer, Toy
else:
    from dstill_plugin_toy import Abacus, Memorizer, Toy  # as dstill has loaded it

NEEDED_BY = "the sender"


class Sums(Toy):
    """Sums, counted elsewhere."""

    name = "sums"
    executors = ("abacus", "sender")


class Sender(Abacus):
    """Shows a server its key, and counts by itself."""

    name = "sender"
    url_schemes = ("http",)

    def open(self, task: Task, engine: Engine) -> Self:
        request = urllib.request.Request(engine.url)
        if engine.api_key_env:
            request.add_header("Authorization", Secret.from_environment(engine.api_key_env, NEEDED_BY).reveal())
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        direct.open(request, timeout=5).close()
        return super().open(task, engine)


class Borrower(Memorizer):
    """Names a base model in a file of its own, as an adapter does."""

    name = "borrower"

    def external_models(self, folder: Path) -> Sequence[str]:
        file = folder / "base.txt"
        return (file.read_text(),) if file.exists() else ()


@hookimpl
def register_students() -> Iterable[type[Student]]:
    yield Borrower


@hookimpl
def register_tasks() -> Iterable[type[Task]]:
    yield Sums


@hookimpl
def register_executors() -> Iterable[type[Executor]]:
    yield Sender
