"""The toy plugin, loaded, and its task."""

from __future__ import annotations

from pathlib import Path

import pytest

from dstill import plugins as plugin_loading
from dstill.api.task import Task
from dstill.plugins import Plugins


@pytest.fixture
def plugins(project: Path, toy_file: Path) -> Plugins:
    found = plugin_loading.load([toy_file])
    found.require_healthy()
    return found


@pytest.fixture
def task(plugins: Plugins) -> Task:
    return plugins.task("toy")()
