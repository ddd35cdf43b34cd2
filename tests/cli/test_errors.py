"""Every error has one line each for what, where and hint, and shows no secret."""

from __future__ import annotations

import errno
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.terminal import shown

from dstill.cli import extras
from dstill.cli.console import emit, visible

Cli = Callable[..., Any]
SECRET = "sk-proj-abcdefghijklmnop0123456789"


@pytest.fixture
def finished(cli: Cli, project: Path, once: Callable[..., None]) -> Path:
    """A run with a student."""

    def build() -> None:
        assert cli("generate", "--teacher", "parrot", "--out", "mine").code == 0
        assert cli("train", "mine", "--student", "memory", "--objective", "plain").code == 0

    once("finished", build)
    return project / "mine"


@pytest.fixture
def mkdir_fails(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """``mkdir_fails(errno.EROFS)``: from now on creating a folder fails with this error."""

    def refuse(number: int) -> None:
        def mkdir(folder: Path, *_: object, **__: object) -> None:
            raise OSError(number, os.strerror(number), str(folder))

        monkeypatch.setattr(Path, "mkdir", mkdir)

    return refuse


FILES = {
    "empty.toml": "",
    "range.toml": "[train]\nlearning_rate = nan\n",
    "unknown.toml": "[train]\nepochs = 3\n",
    "syntax.toml": "[train\n",
    "half.jsonl": '{"question": "add',
    "array.jsonl": '[{"question": "add 1 and 2"}]',
    "wrong.jsonl": '{"question": 7}\n',
    "none.jsonl": "",
    "twice.csv": "id,question\n1,a\n1,b\n",
    "cells.csv": "id,question\n1,a,b\n",
    "bad.py": "raise RuntimeError('no luck')\n",
    "thesis/chapter.txt": "years of work",
}


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ("--config nofile generate", "nofile"),
        ("--config thesis generate", "thesis"),
        ("--config empty.toml generate", "empty.toml"),
        ("--config range.toml generate", "range.toml:2"),
        ("--config unknown.toml generate", "unknown.toml:2"),
        ("--config syntax.toml generate", "syntax.toml:1:7"),
        ("--plugin bad.py pack list", "bad.py"),
        ("--plugin bad.py generate", "bad.py"),
        ("--plugin nofile.py pack list", "--plugin"),
        ("generate --out thesis", "--out"),
        ("generate --out missing/run", "--out"),
        ("generate --questions nofile.jsonl", "nofile.jsonl"),
        ("generate --questions thesis", "thesis"),
        ("generate --questions half.jsonl", "half.jsonl:1"),
        ("generate --questions array.jsonl", "array.jsonl:1"),
        ("generate --questions wrong.jsonl", "wrong.jsonl:1"),
        ("generate --questions none.jsonl", "none.jsonl"),
        ("generate --questions twice.csv", "twice.csv:3"),
        ("generate --questions cells.csv", "cells.csv:2"),
        ("generate --engine-url http://127.0.0.1:1", "--engine-url"),
        ("runs show nobody", "looked in"),
        ("runs show thesis", "thesis"),
        ("runs trace nobody 1", "looked in"),
        ("runs trace mine nobody", "mine"),
        ("predict mine", "stdin:2"),
        ("completion csh", "dstill completion"),
    ],
)
def test_error_is_three_lines(cli: Cli, finished: Path, words: str, where: str) -> None:
    for name, text in FILES.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)
    stdin = b'{"question": "add 1 and 2"}\n{"question": " "}\n'
    ended = (
        cli(*words.split(), "--set=generate.teacher=parrot", stdin=stdin)
        if "generate" in words
        else cli(*words.split(), stdin=stdin)
    )
    assert ended.code not in (0, 1), ended.err
    *_, what, place, hint = ended.err.rstrip("\n").split("\n")
    assert what.startswith("error: "), ended.err
    assert place.startswith("where: ")
    assert where in place
    assert hint.startswith("hint: ")


