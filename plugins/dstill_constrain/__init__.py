"""Constrained decoding: a student writes only what its task's grammar allows.

``dstill_finetune.generation`` decodes with it; ``dstill pack grammar`` prints the grammar of a run, and ``dstill pack
check`` says which golds are no sentences of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    import click

    from dstill.api.finding import Finding
    from dstill.api.records import Example
    from dstill.api.task import Task

__all__ = ["check_pack", "register_commands"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Adds ``dstill pack grammar``."""
    from dstill.cli.groups import LazyCommand

    summary = "Print the grammar that --constrain uses, and how many bytes its longest answer has."
    cli.add_command(LazyCommand("pack grammar", "dstill_constrain.command:grammar", summary))


@hookimpl
def check_pack(task: Task, examples: Sequence[Example]) -> Iterable[Finding]:
    """The golds that no student can write under the task's grammar."""
    from dstill_constrain.golds import outside_of_grammar

    return outside_of_grammar(task, examples)
