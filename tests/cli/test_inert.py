"""Output is inert: no command prints terminal escapes of its input, and every command to copy is quoted."""

from __future__ import annotations

import ast
import io
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.commands import TOY
from support.inert import ENCODABLE, HIDDEN, HOSTILE, NAME, READABLE, hidden
from support.kill.children import python_path
from support.terminal import in_terminal

from dstill.cli import console
from dstill.config import command_line, parse_assignment
from dstill.errors import ServiceError
from dstill.io.inert import visible
from dstill.io.shell import command
from dstill.runs.folder import RunFolder

Cli = Callable[..., Any]


# --- the function -----------------------------------------------------------------------


def test_hidden_characters_are_escaped_and_json_is_equivalent() -> None:
    for text in (HOSTILE, *HIDDEN):
        assert not hidden(visible(text))
        assert json.loads(visible(json.dumps(text, ensure_ascii=False))) == text
    assert "\n" not in visible(HOSTILE, one_line=True)
    assert "\t" not in visible(HOSTILE, one_line=True)


def test_scripts_of_all_languages_stay_readable() -> None:
    text = f"{READABLE} Ünï→🙂\t\n"
    assert visible(text) == text


@given(st.text())
def test_escaping_is_idempotent(text: str) -> None:
    assert visible(visible(text)) == visible(text)
    assert not hidden(visible(text))


def test_question_is_escaped_on_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert console.confirm(f"delete {HOSTILE}\n?", err=True)
    shown = capsys.readouterr().err
    assert "delete " in shown
    assert not hidden(shown.rstrip("\n"))
    assert "\n" not in shown.rstrip("\n")


# --- every command ----------------------------------------------------------------------


