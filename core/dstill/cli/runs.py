"""The commands `pack list`, `runs …`, `config show` and `completion`."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class

from dstill import trust
from dstill.api.recipe import services_in
from dstill.cli.console import confirm, emit, note, say, table
from dstill.cli.groups import Command
from dstill.cli.options import SHELLS, App, described, json_option, pass_app, run_argument, set_option
from dstill.config import Config
from dstill.errors import DstillError, UsageError
from dstill.parts import KINDS
from dstill.runs.folder import RunFolder, find_run, list_runs

__all__ = ["completion", "config_show", "plugins", "runs_list", "runs_rm", "runs_show", "runs_track"]


@click.command("list", cls=Command, examples=["dstill pack list"])
@pass_app
@json_option
def plugins(app: App, as_json: bool) -> None:
    """List the installed plugins and what each provides."""
    failures = app.failures()
    loaded = app.plugins
    parts = [
        {"kind": kind, "name": name, "plugin": loaded.owner(kind, name), "about": described(loaded.part(kind, name))}
        for kind in KINDS
        for name in loaded.names(kind)
    ]
    if as_json:
        plugins_ = [{"name": p.name, "version": p.version, "source": p.source} for p in loaded.loaded]
        emit({"plugins": plugins_, "parts": parts, "failures": [asdict(failure) for failure in failures]})
    else:
        table(["plugin", "version", "source"], [[p.name, p.version, p.source] for p in loaded.loaded])
        say()
        tasks = loaded.names("tasks")
        default = ("tasks", loaded.default_task(tasks)) if len(tasks) > 1 else None
        marks = [" (the default)" if (p["kind"], p["name"]) == default else "" for p in parts]
        rows = [[p["kind"], p["name"], p["plugin"], p["about"] + mark] for p, mark in zip(parts, marks, strict=True)]
        table(["kind", "name", "plugin", "about"], rows)
    app.note_unknown()
    app.end_with_failures(failures)


@click.command("list", cls=Command, examples=["dstill runs list"])
@json_option
@pass_app
def runs_list(app: App, as_json: bool) -> None:
    """List the runs under ./runs, oldest first."""
    overviews = [_overview(folder, app.plugins.headline()) for folder in list_runs()]
    if as_json:
        emit({"runs": overviews})
        return
    if not overviews:
        note("no runs under ./runs; `dstill demo` or `dstill generate` creates one")
        return
    rows = [[r["run"], r["created"], r["status"], _rounded(r["accuracy"])] for r in overviews]
    table(["run", "created", "status", "#accuracy"], rows)


def _rounded(accuracy: float | None) -> str:
    return "" if accuracy is None else f"{accuracy:.3f}"


def _overview(folder: Path, headline: str) -> dict[str, Any]:
    try:
        opened = RunFolder.read(folder)
    except DstillError as problem:
        return {"run": folder.name, "created": "", "status": problem.what, "accuracy": None}
    manifest = opened.manifest
    scores = manifest["stages"].get("evaluate", {}).get("scores", {}).get("student", {}).get("test", {})
    accuracy = scores.get(headline, {}).get("value")
    return {"run": folder.name, "created": manifest["created"], "status": opened.status, "accuracy": accuracy}


@click.command("show", cls=Command, examples=["dstill runs show runs/mine"])
@click.argument("run")
@json_option
def runs_show(run: str, as_json: bool) -> None:
    """Show the manifest of a run."""
    folder = RunFolder.read(find_run(run))
    if as_json:
        emit(folder.manifest)
        return
    manifest = folder.manifest
    for key in ("name", "status", "created", "seed", "arguments", "versions"):
        say(f"{key}: {folder.status if key == 'status' else manifest[key]}")
    table(["file", "#rows", "sha256"], [[f, str(v["rows"]), v["sha256"][:16]] for f, v in manifest["files"].items()])


@click.command("rm", cls=Command, examples=["dstill runs rm runs/mine"])
@click.argument("run")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def runs_rm(run: str, yes: bool) -> None:
    """Delete a run. Cached replies stay in replies.sqlite."""
    folder = RunFolder.read(find_run(run))
    if not yes:
        if sys.stdin is None or not sys.stdin.isatty():
            raise UsageError(
                f"cannot ask before deleting {folder.folder}: stdin is not a terminal",
                where="dstill runs rm",
                hint="pass --yes to delete it without confirmation",
            )
        confirm(f"delete {folder.folder} with its student and scores?", abort=True)
    folder.remove()
    trust.forget(folder.folder)
    note(f"deleted {folder.folder}")


@click.command("track", cls=Command, examples=["dstill runs track runs/mine --set train.report_to=mlflow"])
@run_argument
@json_option
@set_option
@pass_app
def runs_track(app: App, run: str, as_json: bool) -> None:
    """Send scores, report and student to the services of train.report_to.

    `dstill evaluate` does this at its end. Use this command after a failure, or for a run that reported to none.
    """
    opened = app.open(run)
    services = opened.track()
    if as_json:
        emit({"run": str(opened.folder), "services": services})
        return
    for service, identity in services.items():
        say(f"{service}: {identity}")
    only = [name for name in services_in(opened.settings.train.report_to) if name not in services]
    if only:
        note(f"only training reports to {', '.join(only)}")


@click.command("show", cls=Command, examples=["dstill config show --origin"])
@click.option("--origin", is_flag=True, help="Show where each value comes from.")
@click.option("--defaults", is_flag=True, help="Show the defaults, without dstill.toml and the environment.")
@json_option
@set_option
@pass_app
def config_show(app: App, origin: bool, defaults: bool, as_json: bool) -> None:
    """Show every configuration key and its value.

    Without --origin and --json, the output is the text of a dstill.toml, in which keys without a value are comments.
    """
    merged: Config = replace(app, config_file=None).config(use_files=False) if defaults else app.config()
    values = merged.flat()
    if as_json:
        emit({k: {"value": v, "origin": merged.origin(k)} if origin else v for k, v in values.items()})
    elif origin:
        table(["key", "value", "origin"], [[k, str(v), merged.origin(k)] for k, v in values.items()])
    else:
        say(merged.to_toml(unset=True).rstrip("\n"), lines=True)


@click.command(cls=Command, hidden=True, examples=["source <(dstill completion bash)"])
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.pass_context
def completion(ctx: click.Context, shell: str | None) -> None:
    """Print the shell's completion script.

    For the current shell: `source <(dstill completion bash)`.
    """
    shell = shell or Path(os.environ.get("SHELL", "bash")).name
    script = get_completion_class(shell)
    if script is None:
        hint = f"choose one of {', '.join(SHELLS)}"
        raise UsageError(f"no completion for '{shell}'", where="SHELL", hint=hint)
    say(script(ctx.find_root().command, {}, "dstill", "_DSTILL_COMPLETE").source(), lines=True)
