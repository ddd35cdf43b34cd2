"""Old names of settings are read for one release, with a warning that says the new ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest

from dstill import config as configuration
from dstill.cli import build
from dstill.cli.groups import Command
from dstill.cli.options import App, Setting
from dstill.config import Settings
from dstill.plugins import load, part_sections

Cli = Callable[..., Any]
RENAMED = [
    ("train.policy", "train.auto_modality", "recipe"),
    ("train.alpha", "train.label_weight", 0.25),
    ("train.probe", "train.test_largest_batch", False),
    ("review.precision", "review.ci_half_width", 0.1),
    ("generate.focus", "augment.cause", "different"),
    ("generate.focus_run", "augment.from_run", "runs/x"),
    ("generate.focus_rows", "augment.n", 7),
    ("generate.person_usd_per_hour", "cost.annotator_usd_per_hour", 50.0),
    ("generate.person_seconds_per_row", "cost.annotator_seconds_per_row", 60.0),
    ("engine.ca_fingerprint", "executor.http.ca_fingerprint", "00:11"),
    ("task.querydsl.rows", "task.querydsl.n_questions", 300),
    ("task.querydsl.known_fields", "task.querydsl.profiled_fields", 9),
    ("task.querydsl.sample_texts", "task.querydsl.text_sample_size", 20),
    ("task.querydsl.samples", "task.querydsl.example_value_fields", ["a"]),
]


def toml(key: str, value: Any) -> str:
    return configuration.as_toml({key: value})


@pytest.mark.parametrize(("old", "new", "value"), RENAMED)
def test_old_key_is_read_with_a_warning(
    old: str, new: str, value: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sections = part_sections(load())
    name = "DSTILL_" + old.replace(".", "__").upper()
    text = str(value).lower() if isinstance(value, bool) else str(value)
    file = tmp_path / "dstill.toml"
    file.write_text(toml(old, value))
    read = (
        configuration.load(file, environment={}, sections=sections),
        configuration.load(use_files=False, flags={old: value}, sections=sections),
        configuration.load(environment={name: text}, sections=sections),
    )
    assert [config.flat()[new] for config in read] == [value] * 3
    places = (f"{file}:2", "command line", f"environment {name}")
    assert caplog.messages == [f"the setting {old} is now called {new} ({place})" for place in places]
    assert old not in read[0].flat()
    assert read[0].origins[new] == f"{file}:2"
    with pytest.raises(configuration.ConfigError, match=new.replace(".", r"\.")):
        configuration.load(use_files=False, flags={old: object()}, sections=sections)


def test_run_settings_are_read_without_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "run.json").touch()
    (tmp_path / "config.toml").write_text(toml("train.alpha", 0.25))
    config = configuration.load(tmp_path / "config.toml", environment={})
    assert config.settings.train.label_weight == 0.25
    assert caplog.messages == []


def test_new_key_wins_within_one_source() -> None:
    flags = {"train.label_weight": 0.1, "train.alpha": 0.2}
    assert configuration.load(use_files=False, flags=flags).settings.train.label_weight == 0.1


def test_written_settings_have_the_new_names() -> None:
    written = configuration.load(use_files=False).to_toml()
    known = configuration.fields(configuration.load(use_files=False))
    assert configuration.load(use_files=False).settings == Settings()
    assert not {old.rpartition(".")[2] for old, _, _ in RENAMED if old in known}
    assert "label_weight" in written


def commands(group: click.Group) -> Iterator[click.Command]:
    for one in group.commands.values():
        yield from commands(one) if isinstance(one, click.Group) else [one]


@pytest.fixture
def every_command(monkeypatch: pytest.MonkeyPatch) -> tuple[list[click.Command], App]:
    monkeypatch.setenv("DSTILL_DISABLE", "")
    group, found = build([])
    group.load()
    return list(commands(group)), found


def test_new_names_of_renamed_options_exist(every_command: tuple[list[click.Command], App]) -> None:
    renamed = [one for one in every_command[0] if isinstance(one, Command) and one.renamed]
    assert {"generate", "questions", "train", "review", "plan", "export"} <= {one.name for one in renamed}
    for one in renamed:
        options = {name for param in one.params for name in param.opts}
        assert set(one.renamed.values()) <= options
        assert not set(one.renamed) & options


def parsed(command: click.Command, words: list[str], plugins: Any) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The arguments and the settings that these words give to a command."""
    found = App(plugins=plugins)
    ctx = click.Context(
        command,
        obj=found,
        resilient_parsing=True,  # without the arguments that it requires
        help_option_names=["-h", "--help"],  # click keeps the first help option of a command
    )
    command.parse_args(ctx, words)
    return ctx.params, found.flags


def test_every_old_option_does_what_the_new_one_does(every_command: tuple[list[click.Command], App]) -> None:
    every, found = every_command
    for one in every:
        for old, new in one.renamed.items() if isinstance(one, Command) else ():
            option = next(param for param in one.params if new in param.opts)
            value = [] if getattr(option, "is_flag", False) else ["1"]
            assert parsed(one, [old, *value], found.plugins) == parsed(one, [new, *value], found.plugins)
            if option.expose_value or isinstance(option, Setting):  # a pack's option is read when the command runs
                assert parsed(one, [old, *value], found.plugins) != parsed(one, [], found.plugins), old


def test_every_option_takes_the_old_values_of_its_setting(
    every_command: tuple[list[click.Command], App], caplog: pytest.LogCaptureFixture
) -> None:
    every, found = every_command
    known = configuration.fields(configuration.load(use_files=False))
    seen = set()
    for one in every:
        for option in (param for param in one.params if isinstance(param, Setting) and param.key in known):
            for old, new in known[option.key].metadata.get("renamed", {}).items():
                _, flags = parsed(one, [option.opts[0], old], found.plugins)
                value = configuration.load(use_files=False, flags=flags).flat()[option.key]
                assert value == ([new] if option.multiple else new)
                assert caplog.messages[-1] == f"{option.key}: {old!r} is now called {new!r} (command line)"
                seen.add((option.key, old))
    assert {("evaluate.splits", "test_index"), ("evaluate.splits", "test_templates")} <= seen


OF_CORE = [
    row for row in RENAMED if not row[1].startswith(("task.", "executor."))
]  # the command has no pack with others


@pytest.mark.parametrize(("old", "new", "value"), OF_CORE)
def test_set_takes_an_old_key(old: str, new: str, value: Any, cli: Cli, project: Path) -> None:
    ended = cli("config", "show", "--set", configuration.assignment(old, value), "--json")
    assert ended.code == 0, ended.err
    assert f"the setting {old} is now called {new} (command line)" in ended.err
    assert json.loads(ended.out)[new] == value


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [
        ("evaluate.splits", "test_index", ["test_unseen_data"]),
        ("evaluate.splits", "test_templates", ["test_unseen_templates"]),
        ("generate.execute", "held-out", "eval-only"),
        ("train.auto_modality", "seed", "recipe"),
    ],
)
def test_set_takes_an_old_value(key: str, old: str, new: Any, cli: Cli, project: Path) -> None:
    ended = cli("config", "show", "--set", f"{key}={old}", "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)[key] == new
