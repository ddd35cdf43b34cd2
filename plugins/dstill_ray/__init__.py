"""Ray: `dstill ray train`, `dstill ray evaluate` and `dstill ray sweep` on several machines.

The workers do the same as dstill in one process or under torchrun. They need the run's folder at the same path on
every machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["register_commands"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Add `dstill ray`."""
    from dstill.cli.groups import Group, LazyCommand

    cli.add_command(Group("ray", help="Train, evaluate and sweep on a Ray cluster."))
    cli.add_command(LazyCommand("ray train", "dstill_ray.command:train", "Fine-tune one student with several workers."))
    text = "Answer the test questions with several workers, and score them."
    cli.add_command(LazyCommand("ray evaluate", "dstill_ray.command:evaluate", text))
    cli.add_command(LazyCommand("ray sweep", "dstill_ray.command:sweep", "Run a sweep with Ray Tune."))