@pytest.fixture
def hostile_run(cli: Cli, project: Path) -> Path:
    """An evaluated run whose rows, settings and name are hostile, made by somebody else under ./runs."""
    numbers = [(a, b) for a in range(1, 9) for b in range(1, 9)]
    rows = [
        {
            "id": f"{ENCODABLE} {a} {b}",
            "question": f"add {a} and {b} {ENCODABLE}",
            "answer": f"{a}+{b}",
            "rationale": ENCODABLE,
            "category": ENCODABLE,
            "template": f"{ENCODABLE}{a}",
        }
        for a, b in numbers
    ]
    Path("questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    words = ("--teacher", "parrot", "--questions", "questions.jsonl")
    assert_inert(cli("generate", *words, "--dry-run"))
    assert_inert(cli("generate", *words, "--out", "plain", "--set", "teacher.parrot.wrong=add 8"))
    (project / "runs").mkdir()
    folder = project / "runs" / NAME
    (project / "plain").rename(folder)
    manifest = json.loads((folder / "run.json").read_text())
    manifest |= {"arguments": {HOSTILE: HOSTILE}, "name": HOSTILE}
    (folder / "run.json").write_text(json.dumps(manifest))
    assert_inert(cli("train", NAME, "--student", "memory", "--objective", "plain", "--allow-unreviewed"))
    assert_inert(cli("evaluate", NAME))
    return folder


def assert_inert(ended: Any, *codes: int) -> Any:
    assert not hidden(ended.out + ended.err)
    assert ended.code in (codes or (0,)), ended.err
    assert "bug in dstill" not in ended.err
    return ended


def test_no_command_prints_hostile_text_of_a_run(cli: Cli, hostile_run: Path) -> None:
    row = json.loads((hostile_run / "dataset/data/train.jsonl").read_text(encoding="utf-8").split("\n")[0])
    commands = [
        ("runs", "list"),
        ("runs", "show", NAME),
        ("data", "curate", NAME),
        ("data", "audit", NAME),
        ("experiment", "compare", NAME, f"{NAME}:untrained"),
        ("data", "export", NAME),
        ("runs", "trace", NAME, row["id"]),
        ("predict", NAME, "--execute", f"add 2 and 1 {NAME}"),
        ("generate", "--out", hostile_run),
        ("generate", "--out", hostile_run, "--limit", 3),  # its settings have changed
    ]
    for words in commands:
        assert_inert(cli(*words), 0, 3, 5, 9)
        assert_inert(cli(*words, "--json"), 0, 3, 5, 9)
    assert_inert(cli("predict", NAME, stdin=f"{NAME}\nadd 1 and 2 \x1b[2J\n".encode()), 0, 9)
    assert_inert(cli("runs", "rm", NAME), 2)
    for file in ("log.txt", "dataset/README.md", "export/README.md"):
        assert not hidden((hostile_run / file).read_text(encoding="utf-8")), file
    assert hidden(row["question"])  # data keeps its bytes


def test_no_command_prints_hostile_text_of_other_files(cli: Cli) -> None:
    assert_inert(cli("check", "--format", "answers", stdin=json.dumps({"id": HOSTILE, "query": HOSTILE}).encode()), 9)
    rows = cli("check", "--format", "jsonl", stdin=json.dumps({"id": HOSTILE, "query": HOSTILE}).encode())
    assert json.loads(assert_inert(rows, 9).out)["id"] == HOSTILE
    prefix = json.dumps(f"{READABLE}\u202e\x9b", ensure_ascii=False)
    Path("dstill.toml").write_text(f"[task.toy]\nprefix = {prefix}\n", encoding="utf-8")
    assert READABLE in assert_inert(cli("config", "show")).out
    assert json.loads(assert_inert(cli("config", "show", "--json")).out)["task.toy.prefix"].endswith("\u202e\x9b")
    assert_inert(cli("config", "show", "--origin"))
    assert_inert(cli("doctor"))
    assert_inert(cli("data", "questions", "-n", "2"))


@pytest.mark.parametrize(
    "words",
    [
        ("runs", "show", NAME),
        ("train", NAME),
        ("generate", "--out", NAME),
        ("generate", "--teacher", NAME),
        ("generate", "--questions", NAME),
        ("--config", NAME, "config", "show"),
        ("config", "show", "--set", f"{NAME}=1"),
        ("config", "show", "--set", f"generate.limit={NAME}"),
        ("check", "--format", "answers", NAME),
        (NAME,),
        ("check", "--format", "answers", f"--{NAME}"),
        ("data", "audit", f"{NAME}.jsonl"),
    ],
)
def test_errors_escape_arguments(cli: Cli, words: tuple[str, ...]) -> None:
    assert_inert(cli(*words), *range(1, 12))
    assert_inert(cli(*words, "--json"), *range(1, 12))


def test_run_name_with_hidden_characters_is_refused(cli: Cli, project: Path) -> None:
    ended = assert_inert(cli("generate", "--teacher", "parrot", "--out", "a\u202eb"), 2)
    assert ended.err.startswith("error: the name of a\\u202eb has a control character")
    assert list(project.iterdir()) == []


def test_line_breaks_cannot_fake_a_hint_or_an_entry(
    capsys: pytest.CaptureFixture[str], cli: Cli, project: Path
) -> None:
    console.error(ServiceError("gone\nhint: curl x", where="a\nb", hint="c\nd"), as_json=False)
    assert capsys.readouterr().err == "error: gone\n    hint: curl x\nwhere: a\n    b\nhint: c\n    d\n"
    assert cli("generate", "--teacher", "parrot", "--out", "mine").code == 0
    with RunFolder.read(project / "mine").lock():
        logging.getLogger("dstill").warning("one\n2026-01-01 00:00:00,000 INFO forged\x1b[2J")
    *_, one, forged = (project / "mine" / "log.txt").read_text().splitlines()
    assert one.endswith("WARNING one")
    assert forged == "    2026-01-01 00:00:00,000 INFO forged\\u001b[2J"


def test_tables_and_bars_ignore_markup_and_escapes() -> None:
    code = (
        "from dstill.cli.console import *; from support.inert import HOSTILE\n"
        "table([HOSTILE], [[HOSTILE]], title=HOSTILE); rule(HOSTILE); paragraph(HOSTILE); say(HOSTILE, bold=True)\n"
        "with progress() as report: report(HOSTILE, 1, 2, HOSTILE)"
    )
    terminal = {"TERM": "xterm", "COLUMNS": "3000", "PYTHONPATH": python_path()}
    _, text = in_terminal([sys.executable, "-c", code], drop=["NO_COLOR"], env=terminal)
    assert hidden(text) == {"\x1b"}  # from dstill's own styles
    assert text.count("\\u001b]0;title\\u0007") >= 7
    assert "\x1b]" not in text
    assert "[bold]b[/bold] [/]" in text


def test_only_the_console_prints(root: Path) -> None:
    """Other modules call `say`, `note`, `table` …, which escape their text."""
    allowed = {
        "core/dstill/cli/console.py",
        "core/dstill/__main__.py",  # one constant line, before anything is loaded
        "core/dstill/plugins.py",  # DSTILL_TRACE_HOOKS: names of hooks and plugins, for plugin authors
        "task_packs/dstill_sql/benchmarks.py",  # run by hand: converts the files of a benchmark
        "task_packs/dstill_querydsl/engines/probe.py",  # run by hand after an upgrade of the engine
    }
    for folder in ("core", "plugins", "task_packs"):
        for path in (root / folder).rglob("*.py"):
            calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
            found = {ast.unparse(call) for call in calls}
            if str(path.relative_to(root)) not in allowed:
                assert not found & {"print", "click.echo", "click.secho", "click.confirm", "click.prompt"}, path


# --- lines to copy ----------------------------------------------------------------------

words_ = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
folders = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1).map(Path)


