"""A killed run resumes with the same replies in the same order and buys nothing twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.loopback_teacher import LoopbackTeacher
from support.openai_asking import buy
from support.sizes import first_quick

from dstill.teacher.client import Counts

pytestmark = pytest.mark.usefixtures("key")

QUESTIONS, IN_FLIGHT = 200, 8

RUN = f"""
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from support.openai_asking import buy
asyncio.run(buy(sys.argv[2], Path(sys.argv[3]), {QUESTIONS}, {IN_FLIGHT}, say=lambda line: print(line, flush=True)))
"""


@pytest.mark.parametrize("sold", first_quick([1, 120]))
def test_killed_run_resumes_without_buying_twice(tmp_path: Path, sold: int) -> None:
    store = tmp_path / "replies.sqlite"
    with LoopbackTeacher(delay=0.1) as server:  # slow enough that the run is killed before its end
        seen = run_and_kill(server, store, sold)
        server.delay = 0.01
        before = len(server.sold)
        assert before >= sold
        resumed, counts = run(server, store)
        assert [line.split(":")[0] for line in resumed] == [f"question {n}" for n in range(QUESTIONS)]
        assert seen == resumed[: len(seen)]  # replies of the killed run are yielded again
        lost = len(server.sold) - QUESTIONS
        assert 0 <= lost <= IN_FLIGHT  # at most the calls that were in flight
        assert counts == Counts(cached=before - lost, bought=QUESTIONS - before + lost)
        assert counts.cached >= len(seen)
        assert run(server, store) == (resumed, Counts(cached=QUESTIONS))
        assert len(server.sold) == QUESTIONS + lost  # nothing more was bought


def run(server: LoopbackTeacher, store: Path) -> tuple[list[str], Counts]:
    lines: list[str] = []
    counts = asyncio.run(buy(server.base_url, store, QUESTIONS, IN_FLIGHT, say=lines.append))
    return lines, counts


def run_and_kill(server: LoopbackTeacher, store: Path, sold: int) -> list[str]:
    """Run, kill the process after the server sold `sold` replies, and return its output."""
    command = [sys.executable, "-c", RUN, str(Path(__file__).parents[2]), server.base_url, str(store)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while len(server.sold) < sold and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    output = process.communicate(timeout=30)[0]
    assert process.returncode == -signal.SIGKILL
    while server.in_flight and time.monotonic() < deadline:
        time.sleep(0.002)
    return output.split("\n")[:-1]  # the last line may be half
