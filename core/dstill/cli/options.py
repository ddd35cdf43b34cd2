"""The frame of the command line: global options, how commands get their settings, how errors end.

`App` is ``ctx.obj`` of every command: the loaded plugins, and the flags of this call by
dotted key (an option made with `setting` puts its value there).
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Mapping, TypeVar

import click

from dstill import config as configuration
from dstill.api.part import Part
from dstill.cli.console import note
from dstill.config import Config
from dstill.errors import FailedItems
from dstill.plugins import Plugins, part_sections
from dstill.runs.run import Run

__all__ = [
    "App",
    "Count",
    "Group",
    "app",
    "cap_options",
    "constrain_option",
    "json_option",
    "run_argument",
    "set_option",
    "setting",
]

F = TypeVar("F", bound=Callable[..., Any])
SHELLS = ("bash", "zsh", "fish")


@dataclass
class App:
    plugins: Plugins
    config_file: Path | None = None
    flags: dict[str, Any] = field(default_factory=dict)

    def config(self, extra: Mapping[str, Any] | None = None, *, use_files: bool = True) -> Config:
        """The merged configuration; `extra` are defaults that flags go before.

        With ``use_files=False`` neither dstill.toml nor the environment is read.
        """
        self.plugins.require_healthy()
        return configuration.load(
            self.config_file,
            use_files=use_files,
            flags={**(extra or {}), **self.flags},
            sections=part_sections(self.plugins),
        )

    def end_with_failures(self) -> None:
        """For commands that work whatever did not load: name it, and end with exit 3."""
        if self.plugins.failures:
            raise FailedItems(
                "\n".join(str(failure) for failure in self.plugins.failures),
                where=self.plugins.failed_sources(),
                hint="repair or disable what is named; the other plugins work",
            )

    def note_unknown(self) -> None:
        """For commands about the installation: name what is disabled and not there."""
        for name in self.plugins.unknown:
            note(f"note: DSTILL_DISABLE names '{name}', which is not installed")

    def open(self, run: str | Path) -> Run:
        """A run that is there, with this call's flags before its own configuration."""
        return Run.open(run, flags=self.flags, plugins=self.plugins)


app = click.make_pass_decorator(App)


class Group(click.Group):
    """A group that says what was probably meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and self.get_command(ctx, name) is None:
            near = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            meant = f" Did you mean '{near[0]}'?" if near else ""
            raise click.UsageError(f"No such command '{name}'.{meant}", ctx)
        return super().resolve_command(ctx, args)


class Count(click.IntRange):
    """A whole number in a range; the message names the range whatever was given."""

    name = "count"

    def __init__(self, low: int, high: int) -> None:
        super().__init__(low, high)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"'{value}' is not a whole number from {self.min} to {self.max}", param, ctx)


def setting(*names: str, key: str, **attributes: Any) -> Callable[[F], F]:
    """An option that stands for a configuration key: ``setting("--seed", key="project.seed")``."""

    def keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
        if value is not None:
            ctx.find_object(App).flags[key] = value  # type: ignore[union-attr]

    return click.option(*names, callback=keep, expose_value=False, default=None, **attributes)


def _assign(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> None:
    for text in values:
        key, value = configuration.parse_assignment(text)
        ctx.find_object(App).flags[key] = value  # type: ignore[union-attr]


set_option = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_assign,
    expose_value=False,
    help="Any configuration key, as --set train.r=8 (repeatable).",
)
task_option = setting("--task", key="project.task", metavar="NAME", help="The task pack.")
seed_option = setting("--seed", key="project.seed", type=Count(0, 2**32 - 1), help="Seed of everything that is drawn.")
json_option = click.option("--json", "as_json", is_flag=True, help="One compact JSON object as the last line.")
run_argument = click.argument("run", metavar="RUN")
constrain_option = setting(
    "--constrain/--no-constrain",
    key="evaluate.constrain",
    help="Hold the student to the task's grammar: every answer is valid.",
)


_CAPS = (
    setting("--max-usd", key="generate.max_usd", type=float, metavar="USD", help="What replies may cost in all."),
    setting("--max-tokens", key="generate.max_tokens", type=Count(1, 10**12), help="That they may take in all."),
    setting("--max-requests", key="generate.max_requests", type=Count(1, 10**9), help="Replies to ask for in all."),
    setting("--max-wall", key="generate.max_wall", type=float, metavar="SECONDS", help="No request goes out after it."),
)


def cap_options(command: F) -> F:
    """The options that say what replies may cost."""
    for option in reversed(_CAPS):
        command = option(command)
    return command


def complete_parts(kind: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Shell completion over the names of one kind of part."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        found = ctx.find_object(App)
        return [n for n in found.plugins.names(kind) if n.startswith(incomplete)] if found else []

    return complete


def described(part: type[Part]) -> str:
    """The first line of a part's docstring."""
    return (part.__doc__ or "").strip().split("\n")[0]
