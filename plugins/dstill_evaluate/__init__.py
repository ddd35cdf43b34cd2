"""Figures over verdicts, comparisons of systems, and the baselines that a student has to beat.

dstill train RUN --student nearest      # the answer of the most similar training question
dstill evaluate RUN                     # every metric of this package, with n and interval
dstill experiment compare A B                      # on the same items: whether one is better, and on which
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable

from dstill import hookimpl
from dstill.api.baseline import Baseline
from dstill.api.metric import Metric
from dstill.api.records import Section
from dstill.api.student import Student
from dstill_evaluate import command, sections
from dstill_evaluate.baselines import NearestQuestion, Untrained
from dstill_evaluate.metrics import METRICS
from dstill_evaluate.nearest_neighbour import Nearest

if TYPE_CHECKING:
    import click

    from dstill.runs.run import Run

__all__ = [
    "register_baselines",
    "register_commands",
    "register_metrics",
    "register_students",
    "report_sections",
]


@hookimpl
def register_metrics() -> Iterable[type[Metric]]:
    return METRICS


@hookimpl
def register_students() -> Iterable[type[Student]]:
    yield Nearest


@hookimpl
def register_baselines() -> Iterable[type[Baseline]]:
    yield Untrained
    yield NearestQuestion


@hookimpl
def register_commands(cli: click.Group) -> None:
    cli.add_command(command.compare, "experiment compare")


@hookimpl
def report_sections(run: Run) -> Iterable[Section]:
    return sections.sections(run)
