"""Folders that take long to build: built once a session and read by all workers of pytest-xdist.

    @pytest.fixture(scope="session")
    def demo(tmp_path_factory):
        return shared_folder(tmp_path_factory, "demo", run_the_demo)   # run_the_demo(folder) fills an empty folder

Tests only read the folder; one that has to write works on a copy.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

__all__ = ["session_folder", "shared_folder"]


def session_folder(temporary: pytest.TempPathFactory) -> Path:
    """The temporary folder of the whole session, which has those of the workers in it."""
    base = temporary.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def shared_folder(temporary: pytest.TempPathFactory, name: str, build: Callable[[Path], None]) -> Path:
    """The session's folder `name`, built by the first worker that asks while the others wait.

    Where `build` raises, the next test that asks tries again.
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
