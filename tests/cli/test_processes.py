"""Commands as processes: folders that cannot be written, interrupts, closed pipes, terminals and locks."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.sizes import first_quick
from support.terminal import in_terminal

from dstill.errors import Interrupted
from dstill.teacher.cache import ReplyStore

Cli = Callable[..., Any]
ESCAPE = "\x1b"
COLOURS = ("NO_COLOR", "FORCE_COLOR", "TERM", "COLORTERM")  # variables that say what a terminal can show


def assert_refused(ended: Any, code: int, what: str) -> None:
    """`ended` with this exit code and this first line, and no traceback."""
    assert ended.err.startswith(f"error: {what}"), ended.err
    assert ended.code == code
    assert "Traceback" not in ended.out + ended.err


@pytest.fixture
def command(project: Path, toy_file: Path) -> list[str]:
    """The command line in a separate process, with the toy."""
    return [sys.executable, "-m", "dstill", "--plugin", str(toy_file)]


# --- options ----------------------------------------------------------------------------


@pytest.fixture
def unwritable_folder() -> Iterator[Path]:
    """A folder that this process may not write to."""
    folder = Path(tempfile.mkdtemp(prefix="dstill-test-"))
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_read_only_folder_is_refused(cli: Cli, unwritable_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(unwritable_folder)
    assert_refused(
        cli("generate", "--out", unwritable_folder / "run"),
        2,
        f"cannot write {unwritable_folder / 'run'}: permission denied\n",
    )
    assert_refused(cli("generate"), 2, "cannot write runs/")
    assert_refused(cli("init"), 2, "cannot write dstill.toml: permission denied\n")


# --- interrupts -------------------------------------------------------------------------


def n_cached(folder: Path) -> int:
    if not (folder / "replies.sqlite").exists():
        return 0
    with ReplyStore(folder / "replies.sqlite") as store:
        return len(store)


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)


def started(command: list[str], *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*command, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


SLOW = ("generate", "--teacher", "parrot", "--out", "mine", "--set", "generate.concurrency=2")


def test_ctrl_c_stops_generate_and_tells_how_to_resume(command: list[str], project: Path, cli: Cli) -> None:
    # two replies never arrive in time, so the run is still going when the signal comes
    slow = ("--set", "teacher.parrot.delay=60", "--set", "teacher.parrot.slow=from 4")
    process = started(command, *SLOW, *slow)
    wait_until(lambda: n_cached(project) >= 4)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    saved = n_cached(project)
    assert 4 <= saved < 27
    assert f"error: stopped; {saved}/27 saved\n" in err
    assert "hint: resume with: dstill generate --out mine\n" in err
    assert "Traceback" not in out + err
    assert json.loads(Path("mine/run.json").read_text())["status"] == "generate: interrupted"

    resumed = cli("generate", "--out", "mine", "--json", "--set", "teacher.parrot.delay=0")
    assert resumed.code == 0, resumed.err
    assert json.loads(resumed.out.splitlines()[-1])["accepted"] == 27
    assert n_cached(project) == 27
    # the same bytes as an uninterrupted run
    assert cli("generate", "--teacher", "parrot", "--out", "whole").code == 0
    for split in ("train", "validation", "test"):
        file = f"dataset/data/{split}.jsonl"
        assert Path("mine", file).read_bytes() == Path("whole", file).read_bytes()


STUBBORN = """
import asyncio, time
from pathlib import Path
from dstill import hookimpl
from dstill.api.teacher import Teacher

class Stubborn(Teacher):
    "Does not let itself be stopped."
    name = "stubborn"

    async def ask(self, prompt):
        Path("asked").touch()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            Path("cancelled").touch()
            time.sleep(60)

@hookimpl
def register_teachers():
    yield Stubborn
