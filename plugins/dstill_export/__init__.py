"""``dstill export`` writes a run's student in a format for other programs, ``dstill runs push`` uploads it to the hub.

    dstill export RUN --to ctranslate2 --out FOLDER       # if it answers like the evaluated student
    dstill runs push RUN OWNER/NAME --export FOLDER            # `dstill_export.pushing`

The formats merged, adapter, ctranslate2, gguf, int8 and bundle are subclasses of `dstill_export.formats.Format`. The
steps that all of them share, including the parity check, are in `dstill_export.exporting`.
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
def register_students() -> Iterable[Declaration]:
    """The student ``ctranslate2``, of bundles."""
    from dstill_export.declarations import CONVERTED

    return [CONVERTED]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Add `dstill export` and `dstill runs push`."""
    from dstill.cli.groups import LazyCommand

    summary = "Export the trained student, for production or for other programs."
    cli.add_command(LazyCommand("export", "dstill_export.command:export", summary, section="Use"))
    summary = "Upload the student and the dataset to the Hugging Face hub."
    cli.add_command(LazyCommand("push", "dstill_export.push_command:push", summary), "runs push")
