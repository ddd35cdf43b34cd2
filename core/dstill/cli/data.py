"""Commands about data: questions, generate, check."""

from __future__ import annotations

import io
import itertools
import json
import sys
from pathlib import Path
from typing import Any, Iterator

import click

from dstill.cli.app import App, Count, app, complete_parts, json_option, seed_option, set_option, setting, task_option
from dstill.cli.console import emit, progress, table, visible
from dstill.errors import AnswerError, DataError, RunError, UsageError
from dstill.folder import MANIFEST
from dstill.jsontext import dumps
from dstill.making import make_task
from dstill.records import Draft, Example, Problem
from dstill.rows import read_rows, rows_from
from dstill.run import Run
from dstill.task import Task

__all__ = ["COMMANDS"]

# Settings that decide what `generate` makes: a run keeps to those that it began with.
DECIDING = ("project.", "generate.questions", "generate.limit", "generate.teacher", "task.", "teacher.")


@click.command()
@click.option("-n", "--number", type=Count(1, 1_000_000), default=20, show_default=True, help="How many.")
@task_option
@seed_option
@json_option
@set_option
@app
def questions(found: App, number: int, as_json: bool) -> None:
    """Write questions with gold and rationale, made by the task's own synthesizer."""
    config = found.config()
    task = make_task(found.plugins, config)
    made = list(itertools.islice(task.synthesize({}, number, config.settings.project.seed), number))
    if not made:
        raise UsageError(f"task '{task.name}' makes no questions of its own", hint="write them into a file")
    for example in made:
        if as_json:
            emit(example.to_row())
        else:
            click.echo(f"{visible(example.question)}\n    {visible(example.answer or '')}")


@click.command()
@click.option("--out", type=click.Path(path_type=Path), help="The run's folder; one that is there goes on.")
@task_option
@setting("--teacher", key="generate.teacher", shell_complete=complete_parts("teachers"), help="Who answers.")
@setting("--questions", key="generate.questions", metavar="FILE", help="JSONL, CSV or Parquet; else the task's own.")
@setting("--limit", key="generate.limit", type=Count(1, 10**8), help="At most this many questions.")
@setting("--engine-url", key="engine.url", metavar="URL", help="Run the answers on this server.")
@seed_option
@json_option
@set_option
@app
def generate(found: App, out: Path | None, as_json: bool) -> None:
    """Ask the teacher, check every reply, and write the dataset."""
    with progress() as report:
        if out is not None and (out / MANIFEST).exists():
            run = found.open(out.absolute())
            _keeps_to_its_settings(run)
        else:
            run = Run.create(out, config=found.config(), plugins=found.plugins, arguments=found.flags)
        run.progress = report
        facts = run.generate()
    if as_json:
        emit({"run": str(run.folder), **facts})
        return
    show_dataset(facts)
    click.echo(f"run: {run.folder}\nnext: dstill train {run.folder}")


def _keeps_to_its_settings(run: Run) -> None:
    """Refuse to mix data of two settings in one run."""
    before = Run.open(run.folder, plugins=run.plugins).config.flat()
    for key, value in run.config.flat().items():
        if key.startswith(DECIDING) and before.get(key) != value:
            raise RunError(
                f"run '{run.name}' was begun with {key} = {json.dumps(before.get(key))}, not {json.dumps(value)}",
                where=str(run.folder),
                hint="begin a new run with another --out",
            )


def show_dataset(facts: Any) -> None:
    """The counts of `Run.generate`."""
    rows = [[split, str(n)] for split, n in facts["splits"].items()]
    table(["split", "#rows"], rows, title=f"{facts['accepted']} of {facts['questions']} questions accepted")
    if facts["rejections"]:
        table(["rejected for", "#rows"], [[code, str(n)] for code, n in facts["rejections"].items()])
    for kind in ("unsupported", "unavailable"):
        if n := facts["outcomes"].get(kind):
            click.echo(f"{n} answers were not run: {kind} on this engine")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), default="-")
