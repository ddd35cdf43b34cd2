"""A student that is asked about the data on a server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.unsure import calibrated, trained

from dstill import Predictor
from dstill import plugins as plugin_loading
from dstill.errors import UsageError
from dstill.stages.predict.answerable import Answerable
from dstill.stages.predict.live_data import about_server


@pytest.fixture
def student(project: Path, toy_file: Path) -> Answerable:
    """That of a calibrated run."""
    loaded = plugin_loading.load([toy_file, toy_file.with_name("unsure.py")])
    return calibrated(trained(loaded, project / "mine", {"train": 5})).answerable()


def test_settings_of_the_data_come_after_those_of_the_call(student: Answerable) -> None:
    there = about_server(student, {"engine.timeout": 9.0, "project.seed": 4}, {"project.seed"})
    assert (there.settings.engine.timeout, there.settings.project.seed) == (9.0, student.settings.project.seed)
    assert there.setup.config.filed == student.setup.config.filed - {"engine.timeout"}  # nothing more is allowed
    assert (there.name, there.contexts(), list(there.records("train"))) == ("mine", {"": {}}, [])


def test_confidence_is_known_only_about_the_data_that_it_learnt(student: Answerable) -> None:
    assert about_server(student, {}).calibration() == student.calibration() is not None
    elsewhere = replace(student, contexts=lambda: {"sums": {}})
    assert about_server(elsewhere, {}).calibration() is None


def test_it_buys_no_replies(student: Answerable) -> None:
    with pytest.raises(UsageError, match="mine buys no replies"):
        Predictor(about_server(student, {}), max_wrong=0.2, fallback="parrot:any")
