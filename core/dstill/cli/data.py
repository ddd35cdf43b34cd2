"""The commands `generate`, `data curate` and `data export`."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from dstill.cli.console import emit, note, progress, say, table
from dstill.cli.groups import Command
from dstill.cli.options import (
    App,
    Count,
    cap_options,
    engine_url_option,
    json_option,
    pass_app,
    run_argument,
    seed_option,
    set_option,
    setting,
    task_option,
    teacher_option,
)
from dstill.config import Config, command_line
from dstill.errors import DataError, FailedItems, RunError
from dstill.factory import Setup
from dstill.inputs import given, hub_datasets
from dstill.io.files import reading
from dstill.io.shell import command
from dstill.runs import stage_facts
from dstill.runs.dataset_export import export
from dstill.runs.focus import configured_focus
from dstill.runs.folder import EXPORT, SETTINGS, STORE
from dstill.runs.manifest import MANIFEST
from dstill.runs.run import Run
from dstill.stages.generate.estimate import estimated
from dstill.teacher.cost import summary_lines

__all__ = ["curate", "export_data", "generate"]

NOT_RUN = {
    "unsupported": "this engine cannot run them, or does not have their data (choose another with --engine-url)",
    "unavailable": "the engine did not answer",
}

# Settings that decide the content of the dataset: a run keeps those that it was created with.
DECISIVE_KEYS = (
    "project.",
    "generate.questions",
    "generate.limit",
    "generate.labels",
    "augment.",
    "generate.teacher",
    "generate.json_mode",
    "task.",
    "teacher.",
)
# Settings that decide the test splits and their reference answers.
OF_TEST_SPLITS = ("project.seed", "generate.questions", "generate.limit", "generate.teacher", "task.")


@click.command(
    cls=Command,
    section="Pipeline",
    examples=[
        "dstill generate --out runs/mine",
        "dstill generate --teacher openai:gpt-5-mini --questions questions.jsonl --max-total-tokens 2000000",
        "dstill generate --teacher openai:gpt-5-mini --dry-run",
    ],
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder of the run. An existing run is resumed. Default: a new folder under ./runs.",
)
@task_option
@teacher_option
@setting(
    "--questions",
    key="generate.questions",
    metavar="FILE",
    help="Questions: a JSONL, JSON, CSV or Parquet file, a folder of a data set, or hf://datasets/OWNER/NAME. Default: "
    "the task's own.",
)
@setting(
    "--limit",
    key="generate.limit",
    type=Count(1, 10**8),
    help="Maximum number of questions, the same share of each split. Default: all.",
)
@setting(
    "--augment-cause",
    key="augment.cause",
    metavar="LABEL",
    help="Add 25 % more training questions, like those that failed for this cause in --from-run. `dstill evaluate` and "
    "the report list the causes.",
)
@setting("--from-run", key="augment.from_run", metavar="RUN", help="An evaluated run: its failures are used.")
@engine_url_option("Execute answers on this server")
@cap_options
@setting(
    "--batch-api",
    key="generate.batch",
    is_flag=True,
    flag_value=True,
    help="Use the provider's batch API (teacher openai): submit now; to collect the replies, run the "
    "same command again, with --out RUN.",
)
@setting(
    "--json-mode",
    key="generate.json_mode",
    type=click.Choice(["auto", "schema", "off"]),
    help="Ask for JSON that follows a schema (teacher openai). auto: if the API supports it; not in batches. schema: "
    "always, and fail if the API does not support it. off: never.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show how many requests would be sent, their tokens, their cost (if the price is known) and one prompt. Sends "
    "nothing, but a teacher that needs a key must have it.",
)
@click.option("--resume-with-changes", is_flag=True, help="Resume even if settings or questions have changed.")
@seed_option
@json_option
@set_option
@pass_app
def generate(app: App, out: Path | None, dry_run: bool, resume_with_changes: bool, as_json: bool) -> None:
    """Ask the teacher and write a checked dataset.

    A reply that fails a check is requested again, with the errors. --max-usd, --max-total-tokens and --max-requests
    limit a run as a whole: a resumed run counts what it has spent already. --max-wall limits each command.
    """
    if dry_run:
        _dry_run(app, out, as_json)
        return
    with progress() as report, ExitStack() as making:
        if out is not None and (out / MANIFEST).exists():
            run = app.open(out.absolute())  # not a run of that name under ./runs
            run.folder = out
            run.pin_questions()
            _keeps_to_its_settings(run, resume_with_changes)
        else:
            config = app.config()
            questions = config.settings.generate.questions
            if questions and not hub_datasets.is_name(questions):
                with reading(Path(questions)):  # a mistyped name must not create a run
                    Path(questions).stat()
            if configured_focus(Setup(app.plugins, config)) is not None:  # nor may a mistyped label
                _warn_of_other_splits(app, config)
            run = Run.create(out, config=config, plugins=app.plugins, arguments=app.flags)
            making.enter_context(run.dropped_if_refused())
        run.progress = report
        facts = run.generate(resume_with_changes=resume_with_changes)
    failed = facts["replies"]["failed"] + facts["rejections"].get("truncated", 0)
    if as_json:
        emit({"run": str(run.folder), **facts})
        if failed:
            raise click.exceptions.Exit(FailedItems.exit_code)  # the object says it itself
        return
    show_dataset(facts)
    for line in summary_lines(stage_facts.cost_of(facts)):
        say(line)
    if facts["cost"] and facts["replies"]["cached"]:
        say("{cached:,} replies came from the cache, {bought:,} were requested now".format(**facts["replies"]))
    say(f"run: {run.folder}")
    say(f"next: {_next(run)}")
    if failed:
        raise FailedItems(
            f"{failed} of {facts['questions']} questions got no complete reply",
            where=str(run.folder / "rejects.jsonl"),
            hint=f"request them again: {command_line(run.plugins.files, 'generate', '--out', run.folder)}",
        )


def _warn_of_other_splits(app: App, config: Config) -> None:
    """Warn if the test splits will differ from those of the run in --from-run."""
    other = Run.open(config.settings.augment.from_run, plugins=app.plugins)
    before, now = other.config.flat(), config.flat()
    if differ := [key for key in now if key.startswith(OF_TEST_SPLITS) and before.get(key) != now[key]]:
        note(
            f"warning: {', '.join(differ)} {'differs' if len(differ) == 1 else 'differ'} from run {other.name}: the "
            "test splits may differ too, and `dstill experiment compare` refuses such runs. "
            f"To use its settings: {command('--config', other.folder / SETTINGS, 'generate')} …"
        )


def _dry_run(app: App, out: Path | None, as_json: bool) -> None:
    """Show what `generate` would do. No run is created."""
    config = app.open(out.absolute()).config if out is not None and (out / MANIFEST).exists() else app.config()
    with progress() as report:
        setup = Setup(app.plugins, config, report)
        estimate = estimated(setup, configured_focus(setup), STORE)
    if as_json:
        emit(estimate.to_json())
        return
    for line in estimate.summary_lines():
        say(line)
    if estimate.prompt is not None:
        say()
        say(f"prompt of the first question, id {estimate.prompt.example.id}:")
        for message in estimate.prompt.messages:
            say(f"--- {message.role}\n{message.content}", lines=True)


@click.command(cls=Command, examples=["dstill data curate runs/mine"])
@run_argument
@engine_url_option("Execute answers on this server")
@json_option
@set_option
@pass_app
def curate(app: App, run: str, as_json: bool) -> None:
    """Rebuild the dataset from the replies of a run.

    Use it after the checks, the engine or the parser have changed. The teacher is not asked again. Rows that are
    dropped are in rejects.jsonl with the reason.
    """
    with progress() as report:
        opened = app.open(run)
        opened.progress = report
        facts = opened.curate()
    if as_json:
        emit({"run": str(opened.folder), **facts})
        return
    show_dataset(facts)
    say(f"next: {_next(opened)}")


def _decides(run: Run, key: str) -> bool:
    """Whether a setting decides the content of the dataset; a teacher's timeout does not."""
    teacher = run.settings.generate.teacher
    others = {f"teacher.{teacher}.{name}" for name in run.plugins.teacher(teacher).non_identity_settings}
    return key.startswith(DECISIVE_KEYS) and key not in others


