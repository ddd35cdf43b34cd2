"""The command `data audit`: checks the reference answers of a file, a run, or the task."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from dstill.answering.steps import examples_of
from dstill.api.records import SPLITS, Example
from dstill.cli.console import emit, note, progress, say, table
from dstill.cli.groups import Command
from dstill.cli.options import (
    App,
    Count,
    engine_url_option,
    json_option,
    pass_app,
    seed_option,
    set_option,
    task_option,
)
from dstill.errors import DataError, FailedItems
from dstill.factory import Setup
from dstill.inputs import hub_datasets
from dstill.inputs.question_files import read_questions
from dstill.quality.audit import audit as audit_golds
from dstill.quality.audit_report import Audit
from dstill.quality.consistency import for_golds
from dstill.runs.folder import RUNS
from dstill.runs.manifest import MANIFEST

__all__ = ["audit"]

TABLE_ROWS = 10  # rows of a table for a person; --json has all


@click.command(cls=Command, examples=["dstill data audit runs/mine --limit 50"])
@click.argument("what", metavar="[FILE|RUN]", required=False)
@click.option(
    "--limit",
    type=Count(0, 10**6),
    default=200,
    help="Number of reference answers to execute. 0: none.",
)
@task_option
@engine_url_option("Execute reference answers on this server")
@seed_option
@json_option
@set_option
@pass_app
def audit(app: App, what: str | None, limit: int, as_json: bool) -> None:
    """Find unusable reference answers.

    Reads FILE (what `generate --questions` reads), the dataset of RUN, or by default the task's questions. Checks all
    reference answers, and executes --limit of them. Reports:

    \b
      - references that fail a check or do not run
      - references that match everything or nothing
      - references whose result is not deterministic
      - two references that contradict each other: same question, different answers
      - duplicate questions
      - test questions that are also in train
      - the mutation score: the share of deliberately wrong answers that the test
        databases distinguish from the reference

    Exits with 3 if references do not run, fail a check or contradict each other, or if test questions are in train.
    """  # noqa: D301 - click needs the character \b itself
    setup, examples = _given(app, what)
    task = setup.task
    if not any(example.answer is not None for example in examples):
        raise DataError("no reference answers", where=what or f"task '{task.name}'", hint="give rows with an 'answer'")
    with progress() as report, setup.opened_executor() if limit else contextlib.nullcontext() as executor:
        result = audit_golds(task, examples, executor, limit=limit, progress=report)
    source = what or f"task {task.name}"
    warnings = for_golds(task, result.golds)
    for text in warnings:
        note(f"warning: {text}")
    if as_json:
        emit({"source": source, "task": task.name, "ok": not result.bad, "warnings": warnings, **result.to_json()})
    else:
        _show(source, result)
    if result.bad and as_json:
        raise click.exceptions.Exit(FailedItems.exit_code)  # the object has the reasons
    if result.bad:
        raise FailedItems("; ".join(result.bad), where=source, hint="fix or remove those rows; --json names each")


def _given(app: App, what: str | None) -> tuple[Setup, Sequence[Example]]:
    """The setup of the task, and the questions to audit."""
    if what is not None and _is_run(what):
        run = app.open(what)
        examples = [record.example for split in SPLITS for record in run.records(split)]
        return run.setup, examples
    setup = Setup(app.plugins, app.config())
    if what is not None:
        return setup, read_questions(what, parse=setup.task.parse)
    return setup, examples_of(setup.task)


def _is_run(what: str) -> bool:
    """Whether WHAT names a run, existing or not. A name with a suffix that is neither is a missing file."""
    if hub_datasets.is_name(what):
        return False
    if Path(what).is_file() or (Path(what).is_dir() and not (Path(what) / MANIFEST).exists()):
        return (RUNS / what / MANIFEST).exists()
    return Path(what).is_dir() or (RUNS / what).is_dir() or not Path(what).suffix


# --- output -----------------------------------------------------------------------------


def _show(source: str, result: Audit) -> None:
    facts = result.to_json()
    rows = [
        ["reference answers", facts["golds"]],
        ["of these, refusals", facts["refusals"]],
        ["questions without a reference", facts["without_gold"]],
        ["failed a check", len(facts["refused"])],
        ["duplicate question, same answer", len(facts["duplicates"]["same"])],
        ["duplicate question, other answer", len(facts["duplicates"]["conflicting"])],
    ]
    if result.engine:
        rows += [
            [f"sent to {result.engine}", facts["ran"]],
            ["of these, refused by the engine", len(facts["failed"])],
            ["not executed: the engine cannot run it, or lacks its data", len(facts["unsupported"])],
            ["not executed: engine unavailable", len(facts["unavailable"])],
            ["match everything or nothing", len(facts["trivial"])],
            ["depends on chance (a page that ends in a tie)", len(facts["nondeterministic"])],
        ]
    table(["found", "#count"], [[name, str(n)] for name, n in rows], title=f"audit of {source}")
    if result.engine:
        _show_mutation_score(facts)
    for leak in result.leaked:
        say(str(leak), lines=True)
    _show_some("failed a check", [(gold["id"], gold["problems"][0]["message"]) for gold in facts["refused"]])
    _show_some("refused by the engine", [(gold["id"], gold["reason"]) for gold in facts["failed"]])
    _show_some("undetected mutants", [(gold["id"], ", ".join(gold["mutants"])) for gold in facts["survivors"]])


def _show_mutation_score(facts: dict[str, Any]) -> None:
    databases, alone = facts["mutation_score"], facts["mutation_score_data_only"]
    if not databases["n"]:
        say("mutation score: not measured" + "".join(f"; {reason} ({n})" for reason, n in facts["not_checked"].items()))
        return
    rows = [[name, *(_figure(rates[name]) for rates in (databases, alone))] for name in ("median", "mean", "minimum")]
    above = None
    for bound in databases["classes"]:
        label = f"references from {bound} to below {above}" if above else "references with all mutants detected"
        rows.append([label, *(str(rates["classes"].get(bound, 0)) for rates in (databases, alone))])
        above = bound
    table(["mutation score", "#on test databases", "#on the data alone"], rows)
    for reason, n in facts["not_checked"].items():
        say(f"not measured: {n} references, {reason}")
    if pairs := facts["held_out_mutants"]["of"]:
        say(f"held-out mutants: {facts['held_out_mutants']['n_killed']} of {pairs} detected")


def _figure(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"


def _show_some(what: str, rows: Sequence[tuple[str, str]]) -> None:
    if rows:
        more = f" (the first {TABLE_ROWS} of {len(rows)}; --json has all)" if len(rows) > TABLE_ROWS else ""
        table([what, "details"], [list(row) for row in rows[:TABLE_ROWS]], title=f"{what}{more}")
