"""The command `check`: a linter of files that hold answers.

sums/first.sum:3:8: error names/unknown: there is no field 'totl'. Did you mean 'total'?
error: 1 error in 1 of 4 files
"""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from dstill.api.protocols import AnswerFiles
from dstill.api.task import Task
from dstill.cli.check_answers import check_answers, require_layers
from dstill.cli.console import emit, note, say
from dstill.cli.groups import Command
from dstill.cli.options import BY_ANSWER, App, Count, data_option, json_output, pass_app, set_option, setting
from dstill.config import Config
from dstill.errors import AnswerError, UsageError
from dstill.factory import make_task, task_name
from dstill.io import system
from dstill.io.files import atomic
from dstill.io.input_files import MOST_BYTES, bytes_of
from dstill.quality.linting import github, sarif
from dstill.quality.linting.discovery import File, files
from dstill.quality.linting.lint import ROWS, FileProblem, Report, has_answers, lint, unreadable

__all__ = ["check"]

STDIN = Path("-")


class _Check(Command):
    """Refuses an option that is also a file: a list of files, as from git, may have a name like ``--exclude=*``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words after the command's name. Raises UsageError."""
        for word in args[: args.index("--")] if "--" in args else args:
            if word.startswith("-") and word != str(STDIN) and os.path.lexists(word):
                hint = f"write -- before the names of files, or ./{word}; if you mean the option, rename the file"
                raise UsageError("an option that is also the name of a file", where=word, hint=hint)
        return super().parse_args(ctx, args)


@click.command(
    cls=_Check,
    examples=[
        "dstill check queries",
        "dstill check --fix queries",
        "dstill check --format sarif . > dstill.sarif",
        "dstill check --format jsonl answers.jsonl",
    ],
)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path, allow_dash=True))
@data_option("the answers are about", "A file may name its own.")
@setting(
    "--task",
    key="project.task",
    metavar="NAME",
    help="Task that all files belong to. Default: the name of a file says so, else the project's.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif", "github", "answers", "jsonl"]),
    default="text",
    help="How problems are printed: text, json (one object), sarif (SARIF 2.1.0), github (workflow commands, which "
    "GitHub Actions shows beside the code), or a line for each answer: answers (as text), jsonl (as an object).",
)
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="LAYER",
    help="Run only this layer of checks (repeatable). Problems are printed with their layer; a wrong name is an error "
    "that lists all. Default: all layers.",
)
@json_output("Print the problems as one JSON object: the same as --format json.")
@click.option(
    "--fix", is_flag=True, help="Repair what can be repaired without a change of meaning, and write the files."
)
@click.option("--diff", is_flag=True, help="Print what --fix would change, and write nothing.")
@click.option("--ignore", multiple=True, metavar="CODE", help="Do not report this code, as unknown_field (repeatable).")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Skip paths like this, as 'old/*' (repeatable).")
@click.option("--max-warnings", type=Count(0, 10**9), metavar="N", help="Fail if there are more than N warnings.")
@click.option("--stdin-name", type=click.Path(path_type=Path), metavar="FILE", help="What the file on stdin is called.")
@set_option
@pass_app
def check(
    app: App,
    /,
    paths: tuple[Path, ...],
    data: str | None,
    form: str,
    layers: tuple[str, ...],
    as_json: bool,
    stdin_name: Path | None,
    **more: Any,
) -> None:
    """Find what is wrong in files of answers, and repair it.

    No answer is executed. PATH is a file, a folder, or - for stdin. Default: the current folder. The name of a file
    says which task reads it, and how answers lie in it; --task says so for other names. Rows in .jsonl files are
    {"id": …, "answer": …}. A row may have "data" (the name of its data) or a whole "context".

    With --format answers or jsonl, one PATH (by default stdin) has rows, or an answer, which may be the raw output of
    a model; each answer gets a line. A row that names unknown data fails.

    If the fields of the data are not known, the checks that need them are skipped, and a note names them. Exits with 9
    if there is an error, or with --diff if there is something to repair.
    """
    if form in BY_ANSWER and not as_json:
        _refuse_others(form, paths, {**more, "stdin_name": stdin_name})
        check_answers(app, paths[0] if paths else STDIN, data, layers, as_json=form == "jsonl")
        return
    wanted = Wanted(form="json" if as_json else form, **more)
    if wanted.fix and (wanted.diff or STDIN in paths):
        raise UsageError("--fix writes files", where="--fix", hint="use --diff to see what it would change")
    run = _Run(app, app.config(), wanted, data, layers, stdin_name)
    for file in files(paths or (Path(),), run.suffixes, wanted.exclude):
        run.check(file)
    run.finish()


