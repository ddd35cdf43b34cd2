"""What a report says, in plain data: the page, the JSON and the Markdown are made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

from dstill.api.records import Score, Section
from dstill_report.failures import Failures

__all__ = ["Headline", "Report"]


@dataclass(frozen=True, kw_only=True)
class Headline:
    """Executable accuracy on one set, the student's first."""

    split: str
    meaning: str  # of the set
    systems: Mapping[str, Score]
    finding: str  # how the student stands to the best baseline, in a sentence
    ceiling: Score | None  # of the teacher, against golds that were there before it was asked


@dataclass(frozen=True, kw_only=True)
class Report:
    name: str
    data_noun: str  # what the task calls the data that questions are about
    facts: Mapping[str, str]  # created, engine, student …: under the title
    warnings: tuple[str, ...]
    headlines: tuple[Headline, ...]
    ceiling: str  # what the teacher's figure says, or why there is none
    beside: Mapping[str, str]  # baseline → what it is
    side: Mapping[str, Score]  # the student's other figures on the first set
    sections: tuple[Section, ...]
    failures: Failures
    manifest: Mapping[str, Any]
