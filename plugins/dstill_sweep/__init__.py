"""Experiments on one dataset: `dstill experiment sweep` over settings, `dstill experiment ablate` of the rationales.

Each trial is a run of its own under ``RUN/trials``, on the dataset of RUN and with settings
of its own, so that everything that is done with a run can be done with a trial. A trial that
is finished is not done again; one that was stopped goes on. optuna loads when a sweep begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable

from dstill import hookimpl

if TYPE_CHECKING:
    import click

    from dstill.api.records import Section
    from dstill.runs.run import Run

__all__ = ["register_commands", "report_sections"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    from dstill.cli.groups import LazyCommand

    module = "dstill_sweep.command"
    cli.add_command(LazyCommand("experiment sweep", f"{module}:sweep", "Train and compare a space of settings."))
    cli.add_command(
        LazyCommand("experiment ablate", f"{module}:ablate", "Compare training with and without rationales.")
    )
    cli.add_command(LazyCommand("run-trial", f"{module}:run_trial", "Train and score one trial.", hidden=True))


@hookimpl
def report_sections(run: Run) -> Iterable[Section]:
    from dstill_sweep.sections import sections

    return sections(run)
