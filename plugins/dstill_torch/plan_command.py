"""``dstill experiment plan``: the memory that each modality needs, which one would be chosen, and the training command.

    $ dstill experiment plan --student hf:./llama-7b --vram 24GB
    modality     need       free  verdict  reason
    full      115.6 GiB  24.0 GiB  no       needs 115.6 GiB, 23.5 GiB free beside 512 MiB of CUDA's own
    lora       24.6 GiB  24.0 GiB  no       needs 24.6 GiB, 23.5 GiB free …; fits in 14.1 GiB with …
    qlora      15.5 GiB  24.0 GiB  chosen   activations 11.2 GiB, quantized weights 3.1 GiB, …
    dstill train RUN --student hf:./llama-7b --modality qlora

``--vram 24GB,40GB`` plans for other machines: modalities × cards in one table. There, half a GiB of each card is
reserved for the CUDA context. Of a hub id, only configuration and tokenizer are downloaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import click

from dstill.answering import steps
from dstill.api.modality import Choice, ModalityFit, ModelSpec, reasons
from dstill.api.recipe import Device, Recipe
from dstill.cli.console import emit, note, say, table
from dstill.cli.groups import Command
from dstill.cli.options import App, PartOption, json_option, pass_app, set_option, setting, student_option
from dstill.cli.train import MODALITY, note_other_recipe
from dstill.config import Config, command_line
from dstill.errors import UsageError
from dstill.factory import Setup, choose_modality, modalities, student_spec
from dstill.io.units import size
from dstill.plugins import Plugins
from dstill.runs.run import Run
from dstill.runtime import hardware
from dstill.stages.train.presets import AppliedPreset, with_preset
from dstill_torch.fit_advice import fits_with
from dstill_torch.settings import resolved

__all__ = ["plan"]


@click.command(
    cls=Command,
    examples=[
        "dstill experiment plan runs/mine",
        "dstill experiment plan --student hf:Qwen/Qwen3-0.6B --vram 16GB,24GB",
    ],
)
@click.argument("run", metavar="[RUN]", required=False)
@student_option
@click.option(
    "--vram",
    metavar="SIZE[,SIZE…]",
    help="Plan for GPUs with this much memory, for example 24GB or 24GB,40GB,80GB. Default: this machine.",
)
@setting(
    "--batch-size",
    key="train.per_device_train_batch_size",
    type=int,
    help="Training records per batch. Without RUN: sequences per batch.",
)
@setting(
    "--max-length",
    key="train.max_length",
    type=int,
    help="Longer sequences are cut to this many tokens. Without RUN, every sequence has this many.",
)
@setting(
    "--modality",
    key="train.modality",
    cls=PartOption,
    parts="modalities",
    metavar="NAME",
    help=f"The one to choose; the others are estimated too. {MODALITY}",
)
@json_option
@set_option
@pass_app
def plan(app: App, run: str | None, vram: str | None, as_json: bool) -> None:
    """Estimate the memory of each modality, and show which one fits.

    A modality says which weights training changes, see --modality. With RUN, plans for a batch of the longest records
    of its training split, as many as --batch-size says. Without RUN, plans for a batch of --batch-size sequences of
    --max-length tokens. Without --vram, plans for the memory that is free on this machine.
    """
    devices = [hardware.planned_device(card) for card in vram.split(",")] if vram is not None else [hardware.device()]
    opened = app.open(run) if run else None
    config = opened.config if opened else app.config()
    spec = student_spec(app.plugins, config.settings)
    note_other_recipe(app, run)
    student = opened.student if opened else Setup(app.plugins, config).student
    chosen = config  # without the preset
    config, _ = with_preset(chosen, student)
    shape = _with_dataset(opened, config.settings.train) if opened else student.spec()
    installed = modalities(app.plugins, config).values()
    plans = []
    for device in devices:
        recipe = resolved(config.settings.train, device)
        choice = _choice(app.plugins, config, shape, recipe, device)
        advice = {m.name: fits_with(m, shape, recipe, device) for m in installed if _unfit(choice, m.name)}
        _, preset = with_preset(chosen, student, choice.modality)
        command = _command(run or "RUN", spec, choice, app)
        plans.append(Plan(device, recipe, choice, advice, command, preset))
    if as_json:
        rows = [_json(spec, shape, fit) for fit in plans]
        emit(rows[0] if len(rows) == 1 else {"student": spec, "plans": rows})
    else:
        _show_summary(spec, shape, plans)
        (_show if len(plans) == 1 else _compare)(plans)
    if not any(fit.choice.modality for fit in plans):
        least = min(plans[-1].choice.reasons, key=lambda reason: reason.memory_required.total)
        raise UsageError(
            f"no modality fits {' or '.join(fit.device.name for fit in plans)}",
            where=f"{least.modality} needs least: {size(least.memory_required.total)}",
            hint="try --batch-size 1, a smaller --max-length, --set train.gradient_checkpointing=true, "
            "or a smaller student",
        )


@dataclass(frozen=True)
class Plan:
    """The plan for one device."""

    device: Device
    recipe: Recipe
    choice: Choice
    advice: Mapping[str, str]  # modality that does not fit → what makes it fit (`dstill_torch.fit_advice`)
    command: str
    preset: AppliedPreset | None

    def verdict(self, reason: ModalityFit) -> str:
        return "no" if reason.unfit_reason else "chosen" if reason.modality == self.choice.modality else "fits"

    def why(self, reason: ModalityFit) -> str:
        """Why it does not fit and what would help; if it fits, its largest parts."""
        if reason.unfit_reason:
            return "; ".join(text for text in (reason.unfit_reason, self.advice.get(reason.modality)) if text)
        largest = sorted(reason.memory_required.parts.items(), key=lambda part: -part[1])[:3]
        return ", ".join(f"{name.replace('_', ' ')} {size(count)}" for name, count in largest)


def _with_dataset(run: Run, recipe: Recipe) -> ModelSpec:
    """The counts of the run's student, with the largest batch of its training records."""
    pairs = steps.pairs(run.objective, run.task, run.records("train"))
    texts = (text for row in pairs for pair in row for text in (pair.source, pair.target))
    shape = run.student.spec(texts)
    return replace(shape, batch=run.student.largest_batch(pairs, recipe)) if pairs else shape


