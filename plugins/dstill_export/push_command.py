"""`dstill runs push RUN OWNER/NAME --export FOLDER --dataset OWNER/NAME`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from dstill.cli.console import confirm, emit, note, progress, say
from dstill.cli.groups import Command
from dstill.cli.options import App, json_option, pass_app, run_argument
from dstill.errors import UsageError
from dstill.io.hub import endpoint
from dstill.io.shell import command
from dstill.io.units import size_on_disk
from dstill_export.pushing import Existing, Repository, existing, planned
from dstill_export.pushing import push as run_push

__all__ = ["push"]

MOST_FILES = 30  # files of a repository to list
OPTIONS = ("export", "dataset", "licence")  # with a value


@click.command(
    cls=Command,
    examples=[
        "dstill runs push runs/mine acme/logs-student --export mine-merged --dry-run",
        "dstill runs push runs/mine acme/logs-student --export mine-merged --dataset acme/logs --private",
        "dstill runs push runs/mine --dataset acme/logs",
    ],
)
@run_argument
@click.argument("student", metavar="[OWNER/NAME]", required=False, default="")
@click.option(
    "--export",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="The student, in a folder that `dstill export` wrote.",
)
@click.option(
    "--dataset",
    default="",
    show_default=False,
    metavar="OWNER/NAME",
    help="Also upload the dataset there, as it is after the review.",
)
@click.option("--private", is_flag=True, help="Create private repositories.")
@click.option(
    "--licence",
    default="",
    show_default=False,
    metavar="ID",
    help="Licence of the student, for example apache-2.0, if there is no base or its files do not name one.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be uploaded. Asks nobody and sends nothing.")
@click.option("--yes", is_flag=True, help="Upload without asking.")
@json_option
@pass_app
def push(app: App, /, run: str, dry_run: bool, yes: bool, as_json: bool, **what: Any) -> None:
    """Upload the student and the dataset to the Hugging Face hub.

    Shows every file with its size and its place, and asks once. OWNER/NAME gets the files of --export, with a card that
    names the base, its licence and the scores (model-index). The repositories are created if they do not exist. Log in
    first: hf auth login, or the variable HF_TOKEN. HF_ENDPOINT is the address of another hub.

    If an upload fails, the same command continues it.
    """
    opened = app.open(run)
    repositories, private = planned(opened, **what), what["private"]
    there = {} if dry_run else existing(repositories, private=private)
    _show(note if as_json else say, repositories, there, private)
    if dry_run:
        if as_json:
            emit({"dry_run": True, "repositories": [repository.to_json() for repository in repositories]})
        return
    if not yes:
        _ask()
    words = [what["student"], *(word for name in OPTIONS if what[name] for word in (f"--{name}", what[name]))]
    again = command("runs", "push", opened.folder, *filter(None, words), *(["--private"] if private else []))
    with progress() as report:
        opened.progress = report
        facts = run_push(opened, repositories, private=private, again=again)
    if as_json:
        emit({"run": str(opened.folder), **facts})
        return
    for where, done in facts["pushed"].items():
        same = where in there and there[where].commit == done["commit"]
        say(f"{done['address']}: {'nothing has changed since' if same else 'uploaded as'} commit {done['commit'][:12]}")


def _show(
    write: Callable[[str], None],
    repositories: Sequence[Repository],
    there: Mapping[str, Existing],
    private: bool,
) -> None:
    for repository in repositories:
        before = there.get(repository.where)
        is_private = before.private if before else private
        state = "exists, " if before else ""
        about = f"{state}{'private' if is_private else 'public'}, licence: {repository.licence or 'not named'}"
        write(f"{repository.kind} {endpoint()}/{repository.where} ({about})")
        sizes = repository.sizes
        for name, size in list(sizes.items())[:MOST_FILES]:
            write(f"  {name}  {size_on_disk(size)}")
        if len(sizes) > MOST_FILES:
            write(f"  and {len(sizes) - MOST_FILES} more files")
        write(f"  {len(sizes)} files, {size_on_disk(sum(sizes.values()))}")
        for text in repository.notes:
            write(f"  note: {text}")
        if before and before.others:
            write(f"  note: {len(before.others)} other files of the repository stay: {', '.join(before.others[:5])}")


def _ask() -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "cannot ask before the upload: stdin is not a terminal",
            where="dstill runs push",
            hint="look at --dry-run, and pass --yes to upload what it lists",
        )
    confirm("upload this?", err=True, abort=True)
