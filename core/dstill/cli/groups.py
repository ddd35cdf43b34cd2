"""Commands and groups whose help has sections, examples and the old names of commands that moved.

    @click.command(cls=Command, section="Start", examples=["dstill demo --quick"])
    def demo() -> None: ...

    cli.add_command(trace, "runs trace")         # dstill runs trace
    cli.moved("trace", "runs trace")             # `dstill trace` still works, and names the new command

A plugin gets the outermost group in the hook ``register_commands``. Commands made by click itself work too: without
a section they are listed under "Other commands".
"""

from __future__ import annotations

import difflib
from typing import Any, Mapping, Sequence

import click

from dstill.cli.console import note

__all__ = ["SECTIONS", "SUBGROUPS", "Command", "Group"]

# Section → its commands in the order of use; those that are not named here follow.
SECTIONS: Mapping[str, Sequence[str]] = {
    "Start": ("demo", "init", "doctor"),
    "Pipeline": ("generate", "review", "train", "evaluate", "report"),
    "Use": ("predict", "serve", "export", "check"),
}
OTHER, GROUPS = "Other commands", "More commands, in groups"
SUBGROUPS: Mapping[str, str] = {
    "data": "Make, check and export datasets.",
    "runs": "List, inspect and delete runs.",
    "experiment": "Plan, repeat and compare trainings.",
    "pack": "Write task packs, and list what plugins bring.",
    "config": "Show the configuration.",
}


class Command(click.Command):
    """A command with examples in its help, and the section that its group lists it in.

    `renamed`: the name that an option had one release ago → the name it has now. The old one works and names the new.
    """

    def __init__(
        self,
        *args: Any,
        section: str = "",
        examples: Sequence[str] = (),
        renamed: Mapping[str, str] | None = None,
        **attributes: Any,
    ) -> None:
        super().__init__(*args, **attributes)
        self.section, self.examples, self.renamed = section, tuple(examples), renamed or {}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        return super().parse_args(ctx, [*map(self._current, args[:end]), *args[end:]])

    def _current(self, word: str) -> str:
        name, equals, value = word.partition("=")
        if name not in self.renamed:
            return word
        note(f"warning: the option {name} is now {self.renamed[name]}")
        return f"{self.renamed[name]}{equals}{value}"

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Examples"):
                formatter.write("".join(f"{'':>{formatter.current_indent}}{line}\n" for line in self.examples))
        super().format_epilog(ctx, formatter)


class Group(click.Group):
    """A group that lists its commands by section and suggests what was probably meant."""

    command_class = Command
    group_class = type  # subgroups are groups of this kind too

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self._moved: dict[str, str] = {}

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command; a name of two words puts it into a subgroup, which the first such name makes."""
        outer, _, inner = (name or "").rpartition(" ")
        if not outer:
            super().add_command(cmd, name)
            return
        if outer not in self.commands:
            super().add_command(Group(outer, help=SUBGROUPS.get(outer)))
        group = self.commands[outer]
        if not isinstance(group, click.Group):
            raise TypeError(f"'{outer}' is a command, so it cannot hold '{inner}'")
        group.add_command(cmd, inner)

    def moved(self, old: str, new: str) -> None:
        """Let the old name `old` run the command `new`, for one release: ``moved("trace", "runs trace")``."""
        self._moved[old] = new

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name not in self.commands and (new := self._moved.get(name)):
            note(f"warning: `{ctx.command_path} {name}` is now `{ctx.command_path} {new}`")
            args = [*new.split(), *args[1:]]
        elif name and not name.startswith("-") and self.get_command(ctx, name) is None:
            raise click.UsageError(f"No such command '{name}'.{self._meant(ctx, name)}", ctx)
        return super().resolve_command(ctx, args)

    def _meant(self, ctx: click.Context, name: str) -> str:
        known = {one: one for one in self.list_commands(ctx)}
        for group in (one for one in self.commands.values() if isinstance(one, Group)):
            known.update({inner: f"{group.name} {inner}" for inner in group.commands if inner not in known})
        known.update(self._moved)
        near = difflib.get_close_matches(name, known, n=1)
        return f" Did you mean '{known[near[0]]}'?" if near else ""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        visible = {name: one for name, one in self.commands.items() if not one.hidden}
        widest = max(map(len, visible), default=0)
        by_section: dict[str, dict[str, str]] = {}
        for name, one in visible.items():
            section = GROUPS if isinstance(one, click.Group) else getattr(one, "section", "") or OTHER
            line = one.get_short_help_str(formatter.width - 6 - widest)
            by_section.setdefault(section, {})[name] = line
        for section in (*SECTIONS, *(by_section.keys() - SECTIONS.keys() - {OTHER, GROUPS}), OTHER, GROUPS):
            if lines := by_section.get(section):
                order = [name for name in SECTIONS.get(section, ()) if name in lines]
                title = "Commands" if by_section.keys() == {OTHER} else section
                with formatter.section(title):
                    formatter.write_dl([(name.ljust(widest), lines[name]) for name in dict.fromkeys([*order, *lines])])
