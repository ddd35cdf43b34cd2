"""``dstill plan``: what each modality needs in memory, which one would be taken, and the line that trains.

    $ dstill plan --student hf:./llama-7b --vram 24GB
    modality     need       free  verdict  reason
    full      132.0 GiB  24.0 GiB  no       needs 132.0 GiB, 24.0 GiB free
    lora       26.8 GiB  24.0 GiB  no       needs 26.8 GiB, 24.0 GiB free
    qlora      17.6 GiB  24.0 GiB  chosen   activations 12.0, quantized weights 3.1, overhead 0.9
    dstill train RUN --student hf:./llama-7b --modality qlora

Works for a machine that is not this one (``--vram``); a hub id needs its configuration only.
"""

from __future__ import annotations

from typing import Any

import click

from dstill import hardware, making
from dstill.cli.app import App, app, json_option, set_option, setting
from dstill.cli.console import emit, table
from dstill.errors import UsageError
from dstill.making import make_student
from dstill.parts import Choice, Device, Modality, Reason, Recipe, Shape
from dstill.plugins import Plugins
from dstill_finetune.precision import resolved

__all__ = ["plan"]

GIB = 2**30


@click.command()
@setting("--student", key="train.student", metavar="KIND[:BASE]", help="As tiny, hf:FOLDER-or-id, or FILE.gguf.")
@click.option("--vram", metavar="SIZE", help="Plan for another machine's card, as 24GB.")
@setting("--batch", key="train.per_device_train_batch_size", type=int, help="Sequences a step.")
@setting("--length", key="train.max_length", type=int, help="Tokens of each.")
@setting("--modality", key="train.modality", metavar="NAME", help="Or auto: by memory.")
@json_option
@set_option
@app
def plan(found: App, vram: str | None, as_json: bool) -> None:
    """Memory of each modality, the one that would be taken, and why."""
    config = found.config()
    spec = config.settings.train.student
    device = hardware.planned_device(vram) if vram else hardware.device()
    shape = make_student(found.plugins, config, spec).shape()
    recipe = resolved(config.settings.train, device)
    choice = choose(found.plugins, list(making.modalities(found.plugins, config).values()), shape, recipe, device)
    command = _command(spec, choice, recipe, found.flags)
    if as_json:
        emit(
            {
                "student": spec,
                "shape": shape_row(shape),
                "device": {"name": device.name, "kind": device.kind, "total": device.total, "free": device.free},
                "batch": recipe.per_device_train_batch_size,
                "length": recipe.max_length,
                "precision": recipe.precision,
                "modalities": [_row(reason, choice) for reason in choice.reasons],
                "modality": choice.modality or None,
                "command": command or None,
            }
        )
    else:
        _show(spec, shape, recipe, device, choice, command)
    if not choice.modality:
        least = min(choice.reasons, key=lambda reason: reason.need.total)
        raise UsageError(
            f"no modality fits {device.name}",
            where=f"{least.modality} needs least: {_gib(least.need.total)}",
            hint="try --batch 1, a smaller --length, --set train.gradient_checkpointing=true, or a smaller student",
        )


def choose(plugins: Plugins, modalities: list[Modality], shape: Shape, recipe: Recipe, device: Device) -> Choice:
    """The hook's choice with every reason; modality "" where none fits, so that the table can still be shown."""
    reasons = tuple(
        Reason(
            modality=m.name,
            fullness=m.fullness,
            need=m.need(shape, recipe),
            unfit=m.unfit(shape, recipe, device) or "",
        )
        for m in sorted(modalities, key=lambda m: -m.fullness)
    )
    if recipe.modality != "auto":
        plugins.modality(recipe.modality)  # an unknown name is an error that lists the known
        asked = next(reason for reason in reasons if reason.modality == recipe.modality)
        return Choice(modality="" if asked.unfit else asked.modality, reasons=reasons)
    if all(reason.unfit for reason in reasons):
        return Choice(modality="", reasons=reasons)
    return plugins.select_modality(modalities, shape, recipe, device)


def shape_row(shape: Shape) -> dict[str, Any]:
    return {
        "architecture": shape.architecture,
        "parameters": shape.parameters,
        "layers": shape.layers,
        "hidden": shape.hidden,
        "vocabulary": shape.vocabulary,
    }


def _row(reason: Reason, choice: Choice) -> dict[str, Any]:
    return {
        "modality": reason.modality,
        "need": reason.need.total,
        "parts": dict(reason.need.parts),
        "fits": not reason.unfit,
        "chosen": reason.modality == choice.modality,
        "reason": reason.unfit,
    }


def _show(spec: str, shape: Shape, recipe: Recipe, device: Device, choice: Choice, command: str) -> None:
    click.echo(
        f"{spec}: {shape.architecture}, {shape.parameters:,} parameters; batch "
        f"{recipe.per_device_train_batch_size} × {recipe.max_length:,} tokens, {recipe.precision}"
        f"{', gradient checkpointing' if recipe.gradient_checkpointing else ''}, on {device.name}"
    )
    rows = []
    for reason in choice.reasons:
        verdict = "no" if reason.unfit else "chosen" if reason.modality == choice.modality else "fits"
        largest = sorted(reason.need.parts.items(), key=lambda part: -part[1])[:3]
        parts = ", ".join(f"{name.replace('_', ' ')} {size / GIB:.1f}" for name, size in largest)
        rows.append((reason.modality, _gib(reason.need.total), _gib(device.free), verdict, reason.unfit or parts))
    table(("modality", "#need", "#free", "verdict", "reason"), rows)
    if command:
        click.echo(command)


def _command(spec: str, choice: Choice, recipe: Recipe, flags: dict[str, Any]) -> str:
    """The line that trains what was planned."""
    if not choice.modality:
        return ""
    words = ["dstill train RUN", f"--student {spec}", f"--modality {choice.modality}"]
    shown = {"train.student", "train.modality"}
    words += [f"--set {key}={_toml(value)}" for key, value in flags.items() if key not in shown]
    return " ".join(words)


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB" if size >= GIB / 10 else f"{size / 2**20:.0f} MiB"
