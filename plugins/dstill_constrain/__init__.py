"""Constrained decoding: a student writes nothing but what its task's grammar allows.

``dstill_finetune``'s writer asks for it; `dstill pack grammar` shows what a run's student may write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["register_commands"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    from dstill_constrain.command import grammar

    cli.add_command(grammar, "pack grammar")
