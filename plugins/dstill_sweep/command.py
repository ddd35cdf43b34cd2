"""`dstill experiment sweep RUN SPACE` and `dstill experiment ablate RUN`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from dstill.api.splits import SPLITS
from dstill.cli.console import emit, note, progress, say
from dstill.cli.groups import Command
from dstill.cli.options import App, Count, F, json_option, pass_app, run_argument, set_option
from dstill.config import command_line
from dstill.errors import FailedItems
from dstill.io.shell import command
from dstill.runs.run import Run
from dstill_sweep.parent_watch import exit_with_parent
from dstill_sweep.trials import COMMAND, complete

__all__ = ["ablate", "keep_option", "run_trial", "show_sweep", "split_option", "sweep", "trials_option"]

jobs_option = click.option("--jobs", type=Count(1, 256), default=1, help="Trials to run at the same time.")
trials_option = click.option(
    "--trials",
    type=Count(1, 10_000),
    help="Number of combinations that optuna chooses. Default: sweep.trials in the file.",
)
split_option = click.option(
    "--split", default="validation", metavar="SPLIT", help=f"Split that trials are scored on: {', '.join(SPLITS)}."
)


def keep_option(default: str) -> Callable[[F], F]:
    """``--keep-students``. `default`: whose weights are kept without it."""
    return click.option("--keep-students", is_flag=True, help=f"Keep the weights of all trials. Default: {default}.")


@click.command(cls=Command, examples=["dstill experiment sweep runs/mine space.toml --jobs 2"])
@run_argument
@click.argument("space", type=click.Path(path_type=Path))
@trials_option
@split_option
@jobs_option
@keep_option("those of the trials on the Pareto front of accuracy, memory and time")
@json_option
@set_option
@pass_app
def sweep(
    app: App, run: str, space: Path, trials: int | None, split: str, jobs: int, keep_students: bool, as_json: bool
) -> None:
    """Train and compare combinations of settings.

    SPACE is a TOML file. If it has only lists, all combinations are tried. If the number of trials is set,
    optuna chooses the combinations; a range needs that number:

    \b
      [space]
      train.modality = ["full", "lora", "qlora"]
      train.learning_rate = { low = 1e-4, high = 3e-3, log = true }
      alpha_per_rank = [1, 2, 4, 8]     # train.lora_alpha = that times train.r
      [sweep]
      trials = 20

    Each trial is a run in RUN/trials. The same command resumes an interrupted sweep.
    """  # noqa: D301 - click needs the character \b itself
    from dstill_sweep.space import read_space
    from dstill_sweep.sweeping import sweep as run_sweep

    opened = app.open(run)
    wanted = read_space(space, trials)
    with progress() as report:
        opened.progress = report
        facts = run_sweep(opened, wanted, split=split, jobs=jobs, keep=keep_students)
    show_sweep(opened, facts, as_json=as_json)


def show_sweep(run: Run, facts: Mapping[str, Any], *, as_json: bool) -> None:
    """Print the result of a sweep. Raises FailedItems if trials failed."""
    failed = [row for row in facts["trials"] if row["error"]]
    if as_json:
        emit({"run": str(run.folder), **facts})
    else:
        _table_of_sweep(facts)
        best = next(row for row in facts["trials"] if row["name"] == facts["best"])
        say(f"next: {_train(run, best['changes'])}")
    if failed:
        raise FailedItems(
            f"{len(failed)} of {len(facts['trials'])} trials failed",
            where=str(run.folder / "trials" / failed[0]["name"]),
            hint=f"{failed[0]['error']}; run the same command again to retry",
        )


@click.command(cls=Command, examples=["dstill experiment ablate runs/mine"])
@run_argument
@click.option(
    "--seeds",
    type=Count(1, 100),
    default=3,
    help="Number of seeds. Each seed takes three trainings.",
)
@click.option(
    "--split", default="test", metavar="SPLIT", help=f"Split that the objectives are compared on: {', '.join(SPLITS)}."
)
@jobs_option
@keep_option("none")
@json_option
@set_option
@pass_app
def ablate(app: App, run: str, seeds: int, split: str, jobs: int, keep_students: bool, as_json: bool) -> None:
    """Compare training with and without rationales.

    Trains the objective dss (Distilling Step-by-Step: rationale and answer) once, and label-only (answer alone) twice:
    with as many steps as dss, and with as many training sequences. dss makes two sequences of each record, so the
    second label-only training takes twice the steps. That is three trainings per seed: nine with --seeds 3. Each
    training is a run in RUN/trials. Run the same command again to continue.
    """
    from dstill_sweep.ablation import ablate as run_ablation

    opened = app.open(run)
    with progress() as report:
        opened.progress = report
        facts = run_ablation(opened, seeds=seeds, split=split, jobs=jobs, keep=keep_students)
    if as_json:
        emit({"run": str(opened.folder), **facts})
        return
    _show_ablation(facts)
    note(f"next: {command('report', opened.folder)} adds it to the report")


@click.command(COMMAND, cls=Command, hidden=True)
@run_argument
@click.option("--follow", "follows", is_flag=True, hidden=True, help="Exit when standard input closes.")
@click.option("--trusted", is_flag=True, hidden=True, help="The sweep has checked that the run's settings are trusted.")
@json_option
@pass_app
def run_trial(app: App, run: str, follows: bool, trusted: bool, as_json: bool) -> None:
    """Train and score one trial.

    A sweep runs this for each of its trials.
    """
    if follows:
        exit_with_parent()
    complete(Run.open(run, plugins=app.plugins, trusted=True) if trusted else app.open(run))
    if as_json:
        emit({"run": run})


def _train(run: Run, changes: Mapping[str, Any]) -> str:
    """The command that trains `run` with a trial's settings, and with the plugins and flags of the sweep."""
    return command_line(run.plugins.files, "train", run.folder, settings={**run.config.from_flags(), **changes})


def _table_of_sweep(facts: Mapping[str, Any]) -> None:
    from dstill_sweep.text import SWEEP, sweep_rows

    _table(SWEEP, sweep_rows(facts))
    say(
        "front: no other trial is at least as good in accuracy, memory and time. The trials were compared on "
        f"{facts['split']}: score the chosen one on another split."
    )


def _show_ablation(facts: Mapping[str, Any]) -> None:
    from dstill_sweep.text import ARMS, arm_rows, common_settings, comparison_sentence

    _table(ARMS, arm_rows(facts))
    say(common_settings(facts))
    for name, row in facts["comparisons"].items():
        say(f"dss against {name}: {comparison_sentence(row)}")


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[at]) for row in (columns, *rows)) for at in range(len(columns))]
    for row in (columns, *rows):
        numbers = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        say("  ".join((row[0].ljust(widths[0]), *numbers)).rstrip())