def test_hint_to_list_keys_works_with_a_broken_file(cli: Cli) -> None:
    Path("dstill.toml").write_text("[train]\nepochs = 3\n")
    refused = cli("config", "show")
    assert refused.code == 2
    assert "`dstill config show --defaults` lists every key" in refused.err
    assert "num_train_epochs = 3.0\n" in cli("config", "show", "--defaults").out
    assert cli("--config", "nofile", "config", "show", "--defaults").code == 0


def test_read_only_disk_is_the_same_error_for_new_and_old_runs(cli: Cli, mkdir_fails: Callable[[int], None]) -> None:
    mkdir_fails(errno.EROFS)
    for words in (["--out", "new"], []):
        ended = cli("generate", "--teacher", "parrot", *words)
        assert ended.code == 11
        assert ": the file system is read-only\n" in ended.err
        assert ended.err.endswith("choose a folder on another file system\n")


def test_unwritable_folder_is_not_called_missing(cli: Cli, mkdir_fails: Callable[[int], None]) -> None:
    mkdir_fails(errno.ENOENT)  # what /proc says
    ended = cli("generate", "--teacher", "parrot", "--out", Path.cwd() / "xx")
    assert ended.code == 2
    assert ended.err.startswith(f"error: cannot write {Path.cwd() / 'xx'}: nothing can be created in {Path.cwd()}\n")


def test_rm_needs_confirmation(cli: Cli, finished: Path) -> None:
    ended = cli("runs", "rm", "mine", stdin=b"y\n")
    assert ended.code == 2
    assert ended.err.endswith("hint: pass --yes to delete it without confirmation\n")
    assert finished.exists()


@pytest.mark.parametrize(("said", "code"), [(b"n\n", 130), (b"y\n", 0)])
def test_rm_asks_on_a_terminal(finished: Path, toy_file: Path, said: bytes, code: int) -> None:
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "dstill", "--plugin", str(toy_file), "runs", "rm", "mine"]
    with subprocess.Popen(words, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        os.close(theirs)
        os.write(ours, said)
        out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == code, out
    assert finished.exists() is (code == 130)


@pytest.mark.parametrize("more", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_terminal_shows_the_same_error_lines(project: Path, toy_file: Path, more: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "dstill", "--plugin", str(toy_file), "demo", "--bundled-index", "wide"]
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, **more}):
        os.close(theirs)
        told = shown(ours)
    assert told == "error: the toy has no data called 'wide'\nwhere: --bundled-index\nhint: loud or soft\n"


STOPPED_LOADING = """
import sys

class Stop:
    def find_spec(name, *_):
        if name == "dstill.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Stop)
sys.argv = ["dstill", "pack", "list", "--json"]
from dstill.__main__ import main
main()
"""


def test_interrupt_during_import_exits_cleanly() -> None:
    ended = subprocess.run([sys.executable, "-c", STOPPED_LOADING], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (130, "error: stopped\n")
    assert json.loads(ended.stdout)["error"]["code"] == "interrupted"


WITHOUT_TRAINING = """
import sys

sys.modules.update(dict.fromkeys(("torch", "transformers", "peft", "tokenizers")))  # as if they were not there
sys.argv = ["dstill", "experiment", "plan", "--student", "tiny"]
from dstill.__main__ import main
main()
"""


def test_missing_library_names_its_extra(project: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_TRAINING],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "DSTILL_DISABLE": ""},
    )
    assert ended.returncode == 2
    told = r"error: `dstill experiment plan` needs the extra 'train' \(\w+ is not installed\)\n"
    told += r"hint: pip install 'dstill\[train\]'\n"
    assert re.fullmatch(told, ended.stderr)


