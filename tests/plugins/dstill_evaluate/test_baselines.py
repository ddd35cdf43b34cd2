"""Baselines come from plugins: built-in ones, one of a third party, and names that nobody brings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from dstill import Run
from dstill import config as configuration
from dstill import plugins as plugin_loading
from dstill.cli.scores import Words, sentences
from dstill.errors import ConfigError, RunError
from dstill.plugins import Plugins, part_sections

FLAGS = {
    "project.task": "toy",
    "generate.teacher": "parrot",
    "train.student": "memory",
    "train.objective": "plain",
    "evaluate.splits": ["test"],
}
# It says one thing to every question, and its own section of the settings which.
STUBBORN = """
from dataclasses import dataclass

from dstill import hookimpl
from dstill.api import Baseline, Writer, Written

@dataclass(frozen=True, kw_only=True)
class Says:
    answer: str = "1+1"

class Echo(Writer):
    def __init__(self, answer):
        self.answer = answer
    def write(self, sources):
        return (Written(text=self.answer, tokens=1, seconds=0.0) for _ in sources)

class Stubborn(Baseline):
    name = "stubborn"
    meaning = "one answer to everything"
    Config = Says
    def load(self, student, trained, folder):
        assert trained.is_dir() and not folder.exists()  # it learnt nothing
        return Echo(self.config.answer)

@hookimpl
def register_baselines():
    yield Stubborn
"""


@pytest.fixture
def plugins(project: Path, toy_file: Path) -> Plugins:
    Path("stubborn.py").write_text(STUBBORN)
    found = plugin_loading.load([toy_file, Path("stubborn.py")])
    found.require_healthy()
    return found


def trained(plugins: Plugins, **flags: Any) -> Run:
    keys = {**FLAGS, **{key.replace("__", "."): value for key, value in flags.items()}}
    config = configuration.load(flags=keys, environment={}, sections=part_sections(plugins))
    run = Run.create("runs/mine", config=config, plugins=plugins)
    run.generate()
    run.train(allow_unreviewed=True)
    return run


def test_a_plugins_own_baseline_is_scored_and_named_in_its_words(plugins: Plugins) -> None:
    run = trained(plugins, evaluate__baselines=["stubborn", "untrained"], baseline__stubborn__answer="4+3")
    scores = run.evaluate()["scores"]
    assert list(scores) == ["student", "stubborn", "untrained"]
    assert scores["stubborn"]["test"]["right"]["value"] == pytest.approx(1 / 13)
    assert run.plugins.meanings()["stubborn"] == "one answer to everything"
    (first, *_) = sentences(scores, ["test"], Words.of(run.plugins))
    assert "; one answer to everything on 7.7 %; the student before training on 0 %." in first


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("nearst", "no baseline called 'nearst'. Did you mean 'nearest'?"),
        ("memory", "no baseline called 'memory'."),
        ("student", "no baseline called 'student'."),
    ],
)
def test_a_name_that_no_plugin_brings_is_an_error_before_anything_is_done(
    plugins: Plugins, name: str, what: str
) -> None:
    run = trained(plugins, evaluate__baselines=["untrained", name])
    with pytest.raises(ConfigError) as caught:
        run.evaluate()
    assert (caught.value.what, caught.value.where) == (what, "evaluate.baselines")
    assert "nearest, stubborn, untrained" in caught.value.hint
    assert not list(run.folder.glob("*predictions*"))


def test_a_baseline_is_asked_once_however_often_it_is_named(plugins: Plugins) -> None:
    run = trained(plugins, evaluate__baselines=["untrained", "untrained"])
    assert list(run.evaluate()["scores"]) == ["student", "untrained"]


@pytest.mark.parametrize("system", ["student", "untrained", "nearest"])
def test_without_a_student_there_is_no_baseline_either(plugins: Plugins, system: str) -> None:
    config = configuration.load(flags=FLAGS, environment={}, sections=part_sections(plugins))
    with pytest.raises(RunError, match="has no student yet"):
        Run.create("runs/mine", config=config, plugins=plugins).writer(system)


def test_baselines_are_parts_of_the_evaluate_plugin(plugins: Plugins) -> None:
    assert {name: plugins.owner("baselines", name) for name in ("nearest", "untrained")} == {
        "nearest": "evaluate",
        "untrained": "evaluate",
    }


def test_the_default_names_are_left_out_where_their_plugin_is(
    project: Path, toy_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSTILL_DISABLE", f"{os.environ['DSTILL_DISABLE']},evaluate")
    plugins = plugin_loading.load([toy_file])
    assert plugins.names("baselines") == []
    assert list(trained(plugins).evaluate()["scores"]) == ["student"]
    assert list(Run.open("runs/mine", plugins=plugins).evaluate()["scores"]) == ["student"]
