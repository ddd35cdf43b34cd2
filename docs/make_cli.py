"""Writes docs/commands.md: every command, its options and examples, with a sentence for each.

Options that several commands share come once, at the end.

    python docs/make_cli.py            # `make docs`

Commands of built-in plugins are in it, those of other installed packages are not. A test asserts
that the file is what this makes.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from pathlib import Path

import click

from dstill.cli import build
from dstill.cli.groups import RUN_HELP
from dstill.cli.options import App

FILE = Path(__file__).parent / "commands.md"
WIDTH = 100
EXAMPLES = 2  # of a command; its help has the others
HEAD = """# Commands

<!-- Written by docs/make_cli.py from --help: change the help, then `make docs`. -->

Commands and options have one sentence here; `dstill COMMAND --help` says more. Options of several commands are under
[shared options](#shared-options). RUN is a folder, or the name of a run under `./runs`. If a server needs an API key,
name an environment variable that holds it: `--set engine.api_key_env=VARIABLE`.

Results go to stdout, progress and notes to stderr. With `--json` the last line of stdout is one compact JSON object.
`check --format jsonl`, `predict` and `data questions` print one object for each answer or question, `serve` prints one
at its start and one at its end; `mcp` prints nothing but its protocol. Errors are objects too:
`{"error": {"code", "message", "hint", "where"}}`. With `NO_COLOR`, `TERM=dumb` or a pipe, the output is plain text.

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
    commands = list(_commands(group, None, "dstill", found))
    times = Counter(record for context in commands for record in _records(context))
    most = {record[0]: record for record, count in reversed(times.most_common()) if count > 1}  # one for each name
    shared = set(most.values())
    options = _options(commands[0], sorted(shared, key=lambda record: record[0].lstrip("-")))
    return "".join([HEAD, *(_section(context, shared) for context in commands), "\n## Shared options\n\n", options])


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


def _commands(
    command: click.Command, parent: click.Context | None, name: str, found: object
) -> Iterator[click.Context]:
    """Each command's context, sub-commands after their group. `found` lists the parts that help names."""
    settings = {**command.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    context = click.Context(command, parent=parent, info_name=name, obj=found, **settings)
    yield context
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            yield from _commands(command.commands[inner], context, inner, found)


def _records(context: click.Context) -> list[tuple[str, str]]:
    """(the option's names, the first sentence of its help and its default) of each option but --help."""
    found = (param.get_help_record(context) for param in context.command.get_params(context) if "-h" not in param.opts)
    return [(record[0], _brief(record[1])) for record in found if record and record[1]]


def _brief(help: str) -> str:
    """The first sentence, and that which names the default."""
    sentences = re.split(r"(?<=[.!?]) +(?=[A-Z`(\[])", help)
    return " ".join([sentences[0], *(one for one in sentences[1:] if one.startswith(("Default:", "[default:")))])


def _section(context: click.Context, shared: set[tuple[str, str]]) -> str:
    """A command: its help, in which the options that others have too are only names."""
    about, _, rest = context.command.get_help(context).partition("\nOptions:\n")
    usage, _, about = about.replace(f"  {RUN_HELP}\n", "").partition("\n\n")
    summary, *paragraphs = about.rstrip().split("\n\n")
    about = "\n\n".join([summary, *(text for text in paragraphs if re.search(r"\b[Ee]xit", text))])
    usage = usage.removeprefix("Usage: ")
    lines = [f"\n## `{context.command_path}`\n\n"]
    if usage != f"{context.command_path} [OPTIONS]":
        lines += [_block(usage), "\n"]
    lines.append(_block(about))
    records = _records(context)
    if own := [record for record in records if record not in shared]:
        lines += ["\n", _options(context, own)]
    if names := [record[0].split()[0].rstrip(",") for record in records if record in shared]:
        lines.append(f"\nShared options: {', '.join(f'`{name}`' for name in names)}\n")
    after = rest.partition("\n\n")[2]
    if context.parent is None:
        lines += ["\n", _block(_names(after))]
    elif after.startswith("Examples:\n"):
        lines += ["\n", _block("\n".join(after.splitlines()[1 : 1 + EXAMPLES]))]
    return "".join(lines)


def _names(sections: str) -> str:
    """The commands of each section, without what they do: their own sections say it."""
    lines = []
    for section in sections.strip().split("\n\n"):
        title, *commands = section.splitlines()
        lines.append(f"{title} {', '.join(command.split()[0] for command in commands if command[2] != ' ')}")
    return "\n".join(lines)


def _options(context: click.Context, records: Iterable[tuple[str, str]]) -> str:
    formatter = context.make_formatter()
    formatter.write_dl(list(records))
    return _block(formatter.getvalue())


def _block(help: str) -> str:
    return "".join(f"    {line}".rstrip() + "\n" for line in help.splitlines())


if __name__ == "__main__":
    main()
