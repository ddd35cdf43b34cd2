"""Metrics over verdicts, comparisons of systems, and the baselines that a student has to beat.

dstill evaluate RUN                     # every metric of this package, with n and interval
dstill experiment compare A B           # whether one of two runs is better on the same questions, and on which
dstill train RUN --student nearest      # the answer of the most similar training question
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    import click

    from dstill.api.baseline import Baseline
    from dstill.api.metric import Metric
    from dstill.api.student import Student

__all__ = [
    "register_baselines",
    "register_commands",
    "register_metrics",
    "register_students",
]


@hookimpl
def register_metrics() -> Iterable[type[Metric]]:
    """The metrics of `dstill_evaluate.metrics`."""
    from dstill_evaluate.metrics import METRICS

    return METRICS


@hookimpl
def register_students() -> Iterable[type[Student]]:
    """The student ``nearest``, a look-up."""
    from dstill_evaluate.nearest_neighbour import Nearest

    yield Nearest


@hookimpl
def register_baselines() -> Iterable[type[Baseline]]:
    """The baselines ``untrained`` and ``nearest``."""
    from dstill_evaluate.baselines import NearestQuestion, Untrained

    yield Untrained
    yield NearestQuestion


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Adds ``dstill experiment compare``."""
    from dstill.cli.groups import LazyCommand

    summary = "Compare evaluated runs question by question."
    cli.add_command(LazyCommand("experiment compare", "dstill_evaluate.command:compare", summary))
