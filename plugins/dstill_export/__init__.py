"""``dstill export``: a run's student in a form that other programs run, if it answers as the evaluated one does.

    dstill export RUN --to ctranslate2 --out FOLDER

merged, adapter, ctranslate2 and gguf are classes of `dstill_export.formats`; what holds for all of them, the parity
gate among it, is in `dstill_export.exporting`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ["register_commands"]


@hookimpl
def register_commands(cli: click.Group) -> None:
    from dstill.cli.groups import LazyCommand

    summary = "Export the trained student for other programs."
    cli.add_command(LazyCommand("export", "dstill_export.command:export", summary, section="Use"))
