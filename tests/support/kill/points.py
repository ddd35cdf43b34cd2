"""Every point at which a process changes what is on disk, counted; at one of them it may be killed.

    install(Orders(trace="trace.jsonl", kill=Point("fsync", "run.json", "after", 2)))
    # from here on the second fsync of run.json ends the process by SIGKILL when it has returned

In: what to do. Out: a line of the trace for each point that was reached, on disk before the point:
``{"at": monotonic, "kind", "place", "moment"}``. A write's moments are before, half (half of its bytes are
in the file) and after; a rename's, fsync's or statement's before and after. `place` is the file's name, for a
temporary one the name that it will have.
"""

from __future__ import annotations

import asyncio
import builtins
import io
import json
import os
import re
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Orders", "Point", "install", "mark"]

STATEMENTS = ("BEGIN", "CREATE", "INSERT", "COMMIT")
TEMPORARY = re.compile(r"^\.(.+)\.\d+-[0-9a-f]+\.tmp$")


class Point(NamedTuple):
    kind: str
    place: str
    moment: str
    number: int = 1  # the n-th time


@dataclass(frozen=True, kw_only=True)
class Orders:
    trace: str
    kill: Point | None = None
    stop: bool = False  # stop there (SIGSTOP) instead
    pause: float = 0.0  # seconds before each point: a slow disk


class _Watch:
    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.trace = os.open(orders.trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self.lock = threading.Lock()

    def reached(self, kind: str, place: str, moment: str) -> None:
        with self.lock:
            self.counts[kind, place, moment] += 1
            number = self.counts[kind, place, moment]
        line = {"at": time.monotonic(), "kind": kind, "place": place, "moment": moment}
        os.write(self.trace, json.dumps(line).encode() + b"\n")
        if self.orders.kill == (kind, place, moment, number):
            os.kill(os.getpid(), signal.SIGSTOP if self.orders.stop else signal.SIGKILL)
        if self.orders.pause:
            time.sleep(self.orders.pause)

    def around(self, kind: str, place: str, action: Callable[[], Any]) -> Any:
        self.reached(kind, place, "before")
        result = action()
        self.reached(kind, place, "after")
        return result


_watch: _Watch | None = None


def mark(kind: str, place: str) -> None:
    """A point that the test itself marks."""
    if _watch is not None:
        _watch.reached(kind, place, "before")


def install(orders: Orders) -> None:
    """Watch this process, for as long as it lives."""
    global _watch
    watch = _watch = _Watch(orders)
    fsync, rename, replace, unlink, mkdir = os.fsync, os.rename, os.replace, os.unlink, os.mkdir

    def watched_fsync(file: Any) -> None:
        watch.around("fsync", _place(_path_of(file)), lambda: fsync(file))

    def watched_rename(source: Any, target: Any, **more: Any) -> None:
        watch.around("rename", _place(target), lambda: rename(source, target, **more))

    def watched_replace(source: Any, target: Any, **more: Any) -> None:
        watch.around("rename", _place(target), lambda: replace(source, target, **more))

    def watched_unlink(path: Any, **more: Any) -> None:
        watch.around("unlink", _place(path), lambda: unlink(path, **more))

    def watched_mkdir(path: Any, *more: Any, **named: Any) -> None:
        watch.around("mkdir", _place(path), lambda: mkdir(path, *more, **named))

    os.fsync, os.rename, os.replace = watched_fsync, watched_rename, watched_replace  # type: ignore[assignment]
    os.unlink, os.mkdir = watched_unlink, watched_mkdir
    _watch_files(watch)
    _watch_sqlite(watch)
    _watch_asking(watch)


# --- files ------------------------------------------------------------------------------


class _File:
    """A file that tells of each write; the rest is the file's own."""

    def __init__(self, watch: _Watch, file: Any) -> None:
        self._watch, self._file, self._name = watch, file, _place(file.name)

    def write(self, data: Any) -> Any:
        self._watch.reached("write", self._name, "before")
        half = len(data) // 2
        self._file.write(data[:half])
        self._file.flush()
        self._watch.reached("write", self._name, "half")
        self._file.write(data[half:])
        self._file.flush()
        self._watch.reached("write", self._name, "after")
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __iter__(self) -> Any:
        return iter(self._file)

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *error: Any) -> None:
        self._file.close()


def _watch_files(watch: _Watch) -> None:
    plain = io.open

    def watched(file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
        if isinstance(file, int) or not set(mode) & set("wxa+") or not _in_project(file):
            return plain(file, mode, *more, **named)
        opened = watch.around("open", _place(file), lambda: plain(file, mode, *more, **named))
        return _File(watch, opened)

    io.open = builtins.open = watched


def _in_project(file: Any) -> bool:
    return Path(os.path.abspath(os.fsdecode(file))).is_relative_to(Path.cwd())


def _path_of(file: Any) -> str:
    return os.readlink(f"/proc/self/fd/{file if isinstance(file, int) else file.fileno()}")


def _place(path: Any) -> str:
    name = Path(os.fsdecode(path)).name
    match = TEMPORARY.match(name)
    return match[1] if match else name


# --- SQLite -----------------------------------------------------------------------------


def _watch_sqlite(watch: _Watch) -> None:
    plain = sqlite3.connect

    class Watched(sqlite3.Connection):
        def execute(self, sql: str, *more: Any) -> Any:
            word = sql.split(maxsplit=1)[0].upper() if sql.strip() else ""

            def action() -> Any:
                return super(Watched, self).execute(sql, *more)

            return watch.around(word, "replies.sqlite", action) if word in STATEMENTS else action()

        def executemany(self, sql: str, rows: Any) -> Any:
            return watch.around("INSERT", "replies.sqlite", lambda: super(Watched, self).executemany(sql, list(rows)))

    def watched(*words: Any, **named: Any) -> Any:
        return plain(*words, **{"factory": Watched, **named})

    sqlite3.connect = watched


def _watch_asking(watch: _Watch) -> None:
    """Where asking begins and ends: dstill asks in one loop."""
    plain = asyncio.run

    def watched(*words: Any, **named: Any) -> Any:
        return watch.around("ask", "teacher", lambda: plain(*words, **named))

    asyncio.run = watched
