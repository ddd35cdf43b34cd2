"""A run knows which settings somebody set: a student's preset fills in the others, and run.json has what it was."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dstill import Run
from dstill import config as configuration
from dstill.api.recipe import Recipe
from dstill.api.student import Preset, Student
from dstill.cli.console import warnings_shown
from dstill.plugins import Plugins, part_sections

OWN = {"project.task": "toy", "generate.teacher": "parrot", "train.student": "memory", "train.objective": "plain"}
Create = Callable[..., Run]


@pytest.fixture
def create(plugins: Plugins) -> Create:
    def make(folder: str = "runs/mine", **flags: Any) -> Run:
        keys = {**OWN, **{key.replace("__", "."): value for key, value in flags.items()}}
        environment = {"DSTILL_TRAIN__R": "4"}
        config = configuration.load(flags=keys, environment=environment, sections=part_sections(plugins))
        return Run.create(folder, config=config, plugins=plugins)

    return make


@pytest.fixture
def preset(plugins: Plugins, monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy's student has a preset; its learning rate hangs on the modality."""
    kind: type[Student] = plugins.student("memory")

    def of(student: Student, recipe: Recipe, modality: str = "") -> Preset:
        rate = {"learning_rate": 0.25} if modality else {}
        return Preset(name="toy", recipe={"max_length": 64, "r": 2, **rate})

    monkeypatch.setattr(kind, "preset", of)


def test_run_remembers_what_was_set(create: Create, plugins: Plugins) -> None:
    run = create(train__learning_rate=Recipe().learning_rate)
    wanted = {*OWN, "train.learning_rate", "train.r"}
    assert run.config.chosen == wanted
    assert Run.open(run.folder, plugins=plugins).config.chosen == wanted
    seeded = Run.open(run.folder, flags={"project.seed": 1}, plugins=plugins)
    assert seeded.config.chosen == {*wanted, "project.seed"}


def test_settings_edited_in_the_run_were_set(create: Create, plugins: Plugins) -> None:
    run = create()
    file = run.folder / "config.toml"
    file.write_text(file.read_text().replace("lora_dropout = 0.1", "lora_dropout = 0.2"))
    again = Run.open(run.folder, plugins=plugins)
    assert again.settings.train.lora_dropout == 0.2
    assert again.config.chosen == run.config.chosen | {"train.lora_dropout"}


def test_branch_and_trained_run_remember_too(create: Create, plugins: Plugins) -> None:
    run = create()
    run.generate()
    branch = run.branch(Path("runs/branch"), flags={"train.max_length": 32})
    assert branch.config.chosen == run.config.chosen | {"train.max_length"}
    Run.open(run.folder, flags={"train.max_length": 16}, plugins=plugins).train(allow_unreviewed=True)
    assert "train.max_length" in Run.open(run.folder, plugins=plugins).config.chosen


def test_in_a_run_of_an_earlier_dstill_other_values_than_the_defaults_were_set(
    create: Create, plugins: Plugins
) -> None:
    run = create(train__learning_rate=Recipe().learning_rate, train__max_length=32)
    file = run.folder / "run.json"
    manifest = json.loads(file.read_text())
    del manifest["chosen"]
    file.write_text(json.dumps(manifest))
    chosen = Run.open(run.folder, plugins=plugins).config.chosen
    assert {"train.max_length", "train.r", "train.student"} <= chosen
    assert "train.learning_rate" not in chosen
    assert "evaluate.splits" not in chosen


def test_preset_fills_in_settings_that_are_not_set(
    create: Create, plugins: Plugins, preset: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[Recipe] = []
    kind = plugins.student("memory")
    fit = kind.fit
    monkeypatch.setattr(kind, "fit", lambda self, job: trained.append(job.recipe) or fit(self, job))  # type: ignore[func-returns-value]
    run = create(train__max_length=1024)
    run.generate()
    facts = run.train(allow_unreviewed=True)
    (recipe,) = trained
    assert (recipe.max_length, recipe.r, recipe.learning_rate) == (1024, 4, 0.25)
    wanted = {"name": "toy", "used": {"learning_rate": 0.25}, "yours": {"max_length": 1024, "r": 4}}
    assert facts["preset"] == wanted
    saved = json.loads((run.folder / "run.json").read_text())["stages"]["train"]["preset"]
    assert saved == wanted
    line = "preset toy: learning_rate=0.25; yours: max_length=1024, r=4"
    assert line in (run.folder / "log.txt").read_text()
    assert Run.open(run.folder, plugins=plugins).settings.train.learning_rate == Recipe().learning_rate


def test_line_about_the_preset_is_shown_without_being_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("dstill")
    log.setLevel(logging.INFO)
    with warnings_shown():
        log.info("preset toy: r=2", extra={"shown": True})
        log.info("seen by the log alone")
        log.warning("too few rows")
    assert capsys.readouterr().err == "preset toy: r=2\nwarning: too few rows\n"
