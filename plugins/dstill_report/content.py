"""The content of a report as plain data: the HTML page, the JSON and the Markdown are rendered from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dstill.api.records import Score, Section
from dstill_report.answers import Answers

__all__ = ["FEW", "MANY", "Headline", "Report"]

FEW, MANY = 0.05, 0.1  # shares of silently wrong answers


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The two figures that decide whether the student can be used on a split."""

    split: str
    meaning: str  # what the split tests
    systems: Mapping[str, Score]  # executable accuracy: the student first, then the baselines
    silent: Score | None  # the student's share of answers that ran and are wrong; None: not measured
    finding: str  # the student against the best baseline, in a few words
    teacher: Score | None  # the teacher's own accuracy, against reference answers written independently of it

    @property
    def student(self) -> Score | None:
        """The student's accuracy; None if nothing was executed."""
        score = self.systems.get("student")
        return None if score is None or score.value is None else score

    @property
    def level(self) -> str:
        """How many answers are silently wrong, ``few``, ``some`` or ``many``; empty: not measured.

        Few: with 95 % confidence at most `FEW`. Many: with that confidence more than `MANY`.
        """
        if self.silent is None or self.silent.low is None or self.silent.high is None:
            return ""
        return "few" if self.silent.high <= FEW else "many" if self.silent.low > MANY else "some"


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that the report of one run says."""

    name: str
    data_noun: str  # the task's word for what questions are about, for example "index"
    facts: Mapping[str, str]  # engine, student, created …
    warnings: tuple[str, ...]
    verdict: tuple[str, ...]  # sentences; the first is the shortest summary of the run
    headlines: tuple[Headline, ...]
    teacher_note: str  # what the teacher's score means, or why it was not measured
    baselines: Mapping[str, str]  # baseline → what it is
    sections: tuple[Section, ...]
    answers: Answers
    manifest: Mapping[str, Any]
