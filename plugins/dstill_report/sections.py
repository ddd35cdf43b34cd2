"""The sections of this package, provided through the `report_sections` hook like those of any plugin.

    sections(run)  →  Section(title="Categories", order=20, scores={…}), …, in plain data

Each module covers one subject: scores, comparison, confidence, training and data, time and cost. A section without
content is omitted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dstill.api.records import Section
from dstill_report import sections_comparison, sections_confidence, sections_cost, sections_scores, sections_training

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["sections"]


def sections(run: Run) -> Iterator[Section]:
    """Yield the sections that `run` has content for."""
    subjects = (sections_scores, sections_comparison, sections_confidence, sections_training, sections_cost)
    for subject in subjects:
        yield from subject.sections(run)
