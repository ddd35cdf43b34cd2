"""The answers of a student to development sets (`BaseData.development`), and whether they are right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dstill import config as configuration
from dstill.answering import steps
from dstill.api.records import Example, Prediction, Verdict
from dstill.factory import Setup
from dstill.plugins import load, part_sections
from dstill_linked.making.data import BaseData

__all__ = ["answered", "linked_setup"]


def linked_setup(about: BaseData, more: Mapping[str, Any] = MappingProxyType({})) -> Setup:
    """The task with a linked student, as its sets are scored; `more`: other settings."""
    plugins = load()
    flags = {
        "project.task": about.task,
        "train.student": "linked",
        "train.objective": "label-only",
        **about.settings,
        **more,
    }
    return Setup(plugins, configuration.load(use_files=False, flags=flags, sections=part_sections(plugins)))


def answered(setup: Setup, student: Path, examples: Sequence[Example]) -> tuple[list[Prediction], list[Verdict]]:
    """The answers of the linked student in that folder, and whether they are right on the data of their examples."""
    generator = setup.student.load(student)
    predictions = list(steps.predict(generator, setup.objective, setup.task, examples))
    with setup.opened_executor() as executor:
        pairs = zip(examples, predictions, strict=True)
        return predictions, list(steps.judge(setup.plugins, setup.task, pairs, setup.objective, executor))
