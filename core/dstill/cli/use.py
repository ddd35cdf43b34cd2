"""Commands that use a student: predict, evaluate, trace."""

from __future__ import annotations

import io
import json
import sys
from typing import Any, Iterator, Sequence

import click

from dstill import hardware
from dstill.answering import Answered, Answering
from dstill.cli.app import App, app, json_option, run_argument, set_option, setting
from dstill.cli.console import emit, note, progress, visible
from dstill.cli.given import text_of
from dstill.cli.scores import show_scores
from dstill.errors import AnswerError, DataError, FailedItems, UsageError
from dstill.records import Example
from dstill.rows import rows_from
from dstill.run import Run

__all__ = ["COMMANDS", "summary"]

# name in the JSON summary → metric
SUMMARY = ("executable_accuracy", "exact_match", "silent_wrong")

constrain_option = setting(
    "--constrain/--no-constrain",
    key="evaluate.constrain",
    help="Hold the student to the task's grammar: every answer is valid.",
)


@click.command()
@run_argument
@setting("--engine-url", key="engine.url", metavar="URL", help="Run the answers on this server.")
@click.option("--load-data", is_flag=True, help="Write the task's own data to that server, to indices made for it.")
@constrain_option
@json_option
@set_option
@app
def evaluate(found: App, run: str, load_data: bool, as_json: bool) -> None:
    """Answer the test sets, run the answers, and print the scores."""
    if load_data:
        found.flags["engine.load_data"] = True
    opened = found.open(run)
    with progress() as report:
        opened.progress = report
        facts = opened.evaluate()
    for told in facts.get("notes", ()):
        note(f"note: {told}")
    if as_json:
        emit(summary(opened, facts))
    else:
        show_scores(opened, facts)
        click.echo(f"next: dstill report {opened.folder}")
    if facts["invalid"]:
        raise FailedItems(
            f"this evaluation is invalid: {facts['invalid']}",
            where=str(opened.folder / "verdicts.jsonl"),
            hint=f"see to the engine, then: dstill evaluate {opened.folder}",
        )


def summary(run: Run, facts: Any, *, seconds: float | None = None) -> dict[str, Any]:
    """The numbers of an evaluation as one flat object; what was not measured is null."""
    splits = run.settings.evaluate.splits
    scores = facts["scores"]
    main = scores["student"][splits[0]]

    def value(system: str, split: str, metric: str) -> Any:
        return scores.get(system, {}).get(split, {}).get(metric, {}).get("value")

    accuracy = main.get("executable_accuracy", {})
    return {
        **{name: value("student", splits[0], name) for name in SUMMARY},
        "ci95": [accuracy.get("low"), accuracy.get("high")],
        "n": accuracy.get("n"),
        "unseen_templates": value("student", "test_templates", "executable_accuracy"),
        "unseen_index": value("student", "test_index", "executable_accuracy"),
        "untrained": value("untrained", splits[0], "executable_accuracy"),
        "nearest_question": value("nearest", splits[0], "executable_accuracy"),
        "seconds": round(facts["seconds"] if seconds is None else seconds, 1),
        "peak_memory_bytes": max(facts["peak_memory"], hardware.peak_memory()),
        "engine": facts["engine"],
        "run": str(run.folder),
    }


@click.command()
@click.argument("question", required=False)
@click.option("--run", "run", required=True, metavar="RUN", help="The run whose student answers.")
@click.option("--execute", is_flag=True, help="Run the answer and show its result.")
@setting("--engine-url", key="engine.url", metavar="URL", help="Run it on this server.")
@constrain_option
@json_option
@set_option
@app
def predict(found: App, question: str | None, run: str, execute: bool, as_json: bool) -> None:
    """Let the student of a run answer QUESTION.

    Without it, the questions of stdin: JSONL rows with "question", or plain lines. The exit code is 9
    when an answer is refused or invalid. In a run that was evaluated, a question that is far from all
    training questions is warned of.
    """
    opened = found.open(run)
    with Answering(opened, execute=execute) as answering:
        examples = [answering.example(question)] if question is not None else list(_from_stdin(answering))
        results = answering.answer(examples)
    _tell_far(answering, results)
    for result in results:
        if as_json:
            emit(result.to_row())
        else:
            _show_answer(opened, result, many=len(results) > 1)
    bad = [r for r in results if not r.ok]
    if bad and as_json:
        raise click.exceptions.Exit(AnswerError.exit_code)  # each result has said so itself
    if bad:
        reason = bad[0].reason if len(results) == 1 else f"{len(bad)} of {len(results)} answers are no use"
        raise AnswerError(reason, where=f"run {opened.name}", hint="--json shows each answer with what is wrong in it")


def _tell_far(answering: Answering, results: Sequence[Answered]) -> None:
    """Warn of questions that are not like those of training, where that is known."""
    if answering.nearness_unknown:
        note(f"note: whether a question is like those of training is not known: {answering.nearness_unknown}")
    far = [r for r in results if r.guessed]
    if far and len(results) == 1:
        figure = f"similarity {far[0].similarity:.2f}, below {far[0].far}"
        note(f"warning: no training question is like this one ({figure}): the answer is a guess")
    elif far:
        figure = f"similarity below {far[0].far}"
        note(f"warning: no training question is like {len(far)} of these {len(results)} ({figure}): those are guesses")


def _show_answer(run: Run, result: Answered, *, many: bool) -> None:
    if many:
        click.echo(visible(f"# {result.question}"))
    click.echo(visible(result.answer or "(nothing)"))
    for problem in result.problems:
        click.echo(visible(f"  {problem.severity.value}: {problem.message} {problem.hint}".rstrip()))
    if result.outcome:
        click.echo(visible(run.task.show(result.result)))
    if not result.ok and many:
        click.echo(visible(f"  {result.reason}"))


def _from_stdin(answering: Answering) -> Iterator[Example]:
    """Rows with a question, or a question a line."""
    data = sys.stdin.buffer.read()
    text_of(data)  # raises where it is not UTF-8
    if data.lstrip().startswith(b"{"):
        for number, row in rows_from(io.BytesIO(data), "stdin"):
            if not isinstance(row.get("question"), str):
                hint = 'rows are {"question": "…"}'
                raise DataError("row has no 'question'", where=f"stdin:{number}", hint=hint)
            yield answering.example(row["question"], id=str(number), where=f"stdin:{number}")
        return
    for number, line in enumerate(data.decode().split("\n"), 1):
        if line.strip():
            yield answering.example(line, id=str(number), where=f"stdin:{number}")


@click.command()
@run_argument
@click.argument("identity", metavar="ID")
@json_option
@app
def trace(found: App, run: str, identity: str, as_json: bool) -> None:
    """Print one record from every file of a run."""
    opened = found.open(run)
    rows, seen = {}, ""
    for path in sorted(opened.folder.rglob("*.jsonl")):
        file = str(path.relative_to(opened.folder))
        for row in opened.rows(file):
            seen = seen or str(row.get("id", ""))
            if row.get("id") == identity:
                rows[file] = row
    if not rows:
        raise UsageError(
            f"no row with id '{identity}' in run '{opened.name}'",
            where=str(opened.folder),
            hint="its ids are in dataset/data/*.jsonl and rejects.jsonl" + (f", as '{seen}'" if seen else ""),
        )
    if as_json:
        emit({"id": identity, "files": rows})
        return
    for file, row in rows.items():
        click.secho(file, bold=True)
        for key, value in row.items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            click.echo(visible(f"  {key}: {text}"))


COMMANDS = (predict, evaluate, trace)
