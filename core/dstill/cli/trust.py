"""The command `trust`, and the same question when another command asks it.

    dstill trust runs/theirs          # shows what its settings ask for, and asks whether to allow it
    dstill trust --list               # lists what each folder is allowed
    dstill trust --forget runs/theirs

`dstill.trust` decides which settings need permission, and keeps the answers.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from dstill import config as configuration
from dstill import trust
from dstill.cli.console import confirm, emit, note, say
from dstill.cli.groups import Command
from dstill.cli.options import App, json_option, pass_app
from dstill.config import FILE, Config
from dstill.errors import TrustError, UsageError
from dstill.factory import models
from dstill.io.inert import visible
from dstill.io.shell import command
from dstill.plugins import Plugins, part_sections
from dstill.runs.bundle import Manifest, config_of
from dstill.runs.folder import SETTINGS, find_run
from dstill.runs.manifest import MANIFEST
from dstill.runtime import distributed

__all__ = ["ask", "trust_command"]

LONGEST = 200  # characters shown of one setting
QUESTION = "allow this, now and from now on?"


@click.command("trust", cls=Command, hidden=True, examples=["dstill trust runs/theirs"])
@click.argument("what", metavar="[RUN|FOLDER]", default=".")
@click.option("--yes", is_flag=True, help="Allow it without asking.")
@click.option("--list", "listed", is_flag=True, help="List what each folder is allowed.")
@click.option("--forget", is_flag=True, help="Revoke what RUN or FOLDER, and the folders below it, are allowed.")
@json_option
@pass_app
def trust_command(app: App, what: str, yes: bool, listed: bool, forget: bool, as_json: bool) -> None:
    """Allow what the settings of a run or project ask for.

    The settings of a run or project from somebody else can name an address and the secret to send there, or a file or
    model outside its folder. Commands ask before they use such settings, and remember your answer in your own settings.
    Your own runs need no permission. Default: the project or run in the current folder.
    """
    if listed:
        _list(as_json=as_json)
    elif forget:
        _forget(what, as_json=as_json)
    else:
        _allow(app, _settings(what), yes=yes, as_json=as_json)


def _list(*, as_json: bool) -> None:
    known = trust.remembered()
    if as_json:
        emit({"folders": known})
        return
    for folder, actions in known.items():
        _show(say, folder, ((action, "") for action in actions))
    if not known:
        note("no folder is allowed anything")


def _forget(what: str, *, as_json: bool) -> None:
    gone = Path(what)  # the folder may be deleted by now
    real = Path(os.path.realpath(gone))
    known = any(Path(name).is_relative_to(real) for name in trust.remembered())
    folder = gone if known else _settings(what).parent
    forgotten = trust.forget(folder)
    left = trust.grants(folder)
    if as_json:
        emit({"folder": str(folder), "forgotten": forgotten, "inherited": left})
        return
    say(_line(f"{folder}: {'forgotten' if forgotten else 'this folder itself was allowed nothing'}"))
    for above, actions in left.items():
        say(f"still allowed, because it is inside {_line(above)}:")
        _show_actions(say, ((action, "") for action in actions))
        say(f"to forget that too: {command('trust', '--forget', above)}")


def _allow(app: App, file: Path, *, yes: bool, as_json: bool) -> None:
    folder = file.parent
    app.plugins.require_healthy()
    config = _config(app.plugins, file)
    requests = [*trust.requests(config, relative_to=_from_where(folder)), *models(app.plugins, config)]
    waiting = trust.pending(config, requests)
    if waiting:
        _show(note if as_json else say, str(folder), ((request.action, request.setting) for request in waiting))
    if waiting and not yes:
        if not _can_ask():
            raise UsageError(
                "cannot ask for permission: stdin is not a terminal",
                where="dstill trust",
                hint="pass --yes to allow what is listed above",
            )
        confirm(QUESTION, err=True, abort=True)
    trust.allow(folder, [request.action for request in waiting])
    if as_json:
        emit({"folder": str(folder), "allowed": sorted({request.action for request in requests})})
    elif not waiting:
        say(f"{folder} needs no {'further ' if requests else ''}permission")


def ask(problem: TrustError) -> bool:
    """Ask at the terminal and remember a yes. False if there is no terminal, or if the answer is no."""
    if not _can_ask() or distributed.world_size() > 1:
        return False
    _show(note, problem.folder, problem.actions)
    if not confirm(QUESTION, err=True):
        return False
    trust.allow(Path(problem.folder), [action for action, _ in problem.actions])
    return True


def _settings(what: str) -> Path:
    """The settings file of a project's folder, of a bundle, or of a run, given as name or path; or the file `what`.

    Raises UsageError.
    """
    folder = Path(what)
    if folder.is_file():
        return folder
    if trust.is_bundle(folder):
        return folder / trust.BUNDLE
    if (folder / FILE).exists() and not (folder / MANIFEST).exists():
        return folder / FILE
    if what == "." and not (folder / MANIFEST).exists():
        hint = "name a run: dstill trust RUN"
        raise UsageError(f"this folder has no {FILE} and is not a run", where=str(folder.absolute()), hint=hint)
    return find_run(what) / SETTINGS


def _config(plugins: Plugins, file: Path) -> Config:
    if file.name == trust.BUNDLE:
        return config_of(file.parent, Manifest.read(file.parent), plugins)
    return configuration.load(file, environment={}, sections=part_sections(plugins))


def _from_where(folder: Path) -> Path:
    """The folder that relative paths start from: a project's commands run in its folder, a run's anywhere."""
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
    """`text` as one line: line breaks in a folder's name could imitate other lines of the question."""
    text = visible(text, one_line=True)
    # keep both ends: an action begins with what is sent, and ends with the destination
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 :]}"
