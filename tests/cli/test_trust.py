"""`dstill trust`, and how other commands refuse settings that reach outside their folder."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.loopback_server import Asked, serving
from support.terminal import in_terminal
from support.untrusted_folder import plant, ran

from dstill import plugins as plugin_loading
from dstill.errors import TrustError
from dstill.runs.run import Run

SENDER = Path(__file__).parents[1] / "support" / "sender.py"
KEY = "canary-of-the-engine-0123456789"
Cli = Callable[..., Any]


@dataclass
class Server:
    """Records the API keys of requests."""

    url: str = ""
    keys: list[str | None] = field(default_factory=list)


@contextlib.contextmanager
def recording() -> Iterator[Server]:
    server = Server()

    def answer(asked: Asked) -> tuple[int, dict[str, str], bytes]:
        server.keys.append(asked.headers.get("authorization"))
        return 200, {}, b""

    with serving(answer) as server.url:
        yield server


@pytest.fixture
def attacker() -> Iterator[Server]:
    with recording() as server:
        yield server


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ES_KEY", KEY)


@pytest.fixture
def sums_cli(cli: Cli) -> Cli:
    """The command line with a task whose executor sends its key to its engine."""

    def call(*words: object) -> Any:
        return cli("--plugin", SENDER, *words)

    return call


@pytest.fixture
def foreign_run(sums_cli: Cli, attacker: Server, project: Path) -> Path:
    """A trained run from somebody else, whose settings send $ES_KEY to the attacker."""
    flags = ("--set", "train.student=memory", "--set", "train.objective=plain", "--set", "evaluate.splits=['test']")
    made = sums_cli("generate", "--task", "sums", "--teacher", "parrot", "--out", "made", *flags)
    assert made.code == 0, made.err
    assert sums_cli("train", "made").code == 0
    shutil.move("made", "theirs")
    redirect_secret(Path("theirs/config.toml"), attacker.url)
    return Path("theirs")


def redirect_secret(file: Path, url: str, key: str = "ES_KEY") -> None:
    """Change a run's settings to send a secret to an address."""
    lines = file.read_text().split("\n")
    start = lines.index("[engine]")
    own = {"url": url, "api_key_env": key}
    for number in range(start + 1, len(lines)):
        name = lines[number].partition(" = ")[0]
        if name in own:
            lines[number] = f'{name} = "{own.pop(name)}"'
    assert not own
    file.write_text("\n".join(lines))