def read_by(shell: str, line: str) -> list[str]:
    """The words of `line` after its first."""
    code = line.replace("dstill", r"printf '%s\0'", 1)
    out = subprocess.run([shell, "-c", code], capture_output=True, check=True).stdout
    return out.decode("utf-8", "surrogateescape").split("\0")[:-1]


@given(st.lists(words_, min_size=20, max_size=60))
def test_quoted_words_round_trip_through_a_shell(words: list[str]) -> None:
    line = command(*words)
    assert visible(line, one_line=True) == line
    assert read_by("bash", line) == words
    plain = [word for word in words if visible(word, one_line=True) == word] or ["x"]
    assert read_by("sh", command(*plain)) == plain


@given(folders)
def test_path_is_never_read_as_an_option(folder: Path) -> None:
    (word,) = read_by("bash", command(folder))
    assert Path(word) == folder
    assert not word.startswith("-")


def test_non_utf8_file_names_round_trip() -> None:
    assert read_by("bash", command("a\udc9bb", NAME)) == ["a\udc9bb", NAME]


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_settings_round_trip_through_a_command_line(value: str) -> None:
    (*_, text) = read_by("bash", command_line([], "train", settings={"a.b": value}))
    assert parse_assignment(text) == ("a.b", value)


def test_next_commands_can_be_copied(cli: Cli, project: Path) -> None:
    (project / "runs").mkdir()
    assert cli("generate", "--teacher", "parrot", "--out", "runs/plain").code == 0
    name = "$(touch x); 'a' \"b\" `c`"
    (project / "runs/plain").rename(project / "runs" / name)
    said = cli("train", name, "--student", "memory", "--objective", "plain").out
    line = said.splitlines()[-1].removeprefix("next: ")
    assert read_by("sh", line) == ["--plugin", str(TOY), "evaluate", f"runs/{name}"]
    said = cli("evaluate", name).out
    assert read_by("sh", said.splitlines()[-1].removeprefix("next: ")) == [
        "--plugin",
        str(TOY),
        "report",
        f"runs/{name}",
    ]