def _keeps_to_its_settings(run: Run, resume_with_changes: bool) -> None:
    """Refuse to mix rows of two settings in one run. A run without rows takes the current settings."""
    if resume_with_changes or not run.has_dataset:
        with run.lock():  # another process may use it
            run.save_settings()
        return
    before = Run.open(run.folder, plugins=run.plugins).config.flat()
    for key, value in run.config.flat().items():
        if before.get(key) != value and _decides(run, key):
            raise RunError(
                f"run '{run.name}' was created with {key} = {json.dumps(before.get(key))}, not {json.dumps(value)}",
                where=str(run.folder),
                hint="create a new run with another --out, or rebuild this run's dataset with --resume-with-changes",
            )


def _next(run: Run) -> str:
    """The next command: `review` if training requires it, else `train`."""
    try:
        run.gate(allow=False)
    except DataError:
        return command_line(run.plugins.files, "data", "review", run.folder)
    return command_line(run.plugins.files, "train", run.folder)


def show_dataset(facts: Any) -> None:
    """Show the counts of `Run.generate`."""
    if "focus" in facts:
        say(f"more training questions, in proportion to {facts['focus']}")
    rows = [[split, str(n)] for split, n in facts["splits"].items()]
    table(["split", "#rows"], rows, title=f"{facts['accepted']} of {facts['questions']} questions accepted")
    if facts["rejections"]:
        table(["rejected for", "#rows"], [[code, str(n)] for code, n in facts["rejections"].items()])
    for line in given.summary_lines(facts.get("labels", {})):
        say(line)
    for kind, why in NOT_RUN.items():
        if n := facts["outcomes"].get(kind):
            say(f"{n:,} answers were not executed: {why}" if n > 1 else f"1 answer was not executed: {why}")


@click.command("export", cls=Command, examples=["dstill data export runs/mine"])
@run_argument
@click.option("--without-rationale", is_flag=True, help="Export answers without rationales.")
@json_option
@set_option
@pass_app
def export_data(app: App, run: str, without_rationale: bool, as_json: bool) -> None:
    """Export the dataset for TRL, axolotl and LLaMA-Factory.

    Writes every split to RUN/export in two forms, messages and prompt-completion, with the edits of the review.
    `datasets.load_dataset(folder, "messages")` reads it too. The dataset itself does not change.

    `dstill export` exports the trained student. `dstill report --to` exports scores and answers, to RUN/exports.
    """
    opened = app.open(run)
    counts = export(opened, rationales=not without_rationale)
    folder = opened.folder / EXPORT
    if as_json:
        emit({"run": str(opened.folder), "export": str(folder), "splits": counts})
        return
    table(["split", "#rows"], [[split, str(n)] for split, n in counts.items()], title=f"exported to {folder}")
