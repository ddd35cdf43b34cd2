"""The command `data check`: reads answers, and prints one line for each.

    {"id": "a", "answer": "1 + 2"}                          a row; "answer" may also be a model's raw text
    {"id":"a","ok":true,"problems":[],"not_checked":[]}     its line with --json

``not_checked`` names layers that were skipped, because they need to know more about the data. A row that cannot be read
fails like a wrong answer, and so does one that names data of which nothing is known. The next one is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from dstill.api.checking import find_problems, not_checked
from dstill.api.records import Draft, Example, Problem
from dstill.api.task import Task
from dstill.cli.console import emit, note, say
from dstill.cli.groups import Command
from dstill.cli.options import App, app, data_option, json_output, set_option, task_option
from dstill.errors import AnswerError, DataError, UsageError
from dstill.factory import make_task
from dstill.inputs.answer_rows import ROW_FORM, Answer, Columns, bad_row, begins_rows, columns_of, row
from dstill.io.input_files import bytes_of, text_of
from dstill.io.jsonl import detect

__all__ = ["check"]


@click.command(cls=Command, examples=["dstill data check answers.jsonl"])
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), default="-")
@data_option("the answers are about", "Its fields must be known. A row may name its own. Default: none.")
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="LAYER",
    help="Run only this layer of checks (repeatable). Problems are printed with their layer; a wrong name is an error "
    "that lists all. Default: all layers.",
)
@task_option
@json_output("Print one JSON object for each answer.")
@set_option
@app
def check(found: App, file: Path, data: str | None, layers: tuple[str, ...], as_json: bool) -> None:
    """Check answers without executing them.

    FILE holds one answer. If its name ends in .jsonl, or its first line has an "id" and an "answer", each line is a
    row {"id": …, "answer": …}, or else a bare answer. Without FILE, reads stdin. An answer is an object, or a string
    with the raw output of a model. A row may have "data" (the name of its data) or a whole "context".

    If the fields of the data are not known, the checks that need them are skipped, and a note names them; with --data,
    this is an error, and a row that names such data fails. Exits with 9 if an answer fails.
    """
    task = make_task(found.plugins, found.config())
    known = [c.name for c in task.checks]
    for layer in layers:
        if layer not in known:
            raise UsageError(f"no layer '{layer}'", where="--layer", hint=f"task '{task.name}' has {', '.join(known)}")
    columns = columns_of(task)
    context: dict[str, Any] = {**found.context, **({task.data_key: data} if data else {})}
    failed = total = 0
    skips: Counter[str] = Counter()  # layer → answers that it did not check
    for answer in _answers(file, task, columns):
        example = Example(id=str(answer.id), question="", context={**context, **answer.context})
        problems = _problems(task, answer, example, layers)
        skipped = [] if answer.error else [name for name in not_checked(task, example) if name in (layers or known)]
        if skipped and (named := answer.context.get(task.data_key)):
            problems.append(_unknown_data(str(named), skipped, task))
        ok = not any(p.is_error for p in problems)
        total, failed = total + 1, failed + (not ok)
        skips.update(skipped if ok else ())
        _show(answer.id, ok, problems, skipped, as_json=as_json)
    if skips:
        hint = f"give {' or '.join(f'--{name}' for name in columns)}" if columns else ""
        if data:
            what = f"nothing is known about the {task.data_noun} '{data}': {_skipped(skips, total)}"
            raise UsageError(what, where="--data", hint=hint or "check the name")
        note(f"note: {_skipped(skips, total)}, because nothing is known about the data{hint and f': {hint}'}")
    if failed and as_json:
        raise click.exceptions.Exit(AnswerError.exit_code)  # each row has its problems
    if failed:
        raise AnswerError(f"{failed} of {total} answers failed", where="stdin" if str(file) == "-" else str(file))


def _skipped(skips: Counter[str], total: int) -> str:
    """As ``schema and values not checked in 3 of 7 answers``."""
    most = max(skips.values())
    where = "" if most == total else f" in {most} of {total} answers"
    return f"{' and '.join(skips)} not checked{where}"


def _problems(task: Task, answer: Answer, example: Example, layers: tuple[str, ...]) -> list[Problem]:
    if answer.error:
        return [bad_row(answer.error, task)]
    # a model's output may be in the form of teachers' replies, or the bare answer
    draft = task.parse(answer.text) or Draft(answer=answer.text)
    return list(find_problems(task, example, draft, layers or None))


def _unknown_data(name: str, skipped: list[str], task: Task) -> Problem:
    """The problem of a row that names its data wrongly, as no layer that needs them looked at its answer."""
    told = f"nothing is known about the {task.data_noun} '{name}': {' and '.join(skipped)} not checked"
    return Problem(layer=skipped[0], code="unknown_data", message=told, hint="check the name")


def _show(identity: Any, ok: bool, problems: list[Problem], skipped: list[str], *, as_json: bool) -> None:
    if as_json:
        keys = ("layer", "severity", "code", "message", "pointer", "hint")
        found = [{k: p.to_row()[k] for k in keys} for p in problems]
        emit({"id": identity, "ok": ok, "problems": found, "not_checked": skipped})
        return
    say(f"{identity}: {'ok' if ok else 'failed'}")
    for p in problems:
        lines = [f"  {p.severity.value} ({p.layer}, {p.code}) {p.message}", p.pointer and f"at {p.pointer}", p.hint]
        say("\n    ".join(line for line in lines if line), lines=True)


# --- reading ----------------------------------------------------------------------------


def _answers(file: Path, task: Task, columns: Columns) -> Iterator[Answer]:
    """Each answer in `file`: JSONL rows with an id and an answer, otherwise the whole text as one answer."""
    data = bytes_of(file, "FILE")
    text = text_of(data).removeprefix("\ufeff")
    # not splitlines(): a string may contain U+2028
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if file.suffix in (".jsonl", ".ndjson"):
        if lines and (found := detect(lines[0][1].encode())):
            raise DataError(f"detected {found}, expected JSONL", where=f"{file}:{lines[0][0]}", hint=ROW_FORM)
    elif not lines or not begins_rows(lines[0][1], task):
        yield Answer(id="1", text=text)  # an answer that is an object has no id
        return
    for number, line in lines:
        yield row(number, line, task, columns)