@pytest.mark.parametrize("command", ["demo", "adapt"])
def test_commands_of_many_stages_name_all_missing_extras_before_any_work(
    command: str, project: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSTILL_DISABLE", "")
    required = [("no-such-torch", "demo"), ("no-such-engine", "demo"), ("no-such-page", "review"), ("pluggy", "demo")]
    monkeypatch.setattr(extras, "_pairs", lambda: required)
    ended = cli(command, "--task", "querydsl", "--engine-url", "http://127.0.0.1:9", "--out", "mine")
    assert ended.code == 2
    assert ended.err == (
        f"error: `dstill {command}` needs the extra 'demo' (no-such-engine, no-such-torch are not installed)\n"
        "hint: pip install 'dstill[demo]'\n"
    )
    assert not Path("mine").exists()


def test_requirements_of_the_demo_are_installed() -> None:
    assert extras.missing("demo") == []
    needed = {name for name, extra in extras._pairs() if extra == "demo"}
    assert needed > {"torch", "scipy", "jinja2", "osmem-server"}


def test_run_without_settings_is_an_error(cli: Cli, finished: Path) -> None:
    (finished / "config.toml").unlink()
    for words in (["train", "mine"], ["generate", "--out", "mine"], ["runs", "trace", "mine", "1"]):
        ended = cli(*words)
        assert ended.code == 5
        assert ended.err.startswith("error: run 'mine' has no config.toml: its settings are not known\n")
        assert "init" not in ended.err
    assert cli("runs", "show", "mine").code == 0
    assert cli("runs", "rm", "mine", "--yes").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ["pack", "list", SECRET],
        ["generate", "--json", SECRET],
        [SECRET],
        ["runs", "show", SECRET],
        ["runs", "trace", SECRET, "1"],
    ],
)
def test_values_that_look_like_keys_are_never_echoed(cli: Cli, words: list[str]) -> None:
    ended = cli(*words)
    assert ended.code == 2
    assert "***" in ended.err
    assert SECRET not in ended.out + ended.err


@pytest.mark.parametrize("text", ["a\u202eb", "\u200b", "\u2028", "\U000e0041", "\x7f\x9b", "\ufeff", "\ue000"])
def test_json_escapes_invisible_characters(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    emit({"id": text, "who": "é 日本 😀"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"id": text, "who": "é 日本 😀"}
    assert "é 日本 😀" in out
    assert visible(out) == out
    assert out.count("\n") == 1


def test_ids_cannot_inject_terminal_escapes_through_json(cli: Cli) -> None:
    ended = cli("data", "check", "--json", stdin='{"id": "a\u202eb", "query": "1+2"}\n'.encode())
    assert json.loads(ended.out)["id"] == "a\u202eb"
    assert "\u202e" not in ended.out
    assert "a\\u202eb" in ended.out


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"question": ""}', "the question is empty"),
        (json.dumps({"question": "x" * 3000}), "the question is too long: 3,000 characters (limit 2,000)"),
        ('{"question": "add\\u0000"}', "the question has characters that are not text: 'add\\x00'"),
        ('{"text": "add"}', "row has no 'question'"),
    ],
)
def test_invalid_question_names_its_line(cli: Cli, finished: Path, line: str, what: str) -> None:
    ended = cli("predict", "mine", stdin=f'{{"question": "add 1 and 2"}}\n\n{line}\n'.encode())
    assert ended.code in (2, 4)
    assert ended.err.splitlines()[:2] == [f"error: {what}", "where: stdin:3"]


def test_unknown_disabled_plugin_is_noted(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILL_DISABLE", f"{os.environ['DSTILL_DISABLE']},nosuch,toy")
    for words in (["pack", "list"], ["doctor"]):
        ended = cli(*words)
        assert "note: DSTILL_DISABLE names 'nosuch', which is not installed\n" in ended.err
        assert "'toy'" not in ended.err
    assert cli("pack", "list").code == 0
    assert "nosuch" not in cli("config", "show").err


def test_failed_plugin_has_its_file_in_json(cli: Cli) -> None:
    Path("bad.py").write_text("raise RuntimeError('no luck')\n")
    listed, failed = map(json.loads, cli("--plugin", "bad.py", "pack", "list", "--json").out.splitlines())
    assert listed["failures"] == [
        {"plugin": "bad", "version": "", "problem": "RuntimeError: no luck", "source": "bad.py", "part": ""}
    ]
    assert failed["error"]["where"] == "bad.py"
