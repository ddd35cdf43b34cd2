"""The command that trains. (`plan` comes from the plugin that trains.)"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, TypeVar

import click

from dstill.api.recipe import Recipe
from dstill.cli.console import emit, note, progress, say
from dstill.cli.groups import Command
from dstill.cli.options import (
    App,
    PartOption,
    app,
    json_option,
    run_argument,
    seed_option,
    set_option,
    setting,
    student_option,
)
from dstill.factory import kind_and_base
from dstill.io.shell import command
from dstill.runs.run import Run
from dstill.runtime import distributed

__all__ = ["note_other_recipe", "show_trained", "show_training", "train", "training_options"]


OPTIONS = (
    run_argument,
    student_option,
    setting("--objective", key="train.objective", cls=PartOption, parts="objectives", help="What it learns."),
    setting(
        "--modality",
        key="train.modality",
        cls=PartOption,
        parts="modalities",
        help="How much of the model is trained; auto: by the memory at hand.",
    ),
    click.option("--restart", is_flag=True, help="Begin anew, also where a checkpoint is."),
    click.option("--allow-changed", is_flag=True, help="Go on from a checkpoint though settings or data have changed."),
    click.option("--allow-unreviewed", is_flag=True, help="Train though no person has accepted enough of the dataset."),
    seed_option,
    json_option,
    set_option,
)
F = TypeVar("F", bound=Callable[..., Any])


def training_options(command: F) -> F:
    """What every command that trains is given: RUN, the recipe, and how it goes on."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@click.command(
    cls=Command,
    section="Pipeline",
    examples=["dstill train runs/mine", "dstill train runs/mine --student hf:Qwen/Qwen3-0.6B --modality lora"],
)
@training_options
@app
def train(found: App, run: str, restart: bool, allow_changed: bool, allow_unreviewed: bool, as_json: bool) -> None:
    """Fine-tune a student on the run's dataset.

    Answers of a model are to be seen by a person first: `dstill review RUN`. A training that was stopped,
    by Ctrl-C or by force, goes on from its newest whole checkpoint.
    """
    opened = found.open(run)
    if distributed.leads():
        note_other_recipe(found, run)
    with progress() as report:
        opened.progress = report
        facts = opened.train(restart=restart, allow_changed=allow_changed, allow_unreviewed=allow_unreviewed)
    if distributed.leads():
        show_trained(opened, facts, as_json=as_json)


# what `init` writes for a student that begins from nothing, and what another kind wants otherwise
SUITED = (
    "learning_rate",
    "per_device_train_batch_size",
    "num_train_epochs",
    "max_length",
    "max_target_length",
    "alpha",
)


def note_other_recipe(found: App, run: str | None) -> None:
    """Say which settings were written for a student that begins from nothing, where this call asks for another.

    Of `run`, or of the project where none is named.
    """
    asked = found.flags.get("train.student")
    default = found.plugins.default_student()
    if asked is None or not default or kind_and_base(found.plugins, asked)[0] == default:
        return
    plain = replace(found, flags={})
    own = (plain.open(run).config if run else plain.config()).settings.train
    if own.student not in ("", default):
        return
    usual = Recipe()
    kept = [
        (f"train.{name}", getattr(own, name), getattr(usual, name))
        for name in SUITED
        if getattr(own, name) != getattr(usual, name) and f"train.{name}" not in found.flags
    ]
    if kept:
        note(
            f"warning: {', '.join(f'{key} = {value}' for key, value, _ in kept)} were set for student '{default}'; "
            f"the defaults are {' '.join(f'--set {key}={value}' for key, _, value in kept)}"
        )


def show_trained(run: Run, facts: Any, *, as_json: bool) -> None:
    """The end of a command that trained `run`."""
    if as_json:
        emit({"run": str(run.folder), "last": _last(facts), **{k: v for k, v in facts.items() if k != "history"}})
        return
    show_training(facts)
    say(f"next: {command('evaluate', run.folder)}")


def _last(facts: Any) -> dict[str, float]:
    """The latest of each figure that training logged."""
    return {key: value for row in facts["history"] for key, value in row.items()}


def show_training(facts: Any) -> None:
    """What `Run.train` came to."""
    last = _last(facts)
    for reason in facts["choice"]:
        verdict = reason["unfit"] or ("chosen" if reason["modality"] == facts["modality"] else "fits")
        say(f"{reason['modality']:>8}: {reason['need'] / 2**30:.2f} GiB, {verdict}")
    say(
        f"{facts['student']}, {facts['objective']}, {facts['modality']}: {facts['steps']} steps in "
        f"{facts['student_seconds']:.0f} s, loss {last.get('loss', float('nan')):.4f}, "
        f"{facts['trained_parameters']:,} of {facts['all_parameters']:,} parameters trained, "
        f"peak {facts['peak_memory'] / 2**20:.0f} MiB"
    )
