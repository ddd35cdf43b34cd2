"""The command line: a thin layer on `dstill.Run` and the plugins.

`main` loads the plugins, lets them add commands and runs one command. Any failure becomes up to three lines on stderr
and an exit code (see `dstill.errors`).
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
import traceback
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from dstill import plugins as plugin_loading
from dstill.cli.console import error as show_error
from dstill.cli.console import note, plain, warnings_shown
from dstill.cli.groups import SUBGROUPS, Group, LazyCommand
from dstill.cli.options import App, with_pack_options
from dstill.cli.panics import panics_explained
from dstill.errors import ConfigError, DstillError, Interrupted, MissingExtra, TrustError, UsageError
from dstill.io.files import disk_error
from dstill.io.secrets import redact
from dstill.runtime import distributed, signals

__all__ = ["COMPLETE", "build", "main", "run"]

# Seconds that the other processes of a distributed run wait, so that rank 0 reports an error that they all have.
PATIENCE = 5.0
COMPLETE = "_DSTILL_COMPLETE"  # environment variable in which a shell asks for completions


@click.group(
    cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}
)
@click.version_option(package_name="dstill", prog_name="dstill")
@click.option(
    "--plugin", "plugin_files", multiple=True, metavar="FILE", help="Load a plugin from a Python file (repeatable)."
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="Configuration file to read instead of ./dstill.toml.",
)
@click.option("--debug", is_flag=True, help="Show the traceback if a command fails.")
@click.pass_context
def _cli(ctx: click.Context, /, config_file: Path | None, **_: Any) -> None:
    """Train a small model to write a structured language, and score it by running what it writes.

    Begin with `dstill demo`: the whole pipeline on bundled data, on a CPU, in minutes.
    """
    app = ctx.find_object(App)
    assert app is not None
    app.config_file = config_file


# Plugins add theirs in the hook `register_commands`.
COMMANDS = (
    LazyCommand("demo", "dstill.cli.demo:demo", "Run the whole pipeline on bundled data.", section="Start"),
    LazyCommand(
        "adapt", "dstill.cli.adapt:adapt", "Train and score a student for the data on a server.", section="Start"
    ),
    LazyCommand("init", "dstill.cli.init:init", "Create a project: write a dstill.toml.", section="Start"),
    LazyCommand(
        "doctor",
        "dstill.cli.doctor:doctor",
        "Check the installation, the machine and the engine that runs the answers.",
        section="Start",
    ),
    LazyCommand(
        "generate", "dstill.cli.data:generate", "Ask the teacher and write a checked dataset.", section="Pipeline"
    ),
    LazyCommand("train", "dstill.cli.train:train", "Fine-tune a student on the dataset of a run.", section="Pipeline"),
    LazyCommand(
        "evaluate",
        "dstill.cli.evaluate:evaluate",
        "Answer the test questions, execute the answers and score them.",
        section="Pipeline",
    ),
    LazyCommand(
        "ask", "dstill.cli.ask:ask", "Ask about the data on a server, without a project or training.", section="Use"
    ),
    LazyCommand(
        "check", "dstill.cli.check:check", "Find what is wrong in files of answers, and repair it.", section="Use"
    ),
    LazyCommand("predict", "dstill.cli.predict:predict", "Answer a question with the student of a run.", section="Use"),
    LazyCommand(
        "trust", "dstill.cli.trust:trust_command", "Allow what the settings of a run or project ask for.", hidden=True
    ),
    LazyCommand("completion", "dstill.cli.runs:completion", "Print the shell's completion script.", hidden=True),
    LazyCommand("data questions", "dstill.cli.questions:questions", "Make questions."),
    LazyCommand("data curate", "dstill.cli.data:curate", "Rebuild the dataset from the replies of a run."),
    LazyCommand("data audit", "dstill.cli.audit:audit", "Find unusable reference answers."),
    LazyCommand("data export", "dstill.cli.data:export_data", "Export the dataset for TRL, axolotl and LLaMA-Factory."),
    LazyCommand("runs list", "dstill.cli.runs:runs_list", "List the runs under ./runs, oldest first."),
    LazyCommand("runs show", "dstill.cli.runs:runs_show", "Show the manifest of a run."),
    LazyCommand("runs trace", "dstill.cli.evaluate:trace", "Show what every file of a run says about one record."),
    LazyCommand("runs rm", "dstill.cli.runs:runs_rm", "Delete a run."),
    LazyCommand(
        "runs track",
        "dstill.cli.runs:runs_track",
        "Send scores, report and student to the services of train.report_to.",
    ),
    LazyCommand("glossary check", "dstill.cli.glossary:glossary_check", "Check the terms of the glossary."),
    LazyCommand("glossary suggest", "dstill.cli.glossary:suggest", "Suggest terms from people's questions."),
    LazyCommand("pack new", "dstill.cli.new_pack:new_pack", "Create a package with a new task pack."),
    LazyCommand("pack list", "dstill.cli.runs:plugins", "List the installed plugins and what each provides."),
    LazyCommand("config show", "dstill.cli.runs:config_show", "Show every configuration key and its value."),
    LazyCommand("config schema", "dstill.cli.config_schema:schema", "Print a JSON Schema of dstill.toml, for editors."),
)


def build(argv: Sequence[str]) -> tuple[Group, App]:
    """The command group with every plugin's commands, and the object that commands are given."""
    loaded = plugin_loading.load(_plugin_files(argv))
    group = Group(
        name="dstill",
        params=list(_cli.params),
        callback=_cli.callback,
        help=_cli.help,
        epilog=_cli.epilog,
        context_settings=_cli.context_settings,
    )
    for command in COMMANDS:
        group.add_command(command)
    loaded.register_commands(group)
    group.prepare = partial(with_pack_options, loaded)
    return group, App(plugins=loaded)


