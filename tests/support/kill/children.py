"""Commands of dstill as forks of one process that has imported it: a command takes a fifth of a second.

with Children() as children:
    pid = children.begin(["pack", "list"], cwd=folder, env=environment)
    children.end()                                      # the status of `os.waitpid`
    (folder / "out.txt").read_bytes()                   # its stdout; err.txt: its stderr
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Self

from support.kill.points import Orders

__all__ = ["SECONDS", "Children", "line_of", "python_path", "started"]

TESTS = Path(__file__).parents[2]
SECONDS = 600.0  # that anything may take, on a busy machine


class Children:
    """`imported`: further modules that the commands need and that take long to import."""

    def __init__(self, *imported: str) -> None:
        self._imported = imported

    def __enter__(self) -> Self:
        self._server = started("support.kill.server", *self._imported)
        assert line_of(self._server) == "ready\n"
        return self

    def __exit__(self, *error: object) -> None:
        self._server.communicate(timeout=SECONDS)  # its standard input ends, and so does it

    def begin(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], orders: Orders | None = None) -> int:
        """The process id of a command that has begun; one at a time."""
        job = {
            "argv": list(argv),
            "cwd": str(cwd),
            "env": dict(env),
            "out": str(cwd / "out.txt"),
            "err": str(cwd / "err.txt"),
            "orders": None if orders is None else asdict(orders),
        }
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps(job) + "\n")
        self._server.stdin.flush()
        return int(json.loads(line_of(self._server))["pid"])

    def end(self) -> int:
        return int(json.loads(line_of(self._server))["status"])


def python_path() -> str:
    return os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])


def started(module: str, *words: object) -> subprocess.Popen[str]:
    """A module of the tests as a process, which ends when its standard input does."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": python_path()},
    )


def line_of(process: subprocess.Popen[str]) -> str:
    """Its next line, "" at its end. Byte by byte: what a buffer had taken with the last line `select` would not see."""
    assert process.stdout is not None
    line = b""
    while not line.endswith(b"\n"):
        assert select.select([process.stdout], [], [], SECONDS)[0], "it says nothing"
        byte = os.read(process.stdout.fileno(), 1)
        if not byte:
            break
        line += byte
    return line.decode()
