"""Things that are dear to build, built once a session and read by every worker of pytest-xdist.

    @pytest.fixture(scope="session")
    def demo(tmp_path_factory):
        return shared_folder(tmp_path_factory, "demo", run_the_demo)   # run_the_demo(folder) fills an empty folder

Tests read the folder and never write to it: one that has to, works on a copy.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Callable

import pytest
from filelock import FileLock

__all__ = ["session_folder", "shared_folder"]


def session_folder(temporary: pytest.TempPathFactory) -> Path:
    """The temporary folder of the whole session: a worker's own lies inside it."""
    base = temporary.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def shared_folder(temporary: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """The folder `name` of the session. The first worker that asks builds it while the others wait.

    A build that raises is tried again by the next test that asks.
    """
    base = session_folder(temporary)
    folder, built = base / name, base / f"{name}.built"
    with FileLock(base / f"{name}.lock"):
        if not built.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(folder)
            built.touch()
    return folder
