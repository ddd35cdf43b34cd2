"""Options that a task pack adds to dstill's own commands.

    class Sums(Task):
        options = (
            Option(
                name="--schema",
                commands=("data questions", "check"),
                metavar="FILE",
                help="The CREATE TABLE statements of your own database.",
                read=lambda text: OptionValue(settings={"task.sums.schema": text}),
            ),
        )

`dstill data questions --help` then lists ``--schema``, and `read` turns its value into settings and context.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Option", "OptionValue"]


@dataclass(frozen=True, kw_only=True)
class OptionValue:
    """The meaning of an option's value."""

    settings: Mapping[str, Any] = field(default_factory=dict)  # by dotted key: for this command and those after it
    context: Mapping[str, Any] = field(default_factory=dict)  # added to `Example.context` in this command


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option of one or more commands. An option of ``init`` says what to read on the server."""

    name: str  # "--schema"
    commands: tuple[str, ...]  # names of dstill's commands, such as "data questions"
    help: str  # its text in `--help`
    metavar: str = "NAME"  # stands for the value in `--help`
    examples: Mapping[str, str] = field(default_factory=dict)  # command → a call with the option, for its help
    read: Callable[[str], OptionValue]  # what the value means; may raise UsageError or DataError
    # For `check`, which reads rows: turns the row's value under the option's name ("schema") into context of the row.
    column: Callable[[Any], Mapping[str, Any]] | None = None
