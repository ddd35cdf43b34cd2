"""A folder in which commands bring a small Ray cluster of their own, in processes whose whole offspring is watched."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

__all__ = ["Lab"]

MARK = "MARK_OF_THIS_TEST"
NEEDED = {"teachers", "sweep", "report", "ray"}
LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")


class Lab:
    """A folder with a dstill.toml, the toy, and one more plugin."""

    def __init__(self, folder: Path, plugins: list[Path], parts: set[str], settings: str) -> None:
        self.folder = folder
        self.plugins = [word for file in plugins for word in ("--plugin", str(file))]
        self.mark = uuid.uuid4().hex
        off = {point.name for point in entry_points(group="dstill")} - NEEDED - parts
        own = {"DSTILL_DISABLE": ",".join(sorted(off)), "OMP_NUM_THREADS": "1", MARK: self.mark, "HOME": str(folder)}
        foreign = ("DSTILL_", "RAY_", "TUNE_")
        self.environment = {**{k: v for k, v in os.environ.items() if not k.startswith(foreign)}, **own}
        (folder / "dstill.toml").write_text(settings)
        ended = self.run("generate", "--teacher", "parrot", "--out", "made")
        assert ended.returncode == 0, ended.stderr

    def copy(self, run: str) -> None:
        shutil.copytree(self.folder / "made", self.folder / run)

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "dstill", *self.plugins, *words],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        with self.start(*words, **environment) as process:
            try:
                out, err = process.communicate(timeout=600)
            except BaseException:
                process.kill()
                raise
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def offspring(self) -> Iterator[psutil.Process]:
        """Every process that comes from a command of this lab, whoever its parent is by now."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    yield process

    def listens(self) -> set[str]:
        """The addresses, not on loopback, at which one of them listens."""
        found = set()
        for process in self.offspring():
            with contextlib.suppress(psutil.Error):
                for socket in process.net_connections("inet"):
                    if socket.status == psutil.CONN_LISTEN and socket.laddr.ip not in LOOPBACK:
                        found.add(f"{socket.laddr.ip}:{socket.laddr.port} {process.cmdline()[:1]}")
        return found

    def left(self, patience: float = 120.0) -> list[list[str]]:
        """Processes that are still there a while after their command."""
        deadline = time.monotonic() + patience
        while (found := list(self.offspring())) and time.monotonic() < deadline:
            time.sleep(0.2)
        return [process.cmdline() for process in found]

    def manifest(self, run: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / run / "run.json").read_text())
        return found
