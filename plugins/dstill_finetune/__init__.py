"""Fine-tuning: the students `tiny` and `hf`, three objectives, three modalities and ``dstill experiment plan``.

torch, transformers, peft and bitsandbytes are imported when a student is first used.
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

__all__ = [
    "register_commands",
    "register_modalities",
    "register_objectives",
    "register_students",
    "select_modality",
]


@hookimpl
def register_students() -> Iterable[Declaration]:
    """The students ``tiny`` and ``hf``."""
    from dstill_finetune.declarations import HF, TINY

    return [TINY, HF]


@hookimpl
def register_objectives() -> Iterable[Declaration]:
    """The objectives ``dss``, ``label-only`` and ``rationale-first``."""
    from dstill_finetune.declarations import DSS, LABEL_ONLY, RATIONALE_FIRST

    return [DSS, LABEL_ONLY, RATIONALE_FIRST]


@hookimpl
def register_modalities() -> Iterable[Declaration]:
    """The modalities ``full``, ``lora`` and ``qlora``."""
    from dstill_finetune.declarations import FULL, LORA, QLORA

    return [FULL, LORA, QLORA]


@hookimpl
def register_commands(cli: click.Group) -> None:
    """Adds ``dstill experiment plan``."""
    from dstill.cli.groups import LazyCommand

    summary = "Estimate the memory of each modality, and show which one fits."
    cli.add_command(LazyCommand("experiment plan", "dstill_finetune.plan_command:plan", summary))


@hookimpl
def select_modality(
    modalities: Sequence[Modality], student: ModelSpec, recipe: Recipe, device: Device
) -> Choice | None:
    """What ``train.auto_modality`` says; None: the core chooses."""
    from dstill_finetune import recipe_rule

    return recipe_rule.select_modality(modalities, student, recipe, device)
