"""Commands that use a student: predict, evaluate, trace."""

from __future__ import annotations

import io
import itertools
import json
import sys
from typing import Any, Iterator, Mapping

import click

from dstill import hardware
from dstill.cli.app import App, app, json_option, run_argument, set_option, setting
from dstill.cli.console import emit, note, progress, visible
from dstill.cli.given import text_of
from dstill.cli.scores import show_scores
from dstill.constraining import Constrained
from dstill.errors import AnswerError, DataError, DstillError, FailedItems, UsageError
from dstill.evaluating import closeness
from dstill.parts import Executor
from dstill.records import Example, Verdict
from dstill.rows import rows_from
from dstill.run import Run
from dstill.stages import draft_of
from dstill.stages import predict as write_answers

__all__ = ["COMMANDS", "answer", "summary"]

QUESTION_LIMIT = 2_000
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
    context = _context(opened)
    examples = [_example(question, context)] if question is not None else list(_from_stdin(context))
    executor = opened.executor() if execute else None
    if executor is None:
        results = answer(opened, examples, None)
    else:
        with executor.open(opened.task, opened.settings.engine):
            results = answer(opened, examples, executor)
    _tell_far(opened, examples, results)
    bad = [r for r in results if not r["ok"]]
    for result in results:
        if as_json:
            emit(result)
        else:
            _show_answer(opened, result, many=len(results) > 1)
    if bad and as_json:
        raise click.exceptions.Exit(AnswerError.exit_code)  # each result has said so itself
    if bad:
        reason = bad[0]["reason"] if len(results) == 1 else f"{len(bad)} of {len(results)} answers are no use"
        raise AnswerError(reason, where=f"run {opened.name}", hint="--json shows each answer with what is wrong in it")


def _tell_far(run: Run, examples: list[Example], results: list[dict[str, Any]]) -> None:
    """Add how similar each question is to those of training, where that is known, and warn of those that are not."""
    try:
        near = closeness(run, examples)
    except DstillError as problem:  # the answers are there all the same
        note(f"note: whether a question is like those of training is not known: {problem.what}")
        near = []
    for result, found in itertools.zip_longest(results, near):
        result["similarity"] = found and round(found.value, 3)
    far = [found for found in near if found.value < found.far]
    if far and len(results) == 1:
        figure = f"similarity {far[0].value:.2f}, below {far[0].far}"
        note(f"warning: no training question is like this one ({figure}): the answer is a guess")
    elif far:
        figure = f"similarity below {far[0].far}"
        note(f"warning: no training question is like {len(far)} of these {len(results)} ({figure}): those are guesses")


def answer(run: Run, examples: list[Example], executor: Executor | None) -> list[dict[str, Any]]:
    """The student's answer to each example, checked, and run where an executor is given."""
    writer = run.writer("student")
    if run.settings.evaluate.constrain:
        writer = Constrained(writer, run.objective, run.task, examples)
    results = []
    for example, prediction in zip(examples, write_answers(writer, run.objective, run.task, examples), strict=True):
        draft = draft_of(prediction, run.objective, run.task)
        verdict = run.task.judge(example, draft, None)
        result = _result(run, example, prediction.text, draft.answer if draft else "", verdict)
        if prediction.truncated:
            result["reason"] = "cut off at the token limit"
        if executor is not None and result["ok"] and draft is not None:
            outcome = executor.run(draft.answer, example)
            result.update(outcome=outcome.kind.value, result=outcome.value)
            if outcome.kind.value != "ok":
                result.update(ok=False, reason=outcome.reason)
        results.append(result)
    return results


def _result(run: Run, example: Example, text: str, answered: str, verdict: Verdict) -> dict[str, Any]:
    ok = verdict.reached >= 2 and not verdict.refused
    return {
        "id": example.id,
        "question": example.question,
        "answer": answered,
        "ok": ok,
        "refused": verdict.refused,
        "reason": "the student refused to answer"
        if verdict.refused
        else verdict.reason
        if text.strip()
        else "no output",
        "problems": [p.to_row() for p in verdict.problems],
    }


def _show_answer(run: Run, result: dict[str, Any], *, many: bool) -> None:
    if many:
        click.echo(visible(f"# {result['question']}"))
    click.echo(visible(result["answer"] or "(nothing)"))
    for problem in result["problems"]:
        click.echo(visible(f"  {problem['severity']}: {problem['message']} {problem['hint']}".rstrip()))
    if "result" in result:
        click.echo(visible(run.task.show(result["result"])))
    if not result["ok"] and many:
        click.echo(visible(f"  {result['reason']}"))


def _example(question: str, context: Mapping[str, Any], number: int = 1, where: str = "QUESTION") -> Example:
    """A question as the run's own examples have it: in the context of its index. Raises UsageError."""
    text = question.strip()
    if not text:
        raise UsageError("the question is empty", where=where, hint="write what is wanted in a few words")
    if len(question) > QUESTION_LIMIT:
        raise UsageError(
            f"the question is too long: {len(question):,} characters (limit {QUESTION_LIMIT:,})",
            where=where,
            hint="ask in fewer words",
        )
    if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text):
        raise UsageError(
            f"the question holds characters that no text has: {visible(text)[:80]!r}",
            where=where,
            hint="take them out, or save the text as UTF-8",
        )
    return Example(id=str(number), question=text, context=context)


def _context(run: Run) -> Mapping[str, Any]:
    """What the run's own examples have beside the question."""
    return next((r.context for split in ("test", "train") for r in run.records(split)), {})


def _from_stdin(context: Mapping[str, Any]) -> Iterator[Example]:
    """Rows with a question, or a question a line."""
    data = sys.stdin.buffer.read()
    text_of(data)  # raises where it is not UTF-8
    if data.lstrip().startswith(b"{"):
        for number, row in rows_from(io.BytesIO(data), "stdin"):
            if not isinstance(row.get("question"), str):
                hint = 'rows are {"question": "…"}'
                raise DataError("row has no 'question'", where=f"stdin:{number}", hint=hint)
            yield _example(row["question"], context, number, f"stdin:{number}")
        return
    for number, line in enumerate(data.decode().split("\n"), 1):
        if line.strip():
            yield _example(line, context, number, f"stdin:{number}")


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
