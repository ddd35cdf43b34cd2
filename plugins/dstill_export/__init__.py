"""``dstill export``: writes a run's student in a format for other programs, if it answers like the evaluated student.

    dstill export RUN --to ctranslate2 --out FOLDER

The formats merged, adapter, ctranslate2 and gguf are subclasses of `dstill_export.formats.Format`. The steps that all
of them share, including the parity check, are in `dstill_export.exporting`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["register_commands"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Add `dstill export`."""
    from dstill.cli.groups import LazyCommand

    summary = "Export the trained student for other programs."
    cli.add_command(LazyCommand("export", "dstill_export.command:export", summary, section="Use"))
