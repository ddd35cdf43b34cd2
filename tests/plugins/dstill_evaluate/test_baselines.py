"""Baselines come from plugins: built-in, third-party and unknown ones."""

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
# Gives the same answer to every question, set in its own section.
STUBBORN = """
from dataclasses import dataclass

from dstill import hookimpl
from dstill.api import Baseline, Generator, Generation

@dataclass(frozen=True, kw_only=True)
class Says:
    answer: str = "1+1"

class Echo(Generator):
    def __init__(self, answer):
        self.answer = answer
    def generate(self, sources):
        return (Generation(text=self.answer, tokens=1, seconds=0.0) for _ in sources)

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


def test_baseline_of_a_plugin_is_scored_with_its_description(plugins: Plugins) -> None:
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
def test_unknown_baseline_is_refused_before_any_work(plugins: Plugins, name: str, what: str) -> None:
    run = Run.open(trained(plugins).folder, flags={"evaluate.baselines": ["untrained", name]}, plugins=plugins)
    with pytest.raises(ConfigError) as caught:
        run.evaluate()
    assert (caught.value.what, caught.value.where) == (what, "evaluate.baselines")
    assert "nearest, stubborn, untrained" in caught.value.hint
    assert not list(run.folder.glob("*predictions*"))


def test_repeated_baseline_runs_once(plugins: Plugins) -> None:
    run = trained(plugins, evaluate__baselines=["untrained", "untrained"])
    assert list(run.evaluate()["scores"]) == ["student", "untrained"]


@pytest.mark.parametrize("system", ["student", "untrained", "nearest"])
def test_baselines_need_a_student(plugins: Plugins, system: str) -> None:
    config = configuration.load(flags=FLAGS, environment={}, sections=part_sections(plugins))
    with pytest.raises(RunError, match="has no student yet"):
        Run.create("runs/mine", config=config, plugins=plugins).generator(system)


def test_evaluate_plugin_registers_the_baselines(plugins: Plugins) -> None:
    assert {name: plugins.owner("baselines", name) for name in ("nearest", "untrained")} == {
        "nearest": "evaluate",
        "untrained": "evaluate",
    }


def test_default_baselines_are_skipped_without_their_plugin(
    project: Path, toy_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSTILL_DISABLE", f"{os.environ['DSTILL_DISABLE']},evaluate")
    plugins = plugin_loading.load([toy_file])
    assert plugins.names("baselines") == []
    assert list(trained(plugins).evaluate()["scores"]) == ["student"]
    assert list(Run.open("runs/mine", plugins=plugins).evaluate()["scores"]) == ["student"]
