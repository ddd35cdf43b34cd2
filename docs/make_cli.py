"""Writes docs/commands.md: the help of every command, as `dstill COMMAND --help` prints it.

    python docs/make_cli.py            # `make docs`

Commands of built-in plugins are in it, those of other installed packages are not. A test asserts
that the file is what this makes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import click

from dstill.cli import build
from dstill.cli.options import App

FILE = Path(__file__).parent / "commands.md"
WIDTH = 100
HEAD = """# Commands

<!-- Written by docs/make_cli.py from --help: change the help, then `make docs`. -->

Results go to stdout, progress and notes to stderr. With `--json` the last line of stdout is one compact JSON object.
`data check`, `predict` and `data questions` print one object for each answer or question, `serve` prints one at its
start and one at its end. Errors are objects too: `{"error": {"code", "message", "hint", "where"}}`. With `NO_COLOR`,
`TERM=dumb` or a pipe, the output is plain text. RUN is a folder, or the name of a run under `./runs`.

| exit code | |
| ---: | --- |
| 0 | ok |
| 1 | a bug |
| 2 | usage or configuration |
| 3 | finished, with failed items; a plugin did not load |
| 4 | data or model files that cannot be used |
| 5 | a run is locked, changed or corrupt, or asks for what you have not [allowed](trust.md) |
| 6 | a key was refused, or its quota is gone |
| 7 | a service cannot be reached |
| 8 | a budget was reached |
| 9 | an answer is invalid, or an exported student answers otherwise than the original |
| 10 | training failed: out of memory, NaN |
| 11 | the disk is full, or writing is not permitted |
| 130 | interrupted |
"""


def main() -> None:
    FILE.write_text(text())


def text() -> str:
    """The whole file."""
    group, found = built_in()
    return HEAD + "".join(f"\n## `{name}`\n\n{_block(help)}" for name, help in _helps(group, None, "dstill", found))


def built_in() -> tuple[click.Group, App]:
    """The commands without those of other packages that happen to be installed, and the object that they get."""
    before = os.environ.get("DSTILL_DISABLE")
    os.environ["DSTILL_DISABLE"] = ",".join(p.name for p in entry_points(group="dstill") if _foreign(p.dist))
    try:
        group, found = build([])
        group.load()
        return group, found
    finally:
        os.environ.pop("DSTILL_DISABLE")
        if before is not None:
            os.environ["DSTILL_DISABLE"] = before


def _foreign(distribution: object) -> bool:
    return getattr(distribution, "name", "") != "dstill"


def _helps(command: click.Command, parent: click.Context | None, name: str, found: object) -> Iterator[tuple[str, str]]:
    """(the command's whole name, its help), sub-commands after their group. `found` lists the parts that help names."""
    settings = {**command.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    context = click.Context(command, parent=parent, info_name=name, obj=found, **settings)
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            yield from _helps(command.commands[inner], context, inner, found)


def _block(help: str) -> str:
    return "".join(f"    {line}".rstrip() + "\n" for line in help.splitlines())


if __name__ == "__main__":
    main()
