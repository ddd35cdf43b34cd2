"""Locks, processes and memory, on this system; and the code for Windows, with a toy of its module for locks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from dstill.io import system
from dstill.io.plain_files import read_bounded, regular
from dstill.io.system import posix, windows

HOLDS = """
import sys
from dstill.io import system
file = open(sys.argv[1], "a")
assert system.try_lock(file) and system.try_lock_byte(file, 7)
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """A file that another process has locked, as a whole and at byte 7, and that process."""
    file = tmp_path / "held"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield file, process.pid


def test_locks_of_another_process(held: tuple[Path, int]) -> None:
    path, pid = held
    with path.open("a") as file:
        assert not system.try_lock(file)
        assert not system.try_lock_byte(file, 7)
        assert system.lock_holder(file, 7) in (pid, 0)
        assert system.try_lock_byte(file, 8)
        system.unlock_byte(file, 8)
        assert system.lock_holder(file, 8) == 0
    assert system.is_alive(pid)


def test_closing_a_file_releases_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    with path.open("a") as first, path.open("a") as second:
        system.lock(first)
        assert not system.try_lock(second)
        first.close()
        assert system.try_lock(second)


def test_processes_and_memory() -> None:
    assert system.is_alive(os.getpid())
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    assert not system.is_alive(int(ended.stdout))
    assert not system.is_alive(2**80)
    assert 10 * 2**20 < system.peak_memory() < system.physical_memory()
    assert 1 <= system.open_files(10) <= 10


# --- Windows ----------------------------------------------------------------------------


def test_both_systems_have_the_same_names() -> None:
    assert posix.__all__ == windows.__all__ == system.__all__
    assert all(hasattr(windows, name) for name in windows.__all__)


@pytest.fixture
def locking(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """A toy of msvcrt: it locks bytes of files, for every handle but the one that has them. The offsets of locks."""
    locked: dict[int, int] = {}  # offset → handle

    def change(handle: int, mode: str, count: int) -> None:
        at = os.lseek(handle, 0, os.SEEK_CUR)
        if mode == "unlock":
            del locked[at]
        elif locked.setdefault(at, handle) != handle:
            raise PermissionError(13, "Permission denied")

    toy = SimpleNamespace(locking=change, LK_NBLCK="lock", LK_UNLCK="unlock")
    monkeypatch.setitem(sys.modules, "msvcrt", toy)  # type: ignore[arg-type]
    return locked.keys()  # type: ignore[return-value]


def test_windows_locks_a_byte_behind_what_others_read(locking: set[int], tmp_path: Path) -> None:
    path = tmp_path / "mine"
    with path.open("a+") as first, path.open("a+") as second:
        windows.lock(first)
        first.write("pid 1")
        first.flush()
        assert not windows.try_lock(second)
        second.seek(0)
        assert second.read() == "pid 1"
        assert min(locking) > 2**30
        assert windows.lock_holder(second, 7) == 0
        far = 0xFFFFFFFFFFFFFFF  # the last offset of `dstill.teacher.inflight`
        assert windows.try_lock_byte(first, far)
        assert not windows.try_lock_byte(second, far)
        windows.unlock_byte(first, far)
        assert windows.try_lock_byte(second, far)
        assert max(locking) < 2**31
    windows.fsync_folder(tmp_path)
    with path.open() as file:
        windows.set_mode(file, 0)
    assert path.read_text() == "pid 1"
    assert windows.open_files(9) == 9


def test_windows_refuses_links_without_a_flag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dstill.errors import RunError

    for name in ("OPENING", "READING", "OTHER_USERS", "refuses_links"):
        monkeypatch.setattr(system, name, getattr(windows, name))
    (tmp_path / "file").write_bytes(b"a\r\n")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_bounded(tmp_path / "link", 10) == b"a\r\n"
    with open(tmp_path / "file", "rb", opener=regular) as opened:
        assert opened.read() == b"a\r\n"
    with pytest.raises(RunError, match="a symbolic link"):
        open(tmp_path / "link", "rb", opener=regular)  # noqa: SIM115 - it does not open
