"""The command `train`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from dstill.api.recipe import Recipe
from dstill.cli.console import emit, note, progress, say
from dstill.cli.groups import Command
from dstill.cli.options import (
    App,
    F,
    PartOption,
    json_option,
    pass_app,
    run_argument,
    seed_option,
    set_option,
    setting,
    student_option,
)
from dstill.config import Config, command_line
from dstill.factory import kind_and_base, make_student, student_spec
from dstill.plugins import Plugins
from dstill.runs.run import Run
from dstill.runtime import distributed

__all__ = ["MODALITY", "note_other_recipe", "show_trained", "show_training", "train", "training_options"]

MODALITY = "Which weights are trained. auto: the most that fit the available memory."
OPTIONS = (
    run_argument,
    student_option,
    setting(
        "--objective",
        key="train.objective",
        cls=PartOption,
        parts="objectives",
        metavar="NAME",
        help="What the student learns to write.",
    ),
    setting(
        "--modality",
        key="train.modality",
        cls=PartOption,
        parts="modalities",
        metavar="NAME",
        help=MODALITY,
    ),
    click.option(
        "--restart", is_flag=True, help="Train from the start, even if the run is trained or has a checkpoint."
    ),
    click.option(
        "--resume-with-changes", is_flag=True, help="Resume from a checkpoint even if settings or data have changed."
    ),
    click.option(
        "--allow-unreviewed", is_flag=True, help="Train even if the dataset needs a review and has not passed it."
    ),
    seed_option,
    json_option,
    set_option,
)


def training_options(command: F) -> F:
    """The arguments and options of every command that trains: RUN, the recipe, and how to resume."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@click.command(
    cls=Command,
    section="Pipeline",
    examples=["dstill train runs/mine", "dstill train runs/mine --student hf:Qwen/Qwen3-0.6B --modality lora"],
)
@training_options
@pass_app
def train(app: App, run: str, restart: bool, resume_with_changes: bool, allow_unreviewed: bool, as_json: bool) -> None:
    """Fine-tune a student on the dataset of a run.

    A dataset that a model wrote must pass a review first: `dstill data review RUN`. A dataset of the teacher synthetic
    or replay needs none. A stopped training resumes from its last complete checkpoint. A run that is trained already is
    only trained again with --restart.
    """
    opened = app.open(run)
    if distributed.is_main():
        note_other_recipe(app, run)
    with progress() as report:
        opened.progress = report
        facts = opened.train(
            restart=restart, resume_with_changes=resume_with_changes, allow_unreviewed=allow_unreviewed
        )
    if distributed.is_main():
        show_trained(opened, facts, as_json=as_json)


# Settings that `init` writes for a task's data besides the recipe of the student, and that do not suit other kinds.
SIZE_KEYS = (
    "train.learning_rate",
    "train.per_device_train_batch_size",
    "train.num_train_epochs",
    "train.max_length",
    "train.max_target_length",
    "train.label_weight",
)


def note_other_recipe(app: App, run: str | None) -> None:
    """Warn about settings for the student of a run or project, if this call names another kind that trains differently.

    The settings are those of `run`, or of the project if None.
    """
    plugins, student = app.plugins, app.flags.get("train.student")
    if student is None:
        return
    recipe = plugins.student(kind_and_base(plugins, student)[0]).recipe  # an unknown kind is an error
    plain = replace(app, flags={})
    config = plain.open(run).config if run else plain.config()
    settings = config.settings
    before = student_spec(plugins, settings)
    kind, _ = kind_and_base(plugins, before)
    if kind not in plugins.names("students") or kind == kind_and_base(plugins, student)[0]:
        return
    suited = plugins.student(kind).recipe
    if not suited:
        return
    keys = dict.fromkeys([*SIZE_KEYS, *suited])
    default = {key: getattr(Recipe(), key.removeprefix("train.")) for key in keys}
    preset = _preset_of(plugins, config, student)
    usual = {key: recipe.get(key, preset.get(key, default[key])) for key in keys}
    own = {key: getattr(settings.train, key.removeprefix("train.")) for key in keys}
    own_keys = [key for key in keys if own[key] != usual[key] and key in config.chosen and key not in app.flags]
    if own_keys:
        note(
            f"warning: {', '.join(f'{key} = {own[key]}' for key in own_keys)} were set for student '{before}'; "
            f"the defaults are {' '.join(f'--set {key}={usual[key]}' for key in own_keys)}"
        )


def _preset_of(plugins: Plugins, config: Config, spec: str) -> dict[str, Any]:
    """The preset of the student `spec`, by dotted key; for an adapter, if it depends on a modality that is auto."""
    recipe = config.settings.train
    modality = "lora" if recipe.modality == "auto" else recipe.modality
    preset = make_student(plugins, config, spec).preset(recipe, modality)
    return {} if preset is None else {f"train.{key}": value for key, value in preset.recipe.items()}


def show_trained(run: Run, facts: Any, *, as_json: bool) -> None:
    """Show the result of training `run`, and the next command."""
    if as_json:
        emit({"run": str(run.folder), "last": _last(facts), **{k: v for k, v in facts.items() if k != "history"}})
        return
    show_training(facts)
    say(f"next: {command_line(run.plugins.files, 'evaluate', run.folder)}")


def _last(facts: Any) -> dict[str, float]:
    """The last value of each figure that training logged."""
    return {key: value for row in facts["history"] for key, value in row.items()}


def show_training(facts: Any) -> None:
    """Show the result of `Run.train`."""
    last = _last(facts)
    for reason in facts["choice"]:
        verdict = reason["unfit_reason"] or ("chosen" if reason["modality"] == facts["modality"] else "fits")
        say(f"{reason['modality']:>8}: {reason['memory_required'] / 2**30:.2f} GiB, {verdict}")
    told = [f"{facts['steps']} steps in {facts['training_seconds']:.0f} s"]
    if "loss" in last:  # a student without weights has none
        told.append(f"loss {last['loss']:.4f}")
    if facts["all_parameters"]:
        told.append(f"{facts['trained_parameters']:,} of {facts['all_parameters']:,} parameters trained")
    if facts["peak_memory"]:
        told.append(f"peak {facts['peak_memory'] / 2**20:.0f} MiB")
    say(f"{facts['student']}, {facts['objective']}, {facts['modality']}: {', '.join(told)}")
