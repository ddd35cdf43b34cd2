"""The content of a report as plain data: the HTML page, the JSON and the Markdown are rendered from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dstill.api.records import Score, Section
from dstill_report.failures import Failures

__all__ = ["Headline", "Report"]


@dataclass(frozen=True, kw_only=True)
class Headline:
    """Executable accuracy on one split."""

    split: str
    meaning: str  # what the split tests
    systems: Mapping[str, Score]  # the student first, then the baselines
    finding: str  # one sentence that compares the student with the best baseline
    teacher: Score | None  # the teacher's own score, against reference answers written independently of it


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that the report of one run says."""

    name: str
    data_noun: str  # the task's word for what questions are about, for example "index"
    facts: Mapping[str, str]  # shown below the title: engine, student, created …
    warnings: tuple[str, ...]
    headlines: tuple[Headline, ...]
    teacher_note: str  # what the teacher's score means, or why it was not measured
    baselines: Mapping[str, str]  # baseline → what it is
    other_metrics: Mapping[str, Score]  # of the student, on the first split
    sections: tuple[Section, ...]
    failures: Failures
    manifest: Mapping[str, Any]
