"""The command `trust`, and the question that other commands ask in its place.

    dstill trust runs/theirs          # shows what its settings ask for, and asks whether to allow it
    dstill trust --list               # what was allowed, folder by folder
    dstill trust --forget runs/theirs

What asks for what, and where the answers are kept, is in `dstill.trust`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Callable, Iterable

import click

from dstill import config as configuration
from dstill import trust
from dstill.cli.console import confirm, emit, note, say
from dstill.cli.groups import Command
from dstill.cli.options import App, app, json_option
from dstill.config import FILE
from dstill.errors import TrustError, UsageError
from dstill.factory import models
from dstill.io.inert import visible
from dstill.io.shell import command
from dstill.plugins import part_sections
from dstill.runs.folder import SETTINGS, find_run
from dstill.runs.manifest import MANIFEST
from dstill.runtime import distributed

__all__ = ["ask", "trust_command"]

LONGEST = 200  # characters of what is shown of one setting
QUESTION = "allow this, now and from now on?"


@click.command("trust", cls=Command, hidden=True, examples=["dstill trust runs/theirs"])
@click.argument("what", metavar="[RUN|FOLDER]", default=".")
@click.option("--yes", is_flag=True, help="Allow it without asking.")
@click.option("--list", "listed", is_flag=True, help="List what each folder is allowed.")
@click.option("--forget", is_flag=True, help="Revoke what this folder and those below it are allowed.")
@json_option
@app
def trust_command(found: App, what: str, yes: bool, listed: bool, forget: bool, as_json: bool) -> None:
    """Allow what the settings of a run or project ask for.

    The settings of a run or project from somebody else can name an address and the secret to send there, or a file or
    model outside its folder. Commands ask before they use such settings, and remember your answer in your own settings.
    Your own runs need no permission.
    """
    if listed:
        _list(as_json=as_json)
    elif forget:
        _forget(what, as_json=as_json)
    else:
        _allow(found, _settings(what), yes=yes, as_json=as_json)


def _list(*, as_json: bool) -> None:
    known = trust.remembered()
    if as_json:
        emit({"folders": known})
        return
    for folder, actions in known.items():
        _show(say, folder, ((action, "") for action in actions))
    if not known:
        note("no folder was allowed anything")


def _forget(what: str, *, as_json: bool) -> None:
    gone = Path(what)  # maybe a folder that is deleted by now
    folder = gone if os.path.realpath(gone) in trust.remembered() else _settings(what).parent
    forgotten = trust.forget(folder)
    left = trust.grants(folder)
    if as_json:
        emit({"folder": str(folder), "forgotten": forgotten, "inherited": left})
        return
    say(_line(f"{folder}: {'forgotten' if forgotten else 'nothing was allowed for this folder itself'}"))
    for above, actions in left.items():
        say(f"still allowed, because it lies in {_line(above)}:")
        _show_actions(say, ((action, "") for action in actions))
        say(f"to forget that: {command('trust', '--forget', above)}")


def _allow(found: App, file: Path, *, yes: bool, as_json: bool) -> None:
    folder = file.parent
    found.plugins.require_healthy()
    config = configuration.load(file, environment={}, sections=part_sections(found.plugins))
    asked = [*trust.requests(config, relative_to=_from_where(folder)), *models(found.plugins, config)]
    waiting = trust.pending(config, asked)
    if waiting:
        _show(note if as_json else say, str(folder), ((one.action, one.setting) for one in waiting))
    if waiting and not yes:
        if not _can_ask():
            raise UsageError(
                "allowing this needs your answer, and stdin is no terminal to ask on",
                where="dstill trust",
                hint="give --yes to allow what is listed above",
            )
        confirm(QUESTION, err=True, abort=True)
    trust.allow(folder, [one.action for one in waiting])
    if as_json:
        emit({"folder": str(folder), "allowed": sorted({one.action for one in asked})})
    elif not waiting:
        say(f"{folder} asks for nothing {'more ' if asked else ''}that has to be allowed")


def ask(problem: TrustError) -> bool:
    """Ask the person at the terminal, and remember a yes; False where there is nobody to ask, or the answer is no."""
    if not _can_ask() or distributed.world_size() > 1:
        return False
    _show(note, problem.folder, problem.actions)
    if not confirm(QUESTION, err=True):
        return False
    trust.allow(Path(problem.folder), [action for action, _ in problem.actions])
    return True


def _settings(what: str) -> Path:
    """The settings of a folder with a dstill.toml, or of a run by its name or path; or a file itself.

    Raises UsageError.
    """
    folder = Path(what)
    if folder.is_file():
        return folder
    if (folder / FILE).exists() and not (folder / MANIFEST).exists():
        return folder / FILE
    if what == "." and not (folder / MANIFEST).exists():
        hint = "name a run: dstill trust RUN"
        raise UsageError(f"no {FILE} here, and no run", where=str(folder.absolute()), hint=hint)
    return find_run(what) / SETTINGS


def _from_where(folder: Path) -> Path:
    """A project's commands run in its folder, a run's anywhere."""
    return Path() if (folder / MANIFEST).exists() else folder


def _can_ask() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _show(write: Callable[[str], None], folder: str, actions: Iterable[tuple[str, str]]) -> None:
    write(_line(f"{folder}:"))
    _show_actions(write, actions)


def _show_actions(write: Callable[[str], None], actions: Iterable[tuple[str, str]]) -> None:
    for action, setting in actions:
        write(f"  {_line(action)}{f'   ({_line(setting)})' if setting else ''}")


def _line(text: str) -> str:
    """`text` in one line: a folder's name may hold line breaks that would look like other lines of the question."""
    text = visible(text, one_line=True)
    # both ends stay: an action begins with what is sent, and ends with where to
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 :]}"