"""


def test_second_ctrl_c_ends_at_once(command: list[str], project: Path) -> None:
    Path("stubborn.py").write_text(STUBBORN)
    process = started(command, "--plugin", "stubborn.py", "generate", "--teacher", "stubborn", "--out", "mine")
    wait_until(Path("asked").exists)
    process.send_signal(signal.SIGINT)
    wait_until(Path("cancelled").exists)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)  # it would sleep for a minute
    assert process.returncode == -signal.SIGINT  # 130 in a shell
    assert "Traceback" not in out + err


def test_ctrl_c_tells_how_to_resume_in_any_stage(command: list[str], project: Path) -> None:
    """A stage without an event loop also tells how to resume."""
    Path("sleepy.py").write_text(
        "import time, click\nfrom pathlib import Path\nfrom dstill import hookimpl\n"
        "@hookimpl\ndef register_commands(cli):\n"
        "    @cli.command()\n    def sleep():\n        Path('asleep').touch()\n        time.sleep(60)\n"
    )
    process = started(command, "--plugin", "sleepy.py", "sleep")
    wait_until(Path("asleep").exists)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "error: stopped\nwhere: dstill sleep\nhint: run the same command again\n"


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["config", "show", "--origin"], []),
        (["pack", "list"], []),
        (["--help"], []),
        (["data", "questions", "-n", "20000"], []),
        (["data", "questions", "-n", "20000"], ["add 1 and 1\n"]),
        (["pack", "list", "--json"], []),
    ],
)
def test_closed_stdout_ends_silently(command: list[str], words: list[str], lines: list[str]) -> None:
    """Before anything was written, and after the first line, as `head` does."""
    with started(command, *words) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in lines] == lines
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(60) in (0, 141, -signal.SIGPIPE)


@pytest.mark.parametrize("environment", first_quick([{"TERM": "dumb"}, {"TERM": "xterm-256color", "NO_COLOR": "1"}]))
def test_dumb_terminal_gets_no_escapes(command: list[str], environment: dict[str, str]) -> None:
    for words in (["generate", "--teacher", "parrot"], ["pack", "list"], ["--help"]):
        status, shown = in_terminal([*command, *words], drop=COLOURS, env=environment)
        assert (status, ESCAPE in shown) == (0, False), shown


def test_pipe_gets_plain_lines(command: list[str]) -> None:
    ended = subprocess.run([*command, "generate", "--teacher", "parrot"], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0
    assert ESCAPE not in ended.stdout + ended.stderr
    assert "asking the teacher 27/27\n" in ended.stderr
    assert "\r" not in ended.stderr


def test_ascii_terminal_gets_escaped_letters(command: list[str]) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    ended = subprocess.run(
        [*command, "check", "--format", "answers"],
        input="1→2".encode(),
        capture_output=True,
        timeout=60,
        env=environment,
    )
    assert ended.returncode == 9
    assert b"'1\\u21922' is no sum" in ended.stdout


def test_capable_terminal_gets_progress_bars(command: list[str]) -> None:
    status, shown = in_terminal(
        [*command, "generate", "--teacher", "parrot"], drop=COLOURS, env={"TERM": "xterm-256color"}
    )
    assert (status, ESCAPE in shown, "27/27" in shown) == (0, True, True), shown


def test_run_of_another_process_is_locked(command: list[str], project: Path, cli: Cli) -> None:
    first = started(command, *SLOW, "--set", "teacher.parrot.delay=5")
    wait_until(lambda: Path("mine/.lock").exists() and Path("mine/.lock").read_text().startswith("pid"))
    second = cli("generate", "--out", "mine")
    assert second.code == 5
    pattern = rf"error: run 'mine' is locked by pid {first.pid} on host \S+ since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d$"
    assert re.search(pattern, second.err, re.MULTILINE)
    for words in (["train", "mine"], ["runs", "rm", "mine", "--yes"]):
        assert cli(*words).code == 5
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=30)
    resumed = cli("generate", "--out", "mine", "--set", "teacher.parrot.delay=0")
    assert "locked" not in resumed.err  # refused for its setting, not for the lock
    assert cli("runs", "rm", "mine", "--yes").code == 0


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), Interrupted("stopped at step 7 of 12")])
def test_printed_command_resumes_a_training_as_it_was_called(
    stop: BaseException, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("generate", "--teacher", "parrot", "--out", "my run").code == 0
    given = (
        "--student",
        "memory",
        "--objective",
        "plain",
        "--seed",
        "3",
        "--set",
        "task.toy.prefix=it's:",
        "--set",
        'evaluate.splits=["test"]',
    )

    def stopped(*_: Any, **__: Any) -> Any:
        raise stop

    with monkeypatch.context() as patch:
        patch.setattr("dstill.runs.run.trained", stopped)
        ended = cli("train", "my run", *given, "--allow-unreviewed", "--resume-with-changes")
    assert ended.code == 130
    hint = next(line for line in ended.err.splitlines() if line.startswith("hint: resume with: "))
    program, *words = shlex.split(hint.removeprefix("hint: resume with: "))
    assert program == "dstill"
    assert {"--allow-unreviewed", "--resume-with-changes"} <= set(words)
    assert cli(*words, toy=False).code == 0, hint
    settings = tomllib.loads(Path("my run/config.toml").read_text())
    assert (settings["project"]["seed"], settings["train"]["student"]) == (3, "memory")
    assert (settings["task"]["toy"]["prefix"], settings["evaluate"]["splits"]) == ("it's:", ["test"])