def _unfit(choice: Choice, modality: str) -> bool:
    return any(reason.unfit_reason for reason in choice.reasons if reason.modality == modality)


def _choice(plugins: Plugins, config: Config, shape: ModelSpec, recipe: Recipe, device: Device) -> Choice:
    """The modality that training would use, with the fit of each; modality "" if it does not fit, or none does."""
    fits = reasons(modalities(plugins, config).values(), shape, recipe, device)
    unfit = {fit.modality for fit in fits if fit.unfit_reason}
    if recipe.modality == "auto" and len(unfit) == len(fits):
        return Choice(modality="", reasons=fits)
    _, choice = choose_modality(plugins, config, shape, device)
    if recipe.modality == "auto":
        return choice
    return Choice(modality="" if choice.modality in unfit else choice.modality, reasons=fits)


def shape_row(shape: ModelSpec) -> dict[str, Any]:
    """The counts that ``--json`` shows."""
    return {
        "architecture": shape.architecture,
        "parameters": shape.parameters,
        "layers": shape.layers,
        "hidden": shape.hidden,
        "vocabulary": shape.vocabulary,
    }


def _json(spec: str, shape: ModelSpec, fit: Plan) -> dict[str, Any]:
    device, recipe = fit.device, fit.recipe
    return {
        "student": spec,
        "shape": shape_row(shape),
        "device": {"name": device.name, "kind": device.kind, "total": device.total, "free": device.free},
        "batch": recipe.per_device_train_batch_size,
        "length": recipe.max_length,
        "precision": recipe.precision,
        "modalities": [_row(reason, fit) for reason in fit.choice.reasons],
        "modality": fit.choice.modality or None,
        "preset": None if fit.preset is None else asdict(fit.preset),
        "command": fit.command or None,
    }


def _row(reason: ModalityFit, fit: Plan) -> dict[str, Any]:
    return {
        "modality": reason.modality,
        "memory_required": reason.memory_required.total,
        "parts": dict(reason.memory_required.parts),
        "fits": not reason.unfit_reason,
        "chosen": reason.modality == fit.choice.modality,
        "unfit_reason": reason.unfit_reason,
        "fits_with": fit.advice.get(reason.modality, ""),
    }


def _show_summary(spec: str, shape: ModelSpec, plans: Sequence[Plan]) -> None:
    recipe = plans[0].recipe
    batch = f"batch {recipe.per_device_train_batch_size} × {recipe.max_length:,} tokens"
    if shape.batch is not None:
        sequences, tokens = shape.batch.source_shape
        target = (
            f", writes {shape.batch.target_shape[0]} × {shape.batch.target_shape[1]:,}" if shape.encoder_decoder else ""
        )
        batch = f"its largest batch reads {sequences} × {tokens:,} tokens{target}"
    say(
        f"{spec}: {shape.architecture}, {shape.parameters:,} parameters; {batch}, {recipe.precision}"
        f"{', gradient checkpointing' if recipe.gradient_checkpointing else ''}"
        f"{f', on {plans[0].device.name}' if len(plans) == 1 else ''}"
    )
    if shape.batch is None and recipe.objective == "dss" and recipe.label_weight < 1:
        note("dss makes two sequences per record: `dstill experiment plan RUN` counts those of the dataset")


def _show(plans: Sequence[Plan]) -> None:
    fit = plans[0]
    rows = [
        (r.modality, size(r.memory_required.total), size(fit.device.free), fit.verdict(r), fit.why(r))
        for r in fit.choice.reasons
    ]
    table(("modality", "#need", "#free", "verdict", "reason"), rows)
    if fit.preset is not None:
        say(str(fit.preset))
    if fit.command:
        say(fit.command)


def _compare(plans: Sequence[Plan]) -> None:
    """Modalities × cards, and the command for the smallest card that fits."""
    rows = [
        (size(fit.device.free), r.modality, size(r.memory_required.total), fit.verdict(r), fit.why(r))
        for fit in plans
        for r in fit.choice.reasons
    ]
    table(("#card", "modality", "#need", "verdict", "reason"), rows)
    fitting = [fit for fit in plans if fit.choice.modality]
    if fitting:
        smallest = min(fitting, key=lambda fit: fit.device.free)
        if smallest.preset is not None:
            say(str(smallest.preset))
        say(f"on {smallest.device.name}:")
        say(smallest.command)


def _command(run: str, spec: str, choice: Choice, app: App) -> str:
    """The command that trains as planned."""
    if not choice.modality:
        return ""
    words = ("train", run, "--student", spec, "--modality", choice.modality)
    settings = {key: value for key, value in app.flags.items() if key not in ("train.student", "train.modality")}
    return command_line(
        app.plugins.files, *words, settings=settings
    )  # with plugin files, which the modality may be from
