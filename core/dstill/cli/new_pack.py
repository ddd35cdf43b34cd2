"""The command `pack new`: creates a package with a small task pack, ready to install and test."""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import click

from dstill.cli.console import say
from dstill.cli.groups import Command
from dstill.cli.options import App, pass_app
from dstill.config import as_toml
from dstill.errors import UsageError
from dstill.io.files import write_text
from dstill.io.shell import quoted
from dstill.plugins import Plugins

__all__ = ["new_pack"]

# File of the template → its path in the new package. NAME stands for the name, dstill-NAME for the distribution and
# NAME_TITLE for the class.
LAYOUT = {
    "pyproject.toml.txt": "pyproject.toml",
    "README.md.txt": "README.md",
    "dstill.toml.txt": "dstill.toml",
    "pack.py.txt": "src/dstill_NAME/__init__.py",
    "test_pack.py.txt": "tests/test_NAME.py",
}


@click.command("new", cls=Command, examples=["dstill pack new my_sql"])
@click.argument("name")
@click.option("--out", type=click.Path(path_type=Path), default=Path(), help="Folder to write the package into.")
@pass_app
def new_pack(app: App, name: str, out: Path) -> None:
    """Create a package with a new task pack.

    The package has a small working language, an entry point and a passing test.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name) or keyword.iskeyword(name):
        raise UsageError(
            f"'{name}' cannot be the name of a pack", where="NAME", hint="use lower case, digits and _, as in my_sql"
        )
    if find_spec(f"dstill_{name}") is not None:
        raise UsageError(f"the package dstill_{name} is already installed", where="NAME", hint="choose another name")
    distribution = f"dstill-{name.replace('_', '-')}"
    target = out / distribution
    if target.exists():
        raise UsageError(f"{target} already exists", where=str(target.absolute()), hint="choose another name or --out")
    for source, destination in LAYOUT.items():
        text = (files("dstill.cli") / "template" / source).read_text(encoding="utf-8")
        text = text.replace("dstill-NAME", distribution).replace("NAME_TITLE", _title(name)).replace("NAME", name)
        text = text.replace("STUDENT\n", _student(app.plugins, name))
        write_text(target / destination.replace("NAME", name), text)
    say(f"wrote {target}")
    say(f"next: cd {quoted(target)} && pip install -e '.[test]' && pytest")


def _student(plugins: Plugins, task: str) -> str:
    """The section of the new pack's default student, as small as the template's language needs it."""
    name = plugins.default_student(task)
    smallest = plugins.student(name).smallest if name else {}
    return as_toml({f"student.{name}.{key}": value for key, value in smallest.items()}) if smallest else ""


def _title(name: str) -> str:
    """``my_sql`` → ``MySqlTask``."""
    return "".join(word.capitalize() for word in name.split("_")) + "Task"
