"""docs/architecture.md follows a training of the student `linked`, and matches the code."""

from __future__ import annotations

import os
import re
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
from support.walks import CORE, PLUGINS, followed

from dstill import Run
from dstill import config as configuration
from dstill import plugins as plugin_loading
from dstill_linked import model, spec, tensors, vocabulary  # noqa: F401 - what only their import runs is no part of it
from dstill_linked.student import LinkedStudent
from dstill_torch import training  # noqa: F401 - the same

CALLED_FROM = "cli/train.py"  # the only file of the walk that `Run.train` does not run
PASSED_THROUGH = ("api/", "io/", "runtime/")
FLAGS = {
    "project.task": "columns",
    "generate.teacher": "synthetic",
    "review.required": "never",
    "train.student": "linked",
    "train.objective": "label-only",
    "train.max_steps": 2,
    "train.per_device_train_batch_size": 8,
    "train.report_to": "none",
    "train.threads": 1,
    "student.linked.width": 32,
    "student.linked.heads": 2,
    "student.linked.encoder_layers": 1,
    "student.linked.decoder_layers": 1,
    "student.linked.hidden": 80,  # as no other test has: what a shape needs is counted once
}


@pytest.fixture
def run(root: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run with a dataset."""
    off = set(os.environ["DSTILL_DISABLE"].split(",")) - {"linked", "torch"}
    monkeypatch.setenv("DSTILL_DISABLE", ",".join(off))
    plugins = plugin_loading.load([root / "tests" / "support" / "sums_form.py"])
    config = configuration.load(flags=FLAGS, sections=plugin_loading.part_sections(plugins))
    made = Run.create(project / "mine", config=config, plugins=plugins)
    made.generate()
    return made


def described(root: Path) -> tuple[list[str], list[str]]:
    """The files of the walk in docs/architecture.md, and its helpers."""
    text = (root / "docs" / "architecture.md").read_text()
    section = text.partition("## How a student is trained\n")[2].partition("\n## ")[0]
    helpers = section.partition("helpers does one thing")[2].partition("A test compares")[0]
    return re.findall(r"^    (\S+\.py) ", section, re.MULTILINE), re.findall(r"`(\S+(?:\.py|/))`", helpers)


def test_training_is_followed_in_at_most_fifteen_files_and_no_call_goes_back(root: Path, run: Run) -> None:
    walk, helpers = described(root)
    with followed(CORE, PLUGINS, through=PASSED_THROUGH) as callers:
        facts = run.train()
    assert facts["steps"] == 2  # it went all the way
    assert len(walk) <= 15
    assert callers.keys() | {CALLED_FROM} >= {*walk}, "the walk names a file that nothing comes to"
    assert all((CORE / name).exists() or (PLUGINS / name).exists() for name in walk)
    folders = tuple(name for name in helpers if name.endswith("/"))
    files = {name for name in helpers if name not in folders}
    assert callers.keys() >= files, "a helper that nothing calls"
    missing = {name for name in callers.keys() - {*walk} - files if not name.startswith(folders)}
    assert not missing, "neither in the walk nor among its helpers"
    ours = {name for name in callers if not name.startswith(PASSED_THROUGH)}
    graph = {name: (callers[name] & ours) - {name} for name in ours}
    list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


def test_a_training_is_planned_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[str] = []
    for name in ("spec", "largest_batch"):
        method = getattr(LinkedStudent, name)

        def counted(*given: Any, method: Any = method, name: str = name) -> Any:
            planned.append(name)
            return method(*given)

        monkeypatch.setattr(LinkedStudent, name, counted)
    facts = run.train()
    assert sorted(planned) == ["largest_batch", "spec"]
    assert facts["probe"]["predicted"] > 0  # by the spec of the plan
