from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from dstill_torch import settings
from dstill_torch.settings import return_freed_memory

GLIBC = platform.libc_ver()[0] == "glibc"


@pytest.mark.slow  # it imports torch in a separate process
@pytest.mark.skipif(not GLIBC, reason="the C library is not glibc")
def test_freed_memory_of_a_wide_student_returns_to_the_system() -> None:
    """In a separate process, because the threshold cannot be reset."""
    code = """
import psutil, torch
from dstill_torch.settings import return_freed_memory
resident = lambda: psutil.Process().memory_info().rss
assert return_freed_memory(6, 10)
for _ in range(2):
    before = resident()
    blocks = [torch.ones(2**19) for _ in range(64)]  # 2 MiB each
    small = [torch.ones(2**10) for _ in range(64)]
    held = resident() - before
    del blocks
    print(held, resident() - before)
"""
    lines = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    for held, left in (map(int, line.split()) for line in lines):
        assert held > 100 * 2**20
        assert left < 16 * 2**20


@pytest.mark.parametrize("library", ["", "musl"])
def test_does_nothing_without_glibc(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings.platform, "libc_ver", lambda: (library, ""))
    assert not return_freed_memory(6, 10)


def test_does_nothing_for_small_students_or_with_a_user_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not return_freed_memory(4, 10)
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "65536")
    assert not return_freed_memory(6, 10)
