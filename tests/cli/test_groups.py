"""Help sections, subgroups, and suggestions for mistyped commands."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from dstill.cli import build
from dstill.cli.groups import SECTIONS, Command, Group, LazyCommand
from dstill.errors import PluginError

Cli = Callable[..., Any]


@pytest.fixture(autouse=True)
def _all_plugins_enabled(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILL_DISABLE", "")


def test_main_help_has_few_commands(cli: Cli) -> None:
    group, _ = build([])
    verbs = [name for name, one in group.commands.items() if not one.hidden and not isinstance(one, click.Group)]
    assert sorted(verbs) == sorted(name for names in SECTIONS.values() for name in names)
    assert len(verbs) <= 17
    shown = cli("--help").out
    assert [line.rstrip(":") for line in shown.splitlines() if line in {f"{s}:" for s in SECTIONS}] == list(SECTIONS)
    order = [shown.index(f"\n  {name} ") for names in SECTIONS.values() for name in names]
    assert order == sorted(order)


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command of `group`, with its whole name."""
    for name, one in group.commands.items():
        if isinstance(one, click.Group):
            yield from commands(one, *path, name)
        else:
            yield " ".join((*path, name)), one


def test_every_command_has_help_with_an_example_and_json_if_it_has_a_result(cli: Cli) -> None:
    group, _ = build([])
    group.load()
    for name, one in commands(group):
        ended = cli(*name.split(), "--help")
        assert (ended.code, ended.err) == (0, "")
        assert ended.out.startswith(f"Usage: dstill {name} [OPTIONS]")
        without = name in ("init", "completion", "config schema", "mcp", "pack new", "runs rm")
        assert ("--json" in ended.out) is not without, name
        if isinstance(one, Command) and not one.hidden:
            assert re.search(rf"\nExamples:\n  .*dstill {name}\b", ended.out)


def test_two_word_name_creates_a_subgroup() -> None:
    group = Group("dstill")
    group.add_command(click.Command("one"), "runs one")
    group.add_command(click.Command("two"), "runs two")
    runs = group.commands["runs"]
    assert isinstance(runs, Group)
    assert list(runs.commands) == ["one", "two"]
    group.add_command(click.Command("leaf"))
    with pytest.raises(TypeError, match="'leaf' is a command"):
        group.add_command(click.Command("inner"), "leaf inner")


def test_group_help_matches_command_help() -> None:
    group, _ = build([])
    listed = {name: one for name, one in commands(group) if isinstance(one, LazyCommand)}
    assert {"generate", "runs show", "report", "ray train", "run-trial", "trust"} <= set(listed)
    for name, one in listed.items():
        loaded = one.load()
        assert one.short_help == click.Command(name, help=loaded.help).get_short_help_str(100), name
        assert one.hidden == loaded.hidden, name


def test_commands_are_loaded_lazily(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "late.py").write_text("import click\n@click.command()\ndef hello(): click.echo('hello')\nother = 1\n")
    monkeypatch.syspath_prepend(project)
    group = Group("dstill")
    group.add_command(LazyCommand("say hello", "late:hello", "Say hello."))
    group.add_command(LazyCommand("say other", "late:other", "No command."))
    shown = CliRunner().invoke(group, ["say", "--help"]).output
    assert re.search(r"hello +Say hello\.", shown)
    assert "late" not in sys.modules
    assert CliRunner().invoke(group, ["say", "hello"]).output == "hello\n"
    with pytest.raises(PluginError, match="the command 'say other' does not load"):
        CliRunner().invoke(group, ["say", "other"], catch_exceptions=False)


def test_teacher_can_be_given_with_its_model(cli: Cli) -> None:
    ended = cli("init", "--teacher", "openai:gpt-5-mini", "--task", "toy")
    assert ended.code == 0
    text = Path("dstill.toml").read_text()
    assert 'teacher = "openai"' in text
    assert '[teacher.openai]\nmodel = "gpt-5-mini"' in text


def test_help_shows_the_default_of_a_configuration_key(cli: Cli) -> None:
    shown = " ".join(cli("train", "--help").out.split())
    assert re.search(r"--modality .* \[default: train\.modality, else auto\]", shown)
    assert "--seed INTEGER Random seed. [default: project.seed, else 0]" in shown
    assert "--limit INTEGER Maximum number of questions, the same share of each split. Default: all. --" in " ".join(
        cli("generate", "--help").out.split()
    )


def test_help_describes_parts_and_the_run_argument(cli: Cli) -> None:
    shown = " ".join(cli("train", "--help").out.split())
    assert "lora: trains low-rank adapters on a frozen base." in shown
    assert "RUN is a folder, or the name of a run under ./runs." in shown
    assert "RUN is a folder" not in cli("demo", "--help").out


def test_questions_json_counts_the_rows_of_its_file(cli: Cli) -> None:
    ended = cli("data", "questions", "--task", "toy", "-n", 3, "--out", "q.jsonl", "--json")
    assert ended.out == '{"out":"q.jsonl","questions":3}\n'


BROKEN = """
from dstill import hookimpl
from dstill.cli.groups import LazyCommand

@hookimpl
def register_commands(cli):
    cli.add_command(LazyCommand("zap", "no_such_module:zap", "Zap."))
    cli.add_command(LazyCommand("zaps list", "no_such_module:zaps", "List zaps."))
"""


def test_failing_command_marks_its_plugin_as_failed(cli: Cli) -> None:
    Path("broken.py").write_text(BROKEN)
    assert "Zap." in cli("--plugin", "broken.py", "--help").out
    ended = cli("--plugin", "broken.py", "pack", "list")
    assert (ended.code, "querydsl" in ended.out) == (3, True)
    assert "plugin 'broken': the command 'zap' does not load" in ended.err
    assert "broken" in cli("--plugin", "broken.py", "doctor").out
    assert cli("--plugin", "broken.py", "zap").code == 3


def test_completion_loads_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    group = Group("main")
    group.add_command(LazyCommand("predict", "no_such_module:predict", "Answer a question."))
    group.add_command(LazyCommand("runs list", "no_such_module:runs", "List."))
    with click.Context(group) as context:
        assert [one.value for one in group.shell_complete(context, "pr")] == ["predict"]
        assert [one.value for one in group.shell_complete(context, "")] == ["predict", "runs"]


def test_commands_in_plain_click_groups_are_prepared() -> None:
    inner = click.Group("inner", commands={"one": click.Command("one")})
    group, seen = Group("main"), []
    group.prepare = lambda name, command: (seen.append(name), command)[1]
    group.add_command(inner, "other")
    assert group.load() == []
    assert seen == ["other one"]
