"""Experiments on one dataset: `dstill experiment sweep` over settings, `dstill experiment ablate` of the rationales.

Each trial is a run in ``RUN/trials`` that uses the dataset of RUN with other settings, so every command that works on
a run works on a trial. Finished trials are not repeated, and interrupted ones resume.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    import click

    from dstill.api.records import Section
    from dstill.runs.run import Run

__all__ = ["register_commands", "report_sections"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Add `dstill experiment sweep` and `dstill experiment ablate`."""
    from dstill.cli.groups import LazyCommand

    module = "dstill_sweep.command"
    cli.add_command(LazyCommand("experiment sweep", f"{module}:sweep", "Train and compare combinations of settings."))
    cli.add_command(
        LazyCommand("experiment ablate", f"{module}:ablate", "Compare training with and without rationales.")
    )
    cli.add_command(LazyCommand("run-trial", f"{module}:run_trial", "Train and score one trial.", hidden=True))


@hookimpl
def report_sections(run: Run) -> Iterable[Section]:
    """Sections on the sweep and the ablation of `run`, if it has them."""
    from dstill_sweep.sections import sections

    return sections(run)
