"""Training with torch, for students of any architecture, and ``dstill experiment plan``.

A student derives from `student.TorchStudent`, encodes its records as a `dataset.Dataset`, has batches (`batches`) and
token losses (`loss`) of its own, and trains with `training`. torch, transformers, peft and bitsandbytes are imported
when a student is first used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from dstill import hookimpl

if TYPE_CHECKING:
    import click

    from dstill.api.modality import Choice, Modality, ModelSpec
    from dstill.api.part import Declaration
    from dstill.api.recipe import Device, Recipe

__all__ = ["register_commands", "register_modalities", "register_objectives", "select_modality"]


@hookimpl
def register_objectives() -> Iterable[Declaration]:
    """The objectives ``dss``, ``label-only`` and ``rationale-first``."""
    from dstill_torch.declarations import DSS, LABEL_ONLY, RATIONALE_FIRST

    return [DSS, LABEL_ONLY, RATIONALE_FIRST]


@hookimpl
def register_modalities() -> Iterable[Declaration]:
    """The modalities ``full``, ``lora`` and ``qlora``."""
    from dstill_torch.declarations import FULL, LORA, QLORA

    return [FULL, LORA, QLORA]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Adds ``dstill experiment plan``."""
    from dstill.cli.groups import LazyCommand

    summary = "Estimate the memory of each modality, and show which one fits."
    cli.add_command(LazyCommand("experiment plan", "dstill_torch.plan_command:plan", summary))


@hookimpl
def select_modality(
    modalities: Sequence[Modality], student: ModelSpec, recipe: Recipe, device: Device
) -> Choice | None:
    """The choice of ``train.auto_modality``; None: the core chooses."""
    from dstill_torch import recipe_rule

    return recipe_rule.select_modality(modalities, student, recipe, device)
