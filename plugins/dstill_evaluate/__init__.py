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

    from dstill.api.metric import Metric
    from dstill.api.part import Declaration

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
def register_students() -> Iterable[Declaration]:
    """The student ``nearest``, a look-up."""
    from dstill.api.part import declare

    yield declare("nearest", "dstill_evaluate.nearest_neighbour:Nearest")


@hookimpl
def register_baselines() -> Iterable[Declaration]:
    """The baselines ``untrained`` and ``nearest``."""
    from dstill.api.part import declare

    yield declare("untrained", "dstill_evaluate.baselines:Untrained")
    yield declare("nearest", "dstill_evaluate.baselines:NearestQuestion")


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Adds ``dstill experiment compare``."""
    from dstill.cli.groups import LazyCommand

    summary = "Compare evaluated runs question by question."
    cli.add_command(LazyCommand("experiment compare", "dstill_evaluate.command:compare", summary))
