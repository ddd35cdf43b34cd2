"""The package's own sections, by the hook that everybody's come in by.

    sections(run)  →  Section(title="Scores", order=10, table=Table(…)), …, in plain data

Each module gives those on one subject: scores, making, cost. A section that a run has nothing for is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator

from dstill.api.records import Section
from dstill_report import sections_cost, sections_scores, sections_training

if TYPE_CHECKING:
    from dstill.runs.run import Run

__all__ = ["sections"]


def sections(run: Run) -> Iterator[Section]:
    for subject in (sections_scores, sections_training, sections_cost):
        yield from subject.sections(run)
