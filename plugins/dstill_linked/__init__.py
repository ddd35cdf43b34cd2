"""The student ``linked``: reads the question with its schema, and writes answers as structure tokens and pointers.

It needs a task with a form (`dstill.api.protocols.Linked`). Modules: `shape` (its sizes), `vocabulary` (readings as
numbers), `model` (the network) and `tensors` (its input) in torch, `encoding` (records as rows and batches), `student`
(training), `bases` (what it starts from), `generation` (answers), `numpy_scorer` and `torch_scorer` (the model that
answers), `saving` (its folder), and `making` (bases: `dstill pack base`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    import click

    from dstill.api.part import Declaration

__all__ = ["register_commands", "register_students"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Add `dstill pack base`."""
    from dstill.cli.groups import LazyCommand

    summary = "Make a base for a task pack: a small student that knows the language."
    cli.add_command(LazyCommand("pack base", "dstill_linked.making.command:pack_base", summary))


@hookimpl
def register_students() -> Iterable[Declaration]:
    """The students ``linked`` and ``base``."""
    from dstill_linked.declarations import BASE, LINKED

    return [LINKED, BASE]
