"""Every error has one line each for what, where and hint, and shows no secret."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.terminal import in_terminal

from dstill.cli import extras
from dstill.cli.console import emit, visible

Cli = Callable[..., Any]


@pytest.fixture
def mkdir_fails(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """``mkdir_fails(errno.EROFS)``: from now on creating a folder fails with this error."""

    def refuse(number: int) -> None:
        def mkdir(folder: Path, *_: object, **__: object) -> None:
            raise OSError(number, os.strerror(number), str(folder))

        monkeypatch.setattr(Path, "mkdir", mkdir)

    return refuse


def test_hint_to_list_keys_works_with_a_broken_file(cli: Cli) -> None:
    Path("dstill.toml").write_text("[train]\nepochs = 3\n")
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


@pytest.mark.parametrize(("said", "code"), [("n\n", 130), ("y\n", 0)])
def test_rm_asks_on_a_terminal(trained: Path, toy_file: Path, said: str, code: int) -> None:
    words = [sys.executable, "-m", "dstill", "--plugin", str(toy_file), "runs", "rm", "mine"]
    ended, out = in_terminal(words, typed=said)
    assert ended == code, out
    assert trained.exists() is (code == 130)


@pytest.mark.parametrize("more", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_terminal_shows_the_same_error_lines(project: Path, toy_file: Path, more: dict[str, str]) -> None:
    words = [sys.executable, "-m", "dstill", "--plugin", str(toy_file), "demo", "--bundled-index", "wide"]
    _, told = in_terminal(words, env=more)
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


def test_run_without_settings_is_shown_and_deleted(cli: Cli, trained: Path) -> None:
    (trained / "config.toml").unlink()
    assert cli("runs", "show", "mine").code == 0
    assert cli("runs", "rm", "mine", "--yes").code == 0


@pytest.mark.parametrize("text", ["a\u202eb", "\x7f\x9b", *"\u200b\u2028\U000e0041\ufeff\ue000\ud800"])
def test_json_escapes_invisible_characters(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    emit({"id": text, "who": "é 日本 😀"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"id": text, "who": "é 日本 😀"}
    assert "é 日本 😀" in out
    assert visible(out) == out
    assert out.count("\n") == 1


@pytest.mark.parametrize(
    ("question", "what"),
    [
        ("x" * 2_001, "the question is too long: 2,001 characters (limit 2,000)"),
        ("add 1 " * 17_000, "the question is too long: 101,999 characters (limit 2,000)"),
        ("add \udcff", "the question has characters that are not text: 'add \\udcff'"),
    ],
)
def test_impossible_question_is_refused(cli: Cli, trained: Path, question: str, what: str) -> None:
    for words in (("predict", "mine"), ("ask", "--engine-url", "http://no.such.number", "--student", "memory:base")):
        ended = cli(*words, question)
        assert (ended.code, ended.err.splitlines()[0]) == (2, f"error: {what}")
        assert len(ended.err) < 500
    ended = cli("predict", "mine", stdin=json.dumps({"question": question}).encode())
    assert (ended.code, ended.err.splitlines()[:2]) == (2, [f"error: {what}", "where: stdin:1"])


def test_unknown_disabled_plugin_is_noted(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILL_DISABLE", f"{os.environ['DSTILL_DISABLE']},nosuch,toy")
    for words in (["pack", "list"], ["doctor"]):
        ended = cli(*words)
        assert "note: DSTILL_DISABLE names 'nosuch', which is not installed\n" in ended.err
        assert "'toy'" not in ended.err
    assert cli("pack", "list").code == 0
    assert "nosuch" not in cli("config", "show").err
