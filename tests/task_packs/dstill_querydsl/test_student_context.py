"""A pretrained base reads the mapping: `dstill init` sets that, and `train` says so where nobody decided."""

from __future__ import annotations

import logging
import tomllib
from pathlib import Path
from typing import Any

import pytest

from dstill import config as configuration
from dstill import plugins as plugin_loading
from dstill.api.engine import ProjectFiles
from dstill.cli.init import write_project
from dstill.factory import Setup
from dstill.plugins import Plugins, part_sections
from dstill.stages import train

CONTEXT = "task.querydsl.student_context"


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    return plugin_loading.load()


def setup_of(plugins: Plugins, student: str, **flags: Any) -> Setup:
    keys = {"project.task": "querydsl", "train.student": student, **flags}
    return Setup(plugins, configuration.load(use_files=False, flags=keys, sections=part_sections(plugins)))


@pytest.mark.parametrize(
    ("student", "flags", "context"),
    [
        ("hf:base", {}, "mapping"),
        ("small.gguf", {}, "mapping"),
        ("hf:base", {CONTEXT: "question"}, "question"),
        ("base:querydsl", {}, None),
        ("tiny", {}, None),
    ],
)
def test_init_shows_the_mapping_to_a_pretrained_base(
    student: str, flags: dict[str, Any], context: str | None, plugins: Plugins, tmp_path: Path
) -> None:
    write_project(setup_of(plugins, student, **flags), ProjectFiles(files={}, settings={}), tmp_path)
    written = tomllib.loads((tmp_path / "dstill.toml").read_text())
    assert written.get("task", {}).get("querydsl", {}).get("student_context") == context


@pytest.mark.parametrize(
    ("student", "flags", "told"),
    [
        ("hf:base", {}, True),
        ("hf:base", {CONTEXT: "question"}, False),
        ("hf:base", {CONTEXT: "mapping"}, False),
        ("base:querydsl", {}, False),
    ],
)
def test_train_tells_how_to_show_the_mapping(
    student: str, flags: dict[str, Any], told: bool, plugins: Plugins, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "dstill"):
        train._note_hidden_schema(setup_of(plugins, student, **flags))
    assert (f"--set {CONTEXT}=mapping" in caplog.text) is told