def _plugin_files(argv: Sequence[str]) -> list[Path]:
    """The files of ``--plugin``. Parsed before click does, because they may define the command that is called."""
    files = []
    for position, word in enumerate(argv):
        if word == "--plugin" and position + 1 < len(argv):
            files.append(Path(argv[position + 1]))
        elif word.startswith("--plugin="):
            files.append(Path(word.removeprefix("--plugin=")))
        elif not word.startswith("-") and (position == 0 or argv[position - 1] not in ("--plugin", "--config")):
            break  # the command: its own arguments follow
    return files


def main(argv: Sequence[str] | None = None) -> None:
    """The entry point ``dstill``. Exits with one of the codes of `dstill.errors`."""
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may lack a character: print its code point
            stream.reconfigure(errors="backslashreplace")
    # SIGTERM acts like Ctrl-C, so that servers stop and data on them is removed. Not in ranks other than 0: torchrun
    # ends them with SIGTERM while they may wait for rank 0, where no handler runs.
    with signals.sigterm_interrupts() if distributed.is_main() else contextlib.nullcontext():
        code = run(words)
    with contextlib.suppress(BrokenPipeError, ValueError):
        sys.stdout.flush()
    sys.exit(code)


def run(argv: Sequence[str]) -> int:
    """Run one command and return its exit code. Errors go to stderr."""
    as_json, debug = "--json" in argv, "--debug" in argv
    argv = [word for word in argv if word != "--debug"]  # allowed at any position
    try:
        with warnings_shown():
            return _allowed(argv)
    except BrokenPipeError:
        # The reader of our output has closed it: print nothing more, also not at shutdown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as problem:
        if debug:
            note(traceback.format_exc())
        shown = _as_dstill(problem, argv)
        if not distributed.is_main():
            return _ended(shown)
        show_error(shown, as_json=as_json)
        return shown.exit_code
    except KeyboardInterrupt:
        signals.next_quits()
        if not distributed.is_main():
            return Interrupted.exit_code
        show_error(Interrupted("stopped", where=_command(argv), hint="run the same command again"), as_json=as_json)
        return Interrupted.exit_code


