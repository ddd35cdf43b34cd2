"""`check --format answers` and `--format jsonl`: reads answers, also raw ones of models, and prints one line for each.

    {"id": "a", "answer": "1 + 2"}                          a row; "answer" may also be a model's raw text
    {"id":"a","ok":true,"problems":[],"not_checked":[]}     its line with --format jsonl

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
from dstill.cli.options import App
from dstill.errors import AnswerError, DataError, UsageError
from dstill.factory import make_task
from dstill.inputs.answer_rows import ROW_FORM, Answer, Columns, bad_row, begins_rows, columns_of, row
from dstill.io.input_files import bytes_of, text_of
from dstill.io.jsonl import detect

__all__ = ["check_answers", "require_layers"]


def check_answers(app: App, file: Path, data: str | None, layers: tuple[str, ...], *, as_json: bool) -> None:
    """Check the answers in `file`: rows of a JSONL file, bare answers one on each line, or one answer.

    Raises UsageError if a layer is not known, or nothing is known about `data`, and AnswerError if an answer fails.
    """
    task = make_task(app.plugins, app.config())
    require_layers(task, layers)
    known = [check.name for check in task.checks]
    columns = columns_of(task)
    context: dict[str, Any] = {**app.context, **({task.data_key: data} if data else {})}
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


def require_layers(task: Task, layers: tuple[str, ...]) -> None:
    """Raise UsageError if one of `layers` is not a layer of `task`."""
    known = [check.name for check in task.checks]
    for layer in layers:
        if layer not in known:
            raise UsageError(f"no layer '{layer}'", where="--layer", hint=f"task '{task.name}' has {', '.join(known)}")


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
        rows = [{k: p.to_row()[k] for k in keys} for p in problems]
        emit({"id": identity, "ok": ok, "problems": rows, "not_checked": skipped})
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
        if lines and (form := detect(lines[0][1].encode())):
            raise DataError(f"detected {form}, expected JSONL", where=f"{file}:{lines[0][0]}", hint=ROW_FORM)
    elif not lines or not begins_rows(lines[0][1], task):
        yield Answer(id="1", text=text)  # an answer that is an object has no id
        return
    for number, line in lines:
        yield row(number, line, task, columns)
