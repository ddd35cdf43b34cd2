"""Writes docs/config.md: every configuration key of dstill and its own plugins, from their dataclasses.

    python docs/make_config.py         # `make docs`

A key's description is the `help` in the metadata of its field. A test asserts that the file is what this makes.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from make_cli import built_in

from dstill import config, plugins
from dstill.cli.options import Setting

FILE = Path(__file__).parent / "config.md"
HEAD = """# Configuration keys

<!-- Written by docs/make_config.py from the code: change a key's help there, then `make docs`. -->

Set a key in `dstill.toml`, in the environment, or with `--set KEY=VALUE` for one command:

    [train]                            # dstill.toml
    r = 8

    export DSTILL_TRAIN__R=8           # the environment
    dstill train RUN --set train.r=8   # one command

A flag wins over the environment, the environment over the file, the file over the default.
`dstill config show --origin` prints the values that hold now and where each comes from. An unknown key, a wrong type or
a value out of range is an error. [Quickstart](quickstart.md#configuration) says which commands read which file.

Plugins from other packages may add sections of their own.
"""


def main() -> None:
    FILE.write_text(text())


def text() -> str:
    """The whole file."""
    group, app = built_in()
    found = config.load(use_files=False, sections=plugins.part_sections(app.plugins))
    options = _options(group)
    sections: dict[str, list[str]] = {}
    defaults = found.flat()
    for key, field in config.fields(found).items():
        sections.setdefault(key.rpartition(".")[0], []).append(_entry(key, field, defaults[key], options.get(key, [])))
    classes = _classes("", found.settings)
    for name, section in found.parts.items():
        classes.update(_classes(name, section))
    return HEAD + "".join(
        f"\n## `[{name}]`\n\n{_first_line(classes[name])}\n" + "".join(entries) for name, entries in sections.items()
    )


def _entry(key: str, field: dataclasses.Field[Any], default: Any, options: list[str]) -> str:
    wanted = re.sub(r"(\d{4,})(\.0)?", lambda number: f"{int(number[1]):,}", config.wanted_of(field))
    facts = [wanted, _default(default), f"`{config.variable(key)}`", *options]
    lines = [f"### `{key}`", field.metadata["help"], " · ".join(facts)]
    if "trust" in field.metadata:
        is_limit = field.metadata["trust"] == "limits"
        where, what = ("run", "a looser value than the default") if is_limit else ("run or project", "this")
        lines.append(f"In a {where} from somebody else, {what} needs [your permission](trust.md).")
    return "".join(f"\n{line}\n" for line in lines)


def _default(value: Any) -> str:
    if value is None:
        return "no default"
    return f"default `{json.dumps(value)}`" if value != "" else "empty by default"


def _first_line(cls: type[Any]) -> str:
    return inspect.cleandoc(cls.__doc__ or "").split("\n")[0].replace("``", "`")


def _classes(name: str, section: Any) -> dict[str, type[Any]]:
    """Section → its dataclass, nested ones too."""
    found = {name: type(section)}
    for field in dataclasses.fields(section):
        value = getattr(section, field.name)
        if dataclasses.is_dataclass(value):
            found.update(_classes(f"{name}.{field.name}".lstrip("."), value))
    return found


def _options(group: click.Group) -> Mapping[str, list[str]]:
    """Key → the options that set it, as ``--seed of generate, train``."""
    by_option: dict[tuple[str, str], list[str]] = {}
    for command, param in _params(group, "dstill"):
        if isinstance(param, Setting):
            by_option.setdefault((param.key, param.opts[0]), []).append(f"`{command.removeprefix('dstill ')}`")
    found: dict[str, list[str]] = {}
    for (key, option), commands in by_option.items():
        found.setdefault(key, []).append(f"`{option}` of {', '.join(commands)}")
    return found


def _params(command: click.Command, name: str) -> Iterator[tuple[str, click.Parameter]]:
    for param in command.params:
        yield name, param
    if isinstance(command, click.Group):
        for word, inner in sorted(command.commands.items()):
            yield from _params(inner, f"{name} {word}")


if __name__ == "__main__":
    main()
