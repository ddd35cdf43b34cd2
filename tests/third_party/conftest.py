"""Environments for third-party packages: the built wheel of dstill and packages that depend on it.

Each is a venv that borrows this interpreter's heavy libraries by a .pth file (in which the
editable dstill does not count: only a site folder's own .pth files are followed). Nothing
is fetched from the network.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.shared import shared_folder

HERE = Path(__file__).parent
RPN = HERE / "dstill-rpn"
IN_TURN = """
import contextlib, io, json, sys
from dstill.cli import run
for words in json.loads(sys.argv[1]):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = run([*words, "--json"])
    if code:
        sys.exit(code)
    print(out.getvalue().splitlines()[-1])
"""


@dataclass(frozen=True)
class Venv:
    """A virtual environment with dstill from its wheel."""

    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    def install(self, *words: str | Path) -> None:
        uv = shutil.which("uv", path=str(Path(sys.executable).parent))
        offline = ["--no-deps", "--no-build-isolation", *words]
        if uv:
            _done([uv, "pip", "install", "--quiet", "--offline", "--python", self.bin / "python", *offline])
        else:
            pip = [sys.executable, "-m", "pip", "--python", self.bin / "python"]
            _done([*pip, "install", "--quiet", "--no-index", *offline])

    def run(self, *words: str | Path, cwd: Path, code: int = 0, **environment: str) -> str:
        """The stdout of a program of this environment; its exit code must be `code`."""
        program = self.bin / str(words[0])
        return _done([program, *words[1:]], cwd=cwd, code=code, **environment)

    def dstill(self, *words: str | Path, cwd: Path, code: int = 0, **environment: str) -> dict[str, Any]:
        """The last line of ``dstill … --json``."""
        out = self.run("dstill", *words, "--json", cwd=cwd, code=code, **environment)
        result: dict[str, Any] = json.loads(out.splitlines()[-1])
        return result

    def dstill_in_turn(self, *commands: tuple[str, ...], cwd: Path, **environment: str) -> list[dict[str, Any]]:
        """The last line of each ``dstill … --json``, of one process: torch is loaded once."""
        out = self.run("python", "-c", IN_TURN, json.dumps(commands), cwd=cwd, **environment)
        return [json.loads(line) for line in out.splitlines()]


def _done(command: list[Any], *, cwd: Path | None = None, code: int = 0, **environment: str) -> str:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DSTILL_", "PYTHON", "COV_", "PYTEST_"))}
    ended = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        # one thread: on a busy machine torch's waiting threads cost more than they bring
        env={**kept, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == code, f"{command} ended with {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="session")
def new_venv(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Venv]:
    """``new_venv("shop", package, …)``: the session's environment of that name: dstill's wheel, and these packages."""

    def make(name: str, *packages: Path) -> Venv:
        def build(folder: Path) -> None:
            venv.create(folder, with_pip=False, symlinks=True)
            site = next((folder / "lib").glob("python*/site-packages"))
            (site / "heavy_libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
            Venv(folder).install(wheel, *packages)

        return Venv(shared_folder(tmp_path_factory, f"venv-{name}", build))

    return make


@pytest.fixture(scope="session")
def with_rpn(new_venv: Callable[..., Venv]) -> Venv:
    return new_venv("rpn", RPN)