COMMANDS = [
    ("evaluate", "theirs"),
    ("predict", "theirs", "--execute", "add 1 and 2"),
    ("data", "curate", "theirs"),
    ("data", "audit", "theirs"),
    ("generate", "--out", "theirs"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_foreign_run_sends_no_secret(
    command: tuple[str, ...], sums_cli: Cli, foreign_run: Path, attacker: Server
) -> None:
    """A run from somebody else must not exfiltrate a secret of the environment."""
    ended = sums_cli(*command)
    assert ended.code == 5, ended.err
    assert f"send the environment variable 'ES_KEY' to {attacker.url}" in ended.err
    assert "engine.api_key_env, " in ended.err
    assert "theirs/config.toml:" in ended.err
    assert "allow it: dstill trust " in ended.err
    assert attacker.keys == []
    assert json.loads(sums_cli(*command, "--json").out.splitlines()[-1])["error"]["code"] == "trust"


def test_trusted_run_works_until_its_requests_change(sums_cli: Cli, foreign_run: Path, attacker: Server) -> None:
    shown_only = sums_cli("trust", "theirs")
    assert shown_only.code == 2  # no terminal to ask
    assert f"  send the environment variable 'ES_KEY' to {attacker.url}   (engine.api_key_env, theirs/config" in (
        shown_only.out
    )
    assert sums_cli("evaluate", "theirs").code == 5
    assert sums_cli("trust", "theirs", "--yes").code == 0
    assert sums_cli("evaluate", "theirs").code == 0
    assert set(attacker.keys) == {KEY}
    assert "needs no further permission" in sums_cli("trust", "theirs").out

    before = len(attacker.keys)
    redirect_secret(foreign_run / "config.toml", attacker.url, key="HOME")
    assert sums_cli("evaluate", "theirs").code == 5
    redirect_secret(foreign_run / "config.toml", attacker.url.replace("127.0.0.1", "localhost"))
    assert sums_cli("evaluate", "theirs").code == 5
    assert len(attacker.keys) == before

    redirect_secret(foreign_run / "config.toml", attacker.url)
    assert json.loads(sums_cli("trust", "--list", "--json").out)["folders"][os.path.realpath("theirs")]
    assert sums_cli("trust", "theirs", "--forget").code == 0
    assert sums_cli("evaluate", "theirs").code == 5
    assert len(attacker.keys) == before


def test_commands_without_an_engine_need_no_trust(sums_cli: Cli, foreign_run: Path, attacker: Server) -> None:
    for command in (
        ("runs", "trace", "theirs", "test-add-2-1"),
        ("runs", "show", "theirs"),
        ("data", "export", "theirs"),
        ("predict", "theirs", "add 1 and 2"),
    ):
        assert sums_cli(*command).code == 0, command
    assert attacker.keys == []


def test_url_flag_gets_no_secret_chosen_by_the_run(sums_cli: Cli, foreign_run: Path, attacker: Server) -> None:
    with recording() as mine:
        ended = sums_cli("evaluate", "theirs", "--engine-url", mine.url)
        assert ended.code == 5
        assert f"'ES_KEY' to {mine.url}" in ended.err
        assert sums_cli("evaluate", "theirs", "--engine-url", mine.url, "--set", "engine.api_key_env=").code == 0
        assert set(mine.keys) == {None}
        assert attacker.keys == []


def test_own_runs_need_no_trust_for_any_address(sums_cli: Cli, attacker: Server, project: Path) -> None:
    flags = ("--engine-url", attacker.url, "--set", "engine.api_key_env=ES_KEY", "--set", "evaluate.splits=['test']")
    own = ("--set", "train.student=memory", "--set", "train.objective=plain")
    assert sums_cli("generate", "--task", "sums", "--teacher", "parrot", "--out", "mine", *flags, *own).code == 0
    assert sums_cli("train", "mine").code == 0
    assert sums_cli("evaluate", "mine").code == 0
    assert sums_cli("evaluate", "mine", "--set", "engine.api_key_env=").code == 0  # a flag removes the secret
    assert set(attacker.keys) == {KEY, None}
    with recording() as other:  # another address, given as a flag, for the run's own secret
        assert sums_cli("evaluate", "mine", "--engine-url", other.url).code == 0
        assert set(other.keys) == {KEY}
    assert sums_cli("runs", "rm", "mine", "--yes").code == 0
    assert os.path.realpath("mine") not in json.loads(sums_cli("trust", "--list", "--json").out)["folders"]


def test_base_model_elsewhere_needs_trust(sums_cli: Cli, foreign_run: Path, project: Path) -> None:
    """The student's own files name the base of an adapter, not the settings."""
    file = foreign_run / "config.toml"
    file.write_text(file.read_text().replace('student = "memory"', 'student = "borrower"'))
    ask = ("predict", "theirs", "add 1 and 2")
    outside = f"load the model '{project.parent}/base'"
    for base, asked in (("../base", outside), ("someone/base", "'someone/base' from the Hugging Face hub")):
        (foreign_run / "student" / "base.txt").write_text(base)
        ended = sums_cli(*ask)
        assert ended.code == 5, ended.err
        assert asked in ended.err
        assert asked in sums_cli("trust", "theirs").out
    assert sums_cli("trust", "theirs", "--yes").code == 0
    assert sums_cli(*ask).code == 0
    (foreign_run / "student" / "base.txt").write_text("theirs/student/base")
    assert sums_cli("trust", "theirs", "--forget").code == 0
    assert sums_cli(*ask).code == 0  # it is inside the run
    (foreign_run / "student" / "base.txt").unlink()
    (foreign_run / "student").rename("elsewhere")
    (foreign_run / "student").symlink_to(project / "elsewhere")
    ended = sums_cli(*ask)
    assert ended.code == 5
    assert "theirs/student is a symbolic link" in ended.err


def test_foreign_project_sends_no_secret(sums_cli: Cli, attacker: Server, project: Path) -> None:
    """doctor, audit, generate and questions in a folder with a dstill.toml from somebody else."""
    Path("dstill.toml").write_text(
        '[project]\ntask = "sums"\n[generate]\nteacher = "parrot"\n'
        f'[engine]\nurl = "{attacker.url}"\napi_key_env = "ES_KEY"\n'
    )
    for command in (("doctor",), ("data", "audit"), ("generate",), ("generate", "--out", "x")):
        ended = sums_cli(*command)
        assert ended.code == 5, (command, ended.err)
        assert "engine.api_key_env, dstill.toml:7" in ended.err
        assert ended.err.endswith("dstill trust .\n")
    assert attacker.keys == []
    assert not Path("runs").exists()  # a run without permission does not start
    assert not Path("x").exists()
    assert sums_cli("generate", "--out", "x", "--set", "engine.url=", "--set", "engine.api_key_env=").code == 0
    assert sums_cli("trust", "--yes").code == 0
    assert sums_cli("doctor").code == 0
    assert sums_cli("generate", "--out", "y").code == 0
    assert set(attacker.keys) == {KEY}


def test_settings_written_by_init_need_no_trust(sums_cli: Cli, project: Path) -> None:
    flags = ("--set", "engine.api_key_env=ES_KEY", "--set", "generate.questions=/data/q.csv")
    ended = sums_cli("init", "--task", "sums", "--engine-url", "http://abacus:20", *flags)
    assert ended.code == 0, ended.err
    assert "needs no further permission" in sums_cli("trust").out


def test_trial_has_no_more_permissions_than_its_run(
    foreign_run: Path, attacker: Server, toy_file: Path, project: Path
) -> None:
    run = Run.open("theirs", plugins=plugin_loading.load([toy_file, SENDER]))
    with pytest.raises(TrustError):
        run.branch(project / "branch", flags={"train.label_weight": 0.1})
    with pytest.raises(TrustError):
        run.evaluate()
    assert attacker.keys == []
    trusted = Run.open("theirs", plugins=run.plugins, trusted=True)
    trusted.evaluate()
    assert set(attacker.keys) == {KEY}
    trusted.save_settings()
    branch = trusted.branch(project / "branch", flags={"train.label_weight": 0.1})
    for folder in ("theirs", branch.folder):  # trusted for this object, not for good
        with pytest.raises(TrustError):
            Run.open(folder, plugins=run.plugins).evaluate()


def test_other_settings_file_is_trusted_separately(sums_cli: Cli, attacker: Server, project: Path) -> None:
    Path("theirs").mkdir()
    file = Path("theirs/other.toml")
    file.write_text(f'[project]\ntask = "sums"\n[engine]\nurl = "{attacker.url}"\napi_key_env = "ES_KEY"\n')
    ended = sums_cli("--config", file, "doctor")
    assert ended.code == 5, ended.err
    assert ended.err.endswith("dstill trust theirs/other.toml\n")
    assert sums_cli("trust", file, "--yes").code == 0
    assert sums_cli("--config", file, "doctor").code == 0


def test_forget_shows_inherited_permissions(sums_cli: Cli, project: Path) -> None:
    Path("above/below").mkdir(parents=True)
    for folder in ("above", "above/below"):
        Path(folder, "dstill.toml").write_text('[generate]\nquestions = "/data/q.csv"\n')
    assert sums_cli("trust", "above", "--yes").code == 0
    ended = sums_cli("trust", "--forget", "above/below")
    assert "this folder itself was allowed nothing" in ended.out
    assert f"still allowed, because it is inside {project / 'above'}" in ended.out
    assert "  read '/data/q.csv'" in ended.out


def test_long_line_is_shortened_in_the_middle(sums_cli: Cli, project: Path) -> None:
    Path("dstill.toml").write_text(f'[generate]\nquestions = "/data/{"x" * 4_000}/q.csv"\n')
    (line,) = [line for line in sums_cli("trust").out.splitlines() if "read" in line]
    assert len(line) < 300
    assert line.startswith("  read '/data/xxx")
    assert "xxx/q.csv'   (generate.questions, " in line


# --- at a terminal ----------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["y\n", "n\n"])
def test_trust_prompt_appears_once(answer: str, foreign_run: Path, attacker: Server, toy_file: Path) -> None:
    words = [sys.executable, "-m", "dstill", "--plugin", str(toy_file), "--plugin", str(SENDER), "evaluate", "theirs"]
    for turn in range(2 if answer == "y\n" else 1):
        status, text = in_terminal(words, typed=answer)
        asked = turn == 0
        assert ("allow this, now and from now on?" in text) is asked, text
        assert (f"  send the environment variable 'ES_KEY' to {attacker.url}" in text) is asked
        assert status == (0 if answer == "y\n" else 5), text
    assert set(attacker.keys) == ({KEY} if answer == "y\n" else set())


def test_folder_name_stays_on_one_line(sums_cli: Cli, foreign_run: Path) -> None:
    odd = Path("th\nallow this\x1b[2K")
    foreign_run.rename(odd)
    ended = sums_cli("trust", odd)
    assert "\x1b" not in ended.out
    assert ended.out.startswith("th\\u000aallow this\\u001b[2K:\n  send ")


# --- code in the current folder ---------------------------------------------------------


def test_python_dash_m_loads_nothing_from_the_current_folder(project: Path) -> None:
    """Neither modules nor entry points of plugins are loaded from there."""
    plant(project)
    ended = subprocess.run([sys.executable, "-m", "dstill", "pack", "list", "--json"], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "stranger" not in ended.stdout
    assert not ran(project)
