"""Commands and groups whose help has sections and examples.

    @click.command(cls=Command, examples=["dstill demo --quick"])
    def demo() -> None: ...

    cli.add_command(LazyCommand("demo", "my_package.demo:demo", "Run it.", section="Start"))
    cli.add_command(trace, "runs trace")         # dstill runs trace

A plugin gets the outermost group in the hook ``register_commands``. Commands made by click itself work too: without
a section they are listed under "Other commands".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import click

from dstill.errors import PluginError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["SECTIONS", "SUBGROUPS", "Command", "Group", "LazyCommand"]

RUN_HELP = "RUN is a folder, or the name of a run under ./runs."
# Section → its commands in the order of use. Other commands of the section follow.
SECTIONS: Mapping[str, Sequence[str]] = {
    "Start": ("demo", "adapt", "init", "doctor"),
    "Pipeline": ("generate", "train", "evaluate", "report", "calibrate", "improve"),
    "Use": ("ask", "predict", "serve", "ui", "mcp", "export", "check"),
}
OTHER, GROUPS = "Other commands", "More commands, in groups"
SUBGROUPS: Mapping[str, str] = {
    "data": "Make, review, check and export datasets.",
    "runs": "List, inspect, upload and delete runs.",
    "glossary": "Check words of your trade, and suggest some.",
    "experiment": "Plan, repeat and compare trainings.",
    "pack": "Write and check task packs, and list what plugins provide.",
    "config": "Show the configuration, and its schema for editors.",
}


class Command(click.Command):
    """A command with examples in its help, and the section that its group lists it in."""

    def __init__(self, *args: Any, section: str = "", examples: Sequence[str] = (), **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.section, self.examples = section, tuple(examples)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help, and what RUN is if the command takes one."""
        super().format_help_text(ctx, formatter)
        if any(re.search(r"\bRUN\b", param.metavar or "") for param in self.params):
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(RUN_HELP)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples after the options."""
        if self.examples:
            with formatter.section("Examples"):
                formatter.write("".join(f"{'':>{formatter.current_indent}}{line}\n" for line in self.examples))
        super().format_epilog(ctx, formatter)


class LazyCommand(click.Command):
    """A command in a list; its module is imported when it is called, or when its own help is shown.

    `target`: where the command is, as ``package.module:name``. `summary`: the first sentence of its help.
    """

    def __init__(self, name: str, target: str, summary: str, *, section: str = "", hidden: bool = False) -> None:
        super().__init__(name, short_help=summary, hidden=hidden)
        self.target, self.section = target, section

    def load(self) -> click.Command:
        """Import the command. Raises PluginError."""
        try:
            command = resolve_name(self.target)
            assert isinstance(command, click.Command)
        except Exception as error:
            raise PluginError(
                f"the command '{self.name}' does not load: {type(error).__name__}: {error}",
                where=self.target,
                hint="repair or disable the plugin that has it",
            ) from error
        if isinstance(command, Command):
            command.section = self.section
        return command


class Group(click.Group):
    """A group that lists its commands by section and suggests what was probably meant."""

    command_class = Command
    group_class = type  # subgroups are groups of this kind too

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self._ready: set[str] = set()  # the commands that `_load` has seen
        # Called once with the whole name and each command that is loaded; what it returns takes the command's place.
        self.prepare: Callable[[str, click.Command], click.Command] = lambda _, command: command

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command. A name of two words, as ``runs trace``, puts it into a subgroup, created when needed."""
        outer, _, inner = (name or cmd.name or "").rpartition(" ")
        if not outer:
            super().add_command(cmd, name)
            if isinstance(cmd, Group):
                outer = name or cmd.name or ""
                cmd.prepare = lambda inner, command: self.prepare(f"{outer} {inner}", command)
            return
        if outer not in self.commands:
            self.add_command(Group(outer, help=SUBGROUPS.get(outer)))
        group = self.commands[outer]
        if not isinstance(group, click.Group):
            raise TypeError(f"'{outer}' is a command, so it cannot hold '{inner}'")
        group.add_command(cmd, inner)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, loaded."""
        return self._load(cmd_name) if cmd_name in self.commands else None

    def load(self) -> list[tuple[click.Command, PluginError]]:
        """Load every command of this group and its subgroups, for callers that read `commands`.

        Returns the commands that do not load, with their errors.
        """
        broken: list[tuple[click.Command, PluginError]] = []
        for name, stored in list(self.commands.items()):
            try:
                command = self._load(name)
            except PluginError as error:
                broken.append((stored, error))
                continue
            if isinstance(command, Group):
                broken += command.load()
        return broken

    def _load(self, name: str) -> click.Command:
        command = self.commands[name]
        if name not in self._ready:
            if isinstance(command, LazyCommand):
                command = command.load()
            self.commands[name] = self._prepared(name, command)
            self._ready.add(name)
        return self.commands[name]

    def _prepared(self, name: str, command: click.Command) -> click.Command:
        if isinstance(command, Group):  # prepares its commands itself
            return command
        if isinstance(command, click.Group):
            for inner, sub in command.commands.items():
                command.commands[inner] = self._prepared(f"{name} {inner}", sub)
            return command
        return self.prepare(name, command)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a command or an option. No command is loaded."""
        from click.shell_completion import CompletionItem

        names = [name for name, command in self.commands.items() if name.startswith(incomplete) and not command.hidden]
        items = [CompletionItem(name, help=self.commands[name].get_short_help_str()) for name in sorted(names)]
        return [*items, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that `args` call. Raises UsageError with the most similar name."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and self.get_command(ctx, name) is None:
            raise click.UsageError(f"No such command '{name}'.{self._meant(ctx, name)}", ctx)
        return super().resolve_command(ctx, args)

    def _meant(self, ctx: click.Context, name: str) -> str:
        known = {list_command: list_command for list_command in self.list_commands(ctx)}
        for group in (command for command in self.commands.values() if isinstance(command, Group)):
            known.update({inner: f"{group.name} {inner}" for inner in group.commands if inner not in known})
        import difflib

        near = difflib.get_close_matches(name, known, n=1)
        return f" Did you mean '{known[near[0]]}'?" if near else ""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section. No command is loaded."""
        visible = {name: command for name, command in self.commands.items() if not command.hidden}
        widest = max(map(len, visible), default=0)
        by_section: dict[str, dict[str, str]] = {}
        for name, command in visible.items():
            section = GROUPS if isinstance(command, click.Group) else getattr(command, "section", "") or OTHER
            line = command.get_short_help_str(formatter.width - 6 - widest)
            by_section.setdefault(section, {})[name] = line
        for section in (*SECTIONS, *(by_section.keys() - SECTIONS.keys() - {OTHER, GROUPS}), OTHER, GROUPS):
            if lines := by_section.get(section):
                order = [name for name in SECTIONS.get(section, ()) if name in lines]
                title = "Commands" if by_section.keys() == {OTHER} else section
                with formatter.section(title):
                    formatter.write_dl([(name.ljust(widest), lines[name]) for name in dict.fromkeys([*order, *lines])])
