"""Old names of settings are read for one release, with a warning that says the new ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from dstill import config as configuration
from dstill.cli import build
from dstill.cli.groups import Command
from dstill.config import Settings
from dstill.plugins import load, part_sections

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
def test_an_old_key_is_read_with_a_warning(
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


def test_the_settings_of_a_run_are_read_without_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "run.json").touch()
    (tmp_path / "config.toml").write_text(toml("train.alpha", 0.25))
    config = configuration.load(tmp_path / "config.toml", environment={})
    assert config.settings.train.label_weight == 0.25
    assert caplog.messages == []


def test_the_new_name_counts_where_one_source_has_both() -> None:
    flags = {"train.label_weight": 0.1, "train.alpha": 0.2}
    assert configuration.load(use_files=False, flags=flags).settings.train.label_weight == 0.1


def test_what_dstill_writes_has_the_new_names() -> None:
    written = configuration.load(use_files=False).to_toml()
    known = configuration.fields(configuration.load(use_files=False))
    assert configuration.load(use_files=False).settings == Settings()
    assert not {old.rpartition(".")[2] for old, _, _ in RENAMED if old in known}
    assert "label_weight" in written


def commands(group: click.Group) -> Iterator[click.Command]:
    for one in group.commands.values():
        yield from commands(one) if isinstance(one, click.Group) else [one]


def test_the_new_name_of_every_renamed_option_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSTILL_DISABLE", "")
    group, _ = build([])
    group.load()
    renamed = [one for one in commands(group) if isinstance(one, Command) and one.renamed]
    assert {"generate", "questions", "train", "review", "plan", "export"} <= {one.name for one in renamed}
    for one in renamed:
        options = {name for param in one.params for name in param.opts}
        assert set(one.renamed.values()) <= options
        assert not set(one.renamed) & options
