"""Options that a task pack adds to dstill's own commands.

    class Sql(Task):
        options = (
            Option(
                name="--schema",
                commands=("data questions", "check"),
                metavar="FILE",
                help="The CREATE TABLE statements of your own database.",
                read=lambda text: Given(settings={"task.sql.schema": text}),
            ),
        )

`dstill data questions --help` then lists ``--schema``, and the command gets what `read` makes of its value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Mapping

__all__ = ["Given", "Option"]


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the value of an option stands for."""

    settings: Mapping[str, Any] = field(default_factory=dict)  # by dotted key, for this command and those after it
    context: Mapping[str, Any] = field(default_factory=dict)  # of the questions and answers of this command


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option of one or several commands. Options of ``init`` say what to read on the server."""

    name: str  # "--schema"
    commands: tuple[str, ...]  # names of dstill's commands
    help: str
    metavar: str = "NAME"
    read: Callable[[str], Given]  # may raise UsageError or DataError
    # `check` reads rows: what the key of this name ("schema") of a row adds to the row's context
    column: Callable[[Any], Mapping[str, Any]] | None = None
