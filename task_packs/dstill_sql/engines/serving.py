"""The process of an engine: it reads requests, runs them one by one, and answers.

    {"seconds": 5, "steps": [{"do": "fetch", "key": "shop", "text": "SELECT name FROM drivers", …}]}
    {"columns": ["name"], "rows": [["Ann"], ["Bob"]], "cpu": 0.0001}

Rows that are many come in several messages, before that with the columns. What fails is answered with
``{"error": "stopped", "message": "…"}``: the errors are those of `dstill_sql.engines.work.Failure`.

Three limits hold even where the engine does not look: a clock of the system ends the process if a request takes longer
than the engine was given to stop it, memory of the process is limited on Linux, and the process ends when dstill does.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from dstill_sql.engines.frames import BrokenMessage, receive, send
from dstill_sql.engines.watch import Stopped, Watch
from dstill_sql.engines.work import Work

__all__ = ["GRACE", "serve"]

GRACE = 1.0  # seconds that an engine has to stop a query, before its process ends
_LONGEST = 2**32  # bytes of a request: dstill is trusted
_MEGABYTE = 2**20
_OWN_MB = 100  # memory that the engine and Python take while they work, beyond what they have at the start
_MESSAGE = 2_000  # characters of an error that are told

Request = Mapping[str, Any]


def serve(given: str) -> None:
    """Answer requests until dstill closes the pipe. Does not return."""
    settings = json.loads(given)
    answers = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whatever an engine prints is no message
    _prepare_signals()
    server = _Server(settings, answers)
    with os.fdopen(0, "rb") as stream, contextlib.suppress(BrokenMessage, OSError):  # dstill ended, or closed the pipe
        while True:
            send(answers, server.answer(receive(stream, _LONGEST)[0]))
    server.close()
    os._exit(0)


def _prepare_signals() -> None:
    """The clock ends the process, whatever the program that started dstill does with signals; without a core file."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class _Server:
    """The databases of one engine. What it lacks, such as its library, every answer says."""

    def __init__(self, settings: Mapping[str, Any], answers: int) -> None:
        self._answers = answers
        self._memory = int(settings["memory_mb"]) * _MEGABYTE
        self._watch = Watch(also=partial(_end_without, os.getppid()))
        self._databases: dict[str, Any] = {}
        self._missing = ""
        try:
            self._work = _work(settings)
        except Exception as error:  # an import may raise anything
            self._missing = str(error) or type(error).__name__
        self._limit_memory()

    def answer(self, request: Request) -> dict[str, Any]:
        """The last message about a request."""
        if self._missing:
            return {"error": "missing", "message": self._missing}
        try:
            with _killed_after(request["seconds"] + GRACE):
                return self._run(request["steps"], request["seconds"])
        except Stopped:
            return {"error": "stopped", "message": ""}
        except MemoryError:
            return {"error": "memory", "message": ""}
        except Exception as error:  # also what only the binder of an engine raises
            message = (str(error) or type(error).__name__)[:_MESSAGE]
            return {"error": self._work.failure(error), "message": message}

    def _run(self, steps: Sequence[Request], seconds: float) -> dict[str, Any]:
        result: tuple[list[str], list[Any]] = ([], [])
        start = time.process_time()
        with self._watch.over(self._interrupt, seconds):
            for step in steps:
                result = self._do(step)
        return {"columns": result[0], "rows": result[1], "cpu": time.process_time() - start}

    def _do(self, step: Request) -> tuple[list[str], list[Any]]:
        work, key = self._work, step["key"]
        match step["do"]:
            case "open":
                self._databases[key] = work.opened(step["path"], describes=step["describes"])
                self._limit_memory()
            case "make":
                self._databases[key] = work.made(step)
                self._limit_memory()
            case "close":
                if database := self._databases.pop(key, None):
                    database.close()
            case "run":
                self._databases[key].execute(step["text"])
            case "fill":
                work.fill(self._databases[key], step["text"], step["rows"])
            case "plan":
                work.plan(self._databases[key], step)
            case "fetch":
                return work.fetch(self._databases[key], step, self._memory, self._send_rows)
        return [], []

    def _send_rows(self, rows: list[Any]) -> None:
        send(self._answers, {"rows": rows})

    def _interrupt(self) -> None:
        for database in list(self._databases.values()):
            with contextlib.suppress(Exception):
                database.interrupt()

    def _limit_memory(self) -> None:
        """Limit the process to what it has now, with its databases, and to the memory of a query."""
        if not sys.platform.startswith("linux"):  # macOS takes a limit and ignores it; Windows has none
            return
        import resource

        with open("/proc/self/statm", "rb") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        most, hard = now + self._memory + _OWN_MB * _MEGABYTE, resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))

    def close(self) -> None:
        """Close the databases, so that no lock of theirs is left."""
        for database in self._databases.values():
            with contextlib.suppress(Exception):
                database.close()


def _work(settings: Mapping[str, Any]) -> Work:
    memory_mb = int(settings["memory_mb"])
    if settings["engine"] == "sqlite":
        from dstill_sql.engines.work_sqlite import SqliteWork

        return SqliteWork(memory_mb, settings["functions"])
    from dstill_sql.engines.work_duckdb import DuckDbWork

    return DuckDbWork(memory_mb, settings["folder"])


def _end_without(parent: int) -> None:
    """End if dstill did, in the middle of a query. Windows does not tell."""
    if os.getppid() != parent:
        os._exit(0)


@contextmanager
def _killed_after(seconds: float) -> Iterator[None]:
    """A clock of the system ends the process if the block takes longer, even in one step of the engine."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
