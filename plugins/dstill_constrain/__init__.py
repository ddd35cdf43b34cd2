"""Constrained decoding: a student writes only what its task's grammar allows.

``dstill_finetune.generation`` decodes with it; ``dstill pack grammar`` prints the grammar of a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["register_commands"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Adds ``dstill pack grammar``."""
    from dstill.cli.groups import LazyCommand

    summary = "Print the grammar that --constrain uses, and how many bytes its longest answer has."
    cli.add_command(LazyCommand("pack grammar", "dstill_constrain.command:grammar", summary))
