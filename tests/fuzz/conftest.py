"""A finished run of the toy, for every test to damage a copy of."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count

import pytest
from support.foreign import Project, call
from support.installed import entry_points

LOADED_PLUGINS = {"teachers", "evaluate", "report", "finetune", "torch"}  # plugins whose commands read runs and models


@pytest.fixture(scope="module")  # not longer: other tests of this worker need all plugins
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("DSTILL_")]:
            patch.delenv(name)
        disabled = {point.name for point in entry_points(group="dstill")} - LOADED_PLUGINS
        patch.setenv("DSTILL_DISABLE", ",".join(sorted(disabled)))
        patch.setattr(os, "fsync", lambda handle: None)  # no power cut is among what happens here
        place = tmp_path_factory.mktemp("fuzz")
        (place / "whole").mkdir()
        patch.chdir(place / "whole")
        for words in (
            ("generate", "--teacher", "parrot", "--out", "runs/a"),
            ("train", "runs/a", "--student", "memory", "--objective", "plain"),
            ("evaluate", "runs/a", "--set", "evaluate.baselines=untrained"),
        ):
            ended = call(*words)
            assert ended.code == 0, ended.said
        patch.chdir(place)
        yield Project(place, count())