def _refuse_others(form: str, paths: tuple[Path, ...], options: Mapping[str, Any]) -> None:
    """Raise UsageError for several paths, and for an option that only the other formats know."""
    if len(paths) > 1:
        raise UsageError(f"--format {form} reads one file", where="PATH", hint="check the files one by one")
    for name, value in options.items():
        if value is not None and value is not False and value != ():
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"--format {form} takes no {flag}", where=flag, hint="omit one of them")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """The requests in the options of this call."""

    form: str
    fix: bool
    diff: bool
    ignore: tuple[str, ...]
    exclude: tuple[str, ...]
    max_warnings: int | None


@dataclass
class _Run:
    """One call of the command, and what it found so far."""

    app: App
    config: Config
    wanted: Wanted
    data: str | None
    layers: tuple[str, ...]
    stdin_name: Path | None
    problems: list[FileProblem] = field(default_factory=list)
    files: int = 0
    answers: int = 0
    changed: int = 0  # files that were repaired, or would be
    skipped: Counter[str] = field(default_factory=Counter)  # layer → answers that it was not applied to
    guessed: str = ""  # the task of files whose name says none, if the default one; empty: there are none
    _tasks: dict[str, Task] = field(default_factory=dict)

    # --- which task -----------------------------------------------------------------------

    @cached_property
    def by_suffix(self) -> Mapping[str, list[str]]:
        """Ending of a file's name → the tasks that read such files."""
        plugins, task = self.app.plugins, self.app.flags.get("project.task")
        if task:
            plugins.task(task)  # raises UsageError if it is not installed
        known: dict[str, list[str]] = {}
        for name in [task] if task else plugins.names("tasks"):
            kind = plugins.task(name)
            for suffix in AnswerFiles.class_of(kind).suffixes:
                known.setdefault(suffix, []).append(name)
        return known

    @property
    def suffixes(self) -> set[str]:
        return {ROWS, *self.by_suffix}

    def task(self, path: Path) -> Task:
        """The task of a file: by its name, else the one that is asked for or configured. Raises UsageError."""
        names = self.by_suffix.get(path.suffix, [])
        configured = self.config.settings.project.task
        name = configured if configured in names else self.app.plugins.default_task(names)
        if names and not name:
            hint = f"{', '.join(names)} read such files"
            raise UsageError(f"which task does {path} belong to?", where="--task", hint=hint)
        if not name:
            name = task_name(self.app.plugins, self.config.settings)
            if not configured and len(self.app.plugins.names("tasks")) > 1:
                self.guessed = name
        if name not in self._tasks:
            self._tasks[name] = make_task(self.app.plugins, self.config, name)
            require_layers(self._tasks[name], self.layers)
        return self._tasks[name]

    # --- one file -------------------------------------------------------------------------

    def check(self, file: File) -> None:
        """Check one file, and print or repair it."""
        path = (self.stdin_name or STDIN) if file.path == STDIN else file.path
        name = "stdin" if path == STDIN else path.as_posix()
        content = bytes_of(file.path, "PATH", most=None if file.path == STDIN else MOST_BYTES)
        task = self.task(path)
        suffix = path.suffix or next(iter(AnswerFiles.of(task).suffixes), "")
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            self._add(unreadable(name, content, error))
            return
        if not file.is_named and not has_answers(task, text, suffix):
            return
        report = self._lint(task, name, text, suffix)
        if report.repaired != text:
            self.changed += 1
            if self.wanted.diff:
                self._show_changes(name, text, report.repaired)
            if self.wanted.fix:
                _write(file.path, report.repaired)
                report = self._lint(task, name, report.repaired, suffix)
        self._add(report)

    def _lint(self, task: Task, name: str, text: str, suffix: str) -> Report:
        context = {**self.app.context, **({task.data_key: self.data} if self.data else {})}
        report = lint(task, name, text, suffix=suffix, context=context, layers=self.layers)
        if self.data in report.unknown:
            what = f"nothing is known about the {task.data_noun} '{self.data}': {_layers(report.skipped)} not checked"
            raise UsageError(what, where="--data", hint=self._hint() or "check the name")
        return report

    def _add(self, report: Report) -> None:
        new = [placed for placed in report.problems if placed.problem.code not in self.wanted.ignore]
        self.problems += new
        self.files, self.answers = self.files + 1, self.answers + report.answers
        self.skipped.update(report.skipped)
        if not self.wanted.diff and self.wanted.form in ("text", "github"):
            for problem in new:
                say(github.line(problem) if self.wanted.form == "github" else _line(problem))

    def _show_changes(self, name: str, old: str, new: str) -> None:
        for line in difflib.unified_diff(old.splitlines(), new.splitlines(), name, name, lineterm=""):
            say(line)

    # --- the end --------------------------------------------------------------------------

    def finish(self) -> None:
        """Print what comes after all files. Raises AnswerError if there are errors."""
        if not self.files:
            note("note: no file to check")
        if not self.wanted.diff and self.wanted.form == "sarif":
            emit(sarif.log(self.problems, self._helps(), version("dstill")))
        if not self.wanted.diff and self.wanted.form == "json":
            emit(self._object())
        if self.skipped:
            hint = self._hint()
            known = "because nothing is known about the data"
            note(f"note: {_layers(self.skipped)} not checked, {known}{hint and f': {hint}'}")
        if self.changed and self.wanted.fix:
            note(f"repaired {_count(self.changed, 'file')}")
        if self.wanted.diff:
            self._note_what_stays()
            if not self.changed:
                return
        errors, warnings = self._number("error"), self._number("warning")
        self._note_guess(errors)
        most = self.wanted.max_warnings
        if errors or (most is not None and warnings > most) or self.wanted.diff:
            self._fail(errors, warnings)
        if warnings and self.wanted.form == "text":
            note(_count(warnings, "warning"))

    def _fail(self, errors: int, warnings: int) -> None:
        if self.wanted.form == "json" and not self.wanted.diff:
            raise click.exceptions.Exit(AnswerError.exit_code)  # the object has the counts
        if self.wanted.diff:
            raise AnswerError(f"{_count(self.changed, 'file')} would be repaired", hint="run it with --fix")
        counts = [_count(n, noun) for n, noun in ((errors, "error"), (warnings, "warning")) if n]
        places = len({problem.file for problem in self.problems})
        fixable = sum(bool(problem.fix) for problem in self.problems)
        hint = f"--fix repairs {fixable} of them" if fixable else ""
        raise AnswerError(f"{' and '.join(counts)} in {places} of {_count(self.files, 'file')}", hint=hint)

    def _note_what_stays(self) -> None:
        """Say on stderr how many errors --fix does not repair."""
        stays = [placed for placed in self.problems if placed.problem.severity == "error" and not placed.fix]
        if stays:
            places = _count(len({placed.file for placed in stays}), "file")
            note(f"note: --fix does not repair {_count(len(stays), 'error')} in {places}: see them without --diff")

    def _note_guess(self, errors: int) -> None:
        """Say which task was assumed, as the errors may be those of another language."""
        if self.guessed and errors and self.wanted.form == "text":
            others = ", ".join(name for name in self.app.plugins.names("tasks") if name != self.guessed)
            note(f"note: task '{self.guessed}' was assumed: give --task NAME, or --stdin-name FILE, for {others}")

    def _number(self, severity: str) -> int:
        return sum(placed.problem.severity == severity for placed in self.problems)

    def _hint(self) -> str:
        """How to say what the data are, by the options of the tasks in use."""
        options = [option for task in self._tasks.values() for option in task.options if "check" in option.commands]
        names = dict.fromkeys(option.name for option in options if option.column is not None)  # rows may have them, too
        return f"give {' or '.join(names)}" if names else ""

    def _helps(self) -> Mapping[str, str]:
        """Rule → what it means. A code means the same in each layer of a task."""
        codes = {name: AnswerFiles.of(task).problem_codes for name, task in self._tasks.items()}
        rules = {
            sarif.rule_id(placed): codes.get(placed.task, {}).get(placed.problem.code, "") for placed in self.problems
        }
        return {rule: help for rule, help in rules.items() if help}

    def _object(self) -> dict[str, Any]:
        return {
            "files": self.files,
            "answers": self.answers,
            "errors": self._number("error"),
            "warnings": self._number("warning"),
            "repaired": self.changed if self.wanted.fix else 0,
            "not_checked": dict(self.skipped),
            "problems": [_row(problem) for problem in self.problems],
        }


def _write(path: Path, text: str) -> None:
    """Replace the file, or what a link leads to; its permissions stay."""
    target = path.resolve()
    mode = target.stat().st_mode
    with atomic(target) as file:
        system.set_mode(file, mode)
        file.write(text.encode())


def _line(placed: FileProblem) -> str:
    problem = placed.problem
    hint = f" ({problem.hint})" if problem.hint else ""
    place = f"{placed.file}:{placed.region.line}:{placed.region.column}"
    fixable = " [--fix]" if placed.fix else ""
    return f"{place}: {problem.severity.value} {placed.rule}: {problem.message}{hint}{fixable}"


def _row(placed: FileProblem) -> dict[str, Any]:
    keys = ("layer", "code", "severity", "message", "hint", "pointer")
    of_problem = {key: value for key, value in placed.problem.to_row().items() if key in keys}
    edits = [{**vars(edit.region), "text": edit.text} for edit in placed.fix]
    return {
        "file": placed.file,
        **vars(placed.region),
        "task": placed.task,
        "answer": placed.answer,
        **of_problem,
        "fix": edits,
    }


def _layers(skipped: Mapping[str, int]) -> str:
    return " and ".join(skipped)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
