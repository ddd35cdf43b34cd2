"""The command `check`: answers in, one line of verdict each out.

    {"id": "a", "answer": {"query": {"match_all": {}}}}     a row; "answer" may also be a model's raw text
    {"id":"a","ok":true,"problems":[],"not_checked":[]}     what --json says of it

``not_checked`` names layers that did not look, because something they need is not known. A row that cannot be read is
refused like any other, and the next one is read.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

import click

from dstill.api.checking import find_problems, not_checked
from dstill.api.records import Draft, Example, Problem
from dstill.api.task import Task
from dstill.cli.console import emit, note, say
from dstill.cli.groups import Command
from dstill.cli.input_rows import given_data
from dstill.cli.options import App, app, json_option, set_option, task_option
from dstill.errors import AnswerError, DataError, UsageError
from dstill.factory import make_task
from dstill.io.input_files import bytes_of, text_of
from dstill.io.jsonl import detect
from dstill.io.strict_json import NotStrict, dumps, loads

__all__ = ["check"]

ROW_FORM = 'rows are {"id", "answer"}, one a line'
ANSWERS = ("answer", "query")  # what a row calls its answer


@dataclass(frozen=True, kw_only=True)
class Answer:
    id: Any  # as the row has it, so that it joins with the row; else the line's number
    text: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    flaw: str = ""  # why the row itself cannot be read


@click.command(cls=Command, section="Use", examples=["dstill check answers.jsonl"])
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), default="-")
@click.option("--data", metavar="NAME", help="The data that the answers are about, by its name; rows may say another.")
@click.option("--layer", "layers", multiple=True, metavar="LAYER", help="Only this layer (repeatable); else all.")
@task_option
@json_option
@set_option
@app
def check(found: App, file: Path, data: str | None, layers: tuple[str, ...], as_json: bool) -> None:
    """Check answers of FILE or stdin, without running them.

    That is one answer, or JSONL rows {"id", "answer"} ("query" stands for "answer"). A row's answer is an
    object, or a string that is taken as a model's raw text; a row may bring "data" (the name of the data that it
    is about) or a whole "context". What could not be checked, because nothing is known of the data, is said. The
    exit code is 9 when any row is refused.
    """
    task = make_task(found.plugins, found.config())
    known = [c.name for c in task.checks]
    for layer in layers:
        if layer not in known:
            raise UsageError(f"no layer '{layer}'", where="--layer", hint=f"task '{task.name}' has {', '.join(known)}")
    columns = {
        option.name.removeprefix("--"): option.column
        for option in task.options
        if option.column is not None and "check" in option.commands
    }
    context: dict[str, Any] = {**found.context, **({task.data_key: data} if data else {})}
    refused = total = 0
    unseen: Counter[str] = Counter()
    for answer in _answers(file, task, columns):
        example = Example(id=str(answer.id), question="", context={**context, **answer.context})
        problems = _problems(task, answer, example, layers)
        skipped = [] if answer.flaw else [name for name in not_checked(task, example) if name in (layers or known)]
        ok = not any(p.is_error for p in problems)
        total, refused = total + 1, refused + (not ok)
        unseen.update(skipped if ok else ())  # what is refused needs no reservation
        _show(answer.id, ok, problems, skipped, as_json=as_json)
    if unseen:
        hint = f": give {' or '.join(f'--{name}' for name in columns)}" if columns else ""
        note(f"note: {_not_looked(unseen, total)}, because nothing is known of the data{hint}")
    if refused and as_json:
        raise click.exceptions.Exit(AnswerError.exit_code)  # each row has said so itself
    if refused:
        raise AnswerError(
            f"{refused} of {total} answers refused",
            where="stdin" if str(file) == "-" else str(file),
            hint="what is wrong with each stands above",
        )


def _not_looked(unseen: Counter[str], total: int) -> str:
    """``schema and values not checked in 3 of 7 answers``"""
    most = max(unseen.values())
    where = "" if most == total else f" in {most} of {total} answers"
    return f"{' and '.join(unseen)} not checked{where}"


def _problems(task: Task, answer: Answer, example: Example, layers: tuple[str, ...]) -> list[Problem]:
    if answer.flaw:
        first = task.checks[0].name if task.checks else "form"
        return [Problem(layer=first, code="bad_row", message=answer.flaw, hint=ROW_FORM)]
    # what a model wrote may come in the form that teachers use, or bare
    draft = task.parse(answer.text) or Draft(answer=answer.text)
    return list(find_problems(task, example, draft, layers or None))


def _show(identity: Any, ok: bool, problems: list[Problem], idle: list[str], *, as_json: bool) -> None:
    if as_json:
        keys = ("layer", "severity", "code", "message", "pointer", "hint")
        found = [{k: p.to_row()[k] for k in keys} for p in problems]
        emit({"id": identity, "ok": ok, "problems": found, "not_checked": idle})
        return
    say(f"{identity}: {'ok' if ok else 'refused'}")
    for p in problems:
        lines = [f"  {p.severity.value} ({p.layer}, {p.code}) {p.message}", p.pointer and f"at {p.pointer}", p.hint]
        say("\n    ".join(line for line in lines if line), lines=True)


# --- reading ----------------------------------------------------------------------------


Columns = Mapping[str, Callable[[Any], Mapping[str, Any]]]  # of a row, beside its id and answer


def _answers(file: Path, task: Task, columns: Columns) -> Iterator[Answer]:
    """Each answer in `file`: JSONL rows with an id and an answer, else the whole text as one answer."""
    data = bytes_of(file, "FILE")
    text = text_of(data).removeprefix("\ufeff")
    # only on line breaks: U+2028 may stand in a string
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if file.suffix in (".jsonl", ".ndjson"):
        if lines and (found := detect(lines[0][1].encode())):
            raise DataError(f"detected {found}, expected JSONL", where=f"{file}:{lines[0][0]}", hint=ROW_FORM)
    elif not lines or not _is_row(_lenient(lines[0][1])):
        yield Answer(id="1", text=text)  # a search body has no id
        return
    for number, line in lines:
        yield _row(number, line, task, columns)


def _is_row(value: Mapping[str, Any]) -> bool:
    return "id" in value and any(name in value for name in ANSWERS)


def _row(number: int, line: str, task: Task, columns: Columns) -> Answer:
    try:
        row = loads(line)
    except NotStrict as problem:
        return Answer(id=_lenient(line).get("id", str(number)), flaw=f"line {number}: not strict JSON: {problem}")
    identity = row.get("id", str(number)) if isinstance(row, dict) else str(number)
    name = next((name for name in ANSWERS if name in row), None) if isinstance(row, dict) else None
    if name is None:
        return Answer(id=identity, flaw=f"line {number}: row has no 'answer'")
    try:
        data, given = given_data(row, task, f"line {number}")
    except DataError as problem:
        return Answer(id=identity, flaw=f"line {number}: {problem.what}")
    context = {**given, **({task.data_key: data} if data else {})}
    for column, read in columns.items():
        context.update(read(row[column]) if column in row else {})
    answer = row[name]
    return Answer(id=identity, text=answer if isinstance(answer, str) else dumps(answer), context=context)


def _lenient(line: str) -> dict[str, Any]:
    """The row as Python's own reader takes it, to know its id; nothing where it takes none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}