def _allowed(argv: Sequence[str]) -> int:
    """Run the command. If a folder's settings need permission, ask for it, and then run the command again."""
    while True:
        group, app = build(argv)
        try:
            return _invoke(group, app, argv)
        except TrustError as problem:
            from dstill.cli.trust import ask

            if not ask(problem):
                raise


def _invoke(group: click.Group, app: App, argv: Sequence[str]) -> int:
    """One command, without click's own handling of interrupts and closed pipes."""
    if instruction := os.environ.get(COMPLETE):
        from click.shell_completion import shell_complete

        return shell_complete(group, {"obj": app}, "dstill", COMPLETE, instruction)
    try:
        context = group.make_context("dstill", list(argv), obj=app, color=False if plain() else None)
        with context, panics_explained():
            group.invoke(context)
    except click.exceptions.Exit as end:
        if end.exit_code == 0:  # --help and --version
            app.end_with_failures(app.plugins.known_failures)
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as problem:
        note(problem.format_message(), verbatim=True)
        return problem.exit_code
    return 0


def _ended(problem: DstillError) -> int:
    """The exit code of a process other than rank 0.

    Rank 0 reports an error that all processes have, and torchrun then ends this one. An error of this process alone is
    reported after `PATIENCE` seconds.
    """
    if not isinstance(problem, Interrupted):
        time.sleep(PATIENCE)
        note(f"process {distributed.rank()} of {distributed.world_size()} (numbered from 0)")
        show_error(problem, as_json=False)
    return problem.exit_code


def _as_dstill(problem: Exception, argv: Sequence[str]) -> DstillError:
    """Any exception as a `DstillError`. An unexpected one is reported as a bug."""
    if isinstance(problem, DstillError):
        return problem
    if isinstance(problem, click.exceptions.Abort):
        return Interrupted("stopped", where=_command(argv), hint="run the same command again")
    if isinstance(problem, click.ClickException):
        return _usage(problem)
    if isinstance(problem, ModuleNotFoundError) and problem.name:
        from dstill.cli.extras import extra_of

        if extra := extra_of(problem.name):
            return MissingExtra(f"`{_command(argv)}`", extra, problem.name.partition(".")[0])
    if isinstance(problem, OSError) and problem.filename:
        return disk_error(problem, Path(str(problem.filename)))
    if isinstance(problem, (MemoryError, RecursionError)):
        return UsageError(
            f"{type(problem).__name__}: the input is too large for this machine",
            where=_command(argv),
            hint="pass smaller inputs",
        )
    return DstillError(
        f"bug in dstill: {type(problem).__name__}: {redact(str(problem))}",
        where=_command(argv),
        hint="run it again with --debug before the command, and report what it shows",
    )


def _command(argv: Sequence[str]) -> str:
    """The command that was called, without its arguments, which may contain secrets."""
    words = iter(argv)
    for word in words:
        if word in ("--plugin", "--config"):
            next(words, None)
        elif word in SUBGROUPS:
            return f"dstill {word} {next(words, '')}".rstrip()
        elif not word.startswith("-"):
            return f"dstill {word}"
    return "dstill"


def _usage(problem: click.ClickException) -> UsageError:
    context = getattr(problem, "ctx", None)
    where = context.command_path if context else "dstill"
    if isinstance(problem, click.NoSuchOption) and "key" in problem.option_name:
        return ConfigError(
            f"no such option: {problem.option_name}",
            where=where,
            hint="keys are never given on the command line: set the environment variable OPENAI_API_KEY, "
            "or name another with --set teacher.openai.api_key_env=NAME",
        )
    return UsageError(problem.format_message(), where=where, hint=f"{where} --help")