@click.option("--mapping", type=click.Path(path_type=Path), help="JSON file with the index mapping to check against.")
@click.option("--layer", "layers", multiple=True, metavar="LAYER", help="Only this layer (repeatable); else all.")
@task_option
@json_option
@set_option
@app
def check(found: App, file: Path, mapping: Path | None, layers: tuple[str, ...], as_json: bool) -> None:
    """Check one answer, or JSONL rows {"id", "query"}, from FILE or stdin.

    A row's query is an object, or a string that is taken as a model's raw text. The exit
    code is 9 when any row is refused.
    """
    task = make_task(found.plugins, found.config())
    known = [c.name for c in task.checks]
    for layer in layers:
        if layer not in known:
            raise UsageError(f"no layer '{layer}'", where="--layer", hint=f"task '{task.name}' has {', '.join(known)}")
    context = {"mapping": _json_file(mapping)} if mapping else {}
    refused = total = 0
    for identity, answer, extra in _answers(file):
        problems = _problems(task, identity, answer, {**context, **extra}, layers)
        ok = not any(p.is_error for p in problems)
        total, refused = total + 1, refused + (not ok)
        _show_check(identity, ok, problems, as_json=as_json)
    if refused and as_json:
        raise click.exceptions.Exit(AnswerError.exit_code)  # each row has said so itself
    if refused:
        raise AnswerError(f"{refused} of {total} answers refused")


def _problems(task: Task, identity: str, answer: str, context: Any, layers: tuple[str, ...]) -> list[Problem]:
    example = Example(id=identity, question="", context=context)
    # what a model wrote may come in the form that teachers use, or bare
    draft = task.parse(answer) or Draft(answer=answer)
    return list(task.problems(example, draft, layers or None))


def _show_check(identity: str, ok: bool, problems: list[Problem], *, as_json: bool) -> None:
    if as_json:
        keys = ("layer", "severity", "code", "message", "pointer", "hint")
        emit({"id": identity, "ok": ok, "problems": [{k: p.to_row()[k] for k in keys} for p in problems]})
        return
    click.echo(f"{visible(identity)}: {'ok' if ok else 'refused'}")
    for p in problems:
        lines = [f"  {p.severity.value} ({p.layer}, {p.code}) {p.message}", p.pointer and f"at {p.pointer}", p.hint]
        click.echo(visible("\n    ".join(line for line in lines if line)))


def _answers(file: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(id, answer text, context) of each answer in `file`: JSONL rows with an id and a query, or one answer."""
    data = _read(file)
    if not _is_rows(data) and file.suffix not in (".jsonl", ".ndjson"):
        yield "1", text_of(data), {}
        return
    if str(file) == "-":
        text_of(data)  # raises where it is not UTF-8
    source = "stdin" if str(file) == "-" else str(file)
    for number, row in rows_from(io.BytesIO(data), source) if str(file) == "-" else read_rows(file):
        if "query" not in row:
            raise DataError("row has no 'query'", where=f"{source}:{number}", hint='rows are {"id", "query"}')
        query = row["query"]
        extra = {"mapping": row["mapping"]} if isinstance(row.get("mapping"), dict) else {}
        yield str(row.get("id", number)), query if isinstance(query, str) else dumps(query), extra


def _read(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as problem:
        raise UsageError(f"cannot read {file}: {(problem.strerror or '').lower()}", where="FILE") from None


def text_of(data: bytes) -> str:
    """What came in, decoded. Raises UsageError with the line that is not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        raise UsageError(f"line {line}: not UTF-8 (byte {data[problem.start]:#04x})", where="the input") from None


def _is_rows(data: bytes) -> bool:
    """Whether the first line that is not blank is a row with an id and a query (a search body has no id)."""
    first = next((line for line in data.split(b"\n") if line.strip()), b"")
    try:
        row = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(row, dict) and {"id", "query"} <= row.keys()


def _json_file(file: Path) -> Any:
    try:
        value = json.loads(_read(file))
    except (ValueError, RecursionError) as problem:
        raise DataError(f"{file} is not JSON: {problem}", where="--mapping") from None
    if not isinstance(value, dict):
        raise DataError(f"{file} holds no JSON object", where="--mapping")
    return value


COMMANDS = (questions, generate, check)
