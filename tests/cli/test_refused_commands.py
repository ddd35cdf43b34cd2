"""Refused commands, questions and settings: the error message and the exit code.

There is never a traceback, and no earlier file is lost.
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
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

from dstill.errors import Interrupted
from dstill.teacher.cache import ReplyStore

Cli = Callable[..., Any]
ESCAPE = "\x1b"


def assert_refused(ended: Any, code: int, what: str) -> None:
    """`ended` with this exit code and this first line, and no traceback."""
    assert ended.err.startswith(f"error: {what}"), ended.err
    assert ended.code == code
    assert "Traceback" not in ended.out + ended.err


@pytest.fixture
def command(project: Path, toy_file: Path) -> list[str]:
    """The command line in a separate process, with the toy."""
    return [sys.executable, "-m", "dstill", "--plugin", str(toy_file)]


@pytest.fixture
def finished(cli: Cli, project: Path, once: Callable[..., None]) -> Path:
    """A run with a student."""

    def build() -> None:
        assert cli("generate", "--teacher", "parrot", "--out", "mine").code == 0
        assert cli("train", "mine", "--student", "memory", "--objective", "plain").code == 0

    once("finished", build)
    return project / "mine"


# --- options ----------------------------------------------------------------------------


def test_unknown_command_is_refused_with_the_nearest_name(cli: Cli) -> None:
    ended = cli("genrate")
    assert_refused(ended, 2, "No such command 'genrate'. Did you mean 'generate'?\n")
    assert_refused(cli("runs", "lsit"), 2, "No such command 'lsit'. Did you mean 'list'?\n")
    assert_refused(cli("xyzzy"), 2, "No such command 'xyzzy'.\n")


@pytest.mark.parametrize("limit", ["-5", "abc", "1e9", "0", "1.5", "", "100000001"])
def test_limit_out_of_range_is_refused(cli: Cli, limit: str) -> None:
    ended = cli("generate", "--limit", limit)
    assert_refused(ended, 2, f"Invalid value for '--limit': '{limit}' is not a whole number from 1 to 100000000\n")
    assert not Path("runs").exists()


def test_folder_that_is_not_a_run_is_untouched(cli: Cli, project: Path) -> None:
    (project / "thesis").mkdir()
    (project / "thesis" / "chapter.txt").write_text("years of work")
    for command in (["generate", "--teacher", "parrot"], ["demo"]):
        ended = cli(*command, "--out", "thesis")
        assert_refused(ended, 2, "thesis is not a dstill run and not empty\n")
    assert [(p.name, p.read_text()) for p in (project / "thesis").iterdir()] == [("chapter.txt", "years of work")]


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


def test_output_path_that_cannot_be_written_is_refused(cli: Cli, project: Path) -> None:
    (project / "file").write_text("")
    assert_refused(
        cli("generate", "--out", "missing/run"), 2, "cannot write missing/run: the folder missing does not exist\n"
    )
    assert_refused(cli("generate", "--out", "file"), 2, "cannot write file: it is a file\n")
    assert_refused(cli("generate", "--out", "file/run"), 2, "cannot write file/run: file is not a folder\n")


def test_read_only_folder_is_refused(cli: Cli, unwritable_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(unwritable_folder)
    assert_refused(
        cli("generate", "--out", unwritable_folder / "run"),
        2,
        f"cannot write {unwritable_folder / 'run'}: permission denied\n",
    )
    assert_refused(cli("generate"), 2, "cannot write runs/")
    assert_refused(cli("init"), 2, "cannot write dstill.toml: permission denied\n")


SECRET = "sk-abcdefghijklmnop0123456789"


@pytest.mark.parametrize(
    "words",
    [
        ["generate", "--api-key", SECRET],
        ["generate", f"--api-key={SECRET}"],
        ["--api-key", SECRET, "generate"],
        ["generate", "--key", SECRET],
        ["generate", "--set", f"teacher.openai.api_key={SECRET}"],
        ["generate", "--set", f"project.task={SECRET}"],
        ["--json", "generate", "--api-key", SECRET],
    ],
)
def test_key_on_the_command_line_is_refused_and_not_shown(cli: Cli, words: list[str]) -> None:
    ended = cli(*words)
    assert ended.code == 2
    assert "OPENAI_API_KEY" in ended.err or "api_key_env" in ended.err or "No such option '--json'" in ended.err
    assert SECRET not in ended.out + ended.err
    if "--api-key" in words[:2]:
        assert_refused(ended, 2, "no such option: --api-key\n")
        assert "set the environment variable OPENAI_API_KEY" in ended.err


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
    "words",
    [
        ["config", "show", "--origin"],
        ["pack", "list"],
        ["--help"],
        ["data", "questions", "-n", "20000"],
        ["pack", "list", "--json"],
    ],
)
def test_closed_stdout_ends_silently(command: list[str], words: list[str]) -> None:
    with started(command, *words) as process:
        assert process.stdout is not None
        process.stdout.close()  # before anything was written
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(60) in (0, 141, -signal.SIGPIPE)


def test_head_ends_silently(command: list[str]) -> None:
    with started(command, "data", "questions", "-n", "20000") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "add 1 and 1\n"
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(60) in (0, 141, -signal.SIGPIPE)


def run_in_terminal(words: list[str], **environment: str) -> str:
    """The output of a command in a pseudo-terminal."""
    ours, theirs = pty.openpty()
    names = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "TERM", "COLORTERM")}
    process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env={**names, **environment})
    os.close(theirs)
    data = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not select.select([ours], [], [], 1)[0]:
            continue
        try:
            part = os.read(ours, 65536)
        except OSError:  # the process has closed its end
            break
        if not part:
            break
        data += part
    os.close(ours)
    assert process.wait(30) == 0, data
    return data.decode()


@pytest.mark.parametrize("environment", first_quick([{"TERM": "dumb"}, {"TERM": "xterm-256color", "NO_COLOR": "1"}]))
def test_dumb_terminal_gets_no_escapes(command: list[str], environment: dict[str, str]) -> None:
    for words in (["generate", "--teacher", "parrot"], ["pack", "list"], ["--help"]):
        assert ESCAPE not in run_in_terminal([*command, *words], **environment)


def test_pipe_gets_plain_lines(command: list[str]) -> None:
    ended = subprocess.run([*command, "generate", "--teacher", "parrot"], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0
    assert ESCAPE not in ended.stdout + ended.stderr
    assert "asking the teacher 27/27\n" in ended.stderr
    assert "\r" not in ended.stderr


def test_ascii_terminal_gets_escaped_letters(command: list[str]) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    ended = subprocess.run(
        [*command, "data", "check"], input="1→2".encode(), capture_output=True, timeout=60, env=environment
    )
    assert ended.returncode == 9
    assert b"'1\\u21922' is no sum" in ended.stdout


def test_capable_terminal_gets_progress_bars(command: list[str]) -> None:
    shown = run_in_terminal([*command, "generate", "--teacher", "parrot"], TERM="xterm-256color")
    assert ESCAPE in shown
    assert "27/27" in shown


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


# --- input ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "what"),
    [
        ("", "the question is empty"),
        ("   \t", "the question is empty"),
        ("add 1 " * 17_000, "the question is too long: 101,999 characters (limit 2,000)"),
        ("add \udcff", "the question has characters that are not text: 'add \\udcff'"),
    ],
)
def test_impossible_question_is_refused(cli: Cli, finished: Path, question: str, what: str) -> None:
    ended = cli("predict", "mine", question)
    assert_refused(ended, 2, what)
    assert len(ended.err) < 500


def test_impossible_question_on_stdin_is_refused(cli: Cli, finished: Path) -> None:
    assert_refused(cli("predict", "mine", stdin=b"add \0 1"), 2, "the question has characters that are not text")
    row = b'{"question": "add \\ud800"}'
    assert_refused(cli("predict", "mine", stdin=row), 2, "the question has characters that are not text")
    bidi = cli("predict", "mine", stdin="sing \u202ea\u2066 song\x1b[2J\nadd 2 and 1\n".encode())
    assert bidi.code == 9
    assert "# sing \\u202ea\\u2066 song\\u001b[2J\n" in bidi.out
    assert not {"\u202e", "\u2066", ESCAPE} & set(bidi.out + bidi.err)


@pytest.mark.parametrize("data", [b"add 1\nadd 2\nadd \xff\n", b'{"question": "a"}\n\n{"question": "\xff"}\n'])
def test_input_that_is_not_utf_8_is_refused(cli: Cli, finished: Path, data: bytes) -> None:
    assert_refused(cli("predict", "mine", stdin=data), 2, "line 3: not UTF-8 (byte 0xff)\n")


@pytest.mark.parametrize("data", [b"1+2\n1+3\n\xff", b'{"id": 1, "query": "1+2"}\n\n{"id": 2, "query": "\xff"}\n'])
def test_answers_that_are_not_utf_8_are_refused_by_check(cli: Cli, data: bytes) -> None:
    assert_refused(cli("data", "check", stdin=data), 2, "line 3: not UTF-8 (byte 0xff)\n")
    assert_refused(cli("data", "check", stdin="1+2".encode("utf-16")), 2, "line 1: not UTF-8 (byte 0xff)\n")


# --- configuration ----------------------------------------------------------------------


def test_configuration_file_that_is_missing_or_empty_is_named(cli: Cli, project: Path) -> None:
    hint = "`dstill init` writes one"
    (project / "folder.toml").mkdir()
    (project / "empty.toml").write_text("")
    (project / "blank.toml").write_text(" \n\n")
    (project / "binary.toml").write_bytes(b"a = '\xff'")
    for name, what in {
        "missing.toml": "no configuration file missing.toml",
        "folder.toml": "folder.toml is a folder, not a configuration file",
        "empty.toml": "empty.toml is empty",
        "blank.toml": "blank.toml is empty",
    }.items():
        ended = cli("--config", name, "generate")
        assert_refused(ended, 2, f"{what}\n")
        assert hint in ended.err
    assert_refused(cli("--config", "binary.toml", "generate"), 2, "binary.toml is not UTF-8 (byte 0xff)\n")


@pytest.mark.parametrize(
    ("text", "where", "line"),
    [
        ("[project]\nseed = \n", "dstill.toml:2:8", "seed ="),
        ("[project\nseed = 1\n", "dstill.toml:1:9", "[project"),
        ("[project]\nseed = 1\nseed = 2\n", "dstill.toml:3:9", "seed = 2"),
        ("[project]\ntask = 'toy", "dstill.toml:2:12", "task = 'toy"),
    ],
)
def test_toml_syntax_error_is_shown_with_its_place(cli: Cli, text: str, where: str, line: str) -> None:
    Path("dstill.toml").write_text(text)
    ended = cli("generate")
    assert_refused(ended, 2, "not TOML: ")
    assert ended.err.splitlines()[1] == f"where: {where}: {line}"


def test_unknown_key_is_refused_with_the_nearest_name(cli: Cli) -> None:
    Path("dstill.toml").write_text("[project]\nseed = 1\n[trian]\nlr = 0.1\n")
    ended = cli("generate")
    assert_refused(ended, 2, "unknown key 'trian.lr'. Did you mean 'train.learning_rate'?\n")
    assert ended.err.splitlines()[1] == "where: dstill.toml:4"
    Path("dstill.toml").unlink()
    assert_refused(cli("generate", "--set", "trian.r=1"), 2, "unknown key 'trian.r'. Did you mean 'train.r'?\n")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('num_train_epochs = "three"', "train.num_train_epochs: got 'three', wanted a number from 0 to 100000"),
        ("num_train_epochs = nan", "train.num_train_epochs: got nan, wanted a number from 0 to 100000"),
        ("num_train_epochs = -1", "train.num_train_epochs: got -1, wanted a number from 0 to 100000"),
        ("r = true", "train.r: got True, wanted a whole number from 1 to 4096"),
        ("r = 1.5", "train.r: got 1.5, wanted a whole number from 1 to 4096"),
        ("r = [8]", "train.r: got [8], wanted a whole number from 1 to 4096"),
    ],
)
def test_setting_of_a_wrong_type_is_refused(cli: Cli, line: str, what: str) -> None:
    Path("dstill.toml").write_text(f"[train]\n{line}\n")
    ended = cli("generate")
    assert_refused(ended, 2, f"{what}\n")
    assert ended.err.splitlines()[1] == "where: dstill.toml:2"


@pytest.mark.parametrize(
    "text",
    [
        f'[teacher.openai]\napi_key = "{SECRET}"\n',
        f'[project]\ntask = "{SECRET}"\n',
        f'[evaluate]\nsplits = ["{SECRET}"]\n',
        '[teacher.openai]\napi_key = "hunter2"\n',
    ],
)
def test_secret_in_a_configuration_file_is_refused(cli: Cli, text: str) -> None:
    Path("dstill.toml").write_text(text)
    ended = cli("generate", "--json")
    assert ended.code == 2
    assert " looks like a secret (its value is not shown)\n" in ended.err
    assert "use api_key_env" in ended.err
    for value in (SECRET, "hunter2"):
        assert value not in ended.out + ended.err
    assert json.loads(ended.out)["error"]["code"] == "config"


@pytest.mark.parametrize(
    "setting", ["engine.url=https://me:hunter22@search.example", "engine.api_key_env=AIza0hunter22-0123456789abcdef"]
)
def test_secret_reaches_no_file_of_a_run(cli: Cli, project: Path, setting: str) -> None:
    for command in (("generate", "--task", "toy", "--out", "x"), ("config", "show"), ("init",), ("doctor",)):
        ended = cli(*command, "--set", setting)
        assert ended.code == 2, command
        assert "hunter22" not in ended.out + ended.err
    assert list(project.iterdir()) == []


# --- plugins ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "kind", "installed"),
    [
        (["generate", "--task", "tyo"], "task", "toy"),
        (["generate", "--teacher", "parot"], "teacher", "local, parrot, replay, synthetic"),
        (["generate", "--teacher", "parrot", "--set", "engine.name=abcus"], "executor", "abacus"),
        (["data", "check", "--task", "tyo"], "task", "toy"),
    ],
)
def test_unknown_part_is_refused_with_the_installed_ones(cli: Cli, words: list[str], kind: str, installed: str) -> None:
    ended = cli(*words)
    assert_refused(ended, 2, f"no {kind} called '")
    what, where, hint = ended.err.splitlines()[-3:]
    assert "Did you mean '" in what
    assert where == f"where: installed: {installed}"
    assert "pip install" in hint


def test_unknown_part_of_a_training_is_refused(cli: Cli, finished: Path) -> None:
    for option, name, kind in (("--student", "memroy", "student"), ("--objective", "plian", "objective")):
        assert_refused(cli("train", "mine", "--restart", option, name), 2, f"no {kind} called '{name}'. Did you mean '")
    assert_refused(cli("train", "mine", "--restart", "--modality", "hep"), 2, "no modality called 'hep'.")
    ended = cli("evaluate", "mine")  # the earlier student is still there
    assert ended.code == 0


PLUGINS = {
    "raises": ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
    "missing": ("import nothing_like_it", "ModuleNotFoundError: No module named 'nothing_like_it'"),
    "signature": (
        "from dstill import hookimpl\n@hookimpl\ndef build_prompt(task, exmaple): return None\n",
        "Argument(s) {'exmaple'} are declared in the hookimpl but can not be found in the hookspec",
    ),
    "misspelt": (
        "from dstill import hookimpl\n@hookimpl\ndef bild_prompt(task): return None\n",
        "unknown hook 'bild_prompt'",
    ),
    "twice": (
        "from dstill import hookimpl\nfrom dstill.api.teacher import Teacher\n"
        "class Parrot(Teacher):\n    name = 'parrot'\n    async def ask(self, prompt): ...\n"
        "@hookimpl\ndef register_teachers(): yield Parrot\n",
        "two teachers are called 'parrot': one of plugin 'toy', one of plugin 'twice'",
    ),
}


@pytest.mark.parametrize("name", PLUGINS)
def test_broken_plugin_is_named_and_the_others_load(cli: Cli, name: str) -> None:
    text, problem = PLUGINS[name]
    Path(f"{name}.py").write_text(text)
    ended = cli("--plugin", f"{name}.py", "pack", "list", "--json")
    assert ended.code == 3
    assert f"plugin '{name}': " in ended.err
    assert problem in ended.err
    assert f"DSTILL_DISABLE={name}" in ended.err
    listed, error = map(json.loads, ended.out.splitlines())
    assert [f["plugin"] for f in listed["failures"]] == [name]
    assert {"toy", "teachers", "evaluate"} == {p["name"] for p in listed["plugins"]}  # the others load
    assert error["error"]["code"] == "failed_items"
    assert_refused(cli("--plugin", f"{name}.py", "generate", "--teacher", "parrot"), 3, f"plugin '{name}': ")


# --- answers ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("what nobody taught", "no output"),
        ("an endless list of numbers", "cut off at the token limit"),
    ],
)
def test_unusable_prediction_has_its_reason(cli: Cli, finished: Path, question: str, reason: str) -> None:
    ended = cli("predict", "mine", question)
    assert_refused(ended, 9, f"{reason}\n")
    as_json = cli("predict", "mine", question, "--json")
    assert as_json.code == 9
    row = json.loads(as_json.out)
    assert (row["ok"], row["reason"]) == (False, reason)


@pytest.mark.parametrize(
    ("written", "truncated", "reason"),
    [("", False, "no output"), (" \n\t", False, "no output"), ("1+1+1+1+1+", True, "cut off at the token limit")],
)
def test_unusable_prediction_is_wrong_in_evaluate(
    cli: Cli, finished: Path, written: str, truncated: bool, reason: str
) -> None:
    """In `evaluate` such an answer is wrong, and the verdict says why."""
    assert cli("evaluate", "mine", "--set", "evaluate.baselines=untrained").code == 0
    file = Path("mine/predictions.jsonl")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    rows[0].update(text=written, truncated=truncated)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert cli("evaluate", "mine", "--set", "evaluate.baselines=untrained").code == 0
    verdict = json.loads(Path("mine/verdicts.jsonl").read_text().splitlines()[0])
    assert (verdict["reached"], verdict["reason"]) == (0, reason)


@pytest.mark.parametrize(
    "answer",
    [
        '{"doc": {"status": 200}}',
        '{"docs": []}',
        '{"settings": {"number_of_replicas": 0}}',
        '{"script": {"source": "ctx._source.remove(1)"}, "query": {"match_all": {}}}',
        "[]",
        "SELECT * FROM logs",
        "FROM logs | LIMIT 5",
        "POST logs/_delete_by_query",
    ],
)
def test_check_refuses_non_answers(cli: Cli, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    others = set(os.environ["DSTILL_DISABLE"].split(",")) - {"querydsl"}
    monkeypatch.setenv("DSTILL_DISABLE", ",".join(others))
    ended = cli("data", "check", "--task", "querydsl", "--json", stdin=answer.encode())
    assert ended.code == 9
    row = json.loads(ended.out)
    assert row["ok"] is False
    assert any(p["message"].startswith("not a search body: ") for p in row["problems"])
    shown = cli("data", "check", "--task", "querydsl", stdin=answer.encode())
    assert_refused(shown, 9, "1 of 1 answers failed\n")
    assert "not a search body: " in shown.out


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
